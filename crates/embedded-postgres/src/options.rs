//! What a caller can ask for.

use std::env;
use std::path::PathBuf;

/// Where the server lives and how it behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// The program's data folder, created when absent. Everything of the server lives in its subfolder `postgres`:
    /// the cluster, the socket, the log, the locks, downloaded binaries. Other files beside it are left alone.
    pub data_dir: PathBuf,
    /// The folder with `postgres` and `initdb`. `None` searches the places where packages put them.
    pub bin_dir: Option<PathBuf>,
    /// The database to connect to; created when absent.
    pub database: String,
    /// Linux only: the kernel stops the server as soon as the program that started it is gone, even by `kill -9`, and
    /// even while others are attached. Elsewhere it has no effect.
    pub die_with_parent: bool,
    /// Whether commits survive a power cut (`fsync`, `full_page_writes`). `false` is for tests alone; commits survive
    /// the death of any process either way.
    pub durable: bool,
    /// Further settings, given to the server on its command line when it is started here. They win over this crate's.
    pub extra_settings: Vec<(String, String)>,
    /// Whether binaries are downloaded into the data folder when this machine has none.
    pub allow_download: bool,
}

impl Options {
    /// The server of this data folder: durable, outliving a crash of its program, with the database `postgres`,
    /// downloading binaries when there are none.
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

/// The usual data folder of `gazelle-sync` for whoever runs this program: `/var/lib/gazelle-sync` for root, whose home
/// the server's account could not enter; else `gazelle-sync` in the user's data folder (`XDG_DATA_HOME` or
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
        // An account without a home: a place that survives a restart, one per user.
        None => PathBuf::from(format!("/var/tmp/{NAME}-{}", rustix::process::geteuid().as_raw())),
    }
}
