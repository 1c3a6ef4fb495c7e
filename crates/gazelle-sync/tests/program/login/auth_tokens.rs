//! Tokens after the login: where they are kept, how several processes renew them, and what becomes of them when one is killed.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::support::DATABASE;
use crate::support::login::{KEY, log_in, problem, status, world, worlds_with_both_token_stores};
use crate::support::pooler::Pooler;
use crate::support::roles::act_as_poor;
use crate::support::service::until;
use gazelle_sim::{Fault, FaultKind, SimOptions};
use serde_json::{Value, json};

#[tokio::test]
async fn tokens_are_kept_where_nobody_else_reads_them() {
    let [file, database] = worlds_with_both_token_stores(SimOptions::default()).await;
    log_in(&file).await;
    let path = file.folder.path().join("data/tokens.json");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    log_in(&database).await;
    assert!(!database.folder.path().join("data/tokens.json").exists());
    let row = database.text("SELECT encode(sealed, 'escape') || t::text FROM sync_tokens t").await.unwrap();
    assert!(!row.contains("sim_access") && !row.contains("sim_refresh"), "{row}");
    let sealed: i32 = database.one("SELECT length(sealed) FROM sync_tokens", &[]).await;
    assert!(sealed > 100, "the tokens are in there");
}

#[tokio::test]
async fn a_refused_token_is_refreshed_and_a_dead_one_needs_a_person() {
    for world in worlds_with_both_token_stores(SimOptions::default()).await {
        log_in(&world).await;
        world.control.expire_access_tokens();
        world.full().await.success();
        world.control.revoke_tokens();
        let ran = world.incremental().await;
        assert_eq!(ran.code, 1, "{ran}");
        assert!(ran.reasons().contains("run `gazelle-sync auth login`"), "{ran}");
        let ran = status(&world).await;
        assert_eq!(ran.code, 1);
        assert!(problem(&ran).contains("refused; run `gazelle-sync auth login`"), "{ran}");
        // A new login is all it takes.
        log_in(&world).await;
        world.incremental().await.success();
    }
}

#[tokio::test]
async fn many_processes_that_refresh_at_once_lose_no_token() {
    for world in worlds_with_both_token_stores(SimOptions::default()).await {
        log_in(&world).await;
        // Slow enough that all of them ask while one is at it.
        world
            .control
            .add_fault(Fault::new(FaultKind::Slow { milliseconds: 400 }).on_field("oauthToken").forever());
        for _ in 0..3 {
            world.control.expire_access_tokens();
            let at_once = (0..6).map(|_| status(&world));
            for ran in futures_util::future::join_all(at_once).await {
                ran.success();
            }
        }
        let requests = world.control.requests();
        let refreshes: Vec<_> = requests.iter().filter(|it| it.root_fields == ["oauthToken"]).collect();
        assert!(refreshes.iter().all(|it| it.status == Some(200)), "no token was used twice: {refreshes:?}");
        let asked = refreshes.len();
        assert!((4..=19).contains(&asked), "a login, and each round at least one refresh: {asked}");
    }
}

#[tokio::test]
async fn behind_a_transaction_pooler_with_one_connection_nothing_waits_for_itself() {
    let mut world = world(SimOptions::default()).await;
    world.set("GAZELLE_SYNC_TOKEN_KEY", KEY);
    let pooler = Pooler::start(&world.installation, 1).await;
    world.set("DATABASE_URL", &pooler.url(&world.installation));
    let hook = crate::support::sink::WebhookReceiver::start().await;
    world.set("ALERT_WEBHOOK_URL", &hook.url("/"));
    log_in(&world).await;
    world.control.expire_access_tokens();
    world.full().await.success();
    world.control.expire_access_tokens();
    let at_once = (0..4).map(|_| status(&world));
    for ran in futures_util::future::join_all(at_once).await {
        ran.success();
    }
    world.control.revoke_tokens();
    assert_eq!(world.incremental().await.code, 1, "{}", pooler.log());
    assert_eq!(hook.accepted().len(), 2, "a failed run and refused credentials: {:?}", hook.received());
}

