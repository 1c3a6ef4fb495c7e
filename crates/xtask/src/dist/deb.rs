//! The Debian package: the program, its unit, and a settings file of its own below `/etc`, which an upgrade leaves alone.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::program::Build;
use super::release::{Release, output};
use super::tree::{Content, put};

/// The settings as they are installed.
const SETTINGS: &str = include_str!("gazelle-sync.toml");
const SETTINGS_AT: &str = "etc/gazelle-sync/gazelle-sync.toml";

/// After it is unpacked: systemd reads the unit. It is not started: it has no key and no database yet.
const AFTER_INSTALL: &str = "#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl try-restart gazelle-sync.service
fi
";
/// Before it is removed, and not before an upgrade, which restarts it.
const BEFORE_REMOVAL: &str = "#!/bin/sh
set -e
if [ \"$1\" = remove ] && [ -d /run/systemd/system ]; then
    systemctl disable --now gazelle-sync.service
fi
";
const AFTER_REMOVAL: &str = "#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
";

/// Builds the package. Returns its file name; none where the tool for it is missing.
pub(super) fn build(
    content: &Content<'_>,
    release: &Release,
    build: &Build,
    out: &Path,
) -> Result<Option<String>> {
    if output(Command::new("dpkg-deb").arg("--version")).is_err() {
        return Ok(None);
    }
    let architecture = build.debian_architecture();
    let libraries = match build.is_static() {
        true => String::new(),
        false => {
            // "glibc 2.36": what was linked here needs no newer one, and may need this one.
            let libc = String::from_utf8(output(Command::new("getconf").arg("GNU_LIBC_VERSION"))?)?;
            format!("libc6 (>= {}), libgcc-s1, ", libc.trim().trim_start_matches("glibc "))
        }
    };
    let staged = tempfile::tempdir()?;
    let at = staged.path().join("package");
    content.system_tree(&at)?;
    put(&at.join(SETTINGS_AT), SETTINGS.as_bytes(), 0o644)?;
    put(&at.join("DEBIAN/control"), control(release, architecture, &libraries).as_bytes(), 0o644)?;
    put(&at.join("DEBIAN/conffiles"), format!("/{SETTINGS_AT}\n").as_bytes(), 0o644)?;
    for (script, text) in [("postinst", AFTER_INSTALL), ("prerm", BEFORE_REMOVAL), ("postrm", AFTER_REMOVAL)]
    {
        put(&at.join("DEBIAN").join(script), text.as_bytes(), 0o755)?;
    }
    let name = format!("gazelle-sync_{}_{architecture}.deb", release.version);
    output(
        Command::new("dpkg-deb")
            .args(["--root-owner-group", "-Zxz", "--build"])
            .args([&at, &out.join(&name)])
            .env("SOURCE_DATE_EPOCH", &release.epoch),
    )?;
    Ok(Some(name))
}

fn control(release: &Release, architecture: &str, libraries: &str) -> String {
    let version = release.version;
    format!(
        "Package: gazelle-sync
Version: {version}
Architecture: {architecture}
Maintainer: gazelle-sync <maintainers@example.org>
Section: database
Priority: optional
Depends: {libraries}ca-certificates
Suggests: postgresql, postgresql-client
Description: keeps a trustworthy copy of a Gazelle account in Postgres
 It fetches the data of a piano-service company from Gazelle's API, keeps every
 version, and reconciles them into tables of the company's own Postgres or
 Supabase. A dashboard and alerts show whether the copy is right.
"
    )
}
