//! What an installation rests on: the unit of systemd.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::support::tools::tool;

/// The unit as shipped, but for where the program is, so that the check finds it.
fn unit(folder: &Path) -> PathBuf {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops/systemd/gazelle-sync.service");
    let text = std::fs::read_to_string(shipped).expect("the unit");
    let text = text.replace("/usr/local/bin/gazelle-sync", env!("CARGO_BIN_EXE_gazelle-sync"));
    let file = folder.join("gazelle-sync.service");
    std::fs::write(&file, text).expect("a copy");
    file
}

fn analyze(args: &[&str], unit: &Path) -> Output {
    tool("systemd-analyze").args(args).arg(unit).output().expect("systemd-analyze runs")
}

#[test]
fn systemd_understands_every_line_of_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let unit = unit(folder.path());
    let told = analyze(&["verify", "--man=no"], &unit);
    let said = String::from_utf8_lossy(&told.stderr);
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("gazelle-sync.service")).collect();
    assert!(told.status.success() && ours.is_empty(), "{said}");
    // The check itself sees mistakes.
    let text = std::fs::read_to_string(&unit).unwrap();
    std::fs::write(&unit, text.replace("PrivateTmp=", "PrivateTemp=")).unwrap();
    assert!(String::from_utf8_lossy(&analyze(&["verify", "--man=no"], &unit).stderr).contains("PrivateTemp"));
}

#[test]
fn the_unit_gives_the_service_little_to_do_harm_with() {
    let folder = tempfile::tempdir().unwrap();
    let unit = unit(folder.path());
    // In tenths: 0 is nothing exposed, 100 everything; below 20 is what systemd calls OK.
    // Each line that it leaves at a cross is said in the unit, or is the network that the service is for.
    let told = analyze(&["security", "--offline=true", "--threshold=12", "--no-pager"], &unit);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
}

/// `systemd-analyze security` asks for neither.
#[test]
fn a_core_dump_and_a_mount_leave_nothing_behind() {
    let unit = include_str!("../../../../../ops/systemd/gazelle-sync.service");
    for line in ["LimitCORE=0", "PrivateMounts=yes"] {
        assert!(unit.lines().any(|there| there == line), "{line}");
    }
}
