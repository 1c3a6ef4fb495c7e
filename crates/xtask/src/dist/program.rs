//! The programs of a release: static ones where a compiler for them is installed, otherwise that of this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::release::output;

/// A program that was built.
pub(super) struct Build {
    pub(super) program: PathBuf,
    /// As `uname -m` names it.
    pub(super) architecture: &'static str,
    /// `linux-musl` for a static program, otherwise `linux-gnu`.
    pub(super) system: &'static str,
}

impl Build {
    /// A program that is given instead of a build, for this machine.
    pub(super) fn given(program: &Path) -> Build {
        Build { program: program.to_owned(), architecture: std::env::consts::ARCH, system: "linux-gnu" }
    }

    /// Whether it needs no library of the system.
    pub(super) fn is_static(&self) -> bool {
        self.system == "linux-musl"
    }

    /// As Debian and container images name its architecture.
    pub(super) fn debian_architecture(&self) -> &'static str {
        match self.architecture {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        }
    }
}

/// How a static program is built.
struct StaticTarget {
    triple: &'static str,
    architecture: &'static str,
    /// The variable that names the compiler of libraries in C, the compiler, and the Debian package that has it.
    c_compiler: (&'static str, &'static str, &'static str),
}

const STATIC: [StaticTarget; 1] = [StaticTarget {
    triple: "x86_64-unknown-linux-musl",
    architecture: "x86_64",
    c_compiler: ("CC_x86_64_unknown_linux_musl", "musl-gcc", "musl-tools"),
}];

/// What no installed compiler builds.
const NOT_BUILT: &str =
    "a program for arm64: aws-lc needs a C compiler with musl for it, which Debian does not package";

impl StaticTarget {
    /// What is missing to build it, as the command that installs it.
    fn missing(&self) -> Result<Option<String>> {
        let sysroot = String::from_utf8(output(Command::new("rustc").args(["--print", "sysroot"]))?)?;
        let (_, compiler, package) = self.c_compiler;
        let mut missing = Vec::new();
        if !Path::new(sysroot.trim()).join("lib/rustlib").join(self.triple).join("lib").is_dir() {
            missing.push(format!("rustup target add {}", self.triple));
        }
        if output(Command::new(compiler).arg("--version")).is_err() {
            missing.push(format!("apt-get install {package}"));
        }
        Ok((!missing.is_empty()).then(|| missing.join("; ")))
    }
}

/// Builds every program that can be built here, one that runs on this machine first. Returns also what cannot be built, and
/// the commands after which it can.
pub(super) fn build_all(root: &Path) -> Result<(Vec<Build>, Vec<String>)> {
    let (mut builds, mut not_built) = (Vec::new(), vec![NOT_BUILT.to_owned()]);
    for target in STATIC {
        if let Some(missing) = target.missing()? {
            not_built.push(format!("a static program for {}: {missing}", target.architecture));
            continue;
        }
        let program = cargo_build(root, Some(&target))?;
        builds.push(Build { program, architecture: target.architecture, system: "linux-musl" });
    }
    let runs_here = |build: &Build| build.architecture == std::env::consts::ARCH;
    if !builds.iter().any(runs_here) {
        builds.push(Build::given(&cargo_build(root, None)?));
    }
    builds.sort_by_key(|build| !runs_here(build));
    Ok((builds, not_built))
}

fn cargo_build(root: &Path, target: Option<&StaticTarget>) -> Result<PathBuf> {
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
    let folder = root.join("target/dist-build");
    cargo.env("CARGO_TARGET_DIR", &folder);
    let mut built = folder.clone();
    if let Some(target) = target {
        let (variable, compiler, _) = target.c_compiler;
        cargo.args(["--target", target.triple]).env(variable, compiler);
        built.push(target.triple);
    }
    let ended = cargo.status().context("starting cargo")?;
    ensure!(ended.success(), "cargo build failed");
    Ok(built.join("release/gazelle-sync"))
}
