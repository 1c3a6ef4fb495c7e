//! Settings and Doctor in the dashboard: what is in force and where it came from, without a secret; what the checks found, when, and
//! who may see it.

use serde_json::{Value, json};

use crate::support::desk::{OperatorSession, ended};
use crate::support::people::{Caller, PageResponse};
use crate::support::service::{Serving, runs, until};
use crate::support::{World, assert_same};

/// Somebody else holds the lease for an hour, as a run on another machine does.
const HELD: &str = "INSERT INTO sync_lease (name, holder, token, expires_at)
     VALUES ('sync', 'another machine', 900, now() + interval '1 hour')
     ON CONFLICT (name) DO UPDATE SET holder = 'another machine', token = 900, expires_at = EXCLUDED.expires_at";
const GIVEN_BACK: &str = "UPDATE sync_lease SET expires_at = 'epoch'";

/// In no answer.
const SECRETS: [&str; 3] = ["s3cr3t", "zugangsschluessel", "herzschlag"];

async fn filled_with_secrets() -> World {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    // Nothing listens there.
    world.set("SLACK_WEBHOOK_URL", "http://127.0.0.1:9/services/T0/B0/s3cr3t");
    world.set("DEADMAN_URL", "http://127.0.0.1:9/herzschlag");
    world.set("GAZELLE_SYNC_HTTP_TOKEN", "zugangsschluessel-1");
    world.set("GAZELLE_SYNC_PAGE_SIZE", "90");
    world
}

async fn french(caller: &Caller, path: &str) -> String {
    let asked = caller.http.get(format!("{}{path}", caller.base)).header("accept-language", "fr-CA");
    caller.send(asked).await.body.replace('\u{a0}', " ")
}

fn has_no_secret(said: &PageResponse) {
    for secret in SECRETS {
        assert!(!said.body.contains(secret), "{secret}: {said:?}");
    }
}

#[tokio::test]
async fn settings_tell_where_each_comes_from_and_of_a_secret_only_whether_it_is_set() {
    let desk = OperatorSession::for_world(filled_with_secrets().await).await;
    let said = desk.operator.get("/app/settings").await;
    assert_eq!(said.status, 200, "{said:?}");
    has_no_secret(&said);
    let page = said.body.replace('\u{a0}', " ");
    assert!(page.contains("by `0 0 29 2 *`") && page.contains("(hours of Montréal)"), "{page}");
    assert_eq!(page.matches("-02-29 00:00</time>").count(), 6, "three times of each: {page}");
    assert!(page.contains("05:00 UTC"), "{page}");
    // The document is what the command prints.
    let said = desk.operator.get("/app/settings.json").await;
    has_no_secret(&said);
    let document: Value = serde_json::from_str(&said.body).unwrap();
    let printed = desk.world.run(&["settings"]).await.success();
    assert_eq!(document["settings"], printed);
    let of = |key: &str| {
        let all = printed.as_array().unwrap();
        all.iter().find(|one| one["key"] == key).unwrap().clone()
    };
    assert_eq!(
        (&of("page_size")["value"], &of("page_size")["from"]),
        (&json!("90"), &json!("environment variable GAZELLE_SYNC_PAGE_SIZE"))
    );
    let row = |page: &str, key: &str| {
        let from = page.find(&format!(">{key}<br>")).unwrap_or_else(|| panic!("{key}: {page}"));
        let row = &page[from..];
        row[..row.find("</tr>").unwrap()].to_owned()
    };
    assert!(row(&page, "page_size").contains(">90</td><td class=\"wrap\">environment<"), "{page}");
    assert!(row(&page, "concurrency").contains(">4</td><td class=\"wrap\">default<"), "{page}");
    assert!(row(&page, "slack_webhook_url").contains(">set</td>"), "{page}");
    assert!(row(&page, "smtp_url").contains(">not set</td>"), "{page}");
    let in_french = french(&desk.operator, "/app/settings").await;
    assert!(row(&in_french, "slack_webhook_url").contains(">réglé</td>"), "{in_french}");
    assert!(in_french.contains("Selon `0 0 29 2 *`; tout selon"), "{in_french}");
    // Meanings are in the language of the page.
    assert!(row(&page, "concurrency").contains("requests to the API at the same time"), "{page}");
    assert!(row(&in_french, "concurrency").contains("requêtes simultanées à l&#39;API"), "{in_french}");
    assert!(!in_french.contains("<td class=\"wrap\" lang=\"en\">"), "{in_french}");
    // Nothing is edited there.
    assert!(
        !page.split("<main").nth(1).unwrap().split("</main>").next().unwrap().contains("<form"),
        "{page}"
    );
    assert_eq!(desk.operator.post("/app/settings", &[]).await.status, 405);
    let office = desk.sign_in_office().await;
    for path in ["/app/settings", "/app/settings.json", "/app/doctor", "/app/doctor.json"] {
        assert_eq!(office.get(path).await.status, 403, "{path}");
    }
    assert!(!office.get("/app/").await.body.contains("/app/settings"));
    desk.end().await;
}

