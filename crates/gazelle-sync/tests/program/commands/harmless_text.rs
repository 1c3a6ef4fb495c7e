//! Text from outside in every place where it is shown: no byte of it acts on a terminal, reorders a line or hides, none
//! makes a line of its own, and programs read the value as it was.

use crate::support::failing::{check, mail_settings};
use crate::support::hostile_text::{FORGED, HOSTILE, is_harmless, is_one_line_each, texts};
use crate::support::mail::{Identity, MailServer, ServerBehaviour};
use crate::support::quarantined::place;
use crate::support::service::Serving;
use crate::support::sink::WebhookReceiver;
use crate::support::{CommandOutput, TestInstallation, World, run_to_end};
use serde_json::{Value, json};

#[track_caller]
fn holds_it(where_: &str, document: &Value) {
    assert!(texts(document).iter().any(|text| text.contains(HOSTILE)), "{where_} lost the value: {document}");
}

async fn text(place: &TestInstallation, args: &[&str]) -> CommandOutput {
    run_to_end(place.command(args)).await
}

/// A database in which a record's id, a run's reason, a warning and an alert's error hold such a text.
async fn hostile_place() -> TestInstallation {
    let place = place().await;
    place
        .stage(
            "staging_appointments",
            HOSTILE,
            &json!({ "id": HOSTILE, "type": HOSTILE, "start": HOSTILE }),
            None,
        )
        .await;
    place.run(&["reconcile"]).await;
    place.execute("UPDATE staging_appointments SET error_message = 'refused: ' || external_id").await;
    let insert = "INSERT INTO sync_runs (run_id, command, mode, trigger, status, reason, started_at, finished_at, program)
                  VALUES (gen_random_uuid(), 'sync', 'full', 'schedule', 'failed', $1, now(), now(), 'x')";
    place.db.execute(insert, &[&HOSTILE]).await.unwrap();
    place
        .db
        .execute(
            "INSERT INTO sync_run_warnings (run_id, code, subject, message)
             SELECT run_id, 'new_field', $1, $1 FROM sync_runs WHERE reason = $1",
            &[&HOSTILE],
        )
        .await
        .unwrap();
    place
        .db
        .execute(
            "INSERT INTO sync_quality_warnings (entity, external_id, code, field, first_seen_at, last_seen_at)
             VALUES ('appointments', $1, 'unreadable_field', $1, now(), now()), ($1, 'x', $1, 'f', now(), now())",
            &[&HOSTILE],
        )
        .await
        .unwrap();
    place
}

#[tokio::test]
async fn commands_show_it_in_one_line_and_programs_read_it_as_it_was() {
    let mut place = hostile_place().await;
    let slack = WebhookReceiver::start().await;
    slack.answer(500);
    place.env.insert("SLACK_WEBHOOK_URL".to_owned(), slack.url("/x"));
    check(&place).await;
    let sql = "UPDATE sync_alert_messages SET last_error = $1, title = title || $1";
    place.db.execute(sql, &[&HOSTILE]).await.unwrap();
    for args in [
        &["errors"][..],
        &["errors", "show", HOSTILE],
        &["warnings"],
        &["status"],
        &["alerts"],
        &["history", HOSTILE],
    ] {
        let plain = text(&place, args).await;
        assert_eq!(plain.code, 0, "{args:?} {plain}");
        is_one_line_each(&format!("{args:?}"), &plain.stdout);
        is_one_line_each(&format!("{args:?}, stderr"), &plain.stderr);
        let document = place.run(args).await;
        is_harmless(&format!("{args:?} --json"), &document.stdout);
        holds_it(&format!("{args:?} --json"), &document.success());
    }
}

#[tokio::test]
async fn the_document_of_an_error_is_escaped_like_any_other() {
    let place = place().await;
    for args in [
        &["history", HOSTILE][..],
        &["errors", "show", HOSTILE],
        // Wrong use, found by the command and by the parser.
        &["errors", "--entity", HOSTILE],
        &["sync", "--mode", HOSTILE],
        &["migrate", "--roles", "--owner-role", HOSTILE],
    ] {
        let told = place.run(args).await;
        assert_ne!(told.code, 0, "{args:?} {told}");
        is_harmless(&format!("{args:?} --json"), &told.stdout);
        is_harmless(&format!("{args:?}, stderr"), &told.stderr);
        assert!(told.stderr.lines().all(|line| !line.trim_start().starts_with(FORGED)), "{args:?} {told}");
        assert_eq!(told.json()["status"], "failed", "{args:?} {told}");
    }
    // The value survives where the message quotes it whole.
    holds_it("history --json", &place.run(&["history", HOSTILE]).await.json());
}

