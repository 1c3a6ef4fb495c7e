//! What is installed without a compiler: an archive, a Debian package and a container image for each processor, their checksums,
//! and a list of what is inside (SBOM). Two builds of one commit with one compiler give the same bytes.

mod deb;
mod image;
mod program;
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

use program::Build;
use release::{Release, output};
use tree::{Content, Pages};

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
    let (builds, mut not_built) = match &args.program {
        Some(program) => {
            (vec![Build::given(program)], vec!["static programs: --program was given".to_owned()])
        }
        None => program::build_all(&root)?,
    };
    let release = Release { version: env!("CARGO_PKG_VERSION"), epoch: epoch(&root)? };
    fs::create_dir_all(&args.out).with_context(|| format!("creating {}", args.out.display()))?;

    let mut built = Vec::new();
    // The first one runs on this machine, and says what the others would.
    let pages = Pages::of(&builds[0].program)?;
    for build in &builds {
        let content = Content { root: &root, program: &build.program, pages: &pages };
        built.push(archive(&content, &release, build, &args.out)?);
        match deb::build(&content, &release, build, &args.out)? {
            Some(package) => built.push(package),
            None => not_built.push("a Debian package: dpkg-deb is not here".to_owned()),
        }
        match image::build(&content, &release, build, &args.out)? {
            Ok(image) => built.push(image),
            Err(why) => not_built.push(format!("a container image for {}: {why}", build.architecture)),
        }
    }
    let list = format!("gazelle-sync-{}.cdx.json", release.version);
    fs::write(args.out.join(&list), sbom::write(&root, &release)?)?;
    built.push(list);
    let sums = output(Command::new("sha256sum").args(&built).current_dir(&args.out))?;
    fs::write(args.out.join("SHA256SUMS"), &sums)?;

    for file in &built {
        println!("{:>12} bytes  {file}", fs::metadata(args.out.join(file))?.len());
    }
    println!(
        "{:>12} bytes  the program alone, which starts in {:?}",
        fs::metadata(&builds[0].program)?.len(),
        start_time(&builds[0].program)?
    );
    println!("checksums in {}", args.out.join("SHA256SUMS").display());
    for what in not_built {
        println!("not built: {what}");
    }
    Ok(())
}

/// Writes the archive of a program. Returns its file name.
fn archive(content: &Content<'_>, release: &Release, build: &Build, out: &Path) -> Result<String> {
    let name = format!("gazelle-sync-{}-{}-{}", release.version, build.architecture, build.system);
    let staged = tempfile::tempdir()?;
    content.archive_tree(&staged.path().join(&name))?;
    let archive = format!("{name}.tar.gz");
    pack(release, staged.path(), &name, &out.join(&archive))?;
    Ok(archive)
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
