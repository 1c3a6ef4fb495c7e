//! Signing in to the dashboard, and what is refused to whoever tries to get in otherwise.

use crate::support::World;
use crate::support::people::{Caller, PASSPHRASE, PageResponse, invited, signed_in};
use crate::support::service::{Serving, until};

async fn world() -> World {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 29 2 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 29 2 *");
    world
}

const OPERATOR: [&str; 2] = ["--role", "operator"];

/// The path of a link.
fn path(link: &str) -> String {
    link[link.find("/app/").unwrap()..].to_owned()
}

#[tokio::test]
async fn until_somebody_is_invited_a_page_says_how_and_nothing_else() {
    let world = world().await;
    world.full_sync_ok().await;
    let serving = Serving::start(&world, &[]).await;
    let caller = Caller::of(&serving);
    until("the database is open", async || caller.get("/app/").await.status == 403).await;
    for page in ["/app", "/app/", "/app/today", "/app/runs", "/app/sign-in", "/app/people", "/app/nothing"] {
        let said = caller.get(page).await;
        assert_eq!(said.status, 403, "{page}: {said:?}");
        assert!(said.body.contains("people invite"), "{page}: {said:?}");
        assert!(!said.body.contains("<nav") && !said.body.contains("schema"), "{page}: {said:?}");
    }
    for page in ["/app/overview.json", "/app/today.json", "/app/runs.json"] {
        let said = caller.get(page).await;
        assert_eq!(said.status, 403, "{page}: {said:?}");
        assert!(said.body.contains("people invite") && said.body.lines().count() < 6, "{page}: {said:?}");
    }
    // In French too, and the other routes answer as before.
    let request = caller.http.get(format!("{}/app/", caller.base)).header("accept-language", "fr-CA");
    assert!(caller.send(request).await.body.contains("Personne n&#39;est encore invité"));
    assert!(serving.document("/runs").await["runs"].is_array());
    let ended = serving.stop().await;
    assert_eq!(ended.code, Some(0));
}

#[tokio::test]
async fn the_log_says_how_the_first_person_is_invited_and_only_then() {
    let mut world = world().await;
    world.set("GAZELLE_SYNC_LOG", "info");
    let serving = Serving::start(&world, &[]).await;
    until("it says so", async || serving.log().contains("gazelle-sync people invite NAME")).await;
    assert_eq!(serving.stop().await.code, Some(0));
    invited(&world, "Ana Exemple", &OPERATOR).await;
    let serving = Serving::start(&world, &[]).await;
    until("the database is open", async || serving.get("/app/sign-in").await.0 == 200).await;
    let ended = serving.stop().await;
    assert!(!ended.log.contains("people invite"), "{}", ended.log);
}

