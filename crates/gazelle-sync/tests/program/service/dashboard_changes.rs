//! The screen of changes: what moved, by the local day on which it was seen, and for whom.

use gazelle_sim::RecordKind;
use serde_json::{Value, json};

use crate::support::World;
use crate::support::people::{Caller, signed_in};
use crate::support::service::Serving;

/// A world that no run of the service's own changes.
async fn quiet() -> World {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 29 2 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 29 2 *");
    world
}

fn visit(world: &World, title: &str, start: &str) -> String {
    let (technician, client) =
        (&world.control.ids(RecordKind::User)[0], &world.control.ids(RecordKind::Client)[0]);
    let event = json!({
        "type": "APPOINTMENT", "status": "ACTIVE", "title": title, "duration": 60, "start": start,
        "client": { "id": client }, "user": { "id": technician }, "createdAt": "2026-01-05T12:00:00Z",
    });
    world.control.add(RecordKind::Event, event).unwrap()
}

async fn changes(caller: &Caller, query: &str) -> Value {
    let said = caller.get(&format!("/app/changes.json{query}")).await;
    assert_eq!(said.status, 200, "{said:?}");
    serde_json::from_str(&said.body).unwrap()
}

/// Title, kind, from or start, and to of each change, the newest first.
fn told(document: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let of = |one: &Value| {
        let title = text(&one["title"]);
        let change = |change: &Value| {
            let from = change.get("from").or(change.get("start")).map_or_else(String::new, text);
            let to = change.get("to").map_or_else(String::new, |to| format!(" to {}", text(to)));
            format!("{title}: {} {from}{to}", text(&change["kind"]))
        };
        one["changes"].as_array().unwrap().iter().map(change).collect::<Vec<_>>()
    };
    document["changes"].as_array().unwrap().iter().flat_map(of).collect()
}

#[tokio::test]
async fn what_moved_is_listed_with_from_and_to_and_a_first_sync_is_no_news() {
    let world = quiet().await;
    // 23:30 of the ninth in Montréal, 00:30 of the tenth; far from what the made-up shop holds.
    let moved = visit(&world, "déplacé", "2037-06-10T03:30:00Z");
    let both = visit(&world, "déplacé et réattribué", "2037-06-11T14:00:00Z");
    let cancelled = visit(&world, "annulé", "2037-06-12T14:00:00Z");
    let gone = visit(&world, "disparu", "2037-06-13T14:00:00Z");
    let noted = visit(&world, "noté", "2037-06-14T14:00:00Z");
    world.full_sync_ok().await;
    let serving = Serving::start(&world, &[]).await;
    let operator = signed_in(&world, &serving, "Opératrice Exemple", &["--role", "operator"]).await;
    assert_eq!(told(&changes(&operator, "").await), [""; 0], "a first sync is no news");
    assert!(operator.get("/app/changes").await.body.contains("No appointment changed"));

    let users = world.control.ids(RecordKind::User);
    world.control.move_event(&moved, Some("2037-06-10T04:30:00Z")).unwrap();
    world.control.move_event(&both, Some("2037-06-11T15:00:00Z")).unwrap();
    world.control.reassign(&both, &users[1]).unwrap();
    world.control.cancel(&cancelled).unwrap();
    world.control.delete(RecordKind::Event, &gone).unwrap();
    world.control.edit(RecordKind::Event, &noted, json!({ "notes": "le code est ailleurs" })).unwrap();
    assert_eq!(world.full().await.code, 0);
    let mut first = told(&changes(&operator, "").await);
    first.sort();
    let reassigned = format!("déplacé et réattribué: reassigned {} to {}", users[0], users[1]);
    let expected = [
        "annulé: cancelled 2037-06-12T14:00:00Z",
        "disparu: gone 2037-06-13T14:00:00Z",
        "déplacé et réattribué: moved 2037-06-11T14:00:00Z to 2037-06-11T15:00:00Z",
        reassigned.as_str(),
        "déplacé: moved 2037-06-10T03:30:00Z to 2037-06-10T04:30:00Z",
    ];
    assert_eq!(first, expected);

    // Back from both, each as a change of its own, before those above.
    world.control.edit(RecordKind::Event, &cancelled, json!({ "status": "ACTIVE" })).unwrap();
    assert_eq!(world.incremental().await.code, 0);
    let all = told(&changes(&operator, "").await);
    assert_eq!(all[0], "annulé: reinstated 2037-06-12T14:00:00Z");
    assert_eq!(all.len(), 6);

    by_kind(&operator, &all).await;

    // By the day on which it was seen, in the zone of the settings.
    let today = world.text("SELECT (now() AT TIME ZONE 'America/Toronto')::date::text").await.unwrap();
    let seen =
        "SELECT count(*) FROM staging_appointments WHERE (fetched_at AT TIME ZONE 'America/Toronto')::date";
    let before = world.one::<i64>(&format!("{seen} <> '{today}'"), &[]).await;
    assert!(before > 0 || told(&changes(&operator, &format!("?day={today}")).await).len() == 6);
    assert_eq!(told(&changes(&operator, "?day=2020-01-01").await), [""; 0]);

    // A technician sees what is or was the own, and may not ask for another's.
    for (at, titles) in [(0, 6), (1, 1)] {
        let role = ["--role", "technician", "--technician", &users[at]];
        let own = signed_in(&world, &serving, &format!("Technicien {at}"), &role).await;
        let document = changes(&own, "").await;
        let found = told(&document);
        assert_eq!(found.iter().filter(|one| one.contains("reassigned")).count(), 1, "{found:?}");
        assert_eq!(found.len() - usize::from(at == 1), titles, "{found:?}");
        let all = changes(&operator, &format!("?technician={}", users[at])).await;
        assert_eq!(told(&all), found);
        for path in ["/app/changes", "/app/changes.json"] {
            let said = own.get(&format!("{path}?technician={}", users[1 - at])).await;
            assert_eq!(said.status, 403, "{said:?}");
        }
    }
    assert_eq!(serving.stop().await.code, Some(0));
}

