//! What a new row would need and lacks: a value in a user's column, a check on one, a trigger before INSERT that agrees.
//! New records wait for it. A row that exists is written whatever a new one would need.

use gazelle_sim::RecordKind;
use serde_json::{Value, json};

use super::refused;
use crate::support::{Tables, World, assert_same, production_tables};

/// Something that refuses every new row of a table.
struct Requirement {
    name: &'static str,
    /// What adds it to the table `{t}`.
    add: &'static str,
    /// What takes it away.
    remove: &'static str,
    /// What the reason of a new record names; `{t}` is its table.
    names: &'static str,
    /// Whether it is a trigger, which `verify` calls a difference in itself.
    is_trigger: bool,
}

const REQUIREMENTS: [Requirement; 4] = [
    Requirement {
        name: "a required column",
        add: "ALTER TABLE {t} ADD COLUMN mien text NOT NULL DEFAULT 'x'; ALTER TABLE {t} ALTER COLUMN mien DROP DEFAULT",
        remove: "ALTER TABLE {t} DROP COLUMN mien",
        names: "mien",
        is_trigger: false,
    },
    Requirement {
        name: "a check on a user's column",
        add: "ALTER TABLE {t} ADD COLUMN mien text DEFAULT 'x'; ALTER TABLE {t} ALTER COLUMN mien DROP DEFAULT;
              ALTER TABLE {t} ADD CONSTRAINT exige_{t} CHECK (mien IS NOT NULL)",
        remove: "ALTER TABLE {t} DROP COLUMN mien",
        names: "exige_{t}",
        is_trigger: false,
    },
    Requirement {
        name: "a trigger that refuses new rows",
        add: "CREATE FUNCTION refuse_{t}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'non'; END $$;
              CREATE TRIGGER mien BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION refuse_{t}()",
        remove: "DROP FUNCTION refuse_{t} CASCADE",
        names: "refuse_{t}",
        is_trigger: true,
    },
    Requirement {
        name: "a trigger that drops new rows",
        add: "CREATE FUNCTION taire_{t}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
              CREATE TRIGGER mien BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION taire_{t}()",
        remove: "DROP FUNCTION taire_{t} CASCADE",
        names: "trigger mien (function taire_{t})",
        is_trigger: true,
    },
];

/// A statement for each production table.
async fn on_every_table(world: &World, sql: &str) {
    for table in production_tables() {
        world.execute(&sql.replace("{t}", table)).await;
    }
}

/// A client with several contacts, its default contact, which is to change, and another one, which is to go.
async fn client_with_contacts(world: &World) -> (String, String, String) {
    let row = world
        .db
        .query_one(
            "SELECT client_external_id, min(external_id) FILTER (WHERE is_default),
                    min(external_id) FILTER (WHERE NOT is_default)
               FROM gazelle_contacts WHERE deleted_at IS NULL GROUP BY 1
             HAVING count(*) FILTER (WHERE is_default) = 1 AND count(*) BETWEEN 2 AND 20 ORDER BY 1 LIMIT 1",
            &[],
        )
        .await
        .unwrap();
    (row.get(0), row.get(1), row.get(2))
}

/// Two others, one with a contact, which is to be merged into the other one.
async fn two_clients(world: &World, but: &str) -> (String, String) {
    let rows = world
        .rows(&format!(
            "SELECT client_external_id AS id FROM gazelle_contacts WHERE deleted_at IS NULL AND client_external_id <> '{but}'
              GROUP BY 1 HAVING count(*) = 1 ORDER BY 1 LIMIT 2"
        ))
        .await;
    let id = |at: usize| rows[at]["id"].as_str().unwrap().to_owned();
    (id(0), id(1))
}

/// What tests name of what `change` did.
struct ChangedIds {
    event: String,
    new: String,
    /// When an older version of the event was seen.
    long_ago: String,
}

/// Changes at the source what concerns rows of every kind: content, a visit that is gone, a contact that is left out, one that
/// another client holds now, a client that is gone. And a new event.
async fn change(world: &World, position: usize, name: &str) -> ChangedIds {
    let event = world.upcoming(0);
    world.control.edit(RecordKind::Event, &event, json!({"title": name})).unwrap();
    world.control.delete(RecordKind::Event, &world.upcoming(3)).unwrap();
    let (client, contact, left_out) = client_with_contacts(world).await;
    world.control.edit(RecordKind::Client, &client, json!({"companyName": name})).unwrap();
    world.control.edit(RecordKind::Contact, &contact, json!({"firstName": name})).unwrap();
    world.control.delete(RecordKind::Contact, &left_out).unwrap();
    let (from, into) = two_clients(world, &client).await;
    world.control.merge_clients(&from, &into).unwrap();
    let new = json!({"start": "2027-03-04T15:00:00Z", "title": "Nouveau"});
    let new = world.control.add(RecordKind::Event, new).unwrap();
    ChangedIds { event, new, long_ago: format!("2020-01-0{}T00:00:00Z", position + 1) }
}

/// The records that wait, by id.
async fn waiting(world: &World) -> Vec<String> {
    refused(world).await.iter().map(|case| case["id"].as_str().unwrap().to_owned()).collect()
}

/// Production is what staging gives: nothing differs but the triggers.
async fn equal(world: &World, requirement: &Requirement, when: &str) {
    let verdict = world.run(&["verify", "--offline"]).await;
    let triggers = if requirement.is_trigger { production_tables().len() } else { 0 };
    assert_eq!(verdict.json()["differences"], triggers, "{}, {when}: {verdict}", requirement.name);
}

