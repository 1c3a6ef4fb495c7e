//! `dist`: what it builds is the same twice, and lists itself.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

/// A program that answers what `dist` asks it, so that the test needs no release build.
const PROGRAM: &str = r##"#!/bin/sh
case $1 in
    --version) echo "gazelle-sync 0.1.0" ;;
    completions) echo "# completions for $2" ;;
    man) mkdir -p "$3"; echo ".TH gazelle-sync 1" > "$3/gazelle-sync.1" ;;
    *) exit 2 ;;
esac
"##;

fn dist(program: &Path, out: &Path) -> (bool, String) {
    let ended = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("dist")
        .args(["--program".as_ref(), program.as_os_str(), "--out".as_ref(), out.as_os_str()])
        .env("SOURCE_DATE_EPOCH", "1767225600")
        .output()
        .unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    (ended.status.success(), said)
}

#[test]
fn what_is_built_twice_is_the_same_and_its_list_names_the_libraries_inside() {
    let folder = tempfile::tempdir().unwrap();
    // A program that is not there is named, and nothing is written.
    let nowhere = folder.path().join("nowhere");
    let (fine, said) = dist(&nowhere, &folder.path().join("out"));
    assert!(!fine && said.contains("nowhere"), "{said}");
    assert_eq!(fs::read_dir(folder.path().join("out")).map_or(0, Iterator::count), 0);

    let program = folder.path().join("gazelle-sync");
    fs::write(&program, PROGRAM).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let sums = ["one", "two"].map(|out| {
        let out = folder.path().join(out);
        let (fine, said) = dist(&program, &out);
        assert!(fine, "{said}");
        assert!(
            said.contains("not built: static programs") && said.contains("a container image for "),
            "{said}"
        );
        fs::read_to_string(out.join("SHA256SUMS")).unwrap()
    });
    assert_eq!(sums[0], sums[1]);
    assert!(sums[0].contains("-linux-gnu.tar.gz"), "{}", sums[0]);
    let list = folder.path().join("one").join(format!("gazelle-sync-{}.cdx.json", env!("CARGO_PKG_VERSION")));
    let list: serde_json::Value = serde_json::from_slice(&fs::read(list).unwrap()).unwrap();
    let components = list["components"].as_array().unwrap();
    let named =
        |name: &str| components.iter().any(|it| it["name"] == name && it["hashes"][0]["content"].is_string());
    assert!(named("tokio") && named("rustls"), "{} components", components.len());
    assert!(!named("thirtyfour") && !named("insta"), "tests are not inside");
}
