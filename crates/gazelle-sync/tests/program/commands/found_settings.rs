//! Settings and secrets that the program finds by itself: of the machine, in place of `/etc/gazelle-sync`, and of the working
//! directory.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::support::{CommandOutput, TestInstallation, World, run_to_end};

/// An account that is neither root nor ours.
const NOBODY: u32 = 65534;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// The machine's folder, and one to work in.
fn folders(place: &TestInstallation) -> (PathBuf, PathBuf) {
    fs::set_permissions(place.folder.path(), Permissions::from_mode(0o755)).unwrap();
    let made = ["etc", "work"].map(|name| place.folder.path().join(name));
    for folder in &made {
        fs::create_dir(folder).unwrap();
        fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    }
    let [etc, work] = made;
    (etc, work)
}

/// A command in the working folder that has no setting in its environment but these.
fn alone(
    place: &TestInstallation,
    folders: &(PathBuf, PathBuf),
    args: &[&str],
    env: &[(&str, &str)],
) -> Command {
    let mut command = place.command(args);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", place.folder.path()).env("GAZELLE_SYNC_CONFIG_DIR", &folders.0);
    command.env("GAZELLE_SYNC_DATA_DIR", place.folder.path().join("data"));
    command.envs(env.iter().copied()).current_dir(&folders.1);
    command
}

/// The value of a setting that is no secret, and where it came from.
fn setting(ran: &CommandOutput, key: &str) -> (String, String) {
    assert_eq!(ran.code, 0, "{ran}");
    let shown = ran.json();
    let shown = shown.as_array().unwrap().iter().find(|shown| shown["key"] == key).unwrap().clone();
    let text = |name: &str| shown[name].as_str().unwrap_or_default().to_owned();
    (text("value"), text("from"))
}

#[tokio::test]
async fn each_place_wins_over_those_below_it() {
    let place = TestInstallation::new().await;
    let folders = folders(&place);
    let (etc, work) = &folders;
    let show = async |args: &[&str], env: &[(&str, &str)]| {
        let args: Vec<&str> = ["settings", "--json"].iter().chain(args).copied().collect();
        setting(&run_to_end(alone(&place, &folders, &args, env)).await, "schema")
    };
    let env = [("GAZELLE_SYNC_SCHEMA", "environment")];
    assert_eq!(show(&[], &[]).await, ("public".to_owned(), "default".to_owned()));
    let steps = [
        (etc.join("gazelle-sync.toml"), "schema = 'etc'\n", "etc", "etc/gazelle-sync.toml, line 1"),
        (work.join("gazelle-sync.toml"), "schema = 'work'\n", "work", "work/gazelle-sync.toml, line 1"),
        (etc.join("secrets"), "GAZELLE_SYNC_SCHEMA=secrets\n", "secrets", "etc/secrets, line 1"),
        (work.join(".env"), "PORT=3000\nGAZELLE_SYNC_SCHEMA=shared\n", "shared", "work/.env, line 2"),
    ];
    for (path, text, value, from) in steps {
        write(&path, text, 0o600);
        let shown = show(&[], &[]).await;
        assert_eq!(shown.0, value, "{shown:?}");
        assert!(shown.1.ends_with(from), "{shown:?}");
    }
    assert_eq!(show(&[], &env).await.0, "environment");
    assert_eq!(show(&["--schema", "flag"], &env).await.0, "flag");
    // What is set in one file alone is in force beside what the other sets.
    write(&etc.join("gazelle-sync.toml"), "schema = 'etc'\nbatch_size = 77\n", 0o644);
    let both = run_to_end(alone(&place, &folders, &["settings", "--json"], &[])).await;
    assert_eq!(setting(&both, "batch_size").0, "77");
    // A file that is named is read in place of both; secrets are no part of it.
    let named =
        run_to_end(alone(&place, &folders, &["settings", "--json", "--config", "/dev/null"], &[])).await;
    assert_eq!(
        (setting(&named, "batch_size").0.as_str(), setting(&named, "schema").0.as_str()),
        ("1000", "shared")
    );
    let relative = [("GAZELLE_SYNC_CONFIG_DIR", "etc")];
    let refused = run_to_end(alone(&place, &folders, &["settings", "--json"], &relative)).await;
    assert!(refused.code == 2 && refused.reasons().contains("GAZELLE_SYNC_CONFIG_DIR must be"), "{refused}");
}