/// Each kind alone is what all of them show of it, in the document and on the page, whose links lead back to all.
async fn by_kind(operator: &Caller, all: &[String]) {
    for kind in ["new", "moved", "reassigned", "cancelled", "reinstated", "gone"] {
        let document = changes(operator, &format!("?kind={kind}")).await;
        let expected: Vec<&String> = all.iter().filter(|one| one.contains(&format!(": {kind} "))).collect();
        assert_eq!(told(&document).iter().collect::<Vec<_>>(), expected, "{kind}");
        assert_eq!(document["kind"], kind);
        let page = operator.get(&format!("/app/changes?kind={kind}")).await.body;
        assert!(page.contains(&format!("<option value=\"{kind}\" selected>")), "{page}");
        let empty = page.contains("Nothing that moved matches this choice.");
        assert_eq!(empty, expected.is_empty(), "{kind}: {page}");
        assert_eq!(
            page.matches("<a href=\"/app/changes\">Show everything</a>").count(),
            1 + usize::from(empty)
        );
    }
    // With another choice, the kind is cleared by itself.
    let page = operator.get("/app/changes?kind=new&day=2020-01-01").await.body;
    assert!(page.contains("<a href=\"/app/changes?day=2020-01-01\">All kinds</a>"), "{page}");
    // What is no kind is none, and the page says which it shows.
    assert_eq!(told(&changes(operator, "?kind=elsewhere").await), all);
}

#[tokio::test]
async fn pages_of_changes_are_read_to_the_end_without_missing_or_repeating_one() {
    let world = quiet().await;
    world.full_sync_ok().await;
    // 230 appointments, each moved once, and as many other changes between.
    let staged = |second: i64, id: &str, raw: &str, status: &str| {
        format!(
            "INSERT INTO staging_appointments (id, external_id, raw_data, fetched_at, sync_status)
             SELECT (lpad(to_hex(x'01900000'::int + {second}), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(g), 12, '0'))::uuid,
                    {id}, {raw}, timestamptz '2024-06-10T02:36:00Z' + {second} * interval '10 min' + g * interval '1 s', '{status}'
               FROM generate_series(1, 230) g"
        )
    };
    let raw = |hour: u8, notes: &str| {
        format!(
            "jsonb_build_object('id', 'evt_' || g, 'status', 'ACTIVE', 'notes', '{notes}',
                'start', '2037-01-01T{hour}:00:00Z', 'user', jsonb_build_object('id', 'usr_x'), 'createdAt', '2020-01-01T00:00:00Z')"
        )
    };
    for (second, hour, notes, status) in [
        (0, 14, "", "processed"),
        (1, 14, "noted", "processed"),
        (2, 16, "in error", "error"),
        (3, 15, "moved", "processed"),
    ] {
        world.execute(&staged(second, "'evt_' || g", &raw(hour, notes), status)).await;
    }
    let serving = Serving::start(&world, &[]).await;
    let operator = signed_in(&world, &serving, "Opératrice Exemple", &["--role", "operator"]).await;
    for filter in ["", "technician=usr_x&", "day=2024-06-09&", "kind=moved&"] {
        let (mut seen, mut before, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let document = changes(&operator, &format!("?{filter}{before}")).await;
            for one in document["changes"].as_array().unwrap() {
                assert_eq!(
                    one["changes"],
                    json!([{ "kind": "moved", "from": "2037-01-01T14:00:00Z", "to": "2037-01-01T15:00:00Z" }])
                );
                seen.push(one["external_id"].as_str().unwrap().to_owned());
            }
            pages += 1;
            match document["next"].as_str() {
                Some(next) => before = format!("before={next}"),
                None => break,
            }
            assert!(pages < 10, "{filter}");
        }
        assert_eq!(seen.len(), 230, "{filter}");
        let last = seen[0].clone();
        seen.sort();
        seen.dedup();
        assert_eq!((seen.len(), last.as_str()), (230, "evt_230"), "{filter}");
    }
    assert_eq!(serving.stop().await.code, Some(0));
}
