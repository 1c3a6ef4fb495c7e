//! Triggers on the tables of staging and of the bookkeeping that keep rows from being written, with an error or without
//! one: what is lost is told with the trigger's name, or nothing is lost.

use gazelle_sim::RecordKind;
use serde_json::{Value, json};

use crate::support::{TestInstallation, World, assert_same};

/// Puts a trigger in front of each row that a table is given, loses or has changed.
pub(super) async fn hang(
    place: &TestInstallation,
    table: &str,
    operation: &str,
    condition: &str,
    does: &str,
) {
    let goes_on = if operation == "DELETE" { "OLD" } else { "NEW" };
    place
        .execute(&format!(
            "CREATE FUNCTION silence() RETURNS trigger LANGUAGE plpgsql AS $$
               BEGIN IF {condition} THEN {does}; END IF; RETURN {goes_on}; END $$;
             CREATE TRIGGER silence BEFORE {operation} ON {table} FOR EACH ROW EXECUTE FUNCTION silence()"
        ))
        .await;
}

pub(super) const NULL: &str = "RETURN NULL";
pub(super) const RAISE: &str = "RAISE 'non'";

/// Records of a shop to which everything happens that a run notes in a table, and is undone again.
struct Records {
    client: String,
    /// It can be read, now and later.
    good: String,
    /// Its start cannot be read, and later can.
    faulty: String,
    /// It goes, and comes back.
    gone: String,
    /// The two as they were.
    before: [Value; 2],
}

impl Records {
    fn of(world: &World, which: usize) -> Records {
        let [good, faulty, gone] = [1, 2, 3].map(|n| world.upcoming(3 * which + n));
        let before = [&faulty, &gone].map(|id| world.control.record(RecordKind::Event, id).unwrap());
        Records { client: world.control.ids(RecordKind::Client).remove(which), good, faulty, gone, before }
    }

    fn change(&self, world: &World, name: &str) {
        let fields = json!({ "companyName": name, "noContactUntil": "0000-00-00" });
        world.control.edit(RecordKind::Client, &self.client, fields).unwrap();
        world.control.edit(RecordKind::Event, &self.good, json!({ "title": name })).unwrap();
        world
            .control
            .edit(RecordKind::Event, &self.faulty, json!({ "start": "demain", "title": name }))
            .unwrap();
        world.control.delete(RecordKind::Event, &self.gone).unwrap();
    }

    fn revert(&self, world: &World) {
        let [faulty, gone] = &self.before;
        world.control.edit(RecordKind::Client, &self.client, json!({ "noContactUntil": null })).unwrap();
        world.control.edit(RecordKind::Event, &self.faulty, json!({ "start": faulty["start"] })).unwrap();
        world.control.add(RecordKind::Event, gone.clone()).unwrap();
    }