#[tokio::test]
async fn a_link_is_used_once_and_looking_at_it_uses_nothing_up() {
    let world = world().await;
    let first = invited(&world, "Ana Exemple", &OPERATOR).await;
    let link = invited(&world, "Ana Exemple", &OPERATOR).await;
    let serving = Serving::start(&world, &[]).await;
    let mut ana = Caller::of(&serving);
    until("the database is open", async || ana.get("/app/sign-in").await.status == 200).await;
    assert_eq!(ana.get(&path(&first)).await.status, 410, "only the last link is valid");
    // A program that looks at links in mails.
    for _ in 0..3 {
        let said = ana.get(&path(&link)).await;
        assert!(
            said.status == 200 && said.body.contains("Ana Exemple") && said.cookie().is_none(),
            "{said:?}"
        );
    }
    for (passphrase, again) in
        [("kurz", "kurz"), (PASSPHRASE, "another one altogether"), ("Ana Exemple 1234", "Ana Exemple 1234")]
    {
        let said = ana.post(&path(&link), &[("passphrase", passphrase), ("again", again)]).await;
        assert!(said.status == 422 && said.cookie().is_none(), "{passphrase}: {said:?}");
    }
    // Two at once: one gets in.
    let mut other = ana.clone();
    let (one, two) = tokio::join!(ana.enter(&link), other.enter(&link));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 410]);
    assert_eq!(ana.get(&path(&link)).await.status, 410);
    assert_eq!(ana.clone().enter(&link).await.status, 410);
    // One that is too old.
    let late = invited(&world, "Loïc Exemple", &["--role", "office"]).await;
    world
        .execute(
            "UPDATE sync_people SET link_expires_at = now() - interval '1 s' WHERE name = 'Loïc Exemple'",
        )
        .await;
    assert_eq!(ana.get(&path(&late)).await.status, 410);
    assert_eq!(Caller::of(&serving).enter(&late).await.status, 410);
    assert_eq!(ana.get("/app/enter/short").await.status, 410);
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_session_is_new_at_sign_in_and_over_when_it_is_ended_or_old() {
    let world = world().await;
    let serving = Serving::start(&world, &[]).await;
    let ana = signed_in(&world, &serving, "Ana Exemple", &OPERATOR).await;
    let before = ana.cookie.clone().unwrap();
    // An id that somebody else chose is never taken over.
    let mut fixed = Caller::of(&serving);
    let chosen = format!("gazelle={}", "B".repeat(42) + "A");
    fixed.cookie = Some(chosen.clone());
    let said = fixed.sign_in("ana exemple").await;
    assert_eq!(said.status, 303, "{said:?}");
    let set = said.header("set-cookie");
    assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{set}");
    let now = fixed.cookie.clone().unwrap();
    assert!(now != chosen && now != before);
    let as_chosen = Caller { cookie: Some(chosen), ..fixed.clone() };
    assert_eq!(as_chosen.get("/app/").await.status, 303);
    // Signing in again where one is signed in ends the session before.
    let mut again = ana.clone();
    assert_eq!(again.sign_in("Ana Exemple").await.status, 303);
    assert_eq!(ana.get("/app/").await.location(), "/app/sign-in?next=%2Fapp%2F");
    assert_eq!((again.get("/app/").await.status, fixed.get("/app/").await.status), (200, 200));
    // Only hashes are stored.
    let stored = world.text("SELECT string_agg(s::text, ' ') FROM sync_sessions s").await.unwrap();
    assert!(!stored.contains(now.trim_start_matches("gazelle=")), "{stored}");
    // One browser, all browsers, and the command line.
    assert_eq!(again.post("/app/sign-out", &[]).await.status, 303);
    assert_eq!((again.get("/app/").await.status, fixed.get("/app/").await.status), (303, 200));
    again.sign_in("Ana Exemple").await;
    assert_eq!(again.post("/app/me/sign-out", &[]).await.status, 303);
    assert_eq!((again.get("/app/").await.status, fixed.get("/app/").await.status), (303, 303));
    again.cookie = None;
    again.sign_in("Ana Exemple").await;
    world.run(&["people", "sign-out", "Ana Exemple"]).await.success();
    assert_eq!(again.get("/app/").await.status, 303);
    // Twelve hours without a request, by the database's clock; used before, it lasts.
    again.cookie = None;
    again.sign_in("Ana Exemple").await;
    let left =
        "SELECT (max(ends_at) > now() + interval '11 h')::text FROM sync_sessions WHERE ends_at > now()";
    assert_eq!(world.text(left).await, Some("true".to_owned()));
    world.execute("UPDATE sync_sessions SET ends_at = now() + interval '1 min' WHERE ends_at > now()").await;
    assert_eq!(again.get("/app/").await.status, 200);
    assert_eq!(world.text(left).await, Some("true".to_owned()), "prolonged by its use");
    world.execute("UPDATE sync_sessions SET ends_at = now() WHERE ends_at > now()").await;
    assert_eq!(again.get("/app/").await.status, 303);
    let now = world.count("sync_sessions WHERE ends_at > now()").await;
    assert_eq!(now, 0, "a session that ended stays so");
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn nothing_is_done_for_a_page_of_another_site() {
    let mut world = world().await;
    world.set("GAZELLE_SYNC_PUBLIC_URL", "https://sync.example.org");
    let serving = Serving::start(&world, &[]).await;
    let operator = signed_in(&world, &serving, "Ana Exemple", &OPERATOR).await;
    assert!(operator.cookie.as_deref().unwrap().starts_with("__Host-gazelle="));
    assert_eq!(operator.get("/app/").await.header("strict-transport-security"), "max-age=31536000");
    invited(&world, "Loïc Exemple", &["--role", "office"]).await;
    let id = world.text("SELECT id::text FROM sync_people WHERE role = 'office'").await.unwrap();
    let host = operator.base.trim_start_matches("http://").to_owned();
    let own = format!("http://{host}");
    let disable = format!("/app/people/{id}/disable");
    let ask = async |path: &str, headers: &[(&str, &str)]| -> PageResponse {
        let form = [("name", "Ana Exemple"), ("passphrase", PASSPHRASE)];
        let request = operator.http.post(format!("{}{path}", operator.base)).form(&form);
        operator
            .send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)))
            .await
    };
    for headers in [
        vec![],
        vec![("origin", "null")],
        vec![("origin", "https://example.org")],
        vec![("origin", "http://sync.example.org")],
        vec![("origin", "http://127.0.0.1:1")],
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site"), ("sec-fetch-mode", "navigate")],
        vec![("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")],
        vec![("sec-fetch-site", "cross-site"), ("origin", &own)],
        vec![("host", "rebound.example.org"), ("origin", "http://rebound.example.org")],
        vec![("host", "rebound.example.org"), ("sec-fetch-site", "same-origin")],
        vec![("host", "sync.example.org"), ("origin", "http://sync.example.org")],
    ] {
        // Nor is anybody signed in as somebody else.
        for path in [disable.as_str(), "/app/sign-in", "/app/sign-out"] {
            let said = ask(path, &headers).await;
            assert_eq!(said.status, 403, "{path} {headers:?}: {said:?}");
            assert!(said.cookie().is_none(), "{path} {headers:?}");
        }
    }
    assert_eq!(world.count("sync_people WHERE disabled_at IS NOT NULL").await, 0);
    for headers in [
        vec![("sec-fetch-site", "same-origin")],
        vec![("origin", own.as_str())],
        vec![("host", "sync.example.org"), ("origin", "https://sync.example.org")],
    ] {
        assert_eq!(ask(&disable, &headers).await.status, 303, "{headers:?}");
        world.execute("UPDATE sync_people SET disabled_at = NULL").await;
    }
    // GET changes nothing.
    assert_eq!(operator.get(&disable).await.status, 405);
    assert_eq!(operator.get("/app/sign-out").await.status, 405);
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn whoever_guesses_waits_and_learns_nothing() {
    let world = world().await;
    let serving = Serving::start(&world, &[]).await;
    let mut ana = signed_in(&world, &serving, "Ana Exemple", &OPERATOR).await;
    invited(&world, "Loïc Exemple", &["--role", "office"]).await;
    let guesser = Caller::of(&serving);
    let guess = async |name: &str, passphrase: &str, from: &str| {
        let form = [("name", name), ("passphrase", passphrase)];
        let request = guesser.http.post(format!("{}/app/sign-in", guesser.base)).form(&form);
        guesser.send(request.header("origin", guesser.origin()).header("x-forwarded-for", from)).await
    };
    // Somebody who can sign in, somebody who never did, and nobody.
    let mut pages = Vec::new();
    for (at, name) in ["Ana Exemple", "Loïc Exemple", "Nobody Exemple"].into_iter().enumerate() {
        let from = format!("192.0.2.{at}");
        for _ in 0..5 {
            let said = guess(name, "not the passphrase", &from).await;
            assert_eq!(said.status, 403, "{name}: {said:?}");
            pages.push(said.body.replace(name, "NAME"));
        }
        let said = guess(name, "not the passphrase", &from).await;
        assert_eq!((said.status, said.header("retry-after")), (429, "60"), "{name}: {said:?}");
        let said = guess(name, PASSPHRASE, &format!("198.51.100.{at}")).await;
        assert_eq!(said.status, 429, "{name}: from anywhere, and with the right one: {said:?}");
    }
    pages.dedup();
    assert_eq!(pages.len(), 1, "{pages:?}");
    // One address, many names.
    for at in 0..20 {
        assert_eq!(guess(&format!("name {at}"), "x", "203.0.113.7").await.status, 403, "{at}");
    }
    assert_eq!(guess("another", "x", "203.0.113.7").await.status, 429);
    // A form is bounded.
    let large = "x".repeat(9_000);
    assert_eq!(guess("large", &large, "203.0.113.8").await.status, 413);
    // Who is signed in goes on.
    assert_eq!(ana.get("/app/").await.status, 200);
    ana.cookie = None;
    assert_eq!(ana.sign_in("Ana Exemple").await.status, 429);
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn neither_log_nor_metrics_hold_a_name_a_passphrase_a_session_or_a_link() {
    let mut world = world().await;
    world.set("GAZELLE_SYNC_LOG", "warn,gazelle_sync=trace");
    let link = invited(&world, "Zéphirine Exemple", &OPERATOR).await;
    let serving = Serving::start(&world, &[]).await;
    let mut caller = Caller::of(&serving);
    until("the database is open", async || caller.get("/app/sign-in").await.status == 200).await;
    caller.get(&path(&link)).await;
    caller.enter(&link).await;
    let mut secrets =
        vec![path(&link).rsplit('/').next().unwrap().to_owned(), caller.cookie.clone().unwrap()];
    caller.sign_in("Zéphirine Exemple").await;
    secrets.push(caller.cookie.clone().unwrap());
    let mut wrong = Caller::of(&serving);
    wrong.post("/app/sign-in", &[("name", "Zéphirine Exemple"), ("passphrase", "mauvaise phrase")]).await;
    wrong.cookie = Some(format!("gazelle={}", "C".repeat(43)));
    wrong.get("/app/today?technician=usr_secret").await;
    let said = caller.post("/app/people", &[("name", "Barnabé Exemple"), ("role", "office")]).await;
    secrets.extend(said.body.split("/app/enter/").nth(1).map(|rest| rest[..43].to_owned()));
    caller.post("/app/me/sign-out", &[]).await;
    let (_, metrics) = serving.get("/metrics").await;
    let ended = serving.stop().await;
    assert!(ended.log.contains("signed in to the dashboard"), "{}", ended.log);
    assert_eq!(secrets.len(), 4);
    let words = ["Zéphirine", "Barnabé", PASSPHRASE, "mauvaise", "usr_secret", "CCCCCC"];
    for secret in secrets.iter().map(|secret| secret.trim_start_matches("gazelle=")).chain(words) {
        assert!(!ended.log.contains(secret), "{secret}: {}", ended.log);
        assert!(!metrics.contains(secret), "{secret}: {metrics}");
    }
}

#[tokio::test]
async fn who_signs_in_fails_or_is_refused_stands_in_the_log_by_id_with_the_time() {
    let mut world = world().await;
    world.set("GAZELLE_SYNC_LOG", "info");
    let serving = Serving::start(&world, &[]).await;
    let name = "Opératrice Exemple";
    let mut operator = signed_in(&world, &serving, name, &OPERATOR).await;
    let id = world.text("SELECT id::text FROM sync_people").await.unwrap();
    let stranger = Caller::of(&serving);
    let tried = [("name", name), ("passphrase", "mauvaise phrase de passe")];
    assert_eq!(stranger.post("/app/sign-in", &tried).await.status, 403);
    let tried = [("name", "Personne d'ici"), ("passphrase", "mauvaise phrase de passe")];
    assert_eq!(stranger.post("/app/sign-in", &tried).await.status, 403);
    assert_eq!(stranger.get(&format!("/app/enter/{}", "A".repeat(43))).await.status, 410);
    assert_eq!(stranger.get(&format!("/feed/{}.ics", "A".repeat(43))).await.status, 404);
    assert_eq!(operator.sign_in(name).await.status, 303);
    let office = signed_in(&world, &serving, "Bureau Exemple", &["--role", "office"]).await;
    let other = world.text("SELECT id::text FROM sync_people WHERE role = 'office'").await.unwrap();
    assert_eq!(office.get("/app/people").await.status, 403);
    let role = [("role", "operator")];
    assert_eq!(operator.post(&format!("/app/people/{other}/role"), &role).await.status, 303);
    assert_eq!(operator.post("/app/sign-out", &[]).await.status, 303);
    let log = serving.stop().await.log;
    let lines: Vec<serde_json::Value> =
        log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for (what, fields) in [
        ("a person set a passphrase and signed in", vec![("person", id.as_str())]),
        ("a wrong name or passphrase was refused", vec![("person", id.as_str()), ("from", "127.0.0.1")]),
        ("invalid one-time links were refused", vec![("from", "127.0.0.1")]),
        ("an invalid calendar link was refused", vec![("from", "127.0.0.1")]),
        ("a person signed in to the dashboard", vec![("person", id.as_str())]),
        ("a person was refused by the dashboard", vec![("person", other.as_str()), ("route", "/app/people")]),
        ("the role of a person was changed", vec![("person", other.as_str()), ("role", "operator")]),
        ("a person signed out", vec![("person", id.as_str())]),
    ] {
        let says = |line: &&serde_json::Value| {
            let text = line.to_string();
            text.contains(what)
                && fields.iter().all(|(name, value)| text.contains(&format!("\"{name}\":\"{value}\"")))
        };
        let line = lines.iter().find(says).unwrap_or_else(|| panic!("{what} {fields:?}: {log}"));
        assert!(line["timestamp"].as_str().is_some_and(|at| at.ends_with('Z')), "UTC: {line}");
    }
    assert_eq!(log.matches("a wrong name or passphrase was refused").count(), 2, "{log}");
    assert!(!log.contains("mauvaise") && !log.contains("Personne d'ici") && !log.contains("AAAA"), "{log}");
}

#[tokio::test]
async fn readers_of_production_read_neither_people_nor_sessions() {
    let world = world().await;
    invited(&world, "Ana Exemple", &OPERATOR).await;
    world.run(&["migrate", "--roles"]).await.success();
    for (role, may) in [("gazelle_reader", false), ("gazelle_sync", true)] {
        for table in ["sync_people", "sync_sessions"] {
            let sql = format!("SELECT has_table_privilege('{role}', '{table}', 'SELECT')");
            assert_eq!(world.one::<bool>(&sql, &[]).await, may, "{role} {table}");
        }
    }
    let open =
        "SELECT count(*) FROM pg_class WHERE relname IN ('sync_people', 'sync_sessions') AND relrowsecurity";
    assert_eq!(world.one::<i64>(open, &[]).await, 2, "row security is on");
}

#[tokio::test]
async fn sessions_that_ended_are_forgotten_after_a_month() {
    let world = world().await;
    let serving = Serving::start(&world, &[]).await;
    let ana = signed_in(&world, &serving, "Ana Exemple", &OPERATOR).await;
    world
        .execute(
            "INSERT INTO sync_sessions (id, hash, person_id, begun_at, ends_at)
             SELECT gen_random_uuid(), sha256(d::text::bytea), p.id, now() - interval '60 d', now() - d * interval '1 d'
               FROM sync_people p CROSS JOIN generate_series(1, 40) d",
        )
        .await;
    // What a duty of the service does once an hour.
    let settings = gazelle_sync::db::ConnectSettings {
        url: world.url(),
        ca_file: None,
        schema: "public".to_owned(),
        connections: 1,
    };
    let db = gazelle_sync::db::connect(&settings).await.unwrap();
    assert_eq!(gazelle_sync::people::forget_old(&db).await.unwrap(), None);
    assert_eq!(world.count("sync_sessions WHERE ends_at < now()").await, 29);
    assert_eq!(ana.get("/app/").await.status, 200, "who is signed in stays so");
    assert_eq!(serving.stop().await.code, Some(0));
}
