//! Rows that somebody else wrote: whatever stands in our tables, no command panics, grows without bound or shows what acts.

use gazelle_sim::RecordKind;
use serde_json::Value;

use super::Tally;
use super::support::failing::{fail, mail_settings};
use super::support::hostile_text::{HOSTILE, is_harmless, is_one_line_each};
use super::support::mail::{Identity, MailServer, ServerBehaviour};
use super::support::random::Random;
use super::support::service::Serving;
use super::support::sink::WebhookReceiver;
use super::support::{World, run_to_end};

/// Cells changed before the commands, and the commands of one case.
const CHANGES: usize = 60;
const COMMANDS: usize = 10;

/// A column of a table of ours.
struct Column {
    table: String,
    name: String,
    kind: String,
}

/// Something of a type that nobody expects there.
fn value(random: &mut Random, kind: &str) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let text = match random.below(5) {
        0 => String::new(),
        1 => "é\u{202e}".repeat(200_000),
        2 => format!("{HOSTILE}{}", "\u{1b}]0;x\u{7}".repeat(random.below(50))),
        3 => "forged row\nforged too".to_owned(),
        _ => HOSTILE.to_owned(),
    };
    let one_of = |random: &mut Random, values: &[&str]| quoted(random.pick::<&str>(values));
    match kind {
        "text[]" => format!("ARRAY[{}, NULL, '']", quoted(&text)),
        "jsonb" => match random.below(5) {
            0 => "'null'".to_owned(),
            1 => "'[]'".to_owned(),
            2 => format!("to_jsonb({}::text)", quoted(&text)),
            3 => quoted(&format!("{}1{}", "[".repeat(2_000), "]".repeat(2_000))),
            _ => format!("jsonb_build_object('id', {0}::text, {0}::text || 'x', 1e300)", quoted(&text)),
        },
        "timestamp with time zone" | "timestamp without time zone" | "date" => one_of(
            random,
            &[
                "infinity",
                "-infinity",
                "0001-01-01",
                "4713-01-01 BC",
                "294276-12-31",
                "9999-12-31",
                "1970-01-01",
            ],
        ),
        "interval" => one_of(random, &["178000000 years", "-178000000 years", "0"]),
        "smallint" => one_of(random, &["-32768", "32767", "0"]),
        "integer" => one_of(random, &["-2147483648", "2147483647", "0", "-1"]),
        "bigint" => one_of(random, &["-9223372036854775808", "9223372036854775807", "0", "-1"]),
        "numeric" => one_of(random, &["NaN", "Infinity", "-Infinity", "1e1000", "-1e-1000"]),
        "double precision" | "real" => one_of(random, &["NaN", "Infinity", "-Infinity", "1e30"]),
        "boolean" => one_of(random, &["true", "false"]),
        "uuid" => {
            one_of(random, &["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"])
        }
        "bytea" => one_of(random, &["", "\\x00", "\\xff1b5b33316d"]),
        "time without time zone" => one_of(random, &["24:00", "00:00"]),
        _ if random.percent(10) => "NULL".to_owned(),
        _ => quoted(&text),
    }
}

/// A copy of a shop with something in most tables: runs good and bad, alerts, deletions, warnings, cases.
async fn busy(place: &mut World) {
    place.full_sync_ok().await;
    let client = place.control.ids(RecordKind::Client)[1].clone();
    place
        .control
        .edit(RecordKind::Client, &client, serde_json::json!({ "companyName": "Salle (exemple)" }))
        .unwrap();
    place.control.delete(RecordKind::Event, &place.upcoming(1)).unwrap();
    place.incremental().await;
    fail(place).await;
    place.execute("INSERT INTO sync_wanted_runs (mode, requested_by) VALUES ('full', 'x')").await;
    place.run(&["alerts", "check"]).await.success();
}

async fn columns(world: &World) -> Vec<Column> {
    let rows = world
        .rows(
            "SELECT table_name AS of, column_name AS name,
                    CASE data_type WHEN 'ARRAY' THEN 'text[]' ELSE data_type END AS kind
               FROM information_schema.columns
              WHERE table_schema = 'public' AND is_generated = 'NEVER' AND table_name !~ '^v_' AND table_name <> 'sync_migrations'
              ORDER BY table_name, ordinal_position",
        )
        .await;
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let column =
        |row: Value| Column { table: text(&row["of"]), name: text(&row["name"]), kind: text(&row["kind"]) };
    rows.into_iter().map(column).collect()
}