    /// What a run that calls itself a success has left out of the changes.
    async fn lost(&self, world: &World, name: &str) -> Vec<&'static str> {
        let Records { client, good, faulty, gone, .. } = self;
        let mut lost = Vec::new();
        for (what, sql) in [
            (
                "the client",
                format!(
                    "gazelle_clients p JOIN staging_clients s ON s.id = p.staging_id
                      WHERE p.external_id = '{client}' AND p.company_name = '{name}' AND s.sync_status = 'processed'"
                ),
            ),
            (
                "the event",
                format!(
                    "gazelle_appointments p JOIN staging_appointments s ON s.id = p.staging_id
                      WHERE p.external_id = '{good}' AND p.title = '{name}' AND s.sync_status = 'processed'"
                ),
            ),
            (
                "the deletion",
                format!(
                    "gazelle_appointments p JOIN staging_appointments s ON s.external_id = p.external_id AND s.operation = 'delete'
                      WHERE p.external_id = '{gone}' AND p.deleted_at IS NOT NULL AND s.sync_status = 'processed'
                        AND s.fetched_at = (SELECT max(fetched_at) FROM staging_appointments WHERE external_id = '{gone}')"
                ),
            ),
            (
                "the evidence",
                format!(
                    "sync_deletions WHERE external_id = '{gone}' AND state = 'deleted'
                        AND found_at > now() - interval '1 minute'"
                ),
            ),
            (
                "the case",
                format!(
                    "staging_appointments s JOIN sync_quarantine q ON q.staging_id = s.id
                      WHERE s.external_id = '{faulty}' AND s.raw_data ->> 'title' = '{name}'
                        AND s.sync_status = 'error' AND q.state = 'open'"
                ),
            ),
            (
                "the warning",
                format!("sync_quality_warnings WHERE external_id = '{client}' AND code = 'unreadable_field'"),
            ),
        ] {
            if world.count(&sql).await == 0 {
                lost.push(what);
            }
        }
        lost
    }

    /// What such a run has left as it was although it is fixed.
    async fn unwritten(&self, world: &World) -> Vec<&'static str> {
        let Records { client, faulty, gone, .. } = self;
        let mut left = Vec::new();
        for (what, sql) in [
            (
                "the deletion",
                format!("gazelle_appointments WHERE external_id = '{gone}' AND deleted_at IS NOT NULL"),
            ),
            (
                "the fault",
                format!(
                    "staging_appointments WHERE external_id = '{faulty}' AND sync_status IN ('error', 'pending')"
                ),
            ),
            (
                "the case",
                format!("sync_quarantine WHERE external_id = '{faulty}' AND state IN ('open', 'waiting')"),
            ),
            (
                "the warning",
                format!("sync_quality_warnings WHERE external_id = '{client}' AND code = 'unreadable_field'"),
            ),
        ] {
            if world.count(&sql).await > 0 {
                left.push(what);
            }
        }
        left
    }
}

/// The tables that such a run writes, and how.
const WRITTEN: [(&str, &[&str]); 14] = [
    ("staging_clients", &["INSERT", "UPDATE", "DELETE"]),
    ("staging_appointments", &["INSERT", "UPDATE", "DELETE"]),
    ("sync_bookmarks", &["INSERT", "UPDATE"]),
    ("sync_deletions", &["INSERT", "UPDATE"]),
    ("sync_lease", &["INSERT", "UPDATE"]),
    ("sync_notes", &["INSERT", "UPDATE", "DELETE"]),
    ("sync_quality_warnings", &["INSERT", "UPDATE", "DELETE"]),
    ("sync_quarantine", &["INSERT", "UPDATE"]),
    ("sync_reconcilers", &["INSERT", "UPDATE"]),
    ("sync_run_entities", &["INSERT"]),
    ("sync_run_requests", &["INSERT"]),
    ("sync_run_warnings", &["INSERT"]),
    ("sync_runs", &["INSERT", "UPDATE"]),
    ("sync_source_schemas", &["INSERT", "UPDATE"]),
];

/// Whether a run told that a trigger kept something out.
enum TriggerReport {
    /// It did not have to: everything is done.
    NothingToTell,
    ByName,
    Not(String),
}

/// What a run tells that changes records and fixes others.
async fn report_of(world: &World, name: &str, changed: &Records, fixed: &Records) -> TriggerReport {
    let run = world.full().await;
    if run.code != 0 {
        // Without a lease there is nobody to look for the trigger; the table is told.
        let names = ["silence", "sync_lease"];
        return match names.iter().any(|name| run.to_string().contains(name)) {
            true => TriggerReport::ByName,
            false => TriggerReport::Not(format!("{name}: exit {} without the name: {run}", run.code)),
        };
    }
    // Records alone that wait in quarantine are a success, and the quarantine tells the name.
    if world.count("sync_quarantine WHERE state = 'open' AND error_field ~ 'silence'").await > 0 {
        return TriggerReport::ByName;
    }
    let (lost, left) = (changed.lost(world, name).await, fixed.unwritten(world).await);
    match lost.is_empty() && left.is_empty() {
        true => TriggerReport::NothingToTell,
        false => TriggerReport::Not(format!("{name}: success, lost {lost:?}, left {left:?}")),
    }
}

