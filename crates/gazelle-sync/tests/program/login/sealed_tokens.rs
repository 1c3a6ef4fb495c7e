//! Tokens in the database, against somebody who can write their row: it opens where it was sealed, for whom, and no older one.

use crate::support::login::{KEY, log_in, problem, status, world};
use crate::support::{CommandOutput, World};
use aws_lc_rs::aead::{AES_256_GCM, Aad, RandomizedNonceKey};
use gazelle_sim::SimOptions;

async fn with_key() -> World {
    let mut world = world(SimOptions::default()).await;
    world.set("GAZELLE_SYNC_TOKEN_KEY", KEY);
    world
}

async fn row(world: &World) -> String {
    world.text("SELECT sealed::text FROM sync_tokens").await.expect("tokens")
}

async fn put_back(world: &World, sealed: &str) {
    world.execute(&format!("UPDATE sync_tokens SET sealed = '{sealed}'")).await;
}

/// Refused with the words, and nothing was asked with what is in the row.
async fn refused(world: &World, words: &[&str]) -> CommandOutput {
    world.control.clear_requests();
    let ran = status(world).await;
    assert_eq!(ran.code, 1, "{ran}");
    for word in words {
        assert!(problem(&ran).contains(word), "{word} not in {ran}");
    }
    assert_eq!(world.control.requests().len(), 0, "{ran}");
    ran
}

#[tokio::test]
async fn an_older_row_that_somebody_puts_back_is_refused_until_a_new_login() {
    let world = with_key().await;
    log_in(&world).await;
    let old = row(&world).await;
    world.control.expire_access_tokens();
    status(&world).await.success();
    let new = row(&world).await;
    assert_ne!(old, new, "refreshed");
    put_back(&world, &old).await;
    refused(&world, &["older than the last ones seen here", "who can write sync_tokens", "auth login"]).await;
    assert_eq!(world.incremental().await.code, 1);
    put_back(&world, &new).await;
    status(&world).await.success();
    put_back(&world, &old).await;
    log_in(&world).await;
    status(&world).await.success();
    put_back(&world, &new).await;
    refused(&world, &["older than the last ones seen here"]).await;
}

#[tokio::test]
async fn a_row_that_somebody_puts_back_after_a_logout_is_refused_until_a_new_login() {
    let world = with_key().await;
    log_in(&world).await;
    let old = row(&world).await;
    let name: String = world.one("SELECT key_name FROM sync_tokens", &[]).await;
    assert_eq!(world.installation.run(&["auth", "logout"]).await.success()["removed"], true);
    world.execute(&format!("UPDATE sync_tokens SET sealed = '{old}', key_name = '{name}'")).await;
    refused(&world, &["older than the last ones seen here", "auth login"]).await;
    log_in(&world).await;
    status(&world).await.success();
}

/// A clock of the database that was a year ahead is fixed; the counters from then stay.
#[tokio::test]
async fn a_login_after_a_logout_counts_on_from_it_on_another_machine() {
    let mut world = with_key().await;
    log_in(&world).await;
    let folder = world.folder.path().to_owned();
    let [a, b] = ["data", "another machine"].map(|name| folder.join(name).display().to_string());
    let seen = std::fs::read_dir(&a).unwrap().map(|file| file.unwrap().path());
    let seen = seen.filter(|path| path.extension().is_some_and(|end| end == "seen")).collect::<Vec<_>>();
    let [seen] = seen.as_slice() else { panic!("{seen:?}") };
    let counter: u64 = std::fs::read_to_string(seen).unwrap().trim().parse().unwrap();
    std::fs::write(seen, format!("{}\n", counter + 365 * 86_400 * 1_000_000)).unwrap();
    log_in(&world).await;
    world.installation.run(&["auth", "logout"]).await.success();

    world.set("GAZELLE_SYNC_DATA_DIR", &b);
    log_in(&world).await;
    status(&world).await.success();
    world.set("GAZELLE_SYNC_DATA_DIR", &a);
    status(&world).await.success();
}