#[tokio::test]
async fn a_shell_without_variables_works_on_the_machines_database() {
    let world = World::new().await;
    let folders = folders(&world);
    let key = &world.installation.env["GAZELLE_API_KEY"];
    let secrets = format!("DATABASE_URL='{}'\nGAZELLE_API_KEY='{key}'\n", world.url());
    write(&folders.0.join("secrets"), &secrets, 0o600);
    let toml = format!("api_url = '{}'\n", world.sim.graphql_url());
    write(&folders.0.join("gazelle-sync.toml"), &toml, 0o644);
    run_to_end(alone(&world, &folders, &["sync", "--mode", "full", "--json"], &[])).await.success();
    assert!(world.count("gazelle_appointments").await > 0);
    assert!(!world.folder.path().join("data").join("postgres").exists(), "no embedded server was made");
    // As what systemd hands over, which is used in place of the machine's file.
    write(&folders.0.join("secrets"), "GAZELLE_API_KEY=another\n", 0o600);
    let handed = world.folder.path().join("handed");
    fs::create_dir(&handed).unwrap();
    fs::write(handed.join("secrets"), &secrets).unwrap();
    let credentials = [("CREDENTIALS_DIRECTORY", handed.to_str().unwrap())];
    let run = run_to_end(alone(&world, &folders, &["sync", "--json"], &credentials)).await;
    run.success();
}

#[tokio::test]
async fn secrets_that_others_can_read_or_own_are_refused() {
    let place = TestInstallation::new().await;
    let folders = folders(&place);
    let places = [folders.0.join("secrets"), folders.1.join(".env")];
    for path in &places {
        for (mode, is_refused) in [(0o600, false), (0o644, true), (0o604, true), (0o400, false)] {
            let _ = fs::remove_file(path);
            write(path, "GAZELLE_API_KEY=s3cr3t\n", mode);
            let ran = run_to_end(alone(&place, &folders, &["settings", "--json"], &[])).await;
            assert_eq!(ran.code, if is_refused { 2 } else { 0 }, "{} {mode:o}: {ran}", path.display());
            assert!(!ran.to_string().contains("s3cr3t"), "{ran}");
            if is_refused {
                let advice = format!("run `chmod 600 {}`", path.display());
                assert!(ran.reasons().contains("are not used") && ran.reasons().contains(&advice), "{ran}");
            }
        }
        if is_root() {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            let ran = run_to_end(alone(&place, &folders, &["settings", "--json"], &[])).await;
            assert!(ran.code == 2 && ran.reasons().contains("belongs to another account"), "{ran}");
        }
        let _ = fs::remove_file(path);
    }
    // The file of another program alone is nobody's secret here.
    write(&places[1], "PORT=3000\nDATABASE=x\n", 0o644);
    let ran = run_to_end(alone(&place, &folders, &["settings", "--json"], &[])).await;
    assert!(ran.code == 0 && ran.stderr.is_empty(), "{ran}");
}

#[tokio::test]
async fn a_file_that_this_account_may_not_read_is_named() {
    let place = TestInstallation::new().await;
    let folders = folders(&place);
    write(&folders.0.join("secrets"), "GAZELLE_API_KEY=s3cr3t\n", 0o600);
    write(&folders.0.join("gazelle-sync.toml"), "schema = 'mine'\n", 0o600);
    let mut command = alone(&place, &folders, &["settings", "--json"], &[]);
    match is_root() {
        true => drop(command.uid(NOBODY).gid(NOBODY)),
        false => {
            for name in ["secrets", "gazelle-sync.toml"] {
                fs::set_permissions(folders.0.join(name), Permissions::from_mode(0o000)).unwrap();
            }
        }
    }
    let ran = run_to_end(command).await;
    assert_eq!(setting(&ran, "schema"), ("public".to_owned(), "default".to_owned()));
    for name in ["secrets", "gazelle-sync.toml"] {
        let said = format!("{} may not be read by this account", folders.0.join(name).display());
        assert!(ran.stderr.contains(&said), "{ran}");
    }
}

#[tokio::test]
async fn an_unknown_name_of_ours_is_told_with_the_one_that_was_meant() {
    let place = TestInstallation::new().await;
    let folders = folders(&place);
    write(&folders.1.join(".env"), "GAZELLE_SYNC_SHEMA=x\nGAZEBO=y\n", 0o600);
    let env = [("GAZELLE_APIKEY", "s3cr3t"), ("GAZEBO", "y")];
    let ran = run_to_end(alone(&place, &folders, &["settings", "--json"], &env)).await;
    assert_eq!(ran.code, 0, "{ran}");
    for words in [
        "unknown setting GAZELLE_APIKEY (environment variable); did you mean `GAZELLE_API_KEY`?",
        "work/.env, line 1); did you mean `GAZELLE_SYNC_SCHEMA`?",
    ] {
        assert!(ran.stderr.contains(words), "{words} not in {ran}");
    }
    assert!(!ran.to_string().contains("GAZEBO") && !ran.to_string().contains("s3cr3t"), "{ran}");
}