#[tokio::test]
async fn a_row_that_exists_is_written_whatever_a_new_one_would_need() {
    let world = World::new().await;
    world.full_sync_ok().await;
    for (position, requirement) in REQUIREMENTS.iter().enumerate() {
        let name = requirement.name;
        on_every_table(&world, requirement.add).await;
        let before = world.content().await;
        let changed = change(&world, position, name).await;

        let sync = world.full().await.success();
        let cases = refused(&world).await;
        assert_eq!(cases.len(), 1, "{name}: only the new record waits: {cases:?}");
        assert_eq!(cases[0]["id"], changed.new.as_str(), "{name}: {cases:?}");
        let names = requirement.names.replace("{t}", "gazelle_appointments");
        assert!(cases[0]["message"].as_str().unwrap().contains(&names), "{name}: {cases:?}");
        let after = world.content().await;
        for (table, written) in [("gazelle_appointments", 2), ("gazelle_clients", 2), ("gazelle_contacts", 3)]
        {
            let rows = after[table].iter().filter(|row| !before[table].contains(row)).count();
            assert!(rows >= written, "{name}: {rows} row(s) of {table}");
        }
        equal(&world, requirement, "synced").await;
        stays_so(&world, requirement, &changed, &after).await;
        let run = sync["run_id"].as_str().unwrap();
        is_undone_and_given_back(&world, requirement, run, &before, &after).await;

        on_every_table(&world, requirement.remove).await;
        world.run(&["errors", "retry"]).await;
        world.full().await.success();
        assert!(waiting(&world).await.is_empty(), "{name}: what waited lands");
        let verdict = world.run(&["verify", "--offline"]).await;
        assert_eq!(verdict.code, 0, "{name}, removed: {verdict}");
    }
}

/// Reconciling every version again, by any command, changes nothing in production and quarantines no other record.
async fn stays_so(world: &World, requirement: &Requirement, changed: &ChangedIds, after: &Tables) {
    let name = requirement.name;
    // An older version that is inserted by hand has its record reconciled again from its first version.
    let old = json!({"id": changed.event, "start": "2027-01-01T10:00:00Z", "title": "Ancien"});
    world.stage("staging_appointments", &changed.event, &old, Some(&changed.long_ago)).await;
    let pending_again =
        "UPDATE staging_appointments SET sync_status = 'pending' WHERE sync_status = 'processed';
                      UPDATE staging_clients SET sync_status = 'pending' WHERE sync_status = 'processed'";
    for args in [
        &["reconcile"][..],
        &["reconcile"],
        &["replay", "--dry-run"],
        &["replay", "--id", &changed.event],
        &["replay"],
        &["errors", "retry"],
        &["sync", "--mode", "full"],
        &["migrate"],
    ] {
        let ran = world.run(args).await;
        // What a replay could not write, it says.
        let says_what_waits = args[0] == "replay" && !args.contains(&"--dry-run") && ran.code == 3;
        assert!(ran.code == 0 || says_what_waits, "{name}, {args:?}: {ran}");
        if args == ["replay"] {
            assert!(says_what_waits && ran.reasons().contains(changed.new.as_str()), "{name}: {ran}");
        }
        assert_same(after, &world.content().await, &format!("{name}, {args:?}: {ran}"));
        if args == ["errors", "retry"] {
            world.run(&["reconcile"]).await;
        }
        assert_eq!(waiting(world).await, [changed.new.as_str()], "{name}, {args:?}: {ran}");
        // From here on every version is reconciled again.
        if args == ["reconcile"] {
            world.execute(pending_again).await;
        }
    }
    equal(world, requirement, "reconciled again").await;
}

/// An undo writes what exists, and its lifting says what it cannot write, which is the new record.
async fn is_undone_and_given_back(
    world: &World,
    requirement: &Requirement,
    run: &str,
    before: &Tables,
    after: &Tables,
) {
    let name = requirement.name;
    let undone = world.run(&["undo", run]).await;
    assert_eq!(undone.code, 0, "{name}: {undone}");
    assert_eq!(undone.json()["waiting"], json!([]), "{name}: {undone}");
    assert_same(before, &world.content().await, &format!("{name}, undone"));
    assert!(waiting(world).await.is_empty(), "{name}: {undone}");
    equal(world, requirement, "undone").await;

    // The run marked rows of two clients, more than the guard allows in so small a shop.
    let lifted = world.run(&["undo", "--lift", run, "--allow-deletions"]).await;
    assert_eq!(lifted.code, 3, "{name}: what could not be written is not hidden: {lifted}");
    let left: Value = lifted.json()["waiting"].clone();
    assert_eq!((&left[0]["entity"], &left[0]["records"]), (&json!("appointments"), &json!(1)), "{lifted}");
    assert!(lifted.reasons().contains("could not be written"), "{name}: {lifted}");
    assert_same(after, &world.content().await, &format!("{name}, lifted"));
    equal(world, requirement, "lifted").await;
}

#[tokio::test]
async fn rebuilt_from_nothing_every_record_waits_and_comes_back() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let before = world.content().await;
    world
        .execute(
            "ALTER TABLE gazelle_appointments ADD COLUMN mien text NOT NULL DEFAULT 'x';
             ALTER TABLE gazelle_appointments ALTER COLUMN mien DROP DEFAULT;
             TRUNCATE gazelle_appointments CASCADE;
             UPDATE staging_appointments SET sync_status = 'pending' WHERE sync_status = 'processed'",
        )
        .await;
    world.run(&["reconcile"]).await;
    let events = before["gazelle_appointments"].len();
    assert_eq!(waiting(&world).await.len(), events);
    world.execute("ALTER TABLE gazelle_appointments DROP COLUMN mien").await;
    world.run(&["errors", "retry"]).await;
    world.run(&["reconcile"]).await.success();
    assert_same(&before, &world.content().await, "as before");
}