#[tokio::test]
async fn a_role_with_few_connections_refreshes_its_tokens_with_them() {
    let mut world = world(SimOptions::default()).await;
    world.set("GAZELLE_SYNC_TOKEN_KEY", KEY);
    world.run(&["migrate"]).await.success();
    act_as_poor(&mut world).await;
    let refreshes = || {
        let asked = world.control.requests();
        asked.iter().filter(|it| it.root_fields == ["oauthToken"] && it.status == Some(200)).count()
    };
    for limit in [2, 1] {
        world.execute(&format!("ALTER ROLE poor CONNECTION LIMIT {limit}")).await;
        log_in(&world).await;
        for args in
            [&["sync", "--mode", "full"][..], &["sync"], &["verify", "--sample", "5"], &["auth", "status"]]
        {
            let before = refreshes();
            world.control.expire_access_tokens();
            // One that waits for itself would do so for a quarter of an hour.
            let ran = tokio::time::timeout(Duration::from_secs(60), world.run(args)).await;
            let ran = ran.unwrap_or_else(|_| panic!("{limit}: {args:?} does not end"));
            assert_eq!(ran.code, 0, "{limit}: {args:?}: {ran}");
            assert!(refreshes() > before, "{limit}: {args:?}: the token is refreshed");
        }
    }
}

/// The row of the tokens stays locked while the API is asked, for longer than the role's transactions may stand idle.
#[tokio::test]
async fn a_short_idle_timeout_loses_no_rotated_token() {
    let mut world = world(SimOptions::default()).await;
    world.set("GAZELLE_SYNC_TOKEN_KEY", KEY);
    log_in(&world).await;
    world
        .execute(&format!("ALTER DATABASE {DATABASE} SET idle_in_transaction_session_timeout = '500ms'"))
        .await;
    let slow = FaultKind::Slow { milliseconds: 1500 };
    world.control.add_fault(Fault::new(slow).on_field("oauthToken").forever());
    for _ in 0..2 {
        world.control.expire_access_tokens();
        status(&world).await.success();
    }
}

#[tokio::test]
async fn a_process_killed_right_after_a_refresh_has_kept_the_rotated_token() {
    for world in worlds_with_both_token_stores(SimOptions::default()).await {
        log_in(&world).await;
        for _ in 0..3 {
            let hang = world.control.add_fault(Fault::new(FaultKind::Hang).on_field("user").forever());
            world.control.expire_access_tokens();
            world.control.clear_requests();
            let mut killed = world.start(&["auth", "status"]);
            until("the refreshed token is used", async || {
                let requests = world.control.requests();
                let at =
                    |field: &str| requests.iter().rposition(|it| it.root_fields.contains(&field.to_owned()));
                at("oauthToken").is_some() && at("user") > at("oauthToken")
            })
            .await;
            killed.kill().await.unwrap();
            world.control.remove_fault(hang);
        }
        // What was used last is refused now: only the refresh token that was kept can help.
        world.control.expire_access_tokens();
        status(&world).await.success();
    }
}

#[tokio::test]
async fn a_process_killed_while_it_holds_the_lock_frees_it() {
    for world in worlds_with_both_token_stores(SimOptions::default()).await {
        log_in(&world).await;
        let hang = world.control.add_fault(Fault::new(FaultKind::Hang).on_field("oauthToken").forever());
        world.control.expire_access_tokens();
        world.control.clear_requests();
        let mut killed = world.start(&["auth", "status"]);
        until("the refresh is under way", async || {
            world.control.requests().iter().any(|it| it.root_fields == ["oauthToken"])
        })
        .await;
        killed.kill().await.unwrap();
        world.control.remove_fault(hang);
        let begun = std::time::Instant::now();
        status(&world).await.success();
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody waits for the dead");
    }
}

