//! Options of a server, and the default data folder.

use std::env;
use std::path::PathBuf;

/// Where the server's files are and how it behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// The program's data folder, created if absent. All the server's files are in its subfolder `postgres`: the
    /// cluster, the socket, the log, the locks, downloaded binaries. Other files beside it are not touched.
    pub data_dir: PathBuf,
    /// The folder with `postgres` and `initdb`. `None` searches the places where packages install them.
    pub bin_dir: Option<PathBuf>,
    /// The database to connect to; created if absent.
    pub database: String,
    /// Linux only: the kernel stops the server as soon as the program that started it ends, even by `kill -9`, and
    /// even while others are attached. No effect on other systems.
    pub die_with_parent: bool,
    /// Whether commits survive a power failure (`fsync`, `full_page_writes`). Set `false` only in tests; commits
    /// survive the death of any process either way.
    pub durable: bool,
    /// Further settings, passed on the command line if the server is started here. They override this crate's.
    pub extra_settings: Vec<(String, String)>,
    /// Whether binaries are downloaded into the data folder if this machine has none.
    pub allow_download: bool,
}

impl Options {
    /// Options for this data folder: durable, surviving a crash of its program, with the database `postgres`,
    /// downloading binaries if there are none.
    pub fn new(data_dir: impl Into<PathBuf>) -> Options {
        Options {
            data_dir: data_dir.into(),
            bin_dir: None,
            database: "postgres".to_owned(),
            die_with_parent: false,
            durable: true,
            extra_settings: Vec::new(),
            allow_download: true,
        }
    }
}

/// The default data folder of `gazelle-sync` for the current user: `/var/lib/gazelle-sync` for root, whose home the
/// server's account could not enter; otherwise `gazelle-sync` in the user's data folder (`XDG_DATA_HOME` or
/// `~/.local/share`; `~/Library/Application Support` on macOS).
pub fn default_data_dir() -> PathBuf {
    const NAME: &str = "gazelle-sync";
    if rustix::process::geteuid().is_root() {
        return PathBuf::from("/var/lib").join(NAME);
    }
    let folder = |variable| env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let parent = if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        folder("XDG_DATA_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/share")))
    };
    match parent {
        Some(parent) => parent.join(NAME),
        // An account without a home: a place per user that survives a restart.
        None => PathBuf::from(format!("/var/tmp/{NAME}-{}", rustix::process::geteuid().as_raw())),
    }
}