#[tokio::test]
async fn what_a_trigger_on_any_table_of_staging_or_bookkeeping_keeps_out_is_told_by_its_name() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let sets = [Records::of(&world, 0), Records::of(&world, 1)];
    sets[1].change(&world, "before");
    world.full_sync_ok().await;
    let (mut untold_of, mut round) = (Vec::new(), 0);
    for (table, operations) in WRITTEN {
        for (operation, does) in
            operations.iter().flat_map(|operation| [(operation, NULL), (operation, RAISE)])
        {
            let name = format!("{operation} {table} {}", does.replace('\'', ""));
            hang(&world, table, operation, "true", does).await;
            let [changed, fixed] = [&sets[round % 2], &sets[(round + 1) % 2]];
            changed.change(&world, &name);
            fixed.revert(&world);
            let told = report_of(&world, &name, changed, fixed).await;
            world.execute("DROP FUNCTION silence CASCADE").await;
            if !matches!(told, TriggerReport::NothingToTell) {
                world.run(&["errors", "retry"]).await;
                let after = world.full().await;
                let (lost, left) = (changed.lost(&world, &name).await, fixed.unwritten(&world).await);
                if after.code != 0 || !lost.is_empty() || !left.is_empty() {
                    untold_of.push(format!("{name}, without it: lost {lost:?}, left {left:?}: {after}"));
                }
            }
            if let TriggerReport::Not(why) = told {
                untold_of.push(why);
            }
            round += 1;
        }
    }
    assert!(untold_of.is_empty(), "{}", untold_of.join("\n"));
}

#[tokio::test]
async fn a_version_that_a_trigger_drops_in_silence_is_no_crash_of_the_database_and_lands_later() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    world.set("GAZELLE_SYNC_BATCH_SIZE", "2");
    let client = world.control.ids(RecordKind::Client).remove(3);
    let gone = world.upcoming(2);
    let of_client = format!("NEW.external_id = '{client}'");
    hang(&world, "staging_clients", "INSERT", &of_client, NULL).await;
    world
        .execute(&format!(
            "CREATE FUNCTION no_end() RETURNS trigger LANGUAGE plpgsql AS $$
               BEGIN IF NEW.external_id = '{gone}' AND NEW.operation = 'delete' THEN RETURN NULL; END IF; RETURN NEW; END $$;
             CREATE TRIGGER no_end BEFORE INSERT ON staging_appointments FOR EACH ROW EXECUTE FUNCTION no_end()"
        ))
        .await;
    world.control.edit(RecordKind::Client, &client, json!({ "companyName": "Neuf" })).unwrap();
    world.control.delete(RecordKind::Event, &gone).unwrap();
    let before = world.content().await;
    for _ in 0..2 {
        let run = world.full().await;
        assert_eq!(run.code, 3, "{run}");
        for words in
            [&client, &gone, "trigger silence (function silence)", "trigger no_end (function no_end)"]
        {
            assert!(run.reasons().contains(words), "{words}: {run}");
        }
        assert!(!run.reasons().contains("crashed"), "{run}");
        assert_same(&before, &world.content().await, "neither is written, nor noted as written");
        assert_eq!(world.count("sync_deletions").await, 0);
    }
    world.execute("DROP FUNCTION silence CASCADE; DROP FUNCTION no_end CASCADE").await;
    world.full().await.success();
    assert_eq!(world.count("gazelle_clients WHERE company_name = 'Neuf'").await, 1);
    assert_eq!(world.count("gazelle_appointments WHERE deleted_at IS NOT NULL").await, 1);
    let after = world.content().await;
    world.run(&["replay"]).await.success();
    assert_same(&after, &world.content().await, "staging has all of it");
}

