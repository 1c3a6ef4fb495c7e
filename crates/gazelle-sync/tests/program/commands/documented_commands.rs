//! The commands of the pages are run as they stand there, in order, each page in one shell: against the simulated Gazelle and
//! Postgres servers of their own. `tests/house/pages.rs` proves that the French pages have the same commands.
//!
//! A block that cannot run here has a comment before it, `<!-- not run: why -->`.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use crate::support::roles::{act_as, supabase, url_of};
use crate::support::{TestInstallation, World};

const OLD_SYSTEM: &str = include_str!("../../support/old_system.sql");

/// The blocks of a page for a shell: those that run, and how many do not.
struct Blocks {
    run: Vec<String>,
    not_run: usize,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn blocks(page: &str) -> Blocks {
    let text = std::fs::read_to_string(root().join(page)).expect(page);
    let mut found = Blocks { run: Vec::new(), not_run: 0 };
    let mut parts = text.split("```");
    while let (Some(prose), Some(block)) = (parts.next(), parts.next()) {
        let Some(commands) = block.strip_prefix("sh\n") else { continue };
        match prose.trim_end().lines().last().and_then(|line| line.trim().strip_prefix("<!-- not run: ")) {
            Some(why) => {
                assert!(why.len() > 15 && why.ends_with(" -->"), "{page}: say why: {why}");
                found.not_run += 1;
            }
            None => found.run.push(commands.to_owned()),
        }
    }
    found
}

/// A script of all blocks of a page, with the examples replaced by what is there. Each replacement must occur.
fn script(page: &str, runs: usize, not: usize, replaced: &[(&str, &str)]) -> String {
    let blocks = blocks(page);
    assert_eq!((blocks.run.len(), blocks.not_run), (runs, not), "blocks of {page} that run, and that do not");
    let mut script = String::from("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n");
    script.push_str(&blocks.run.join("\n"));
    for (example, real) in replaced {
        assert!(script.contains(example), "{page} no longer has {example}");
        script = script.replace(example, real);
    }
    script
}

/// Runs a script, in a folder, with the program that was built in its PATH.
async fn shell(script: &str, folder: &Path, variables: &[(&str, &str)]) -> Output {
    let bin = Path::new(env!("CARGO_BIN_EXE_gazelle-sync")).parent().unwrap().to_owned();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut command = tokio::process::Command::new("sh");
    command.args(["-ec", script]).env_clear().env("PATH", path).env("HOME", folder);
    command.envs(variables.iter().copied()).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    command.output().await.expect("a shell")
}

#[track_caller]
fn ended_well(output: &Output, script: &str) -> String {
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{script}\nstdout: {told}\nstderr: {errors}", output.status);
    told.into_owned()
}

fn apply_here(world: &World) -> Vec<(&'static str, String)> {
    vec![("GAZELLE_API_URL", world.sim.graphql_url()), ("GAZELLE_SYNC_LISTEN", "127.0.0.1:1".to_owned())]
}

async fn run_page(world: &World, script: &str) -> String {
    let variables = apply_here(world);
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let output = shell(script, world.folder.path(), &variables).await;
    ended_well(&output, script)
}

const KEY: &str = "'your-key'";

#[tokio::test]
async fn the_readme_works_as_it_is_written() {
    let world = World::new().await;
    let key = world.sim.api_key().to_owned();
    let url = "postgres://postgres:password@db.example.org:5432/postgres?sslmode=require";
    let script = script("README.md", 1, 2, &[(KEY, &key), (url, &world.url())]);
    let told = run_page(&world, &script).await;
    assert!(told.contains("success in ") && told.contains("equal as of "), "{told}");
    assert!(world.count("gazelle_appointments").await > 0);
}

#[tokio::test]
async fn the_page_about_supabase_works_as_it_is_written() {
    let mut world = supabase().await;
    let administrator = url_of(&world, "administrator");
    act_as(&mut world, "administrator");
    let key = world.sim.api_key().to_owned();
    let sync = url_of(&world, "gazelle_sync");
    let replaced = [
        (KEY, key.as_str()),
        (
            "postgres://postgres.abcdefghijklmnop:p%40ss@aws-0-ca-central-1.pooler.supabase.com:5432/postgres",
            administrator.as_str(),
        ),
        (
            "postgres://gazelle_sync.abcdefghijklmnop:another@aws-0-ca-central-1.pooler.supabase.com:5432/postgres",
            sync.as_str(),
        ),
    ];
    let script = script("docs/supabase.md", 4, 1, &replaced);
    let told = run_page(&world, &script).await;
    assert!(told.contains("success in ") && told.contains("equal as of "), "{told}");
    let dumps = std::fs::read_dir(world.folder.path()).unwrap();
    assert!(dumps.filter_map(Result::ok).any(|file| file.path().extension().is_some_and(|e| e == "dump")));
}

#[tokio::test]
async fn the_checklist_works_on_a_database_of_the_old_system() {
    let world = World::new().await;
    world.execute(OLD_SYSTEM).await;
    let key = world.sim.api_key().to_owned();
    let url = "postgres://postgres:password@db.example.org:5432/postgres?sslmode=require";
    let script = script("docs/checklist.md", 7, 1, &[(KEY, &key), (url, &world.url())]);
    let told = run_page(&world, &script).await;
    assert!(told.contains("success in ") && told.contains("Tire le Coyote"), "{told}");
    assert_eq!(
        world
            .count(
                "pg_trigger WHERE tgname = 'tr_fix_api_import' AND tgrelid = 'gazelle_appointments'::regclass"
            )
            .await,
        0
    );
    assert_eq!(world.count("gazelle_v5.gazelle_appointments").await, 2);
}

/// The page about the HTTP side has its own service, on a free port.
#[tokio::test]
async fn the_page_about_http_works_as_it_is_written() {
    let world = World::new().await;
    let port = free_port();
    let url = world.url();
    let script = script("docs/http.md", 5, 1, &[("127.0.0.1:8787", &format!("127.0.0.1:{port}"))]);
    let variables = [
        ("GAZELLE_API_URL", world.sim.graphql_url()),
        ("GAZELLE_API_KEY", world.sim.api_key().to_owned()),
        ("DATABASE_URL", url),
        ("GAZELLE_SYNC_LISTEN", format!("127.0.0.1:{port}")),
    ];
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let told = ended_well(&shell(&script, world.folder.path(), &variables).await, &script);
    for word in [
        "\"ready\":true",
        "\"status\":\"alive\"",
        "staging_backlog_size",
        "\"request\":",
        "\"trigger\":\"request\"",
    ] {
        assert!(told.contains(word), "no {word} in {told}");
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A folder whose embedded servers do not outlive the test.
struct Home(tempfile::TempDir);

impl Drop for Home {
    fn drop(&mut self) {
        for folder in std::fs::read_dir(self.0.path()).into_iter().flatten().filter_map(Result::ok) {
            let pid = std::fs::read_to_string(folder.path().join("postgres/data/postmaster.pid"));
            let pid = pid.ok().and_then(|text| text.lines().next().and_then(|pid| pid.parse().ok()));
            if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
                // It may have ended by itself.
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
            }
        }
    }
}

#[tokio::test]
async fn the_tutorial_works_as_it_is_written() {
    let home = Home(tempfile::tempdir().unwrap());
    // As root the server's own account must get through.
    std::fs::set_permissions(home.0.path(), PermissionsExt::from_mode(0o711)).unwrap();
    let script =
        script("docs/tutorial.md", 12, 1, &[("127.0.0.1:8788", &format!("127.0.0.1:{}", free_port()))]);
    let told = ended_well(&shell(&script, home.0.path(), &[]).await, &script);
    for word in ["Tire le Coyote", "equal as of", "\"changed\":[", "production: no difference"] {
        assert!(told.contains(word), "no {word} in {told}");
    }
}

/// Where nothing can run: a machine to be set up, a container, a schedule elsewhere. The files are checked in `deployment.rs`.
#[test]
fn blocks_of_other_pages_say_why_they_do_not_run() {
    for page in ["docs/hosting.md", "docs/upgrade.md", "docs/faq.md"] {
        let blocks = blocks(page);
        assert!(blocks.run.is_empty(), "{page} has commands that no test runs: {:?}", blocks.run);
    }
    assert!(blocks("docs/hosting.md").not_run >= 4);
}

#[tokio::test]
async fn the_pages_of_commands_list_each_command() {
    let place = TestInstallation::new().await;
    let help = crate::support::run_to_end(place.command(&["--help"])).await.stdout;
    let names =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let commands: BTreeSet<&str> = names
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.len() > 20, "{commands:?}");
    for page in ["docs/commands.md", "docs/fr/commands.md"] {
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        let (_, table) = text.split_once("<!-- commands -->").expect("the first marker");
        let (table, _) = table.split_once("<!-- /commands -->").expect("the second marker");
        let first = table.lines().filter_map(|line| line.split('|').nth(1));
        let listed: BTreeSet<&str> = first.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        assert_eq!(listed, commands, "{page}");
    }
}
