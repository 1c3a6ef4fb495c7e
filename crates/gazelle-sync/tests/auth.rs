//! Logging in at Gazelle, staying logged in with several processes, and what goes wrong with it.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use gazelle_sim::{Fault, FaultKind, ShopSpec, SimOptions};
use serde_json::{Value, json};
use support::pooler::Pooler;
use support::service::{client, until};
use support::{Ran, World};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::Child;

const KEY: &str = "5ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2";

/// A world with an application instead of an API key.
async fn world(options: SimOptions) -> World {
    let mut world = World::with(ShopSpec::small(7), options).await;
    world.place.env.remove("GAZELLE_API_KEY");
    let oauth = world.sim.oauth_url();
    world.set("GAZELLE_OAUTH_URL", &oauth);
    world.set("GAZELLE_CLIENT_ID", "sim-client");
    world.set("GAZELLE_CLIENT_SECRET", "sim-secret");
    world
}

/// Tokens that are to be refreshed before every use.
fn short_lived() -> SimOptions {
    SimOptions { access_token_life: Duration::from_secs(60), ..SimOptions::default() }
}

/// A login under way.
struct LoggingIn {
    child: Child,
    stderr: BufReader<tokio::process::ChildStderr>,
    /// What a person is to open.
    address: String,
}

impl LoggingIn {
    async fn start(world: &World, args: &[&str]) -> LoggingIn {
        let args: Vec<&str> = ["auth", "login", "--json"].iter().chain(args).copied().collect();
        let mut command = world.command(&args);
        command.stdin(std::process::Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            assert_ne!(stderr.read_line(&mut line).await.unwrap(), 0, "it ended: {said}");
            if line.trim().starts_with("http") {
                break line.trim().to_owned();
            }
            said += &line;
        };
        LoggingIn { child, stderr, address }
    }

    fn parameter(&self, name: &str) -> String {
        let url = reqwest::Url::parse(&self.address).unwrap();
        url.query_pairs().find(|(key, _)| key == name).expect(name).1.into_owned()
    }

    async fn end(mut self) -> Ran {
        let mut stderr = String::new();
        self.stderr.read_to_string(&mut stderr).await.unwrap();
        let output = self.child.wait_with_output().await.unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr,
        }
    }
}

