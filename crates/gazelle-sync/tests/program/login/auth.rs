//! Logging in at Gazelle, and what goes wrong with it.

use crate::support::World;
use crate::support::login::{
    KEY, PendingLogin, log_in, open, problem, sent_to, status, world, worlds_with_both_token_stores,
};
use gazelle_sim::SimOptions;
use serde_json::json;
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn a_login_lets_a_sync_in_until_the_logout() {
    for world in worlds_with_both_token_stores(SimOptions::default()).await {
        let nothing = status(&world).await;
        assert_eq!(nothing.code, 1, "{nothing}");
        assert!(problem(&nothing).contains("auth login"), "{nothing}");

        let told = log_in(&world).await;
        assert_eq!(told["renewable"], true, "{told}");
        let ran = status(&world).await;
        let standing = ran.success();
        assert_eq!(standing["who"]["company"], "Atelier fictif de pianos", "{standing}");
        assert!(standing["who"]["user"].is_string(), "{standing}");
        assert_eq!(standing["access_until"], told["access_until"]);
        let until: jiff::Timestamp = standing["access_until"].as_str().unwrap().parse().unwrap();
        let days = until.duration_since(jiff::Timestamp::now()).as_hours() as f64 / 24.0;
        assert!((29.9..=30.0).contains(&days), "{days}");
        world.full().await.success();

        assert_eq!(world.installation.run(&["auth", "logout"]).await.success()["removed"], true);
        assert_eq!(status(&world).await.code, 1);
        assert_eq!(world.incremental().await.code, 1);
        assert_eq!(world.installation.run(&["auth", "logout"]).await.success()["removed"], false);
    }
}

#[tokio::test]
async fn an_answer_with_a_wrong_state_is_refused_and_the_right_one_waited_for() {
    let world = world(SimOptions::default()).await;
    let login = PendingLogin::start(&world, &["--port", "0"]).await;
    let back = login.parameter("redirect_uri");
    assert_eq!(login.parameter("state").len(), 64);
    for stranger in ["?code=stolen", "?code=stolen&state=", "?code=stolen&state=0", "?error=access_denied"] {
        let (status, page) = open(&format!("{back}{stranger}")).await;
        assert_eq!(status, 400, "{stranger}");
        assert!(page.contains("wrong state"), "{page}");
    }
    let state = login.parameter("state");
    for twice in ["&code=a&code=b", "&state=0&code=a", "&error=denied&error=denied"] {
        let (status, page) = open(&format!("{back}?state={state}{twice}")).await;
        assert_eq!(status, 400, "{twice}");
        assert!(page.contains("twice"), "{page}");
    }
    // Every answer, of an unknown path too.
    for address in [format!("{back}?state=0"), back.replace("/callback", "/nothing")] {
        let answer = crate::support::service::client().get(&address).send().await.unwrap();
        for (name, value) in [("x-content-type-options", "nosniff"), ("cache-control", "no-store")] {
            assert_eq!(
                answer.headers().get(name).map(|value| value.as_bytes()),
                Some(value.as_bytes()),
                "{address}"
            );
        }
    }
    open(&login.address).await;
    login.end().await.success();

    let login = PendingLogin::start(&world, &["--port", "0", "--wait", "1"]).await;
    open(&format!("{}?code=stolen&state=0", login.parameter("redirect_uri"))).await;
    let ran = login.end().await;
    assert_eq!(ran.code, 1, "{ran}");
    assert!(problem(&ran).contains("1 answer(s) with a wrong state"), "{ran}");
    status(&world).await.success();
}

#[tokio::test]
async fn a_code_read_on_its_way_through_the_browser_is_of_no_use_to_others() {
    let world = world(SimOptions::default()).await;
    for proof in [None, Some("0".repeat(64)), Some(String::new())] {
        let login = PendingLogin::start(&world, &["--port", "0"]).await;
        assert_eq!(login.parameter("code_challenge_method"), "S256");
        let back = reqwest::Url::parse(&sent_to(&login.address).await).unwrap();
        let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        let redirect_uri = login.parameter("redirect_uri");
        let mut form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("client_id", "sim-client".to_owned()),
            ("client_secret", "sim-secret".to_owned()),
        ];
        form.extend(proof.map(|proof| ("code_verifier", proof)));
        let url = format!("{}/token", world.sim.oauth_url());
        let stolen = crate::support::service::client().post(url).form(&form).send().await.unwrap();
        assert_eq!(stolen.status(), 400, "{form:?}");
    }
}

#[tokio::test]
async fn credentials_are_not_sent_in_clear_to_another_machine() {
    let mut world = world(SimOptions::default()).await;
    for (setting, elsewhere, restored) in [
        ("GAZELLE_OAUTH_URL", "http://gazelle.example/developer/oauth", world.sim.oauth_url()),
        ("GAZELLE_API_URL", "http://gazelle.example/graphql/private", world.sim.graphql_url()),
    ] {
        world.set(setting, elsewhere);
        for command in [&["auth", "login"][..], &["sync"]] {
            let ran = world.installation.run(command).await;
            assert_ne!(ran.code, 0, "{setting}: {ran}");
            for word in [setting, "in clear", "https://"] {
                assert!(ran.stdout.contains(word), "{word}, {setting}: {ran}");
            }
        }
        world.set(setting, &restored);
    }
    assert_eq!(world.control.requests().len(), 0, "nothing was sent");
}