#[tokio::test]
async fn the_http_side_escapes_it_and_cuts_what_is_long() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 1 1 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 1 1 *");
    world.full_sync_ok().await;
    let long = format!("{HOSTILE}{}", "é".repeat(3_000_000));
    for reason in [HOSTILE, &long] {
        let insert = "INSERT INTO sync_runs (run_id, command, mode, trigger, status, reason, started_at, finished_at, program)
                      VALUES (gen_random_uuid(), $1, 'full', 'schedule', 'failed', $2, now(), now(), 'x')";
        world.db.execute(insert, &[&HOSTILE, &reason]).await.unwrap();
    }
    let insert = "INSERT INTO sync_wanted_runs (mode, entities, requested_by, outcome, reason, ended_at)
                  VALUES ('full', ARRAY[$1], $1, 'refused', $1, now())";
    world.db.execute(insert, &[&long]).await.unwrap();
    let serving = Serving::start(&world, &[]).await;
    crate::support::service::until("the database is open", async || serving.get("/runs").await.0 == 200)
        .await;
    let (status, body) = serving.get("/runs").await;
    assert_eq!(status, 200, "{body}");
    is_harmless("GET /runs", &body);
    let document: Value = serde_json::from_str(&body).unwrap();
    holds_it("GET /runs", &document);
    assert!(body.len() < 100_000, "GET /runs answers {} bytes", body.len());
    for text in texts(&document) {
        assert!(text.chars().count() <= 2_100, "{} characters", text.chars().count());
    }
    // What was asked for, quoted in the answer that refuses it.
    let asked =
        json!({ "mode": "full", "entities": [format!("{HOSTILE}{}", "x".repeat(9_000))] }).to_string();
    let request = crate::support::service::client().post(format!("{}/runs", serving.base));
    let answer = request.header("content-type", "application/json").body(asked).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 400);
    let body = answer.text().await.unwrap();
    is_harmless("POST /runs", &body);
    assert!(body.len() < 10_000, "POST /runs answers {} bytes", body.len());
    serving.stop().await;
}

#[tokio::test]
async fn logs_of_both_formats_hold_one_harmless_line_an_event() {
    for format in ["json", "human"] {
        let mut place = hostile_place().await;
        place.env.insert("GAZELLE_SYNC_LOG_FORMAT".to_owned(), format.to_owned());
        // The name of a variable, and the message of what a database says, are other people's texts.
        place.env.insert(format!("GAZELLE_SYNC_{HOSTILE}"), "x".to_owned());
        let slack = WebhookReceiver::start().await;
        slack.answer(500);
        place.env.insert("SLACK_WEBHOOK_URL".to_owned(), slack.url("/x"));
        let told = place.run(&["alerts", "check"]).await;
        assert_eq!(told.code, 0, "{told}");
        is_one_line_each(&format!("the log ({format})"), &told.stderr);
        assert!(told.stderr.contains(FORGED), "the log says nothing of it: {told}");
        if format == "json" {
            let lines: Vec<Value> =
                told.stderr.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
            assert!(lines.iter().flat_map(texts).any(|text| text.contains(FORGED)), "{told}");
        }
    }
}

#[tokio::test]
async fn alerts_hold_it_without_what_acts() {
    let mut place = hostile_place().await;
    let identity = Identity::new();
    let (slack, hook) = (WebhookReceiver::start().await, WebhookReceiver::start().await);
    let server = MailServer::start(&identity, ServerBehaviour::default()).await;
    place.env.insert("SLACK_WEBHOOK_URL".to_owned(), slack.url("/x"));
    place.env.insert("ALERT_WEBHOOK_URL".to_owned(), hook.url("/y"));
    mail_settings(&mut place, &identity, &server, "smtp", "anne@example.org");
    // Written before this release, or by somebody else: what is stored is no more to be trusted.
    for sink in [&slack, &hook] {
        sink.answer(500);
    }
    check(&place).await;
    let sql = "UPDATE sync_alert_messages SET title = title || $1, due_at = now() WHERE sent_at IS NULL";
    place.db.execute(sql, &[&HOSTILE]).await.unwrap();
    for sink in [&slack, &hook] {
        sink.answer(200);
    }
    check(&place).await;
    // A failed run, and an API that has changed.
    let mails = server.mails();
    assert_eq!((slack.accepted().len(), hook.accepted().len(), mails.len()), (2, 2, 2));
    let about_the_run = |text: &str| text.contains("The sync failed");

    for sent in slack.accepted() {
        is_harmless("Slack", &sent.body);
        let said = sent.json()["text"].as_str().unwrap().to_owned();
        is_one_line_each("Slack's text", &said);
        assert!(said.contains(FORGED), "{said}");
    }
    for sent in hook.accepted() {
        is_harmless("the webhook", &sent.body);
        let document = sent.json();
        for name in ["title", "text"] {
            is_one_line_each(name, document[name].as_str().unwrap());
        }
        let title = document["title"].as_str().unwrap();
        assert_eq!(title.lines().count(), 1);
        if about_the_run(title) {
            assert_eq!(document["facts"]["reason"], HOSTILE, "facts are for programs, as they are");
        }
    }
    for mail in &mails {
        let subject = mail.header("Subject").unwrap();
        is_harmless("the subject", &subject);
        let (_, body) = mail.data.split_once("\r\n\r\n").unwrap();
        let body = decoded(body, &mail.header("Content-Transfer-Encoding").unwrap_or_default());
        is_one_line_each("the mail", &body);
        if about_the_run(&subject) {
            assert!(body.contains(FORGED), "{body}");
        }
    }
}

/// The text of a mail's body.
fn decoded(body: &str, encoding: &str) -> String {
    let bytes = match encoding {
        "base64" => {
            use base64::Engine as _;
            let packed: String = body.split_whitespace().collect();
            base64::engine::general_purpose::STANDARD.decode(packed).unwrap()
        }
        "quoted-printable" => {
            let joined = body.replace("=\r\n", "");
            let mut bytes = Vec::new();
            let mut rest = joined.bytes();
            while let Some(byte) = rest.next() {
                match byte {
                    b'=' => {
                        let digits = [rest.next().unwrap(), rest.next().unwrap()];
                        let digits = std::str::from_utf8(&digits).unwrap();
                        bytes.push(u8::from_str_radix(digits, 16).unwrap());
                    }
                    other => bytes.push(other),
                }
            }
            bytes
        }
        _ => body.as_bytes().to_vec(),
    };
    String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
}
