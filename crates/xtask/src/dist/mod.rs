//! What is installed without a compiler: an archive and a Debian package of the release build, their checksums, and a
//! list of what is inside (SBOM). Two builds of one commit with one compiler give the same bytes.

mod deb;
mod release;
mod sbom;
mod tree;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;

use release::{Release, output};

/// Flags of `dist`.
#[derive(Debug, Args)]
pub struct DistArgs {
    /// Folder for the files, which is created
    #[arg(long, default_value = "target/dist")]
    out: PathBuf,
    /// A program that was built before, instead of a release build
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

/// How often the program is started to time it.
const STARTS: usize = 11;

/// Builds the files of a release, and prints what was built and what was not.
pub fn run(args: &DistArgs) -> Result<()> {
    ensure!(cfg!(all(target_os = "linux", target_env = "gnu")), "releases are built on Linux with glibc");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let program = match &args.program {
        Some(program) => program.clone(),
        None => release_build(&root)?,
    };
    let release = Release { version: env!("CARGO_PKG_VERSION"), epoch: epoch(&root)? };
    fs::create_dir_all(&args.out).with_context(|| format!("creating {}", args.out.display()))?;
    let name = format!("gazelle-sync-{}-{}-linux-gnu", release.version, std::env::consts::ARCH);

    let staged = tempfile::tempdir()?;
    let content = tree::Content::of(&root, &program)?;
    let folder = staged.path().join(&name);
    content.archive_tree(&folder)?;
    let archive = format!("{name}.tar.gz");
    pack(&release, staged.path(), &name, &args.out.join(&archive))?;

    let mut built = vec![archive];
    let mut not_built = Vec::new();
    match deb::build(&content, &release, &args.out)? {
        Some(package) => built.push(package),
        None => not_built.push("a Debian package: dpkg-deb is not here".to_owned()),
    }
    let list = format!("gazelle-sync-{}.cdx.json", release.version);
    fs::write(args.out.join(&list), sbom::write(&root, &release)?)?;
    built.push(list);
    let sums = output(Command::new("sha256sum").args(&built).current_dir(&args.out))?;
    fs::write(args.out.join("SHA256SUMS"), &sums)?;
    not_built.push(
        "static programs (musl), and programs for arm64: this command does not build them yet".to_owned(),
    );
    not_built.push(
        "a container image: it needs a static program; ops/container/Containerfile builds one".to_owned(),
    );

    for file in &built {
        println!("{:>12} bytes  {file}", fs::metadata(args.out.join(file))?.len());
    }
    println!(
        "{:>12} bytes  the program alone, which starts in {:?}",
        fs::metadata(&program)?.len(),
        start_time(&program)?
    );
    println!("checksums in {}", args.out.join("SHA256SUMS").display());
    for what in not_built {
        println!("not built: {what}");
    }
    Ok(())
}

fn release_build(root: &Path) -> Result<PathBuf> {
    // Without this, the messages of panics would contain paths that differ from one machine to the next.
    let cargo_home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(std::env::home_dir()?.join(".cargo")))
        .context("no home directory: set CARGO_HOME")?;
    let flags = format!(
        "--remap-path-prefix={}=. --remap-path-prefix={}=cargo",
        root.canonicalize()?.display(),
        cargo_home.display()
    );
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--locked", "-p", "gazelle-sync"]).current_dir(root);
    if std::env::var_os("RUSTFLAGS").is_none() {
        cargo.env("RUSTFLAGS", flags);
    }
    // A folder of its own: other flags would make the usual build start over.
    let target = root.join("target/dist-build");
    let ended = cargo.env("CARGO_TARGET_DIR", &target).status().context("starting cargo")?;
    ensure!(ended.success(), "cargo build failed");
    Ok(target.join("release/gazelle-sync"))
}

/// `SOURCE_DATE_EPOCH`, or the time of the commit.
fn epoch(root: &Path) -> Result<String> {
    if let Ok(set) = std::env::var("SOURCE_DATE_EPOCH") {
        return Ok(set);
    }
    let time = output(Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(root))
        .context("set SOURCE_DATE_EPOCH where there is no git history")?;
    Ok(String::from_utf8(time)?.trim().to_owned())
}

/// A `.tar.gz` of the folder `name` below `at`: in the order of names, without owners, times or a name of its own.
fn pack(release: &Release, at: &Path, name: &str, to: &Path) -> Result<()> {
    let tar = output(
        Command::new("tar")
            .args(["--create", "--sort=name", "--format=gnu", "--owner=0", "--group=0", "--numeric-owner"])
            .arg(format!("--mtime=@{}", release.epoch))
            .args(["--directory".as_ref(), at.as_os_str(), OsStr::new(name)]),
    )?;
    let whole = at.join("whole.tar");
    fs::write(&whole, tar)?;
    let packed = output(Command::new("gzip").args(["-9", "--no-name", "--stdout"]).arg(&whole))?;
    fs::write(to, packed).with_context(|| format!("writing {}", to.display()))
}

/// The median of some starts.
fn start_time(program: &Path) -> Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let begun = Instant::now();
        output(Command::new(program).arg("--version"))?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok(times[STARTS / 2])
}