/// What the browser shows at the end, and where.
async fn open(address: &str) -> (u16, String) {
    let answer = client().get(address).send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Where Gazelle sends the browser, which does not go there.
async fn sent_to(address: &str) -> String {
    let client =
        reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = client.get(address).send().await.unwrap();
    answer.headers()["location"].to_str().unwrap().to_owned()
}

async fn log_in(world: &World) -> Value {
    let login = LoggingIn::start(world, &["--port", "0"]).await;
    let (status, page) = open(&login.address).await;
    assert_eq!(status, 200, "{page}");
    login.end().await.success()
}

async fn status(world: &World) -> Ran {
    world.place.run(&["auth", "status"]).await
}

fn problem(ran: &Ran) -> String {
    let document = ran.json();
    document["problem"].as_str().or(document["error"].as_str()).unwrap_or_default().to_owned()
}

/// Every world twice: tokens in a file, tokens in the database.
async fn both(options: SimOptions) -> [World; 2] {
    let (file, mut database) = (world(options.clone()).await, world(options).await);
    database.set("GAZELLE_SYNC_TOKEN_KEY", KEY);
    [file, database]
}

#[tokio::test]
async fn a_login_lets_a_sync_in_until_the_logout() {
    for world in both(SimOptions::default()).await {
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

        assert_eq!(world.place.run(&["auth", "logout"]).await.success()["removed"], true);
        assert_eq!(status(&world).await.code, 1);
        assert_eq!(world.incremental().await.code, 1);
        assert_eq!(world.place.run(&["auth", "logout"]).await.success()["removed"], false);
    }
}

#[tokio::test]
async fn tokens_are_kept_where_nobody_else_reads_them() {
    let [file, database] = both(SimOptions::default()).await;
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
async fn an_answer_with_a_wrong_state_is_refused_and_the_right_one_waited_for() {
    let world = world(SimOptions::default()).await;
    let login = LoggingIn::start(&world, &["--port", "0"]).await;
    let back = login.parameter("redirect_uri");
    assert_eq!(login.parameter("state").len(), 64);
    for stranger in ["?code=stolen", "?code=stolen&state=", "?code=stolen&state=0", "?error=access_denied"] {
        let (status, page) = open(&format!("{back}{stranger}")).await;
        assert_eq!(status, 400, "{stranger}");
        assert!(page.contains("wrong state"), "{page}");
    }
    open(&login.address).await;
    login.end().await.success();

    let login = LoggingIn::start(&world, &["--port", "0", "--wait", "1"]).await;
    open(&format!("{}?code=stolen&state=0", login.parameter("redirect_uri"))).await;
    let ran = login.end().await;
    assert_eq!(ran.code, 1, "{ran}");
    assert!(problem(&ran).contains("1 answer(s) with a wrong state"), "{ran}");
    status(&world).await.success();
}

#[tokio::test]
async fn a_login_that_is_declined_or_refused_changes_nothing() {
    for mut world in both(SimOptions::default()).await {
        let login = LoggingIn::start(&world, &["--port", "0"]).await;
        let (_, page) = open(&format!("{}&sim_person=declines", login.address)).await;
        assert!(page.contains("did not let"), "{page}");
        let ran = login.end().await;
        assert_eq!(ran.code, 1);
        assert!(problem(&ran).contains("declined at Gazelle (access_denied)"), "{ran}");
        assert!(problem(&status(&world).await).contains("auth login"));

        log_in(&world).await;
        let before = status(&world).await.success();
        world.set("GAZELLE_CLIENT_SECRET", "wr0ng-s3cr3t");
        let login = LoggingIn::start(&world, &["--port", "0"]).await;
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
        let mut login = LoggingIn::start(&world, &["--paste"]).await;
        let mut stdin = login.child.stdin.take().unwrap();
        stdin.write_all(format!("{paste}\n").as_bytes()).await.unwrap();
        let ran = login.end().await;
        assert_eq!(ran.code, 1);
        assert!(problem(&ran).contains(problem_is), "{ran}");
    }
    let mut login = LoggingIn::start(&world, &["--paste", "--port", "4321"]).await;
    let address = sent_to(&login.address).await;
    assert!(address.starts_with("http://127.0.0.1:4321/callback?code="), "{address}");
    let mut stdin = login.child.stdin.take().unwrap();
    stdin.write_all(format!("  {address}\n").as_bytes()).await.unwrap();
    login.end().await.success();
    status(&world).await.success();
}

#[tokio::test]
async fn a_refused_token_is_refreshed_and_a_dead_one_needs_a_person() {
    for world in both(SimOptions::default()).await {
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
    for world in both(short_lived()).await {
        log_in(&world).await;
        // Slow enough that all of them ask while one is at it.
        world
            .control
            .add_fault(Fault::new(FaultKind::Slow { milliseconds: 400 }).on_field("oauthToken").forever());
        for _ in 0..3 {
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
    let mut world = world(short_lived()).await;
    world.set("GAZELLE_SYNC_TOKEN_KEY", KEY);
    let pooler = Pooler::start(&world.place, 1).await;
    world.set("DATABASE_URL", &pooler.url(&world.place));
    let hook = support::sink::Sink::start().await;
    world.set("ALERT_WEBHOOK_URL", &hook.url("/"));
    log_in(&world).await;
    world.full().await.success();
    let at_once = (0..4).map(|_| status(&world));
    for ran in futures_util::future::join_all(at_once).await {
        ran.success();
    }
    world.control.revoke_tokens();
    assert_eq!(world.incremental().await.code, 1, "{}", pooler.log());
    assert_eq!(hook.taken().len(), 2, "a failed run and refused credentials: {:?}", hook.received());
}

#[tokio::test]
async fn a_process_killed_right_after_a_refresh_has_kept_the_rotated_token() {
    for world in both(short_lived()).await {
        log_in(&world).await;
        for _ in 0..3 {
            let hang = world.control.add_fault(Fault::new(FaultKind::Hang).on_field("user").forever());
            world.control.clear_requests();
            let mut killed = world.start(&["auth", "status"]);
            until("the refreshed token is used", async || {
                let requests = world.control.requests();
                let at =
                    |field: &str| requests.iter().position(|it| it.root_fields.contains(&field.to_owned()));
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
    for world in both(short_lived()).await {
        log_in(&world).await;
        let hang = world.control.add_fault(Fault::new(FaultKind::Hang).on_field("oauthToken").forever());
        world.control.clear_requests();
        let mut killed = world.start(&["auth", "status"]);
        until("the refresh is under way", async || world.control.request_counts().total > 0).await;
        killed.kill().await.unwrap();
        world.control.remove_fault(hang);
        let begun = std::time::Instant::now();
        status(&world).await.success();
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody waits for the dead");
    }
}

#[tokio::test]
async fn stored_tokens_that_cannot_be_trusted_or_read_are_told_clearly() {
    let [file, mut database] = both(SimOptions::default()).await;
    log_in(&file).await;
    let path = file.folder.path().join("data/tokens.json");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ran = status(&file).await;
    assert_eq!(ran.code, 1);
    assert!(
        problem(&ran).contains("other accounts can read") && problem(&ran).contains("chmod 600"),
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
async fn what_a_login_needs_is_named_when_it_is_missing() {
    let mut world = world(SimOptions::default()).await;
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ran = world.place.run(&["auth", "login", "--port", &port]).await;
    assert_eq!(ran.code, 1);
    assert!(ran.reasons().contains(&format!("port {port} of this machine is taken")), "{ran}");

    world.set("GAZELLE_SYNC_TOKEN_KEY", KEY);
    let mut command = world.command(&["auth", "login", "--json"]);
    command.env_remove("DATABASE_URL");
    let ran = support::ran(command).await;
    assert_eq!(ran.code, 1);
    assert!(ran.reasons().contains("DATABASE_URL, which is not set"), "{ran}");

    world.place.env.remove("GAZELLE_CLIENT_ID");
    world.place.env.remove("GAZELLE_CLIENT_SECRET");
    let ran = world.place.run(&["auth", "login"]).await;
    assert_eq!(ran.code, 1);
    assert!(ran.reasons().contains("set GAZELLE_CLIENT_ID"), "{ran}");
    let ran = status(&world).await;
    assert_eq!(ran.code, 1);
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
    let offline = world.place.run(&["auth", "status", "--offline"]).await.success();
    assert_eq!(offline["who"], json!(null));
}

#[tokio::test]
async fn no_token_is_ever_said() {
    for mut world in both(short_lived()).await {
        world.set("GAZELLE_SYNC_LOG", "trace");
        let login = LoggingIn::start(&world, &["--port", "0"]).await;
        open(&login.address).await;
        let mut said = vec![login.end().await, status(&world).await, world.full().await];
        world.control.revoke_tokens();
        said.push(world.incremental().await);
        said.push(support::ran(world.command(&["auth"])).await);
        said.push(world.place.run(&["settings"]).await);
        for ran in said {
            for word in ["sim_access", "sim_refresh", "sim-secret", "sim_code", KEY] {
                assert!(!ran.stdout.contains(word) && !ran.stderr.contains(word), "{word}: {ran}");
            }
        }
    }
}

#[tokio::test]
async fn a_login_that_is_about_to_end_and_was_not_renewed_is_told() {
    let mut world = world(SimOptions::default()).await;
    log_in(&world).await;
    world.filled().await;
    let hook = support::sink::Sink::start().await;
    world.set("ALERT_WEBHOOK_URL", &hook.url("/"));
    let told = || hook.taken().iter().map(|it| it.json()["kind"].clone()).collect::<Vec<_>>();
    world.place.run(&["alerts", "check"]).await.success();
    assert_eq!(told(), [json!(null); 0]);
    // As if it had been handed out 29 days ago, and Gazelle had not renewed it since.
    let path = world.folder.path().join("data/tokens.json");
    let mut stored: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    for field in ["expires_at", "refresh_from"] {
        let at: jiff::Timestamp = stored[field].as_str().unwrap().parse().unwrap();
        stored[field] = json!((at - jiff::SignedDuration::from_hours(29 * 24)).to_string());
    }
    std::fs::write(&path, stored.to_string()).unwrap();
    world.place.run(&["alerts", "check"]).await.success();
    assert_eq!(told(), ["token_ending"]);
    // The next use renews it.
    status(&world).await.success();
    world.place.run(&["alerts", "check"]).await.success();
    let words: Vec<_> = hook.taken().iter().map(|it| it.json()["occasion"].clone()).collect();
    assert_eq!(words, ["started", "over"]);
    assert!(!hook.received().iter().any(|it| it.body.contains("sim_")), "no token in it");
}
