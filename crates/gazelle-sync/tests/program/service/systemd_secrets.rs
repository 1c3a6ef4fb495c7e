//! Secrets that systemd hands over as a file, as the unit says.

use std::path::PathBuf;

use crate::support::{CommandOutput, World};

/// Moves the secrets of the environment into a file, and says where it is.
fn handed_over(world: &mut World) -> PathBuf {
    let folder = world.folder.path().join("credentials");
    std::fs::create_dir(&folder).unwrap();
    let key = world.installation.env.remove("GAZELLE_API_KEY").unwrap();
    let text = format!(
        "# As in /etc/gazelle-sync/secrets.\nGAZELLE_API_KEY='{key}'\nDATABASE_URL=\"{}\"\n",
        world.url()
    );
    std::fs::write(folder.join("secrets"), text).unwrap();
    folder
}

async fn run(world: &World, folder: &PathBuf, args: &[&str]) -> CommandOutput {
    let mut command = world.command(args);
    command.env("CREDENTIALS_DIRECTORY", folder).env_remove("DATABASE_URL").env_remove("GAZELLE_API_KEY");
    crate::support::run_to_end(command).await
}

#[tokio::test]
async fn secrets_come_by_the_file_that_systemd_hands_over() {
    let unit = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../ops/systemd/gazelle-sync.service"
    ));
    assert!(unit.unwrap().contains("\nLoadCredential=secrets:/etc/gazelle-sync/secrets\n"));
    let mut world = World::new().await;
    let folder = handed_over(&mut world);
    run(&world, &folder, &["sync", "--mode", "full", "--json"]).await.success();
    assert!(world.count("gazelle_appointments").await > 0);

    let shown = run(&world, &folder, &["settings", "--json"]).await;
    let key = |ran: &CommandOutput| {
        let shown = ran.json();
        let all = shown.as_array().or(shown["settings"].as_array()).cloned().unwrap();
        all.into_iter().find(|it| it["key"] == "api_key").unwrap()
    };
    let place = key(&shown)["from"].as_str().unwrap().to_owned();
    assert!(place.ends_with("secrets, line 2"), "{place}");
    // An environment that names it too wins, as it does over a file of settings.
    let mut command = world.command(&["settings", "--json"]);
    command.env("CREDENTIALS_DIRECTORY", &folder).env("GAZELLE_API_KEY", "another-key");
    let shown = crate::support::run_to_end(command).await;
    assert_eq!(key(&shown)["from"], "environment variable GAZELLE_API_KEY");
    assert!(!format!("{shown}").contains("another-key"), "{shown}");
}

#[tokio::test]
async fn a_line_that_is_no_secret_of_ours_is_told_and_never_repeated() {
    let mut world = World::new().await;
    let folder = handed_over(&mut world);
    std::fs::write(folder.join("secrets"), "GAZELLE_API_KEY=s3cr3t\nHTTPS_PROXY=http://s3cr3t\ns3cr3t\n")
        .unwrap();
    let ran = run(&world, &folder, &["sync", "--json"]).await;
    assert_eq!(ran.code, 2, "{ran}");
    for words in ["line 2: unknown setting HTTPS_PROXY", "Environment=", "line 3: must be NAME=value"] {
        assert!(ran.reasons().contains(words), "{words} not in {ran}");
    }
    assert!(!ran.stdout.contains("s3cr3t") && !ran.stderr.contains("s3cr3t"), "{ran}");
}