#[tokio::test]
async fn a_channel_tells_its_last_delivery_and_why_it_does_not_deliver() {
    let desk = OperatorSession::for_world(filled_with_secrets().await).await;
    let page = async || desk.operator.get("/app/settings").await.body.replace('\u{a0}', " ");
    let before = page().await;
    assert!(before.contains("no message sent yet"), "{before}");
    let alert = "01930000-0000-7000-8000-000000000001";
    desk.world
        .execute(&format!(
            "INSERT INTO sync_alerts (id, kind, facts, opened_at, closed_at)
             VALUES ('{alert}', 'run_failed', '{{}}', now() - interval '3 hours', now() - interval '2 hours');
             INSERT INTO sync_alert_messages (id, alert_id, channel, position, occasion, title, body, created_at, due_at, sent_at)
             VALUES (gen_random_uuid(), '{alert}', 'slack', 0, 'started', 't', 'b', now() - interval '3 hours',
                     now() - interval '3 hours', now() - interval '150 minutes')"
        ))
        .await;
    let sent = page().await;
    assert!(sent.contains("Delivers</span> <strong>Slack</strong>") && sent.contains("2 h ago"), "{sent}");
    desk.world
        .execute(&format!(
            "INSERT INTO sync_alert_messages (id, alert_id, channel, position, occasion, title, body, created_at, due_at,
                                              attempts, last_error, given_up_at)
             VALUES (gen_random_uuid(), '{alert}', 'slack', 1000000, 'over', 't', 'b', now() - interval '2 hours', now(),
                     9, 'the server answers 410', now())"
        ))
        .await;
    let failing = page().await;
    assert!(failing.contains("Does not deliver</span> <strong>Slack</strong>"), "{failing}");
    assert!(
        failing.contains("1 message was given up") && failing.contains("the server answers 410"),
        "{failing}"
    );
    desk.end().await;
    let desk = OperatorSession::with_full_sync().await;
    let said = desk.operator.get("/app/settings").await.body;
    assert!(said.contains("Nobody is notified of problems"), "{said}");
    desk.end().await;
}

async fn examinations(caller: &Caller) -> Value {
    serde_json::from_str(&caller.get("/app/doctor.json").await.body).unwrap()
}