pub async fn case(mut random: Random, tally: &mut Tally) {
    let random = &mut random;
    let mut world = World::new().await;
    let (slack, hook) = (WebhookReceiver::start().await, WebhookReceiver::start().await);
    let identity = Identity::new();
    let mail = MailServer::start(&identity, ServerBehaviour::default()).await;
    world.set("SLACK_WEBHOOK_URL", &slack.url("/x"));
    world.set("ALERT_WEBHOOK_URL", &hook.url("/y"));
    mail_settings(&mut world.installation, &identity, &mail, "smtp", "anne@example.org");
    slack.answer(500);
    hook.answer(500);
    busy(&mut world).await;
    slack.answer(200);
    hook.answer(200);
    let id = world.control.ids(RecordKind::Client)[random.below(20)].clone();
    let run: String = world.one("SELECT run_id::text FROM sync_runs ORDER BY 1 LIMIT 1", &[]).await;
    let columns = columns(&world).await;
    let mut changed = Vec::new();
    for _ in 0..CHANGES {
        let Column { table, name, kind } = random.pick(&columns);
        // Mostly what is shown.
        if !table.starts_with("sync_") && random.percent(60) {
            continue;
        }
        let value = value(random, kind);
        let short: String = value.escape_debug().take(60).collect();
        tally.attempt(format!("{table}.{name} = {short}"));
        let sql = format!(
            "UPDATE {table} SET {name:?} = {value}
              WHERE ctid = (SELECT ctid FROM {table} ORDER BY md5(ctid::text || '{}') LIMIT 1)",
            random.below(1_000_000)
        );
        // What a constraint refuses nobody can write.
        if world.db.batch_execute(&sql).await.is_ok() {
            changed.push(tally.now.clone());
        }
    }
    let commands: [&[&str]; 22] = [
        &["status"],
        &["errors"],
        &["errors", "retry"],
        &["warnings"],
        &["deletions"],
        &["alerts"],
        &["alerts", "check"],
        &["history", &id],
        &["history", HOSTILE],
        &["explain", &id, "company_name"],
        &["errors", "show", &id],
        &["doctor"],
        &["verify", "--offline"],
        &["verify"],
        &["replay", "--dry-run"],
        &["replay"],
        &["undo", &run, "--dry-run"],
        &["undo", &run],
        &["reconcile"],
        &["sync"],
        &["sync", "--mode", "full"],
        &["auth", "status"],
    ];
    for _ in 0..COMMANDS {
        let command = *random.pick(&commands);
        let format = *random.pick(&["json", "human"]);
        tally.attempt(format!("{command:?}, log as {format}, after {}", changed.join("; ")));
        let mut program = world.command(command);
        program.env("GAZELLE_SYNC_LOG_FORMAT", format);
        match random.percent(50) {
            true => drop(tally.run_json(program.arg("--json")).await),
            false => {
                let ran = tally.run(&program).await;
                is_one_line_each("stdout", &ran.stdout);
                is_one_line_each("stderr", &ran.stderr);
            }
        }
    }
    tally.attempt(format!("serve, after {}", changed.join("; ")));
    served(&world).await;
    for message in slack.received().iter().chain(&hook.received()) {
        is_harmless("a message", &message.body);
    }
    for mail in mail.mails() {
        is_harmless("a subject", &mail.header("Subject").unwrap_or_default());
    }
}

/// What the HTTP side says of it, if the service starts at all.
async fn served(world: &World) {
    let begun = world.command(&["status", "--json"]);
    if run_to_end(begun).await.code != 0 {
        return;
    }
    let serving = Serving::start(world, &[]).await;
    for path in ["/healthz", "/runs", "/metrics"] {
        let (_, body) = serving.get(path).await;
        is_harmless(path, &body);
        assert!(body.len() < 1_000_000, "{path} answers {} bytes", body.len());
    }
    let ended = serving.stop().await;
    is_harmless("the service's log", &ended.log);
    assert!(!ended.log.contains("panicked"), "{}", ended.log);
}