#[tokio::test]
async fn a_login_that_is_declined_or_refused_changes_nothing() {
    for mut world in worlds_with_both_token_stores(SimOptions::default()).await {
        let login = PendingLogin::start(&world, &["--port", "0"]).await;
        let (_, page) = open(&format!("{}&sim_person=declines", login.address)).await;
        assert!(page.contains("did not let"), "{page}");
        let ran = login.end().await;
        assert_eq!(ran.code, 1);
        assert!(problem(&ran).contains("declined at Gazelle (access_denied)"), "{ran}");
        assert!(problem(&status(&world).await).contains("auth login"));

        log_in(&world).await;
        let before = status(&world).await.success();
        world.set("GAZELLE_CLIENT_SECRET", "wr0ng-s3cr3t");
        let login = PendingLogin::start(&world, &["--port", "0"]).await;
        open(&login.address).await;
        let ran = login.end().await;
        assert_eq!(ran.code, 1);
        assert!(problem(&ran).contains("check GAZELLE_CLIENT_ID and GAZELLE_CLIENT_SECRET"), "{ran}");
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains("wr0ng") && !text.contains("sim_code"), "{text}");
        }
        assert_eq!(status(&world).await.success(), before);
    }
}

#[tokio::test]
async fn a_person_with_the_browser_elsewhere_pastes_the_address() {
    let world = world(SimOptions::default()).await;
    for (paste, problem_is) in [
        ("http://127.0.0.1:8789/callback?code=x&state=0", "wrong state"),
        ("where do I find it", "no address"),
        ("", "no address"),
    ] {
        let mut login = PendingLogin::start(&world, &["--paste"]).await;
        let mut stdin = login.child.stdin.take().unwrap();
        stdin.write_all(format!("{paste}\n").as_bytes()).await.unwrap();
        let ran = login.end().await;
        assert_eq!(ran.code, 1);
        assert!(problem(&ran).contains(problem_is), "{ran}");
    }
    let mut login = PendingLogin::start(&world, &["--paste", "--port", "4321"]).await;
    let address = sent_to(&login.address).await;
    assert!(address.starts_with("http://127.0.0.1:4321/callback?code="), "{address}");
    let mut stdin = login.child.stdin.take().unwrap();
    stdin.write_all(format!("  {address}\n").as_bytes()).await.unwrap();
    login.end().await.success();
    status(&world).await.success();
}

#[tokio::test]
async fn what_a_login_needs_is_named_when_it_is_missing() {
    let mut world = world(SimOptions::default()).await;
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ran = world.installation.run(&["auth", "login", "--port", &port]).await;
    assert_eq!(ran.code, 1);
    assert!(ran.reasons().contains(&format!("port {port} of this machine is taken")), "{ran}");

    world.set("GAZELLE_SYNC_TOKEN_KEY", KEY);
    let mut command = world.command(&["auth", "login", "--json"]);
    command.env_remove("DATABASE_URL");
    let ran = crate::support::run_to_end(command).await;
    assert_eq!(ran.code, 1);
    assert!(ran.reasons().contains("DATABASE_URL, which is not set"), "{ran}");

    world.installation.env.remove("GAZELLE_CLIENT_ID");
    world.installation.env.remove("GAZELLE_CLIENT_SECRET");
    let ran = world.installation.run(&["auth", "login"]).await;
    assert_eq!(ran.code, 1);
    assert!(ran.reasons().contains("set GAZELLE_CLIENT_ID"), "{ran}");
    let ran = status(&world).await;
    assert_eq!(ran.code, 2, "nothing that a repetition fixes: {ran}");
    assert!(ran.reasons().contains("no Gazelle credentials"), "{ran}");
}

#[tokio::test]
async fn status_of_an_api_key_says_who_it_is() {
    let mut world = World::new().await;
    let standing = status(&world).await.success();
    assert_eq!((&standing["method"], &standing["ok"]), (&json!("api_key"), &json!(true)), "{standing}");
    assert_eq!(standing["who"]["company"], "Atelier fictif de pianos");
    world.set("GAZELLE_API_KEY", "wrong");
    let ran = status(&world).await;
    assert_eq!(ran.code, 1);
    assert!(problem(&ran).contains("check GAZELLE_API_KEY"), "{ran}");
    let offline = world.installation.run(&["auth", "status", "--offline"]).await.success();
    assert_eq!(offline["who"], json!(null));
}

#[tokio::test]
async fn no_token_is_ever_said() {
    for mut world in worlds_with_both_token_stores(SimOptions::default()).await {
        world.set("GAZELLE_SYNC_LOG", "trace");
        let login = PendingLogin::start(&world, &["--port", "0"]).await;
        open(&login.address).await;
        let mut said = vec![login.end().await];
        world.control.expire_access_tokens();
        said.extend([status(&world).await, world.full().await]);
        world.control.revoke_tokens();
        said.push(world.incremental().await);
        said.push(crate::support::run_to_end(world.command(&["auth"])).await);
        said.push(world.installation.run(&["settings"]).await);
        for ran in said {
            for word in ["sim_access", "sim_refresh", "sim-secret", "sim_code", KEY] {
                assert!(!ran.stdout.contains(word) && !ran.stderr.contains(word), "{word}: {ran}");
            }
        }
    }
}