/// Presses *Examine*. Returns the id of the examination.
async fn examine(desk: &OperatorSession) -> String {
    let said = desk.operator.post("/app/actions/doctor", &[]).await;
    assert_eq!((said.status, said.location()), (303, "/app/doctor"), "{said:?}");
    examinations(&desk.operator).await["open"]["id"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn an_examination_waits_for_the_lease_and_tells_what_is_wrong_first() {
    let desk = OperatorSession::for_world(filled_with_secrets().await).await;
    let page = async || {
        let said = desk.operator.get("/app/doctor").await;
        has_no_secret(&said);
        said.body.replace('\u{a0}', " ")
    };
    assert!(page().await.contains("Nobody has asked for an examination here yet"), "{}", page().await);
    desk.world.execute(HELD).await;
    let id = examine(&desk).await;
    assert_eq!(examine(&desk).await, id, "pressed twice");
    assert!(page().await.contains("An examination waits"), "{}", page().await);
    // A fault that the checks find.
    desk.world.execute("DROP VIEW v_sync_dashboard").await;
    let (before, ran) = (desk.world.content().await, runs(&desk.world, "true").await);
    desk.world.execute(GIVEN_BACK).await;
    let action = ended(&desk.operator, &id).await;
    assert_eq!(action["outcome"], "done", "{action}");
    assert_same(&before, &desk.world.content().await, "an examination changes nothing");
    assert_eq!(runs(&desk.world, "true").await, ran, "and is no run");
    let told = page().await;
    let at = |text: &str| told.find(text).unwrap_or_else(|| panic!("{text}: {told}"));
    assert!(
        at("missing: v_sync_dashboard") < at("▲</span> Warning")
            && at("▲</span> Warning") < at("●</span> OK")
    );
    assert!(
        told.contains("restore them from a backup") && told.contains("just now, for Opératrice Exemple"),
        "{told}"
    );
    assert!(told.contains("Examine again"), "{told}");
    // The service does not look for itself at the address of the settings, where another may be.
    assert!(told.contains("it has run these checks"), "{told}");
    let in_french = french(&desk.operator, "/app/doctor").await;
    assert!(in_french.contains("Avertissement") && in_french.contains("Correctif :"), "{in_french}");
    // What is well, and what is missing, is said in French; what no sentence is known for stays English and says so.
    for said in ["aucune session n&#39;attend un verrou sur nos tables", "il manque : v_sync_dashboard"] {
        assert!(in_french.contains(&format!("<span>{said}</span>")), "{said}: {in_french}");
    }
    let oks = in_french.split("●</span> Correct</span>").skip(1);
    let english: Vec<&str> =
        oks.filter(|line| line.split("</li>").next().unwrap().contains("lang=\"en\"")).collect();
    assert!(english.is_empty(), "{english:?}");
    // The report is for operators, also at the page and the document of the action.
    let office = desk.sign_in_office().await;
    for path in [format!("/app/actions/{id}"), format!("/app/actions/{id}.json")] {
        let said = office.get(&path).await;
        assert!(said.status == 200 && !said.body.contains("v_sync_dashboard"), "{said:?}");
        assert!(!said.body.contains("/app/doctor"), "{said:?}");
    }
    assert!(desk.operator.get(&format!("/app/actions/{id}")).await.body.contains("/app/doctor"));
    assert_eq!(office.post("/app/actions/doctor", &[]).await.status, 403);
    desk.end().await;
}

#[tokio::test]
async fn an_old_result_is_said_to_be_old_and_stays_when_the_next_examination_fails() {
    let desk = OperatorSession::with_full_sync().await;
    let id = examine(&desk).await;
    until("the examination has ended", async || !examinations(&desk.operator).await["last"].is_null()).await;
    let page = async || desk.operator.get("/app/doctor").await.body.replace('\u{a0}', " ");
    assert!(!page().await.contains("much may have changed"), "{id}");
    desk.world.execute("UPDATE sync_actions SET ended_at = ended_at - interval '75 hours'").await;
    let old = page().await;
    assert!(old.contains("This is 3 d old, and much may have changed since"), "{old}");
    desk.world
        .execute(
            "INSERT INTO sync_actions (id, kind, arguments, digest, asked_at, outcome, reason, ended_at)
             VALUES ('01930000-0000-7000-8000-000000000001', 'doctor', '{}', 'x', now(), 'failed', 'it was cut off', now())",
        )
        .await;
    let failed = page().await;
    assert!(failed.contains("gave no result") && failed.contains("it was cut off"), "{failed}");
    assert!(failed.contains("This is 3 d old"), "the last result stays: {failed}");
    let OperatorSession { mut world, serving, .. } = desk;
    assert_eq!(serving.stop().await.code, Some(0));
    // Where nothing is written, the result is shown and no examination offered.
    world.set("GAZELLE_SYNC_DASHBOARD_READ_ONLY", "on");
    let serving = Serving::start(&world, &[]).await;
    let mut caller = Caller::of(&serving);
    until("the database is open", async || caller.get("/app/sign-in").await.status == 200).await;
    assert_eq!(caller.sign_in(crate::support::desk::OPERATOR).await.status, 303);
    let page = caller.get("/app/doctor").await.body;
    assert!(page.contains("much may have changed") && !page.contains("/app/actions/doctor"), "{page}");
    let said = caller.post("/app/actions/doctor", &[]).await;
    assert!(said.status == 403 && said.body.contains("dashboard_read_only"), "{said:?}");
    assert_eq!(serving.stop().await.code, Some(0));
}
