//! `init`: asks at a terminal, or takes its answers from the environment and flags.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tokio::process::Command;

use crate::support::terminal::answered_at_terminal;
use crate::support::{World, run_to_end};

/// `init` in the folder, without a key and a database in the environment.
fn init(world: &World, args: &[&str]) -> Command {
    let args: Vec<&str> = ["init"].iter().chain(args).copied().collect();
    let mut command = world.command(&args);
    command.env_remove("DATABASE_URL").env_remove("GAZELLE_API_KEY").env_remove("GAZELLE_SYNC_DATA_DIR");
    command
}

fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap_or_default()
}

#[tokio::test]
async fn each_answer_is_tried_at_the_terminal_and_what_was_written_is_synced() {
    let world = World::new().await;
    let (key, url, folder) = (world.sim.api_key().to_owned(), world.url(), world.folder.path());
    let answers = [
        ("Gazelle API key", "s3cr3t-wrong"),
        ("Keep it all the same?", "n"),
        ("Gazelle API key", key.as_str()),
        ("Address of the database", "postgres://sync:s3cr3t@more@db/shop"),
        ("Address of the database", url.as_str()),
        ("Time zone", "America/Vancouvre"),
        ("Time zone", "America/Vancouver"),
        ("Language", "fr"),
        ("Where alerts go", ""),
        ("Run the first full sync now?", "y"),
    ];
    let told = answered_at_terminal(init(&world, &[]), &answers).await;
    assert_eq!(told.code, 0, "{told}");
    for words in ["the API key was refused", "%40", "America/Vancouver", "accepts it", "réussie en"] {
        assert!(told.stdout.contains(words), "no {words} in {told}");
    }
    assert!(!told.stdout.contains("s3cr3t") && !told.stdout.contains(&key), "{told}");
    assert!(world.count("gazelle_appointments").await > 0);

    let env = folder.join(".env");
    assert_eq!(fs::metadata(&env).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(text(folder, ".env"), format!("DATABASE_URL='{url}'\nGAZELLE_API_KEY='{key}'\n"));
    let settings = text(folder, "gazelle-sync.toml");
    for line in ["timezone = 'America/Vancouver'", "language = 'fr'"] {
        assert!(settings.lines().any(|found| found == line), "no {line} in {settings}");
    }
    // What is set is not asked again, and files are changed only after a question.
    let again = answered_at_terminal(
        init(&world, &["--language", "en"]),
        &[("Where alerts go", ""), ("gazelle-sync.toml exists", "n")],
    )
    .await;
    assert!(again.code == 1 && again.stdout.contains("nothing was written"), "{again}");
    assert_eq!(text(folder, "gazelle-sync.toml"), settings);
}

#[tokio::test]
async fn without_a_terminal_every_answer_comes_from_the_environment_or_a_flag() {
    let world = World::new().await;
    let (key, folder) = (world.sim.api_key().to_owned(), world.folder.path());
    let unanswered = run_to_end(init(&world, &[])).await;
    assert_eq!(unanswered.code, 2, "{unanswered}");
    for missing in ["GAZELLE_API_KEY", "--embedded", "--timezone", "--language", "--yes"] {
        assert!(unanswered.stderr.contains(missing), "{missing}: {unanswered}");
    }
    let unanswered = run_to_end(init(&world, &["--yes"])).await;
    assert!(unanswered.code == 2 && !unanswered.stderr.contains("--embedded"), "{unanswered}");

    let mut wrong = init(&world, &["--yes"]);
    wrong.env("GAZELLE_API_KEY", "s3cr3t-wrong");
    let wrong = run_to_end(wrong).await;
    assert!(wrong.code == 1 && wrong.stderr.contains("nothing was written"), "{wrong}");
    assert!(!folder.join(".env").exists() && !wrong.to_string().contains("s3cr3t"), "{wrong}");

    let with_key = |args: &[&str]| {
        let mut command = init(&world, args);
        command.env("GAZELLE_API_KEY", &key).env("DATABASE_URL", world.url());
        command
    };
    let written = run_to_end(with_key(&["--yes", "--timezone", "America/Halifax", "--json"])).await;
    assert_eq!(written.code, 0, "{written}");
    assert_eq!(written.json()["written"][0]["file"], ".env", "{written}");
    assert!(text(folder, "gazelle-sync.toml").contains("timezone = 'America/Halifax'"));
    assert!(text(folder, ".env").contains(&key) && !written.to_string().contains(&key), "{written}");

    let refused = run_to_end(with_key(&["--yes"])).await;
    assert!(refused.code == 2 && refused.stderr.contains("--force"), "{refused}");
    fs::write(folder.join(".env"), "PORT=3000\n").unwrap();
    fs::set_permissions(folder.join(".env"), fs::Permissions::from_mode(0o600)).unwrap();
    let synced = run_to_end(with_key(&["--yes", "--force", "--sync"])).await;
    assert!(synced.code == 0 && synced.stdout.contains("success in"), "{synced}");
    assert!(text(folder, ".env").starts_with("PORT=3000\n") && text(folder, ".env").contains(&key));
}