#[tokio::test]
async fn a_machine_that_saw_tokens_refreshed_elsewhere_takes_no_older_ones() {
    let mut world = with_key().await;
    log_in(&world).await;
    let folder = world.folder.path().to_owned();
    let data = |name: &str| folder.join(name).display().to_string();
    let machines = [data("data"), data("another machine")];
    let mut rows = Vec::new();
    for machine in machines.iter().cycle().take(4) {
        world.set("GAZELLE_SYNC_DATA_DIR", machine);
        world.control.expire_access_tokens();
        status(&world).await.success();
        rows.push(row(&world).await);
    }
    // Each has seen the last ones, whoever of them sealed them.
    for machine in &machines {
        world.set("GAZELLE_SYNC_DATA_DIR", machine);
        status(&world).await.success();
        put_back(&world, &rows[2]).await;
        refused(&world, &["older than the last ones seen here"]).await;
        put_back(&world, &rows[3]).await;
    }
    // A row that was emptied tells nothing of the tokens before, and a login on a machine that saw none of them is good for all.
    world.execute("UPDATE sync_tokens SET sealed = NULL, key_name = NULL").await;
    world.set("GAZELLE_SYNC_DATA_DIR", &data("a third machine"));
    log_in(&world).await;
    for machine in &machines {
        world.set("GAZELLE_SYNC_DATA_DIR", machine);
        status(&world).await.success();
    }
}

#[tokio::test]
async fn a_row_of_another_database_or_schema_is_refused() {
    let mut world = with_key().await;
    log_in(&world).await;
    let name: String = world.one("SELECT key_name FROM sync_tokens", &[]).await;
    let sealed = row(&world).await;
    world.server.create_database("other").await.unwrap();
    let other = world.server.connection_string("other");
    let client = crate::support::connect(&other).await;
    let plant = format!("sync_tokens SET sealed = '{sealed}', key_name = '{name}'");
    let words = ["sealed for another database or schema", "auth login"];

    world.set("DATABASE_URL", &other);
    world.run(&["migrate"]).await.success();
    client.batch_execute(&format!("UPDATE {plant}")).await.unwrap();
    refused(&world, &words).await;
    log_in(&world).await;
    status(&world).await.success();

    world.installation.env.remove("DATABASE_URL");
    world.set("GAZELLE_SYNC_SCHEMA", "montreal");
    world.run(&["migrate"]).await.success();
    world.execute(&format!("UPDATE montreal.{plant}")).await;
    refused(&world, &words).await;
}

#[tokio::test]
async fn a_row_of_another_application_is_refused() {
    let mut world = with_key().await;
    log_in(&world).await;
    world.set("GAZELLE_CLIENT_ID", "another-application");
    refused(&world, &["tokens of another application", "GAZELLE_CLIENT_ID", "auth login"]).await;
    world.set("GAZELLE_CLIENT_ID", "sim-client");
    status(&world).await.success();
}

/// Seals as the program did before: bound to the schema alone.
fn sealed_before(tokens: &[u8]) -> (String, String) {
    let key: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&KEY[2 * at..2 * at + 2], 16).unwrap()).collect();
    let mut bytes = tokens.to_vec();
    let sealing = RandomizedNonceKey::new(&AES_256_GCM, &key).unwrap();
    let nonce = sealing.seal_in_place_append_tag(Aad::from(b"public"), &mut bytes).unwrap();
    let sealed = [&[1], nonce.as_ref().as_slice(), &bytes].concat();
    let name = blake3::Hash::from_bytes(blake3::derive_key("gazelle-sync 2026 name of a token key", &key));
    let hex: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
    (format!("\\x{hex}"), name.to_hex()[..16].to_owned())
}

#[tokio::test]
async fn what_an_earlier_program_sealed_opens_and_is_sealed_anew_at_the_next_refresh() {
    let mut world = world(SimOptions::default()).await;
    log_in(&world).await;
    let tokens = std::fs::read(world.folder.path().join("data/tokens.json")).unwrap();
    let (old, key_name) = sealed_before(&tokens);
    world.set("GAZELLE_SYNC_TOKEN_KEY", KEY);
    world.run(&["migrate"]).await.success();
    world.execute(&format!("UPDATE sync_tokens SET sealed = '{old}', key_name = '{key_name}'")).await;

    status(&world).await.success();
    world.control.expire_access_tokens();
    status(&world).await.success();
    let form: i32 = world.one("SELECT get_byte(sealed, 0) FROM sync_tokens", &[]).await;
    assert_eq!(form, 2);
    put_back(&world, &old).await;
    refused(&world, &["older than the last ones seen here"]).await;
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_used_is_told_and_tokens_serve_all_the_same() {
    let mut world = with_key().await;
    // A file in the place of the folder.
    let data = world.folder.path().join("a file");
    std::fs::write(&data, "").unwrap();
    world.set("GAZELLE_SYNC_DATA_DIR", &data.display().to_string());
    log_in(&world).await;
    let ran = status(&world).await;
    ran.success();
    assert!(ran.stderr.contains("older ones put back into the database would not be noticed"), "{ran}");
}
