//! The files that are installed, as the archive and the package arrange them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::release::output;

/// The documents of the repository that are installed.
const DOCUMENTS: [&str; 5] = ["README.md", "README.fr.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];

/// What is installed.
pub(super) struct Content<'a> {
    pub(super) root: &'a Path,
    pub(super) program: &'a Path,
    pub(super) pages: &'a Pages,
}

/// What a program says of itself.
pub(super) struct Pages {
    /// Shell, file name, script.
    completions: Vec<(&'static str, &'static str, Vec<u8>)>,
    /// File name and page.
    manual: Vec<(String, Vec<u8>)>,
}

impl Pages {
    /// Asks the program, which must run on this machine, for its completions and manual pages.
    pub(super) fn of(program: &Path) -> Result<Pages> {
        let program = program.canonicalize().with_context(|| format!("looking for {}", program.display()))?;
        let shells = [("bash", "gazelle-sync"), ("zsh", "_gazelle-sync"), ("fish", "gazelle-sync.fish")];
        let completions = shells
            .into_iter()
            .map(|(shell, file)| {
                Ok((shell, file, output(Command::new(&program).args(["completions", shell]))?))
            })
            .collect::<Result<_>>()?;
        let pages = tempfile::tempdir()?;
        output(Command::new(&program).args(["man", "--dir"]).arg(pages.path()))?;
        let mut manual = Vec::new();
        for page in fs::read_dir(pages.path())? {
            let page = page?;
            manual.push((page.file_name().to_string_lossy().into_owned(), fs::read(page.path())?));
        }
        manual.sort();
        Ok(Pages { completions, manual })
    }
}

impl Content<'_> {
    /// Writes the layout of the archive: one folder.
    pub(super) fn archive_tree(&self, at: &Path) -> Result<()> {
        put(&at.join("gazelle-sync"), &fs::read(self.program)?, 0o755)?;
        for (_, file, script) in &self.pages.completions {
            put(&at.join("completions").join(file), script, 0o644)?;
        }
        for (file, page) in &self.pages.manual {
            put(&at.join("man").join(file), page, 0o644)?;
        }
        for document in DOCUMENTS {
            self.copy(document, &at.join(document))?;
        }
        self.copy("ops/systemd/gazelle-sync.service", &at.join("gazelle-sync.service"))
    }

    /// Writes the layout of a Debian system.
    pub(super) fn system_tree(&self, at: &Path) -> Result<()> {
        put(&at.join("usr/bin/gazelle-sync"), &fs::read(self.program)?, 0o755)?;
        for (shell, file, script) in &self.pages.completions {
            let folder = match *shell {
                "bash" => "usr/share/bash-completion/completions",
                "zsh" => "usr/share/zsh/vendor-completions",
                _ => "usr/share/fish/vendor_completions.d",
            };
            put(&at.join(folder).join(file), script, 0o644)?;
        }
        for (file, page) in &self.pages.manual {
            let plain = at.join("usr/share/man/man1").join(file);
            put(&plain, page, 0o644)?;
            output(Command::new("gzip").args(["-9", "--no-name"]).arg(&plain))?;
        }
        for document in DOCUMENTS {
            self.copy(document, &at.join("usr/share/doc/gazelle-sync").join(document))?;
        }
        let unit = fs::read_to_string(self.root.join("ops/systemd/gazelle-sync.service"))?;
        let unit = unit.replace("/usr/local/bin/gazelle-sync", "/usr/bin/gazelle-sync");
        put(&at.join("usr/lib/systemd/system/gazelle-sync.service"), unit.as_bytes(), 0o644)
    }

    fn copy(&self, from: &str, to: &Path) -> Result<()> {
        let content = fs::read(self.root.join(from)).with_context(|| format!("reading {from}"))?;
        put(to, &content, 0o644)
    }
}

/// Writes a file with exactly these rights, in folders that everybody may enter, whatever the umask is.
pub(super) fn put(file: &Path, content: &[u8], rights: u32) -> Result<()> {
    let folder = file.parent().context("a file is in a folder")?;
    for above in folder.ancestors().collect::<Vec<_>>().into_iter().rev() {
        if !above.exists() {
            fs::create_dir(above).with_context(|| format!("creating {}", above.display()))?;
            fs::set_permissions(above, fs::Permissions::from_mode(0o755))?;
        }
    }
    fs::write(file, content).with_context(|| format!("writing {}", file.display()))?;
    Ok(fs::set_permissions(file, fs::Permissions::from_mode(rights))?)
}