/// Whoever logs out while a process still has the tokens in memory.
#[tokio::test]
async fn a_running_process_writes_no_tokens_back_after_a_logout() {
    for world in worlds_with_both_token_stores(SimOptions::default()).await {
        log_in(&world).await;
        world.full_sync_ok().await;
        world.control.clear_requests();
        let slow = world.control.add_fault(Fault::new(FaultKind::Slow { milliseconds: 6000 }));
        let running = world.start(&["sync", "--mode", "full", "--json"]);
        until("it asks with its tokens", async || !world.control.requests().is_empty()).await;
        assert_eq!(world.installation.run(&["auth", "logout"]).await.success()["removed"], true);
        world.control.expire_access_tokens();
        let output = running.wait_with_output().await.unwrap();
        world.control.remove_fault(slow);
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("logged out by another process; run `gazelle-sync auth login`"), "{said}");
        let requests = world.control.requests();
        assert!(!requests.iter().any(|it| it.root_fields == ["oauthToken"]), "nothing is refreshed");
        let ran = world.installation.run(&["auth", "logout"]).await;
        assert_eq!(ran.success()["removed"], false, "nothing was written back: {ran}");
        log_in(&world).await;
        world.incremental().await.success();
    }
}

#[tokio::test]
async fn stored_tokens_that_cannot_be_trusted_or_read_are_told_clearly() {
    let [file, mut database] = worlds_with_both_token_stores(SimOptions::default()).await;
    log_in(&file).await;
    let path = file.folder.path().join("data/tokens.json");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ran = status(&file).await;
    assert_eq!(ran.code, 1);
    assert!(
        problem(&ran).contains("can be read by other accounts") && problem(&ran).contains("chmod 600"),
        "{ran}"
    );
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    status(&file).await.success();
    std::fs::write(&path, "{").unwrap();
    assert!(problem(&status(&file).await).contains("no readable tokens"));

    log_in(&database).await;
    database.set("GAZELLE_SYNC_TOKEN_KEY", &KEY.replace('5', "6"));
    let ran = database.incremental().await;
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.reasons().contains("sealed with another key"), "{ran}");
    assert!(problem(&status(&database).await).contains("GAZELLE_SYNC_TOKEN_KEY they were sealed with"));
    database.set("GAZELLE_SYNC_TOKEN_KEY", KEY);
    status(&database).await.success();
    database.execute("UPDATE sync_tokens SET sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)").await;
    assert!(problem(&status(&database).await).contains("changed from outside"));
    database.execute("TRUNCATE sync_tokens").await;
    assert!(problem(&status(&database).await).contains("auth login"));
    log_in(&database).await;
    status(&database).await.success();

    database.set("GAZELLE_SYNC_TOKEN_KEY", "s3cr3t");
    let ran = status(&database).await;
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.reasons().contains("token_key must be 64 hex digits"), "{ran}");
    assert!(!ran.stdout.contains("s3cr3t") && !ran.stderr.contains("s3cr3t"), "{ran}");
}

#[tokio::test]
async fn a_login_that_is_about_to_end_and_was_not_renewed_is_told() {
    let mut world = world(SimOptions::default()).await;
    log_in(&world).await;
    world.full_sync_ok().await;
    let hook = crate::support::sink::WebhookReceiver::start().await;
    world.set("ALERT_WEBHOOK_URL", &hook.url("/"));
    let told = || hook.accepted().iter().map(|it| it.json()["kind"].clone()).collect::<Vec<_>>();
    world.installation.run(&["alerts", "check"]).await.success();
    assert_eq!(told(), [json!(null); 0]);
    // As if it had been handed out 29 days ago, and Gazelle had not renewed it since.
    let path = world.folder.path().join("data/tokens.json");
    let mut stored: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    for field in ["expires_at", "refresh_from"] {
        let at: jiff::Timestamp = stored[field].as_str().unwrap().parse().unwrap();
        stored[field] = json!((at - jiff::SignedDuration::from_hours(29 * 24)).to_string());
    }
    std::fs::write(&path, stored.to_string()).unwrap();
    world.installation.run(&["alerts", "check"]).await.success();
    assert_eq!(told(), ["token_ending"]);
    // The next use renews it.
    status(&world).await.success();
    world.installation.run(&["alerts", "check"]).await.success();
    let words: Vec<_> = hook.accepted().iter().map(|it| it.json()["occasion"].clone()).collect();
    assert_eq!(words, ["started", "over"]);
    assert!(!hook.received().iter().any(|it| it.body.contains("sim_")), "no token in it");
}