#[tokio::test]
async fn a_record_whose_fault_cannot_even_be_noted_stays_pending_and_keeps_no_other_out() {
    for (table, operation) in [("staging_appointments", "UPDATE"), ("sync_quarantine", "INSERT")] {
        for does in [RAISE, NULL] {
            let world = World::new().await;
            world.full_sync_ok().await;
            let (faulty, good) = (world.upcoming(1), world.upcoming(2));
            hang(&world, table, operation, "true", does).await;
            world.control.edit(RecordKind::Event, &faulty, json!({ "start": "demain" })).unwrap();
            world.control.edit(RecordKind::Event, &good, json!({ "title": "Bon" })).unwrap();
            for full in [false, true] {
                let run = if full { world.full().await } else { world.incremental().await };
                let what = format!("{operation} {table} {does}: {run}");
                assert_eq!(run.code, 3, "{what}");
                for words in [faulty.as_str(), "silence", "stay pending"] {
                    assert!(run.reasons().contains(words), "{words}: {what}");
                }
                assert!(!run.reasons().contains(&good), "{what}");
                assert_eq!(world.count("gazelle_appointments WHERE title = 'Bon'").await, 1, "{what}");
            }
            world.execute("DROP FUNCTION silence CASCADE").await;
            world.full().await.success();
            let noted = format!("sync_quarantine WHERE external_id = '{faulty}' AND state = 'open'");
            assert_eq!(world.count(&noted).await, 1, "{operation} {table} {does}");
        }
    }
}

#[tokio::test]
async fn what_a_person_decides_is_done_or_refused_by_the_triggers_name() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_DELETE_GUARD_RECORDS", "0");
    world.set("GAZELLE_SYNC_DELETE_GUARD_PERCENT", "0");
    world.full_sync_ok().await;
    let client = world.control.ids(RecordKind::Client).remove(3);
    world.control.edit(RecordKind::Client, &client, json!({ "companyName": "Neuf" })).unwrap();
    let edited = world.full().await.success()["run_id"].as_str().unwrap().to_owned();
    let gone = world.upcoming(2);
    world.control.delete(RecordKind::Event, &gone).unwrap();
    let withheld = world.full().await;
    assert_eq!(withheld.code, 3, "{withheld}");
    let withheld = withheld.json()["run_id"].as_str().unwrap().to_owned();
    let before = world.content().await;
    for (table, operation, args) in [
        ("staging_appointments", "INSERT", &["deletions", "approve", &withheld][..]),
        ("sync_deletions", "UPDATE", &["deletions", "approve", &withheld]),
        ("sync_deletions", "UPDATE", &["deletions", "dismiss", &withheld]),
        ("staging_clients", "UPDATE", &["undo", &edited]),
    ] {
        for does in [NULL, RAISE] {
            hang(&world, table, operation, "true", does).await;
            let ended = tokio::time::timeout(std::time::Duration::from_secs(60), world.run(args)).await;
            let ran = ended.unwrap_or_else(|_| panic!("{args:?} {operation} {table} {does} does not end"));
            assert_eq!(ran.code, 1, "{args:?} {operation} {table} {does}: {ran}");
            assert!(ran.to_string().contains("silence"), "{args:?} {operation} {table} {does}: {ran}");
            assert_same(&before, &world.content().await, "nothing was changed");
            assert_eq!(world.count("sync_deletions WHERE state = 'withheld'").await, 1, "{ran}");
            world.execute("DROP FUNCTION silence CASCADE").await;
        }
    }
    world.run(&["deletions", "approve", &withheld]).await.success();
    world.run(&["undo", &edited]).await.success();
    assert_eq!(world.count("gazelle_appointments WHERE deleted_at IS NOT NULL").await, 1);
    assert_eq!(world.count("gazelle_clients WHERE company_name = 'Neuf'").await, 0);
}
