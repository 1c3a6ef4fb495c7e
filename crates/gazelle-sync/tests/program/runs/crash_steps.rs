//! Killed at every named step of both stages, at random instants, and with its connections cut: after one more run
//! the database is the same as without.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use crate::support::fault_proxy::{Direction, FaultProxy, ProxyFault};
use crate::support::whole::snapshot_all_tables;
use crate::support::{CommandOutput, Tables, World, assert_same, connect};
use gazelle_sim::{BadRecord, Change, RecordKind, ShopSpec, SimOptions};
use gazelle_sync::crash::CrashPoint;
use tokio_postgres::Client;

/// A shop that has changed since the database `before` was filled from it.
struct Changed {
    world: World,
    admin: Client,
    /// What a run leaves that nobody kills.
    wanted: Tables,
    copies: u32,
}

impl Changed {
    async fn new() -> Changed {
        let spec = ShopSpec {
            users: 3,
            clients: 14,
            pianos: 14,
            events: 24,
            oddities: false,
            bad_records: vec![BadRecord::UnreadableStart],
            ..ShopSpec::default_shop(3)
        };
        let mut world = World::with(spec, SimOptions::default()).await;
        world.set("GAZELLE_SYNC_PAGE_SIZE", "5");
        world.set("GAZELLE_SYNC_BATCH_SIZE", "6");
        let admin = connect(&world.server.connection_string("postgres")).await;
        world.server.create_database("before").await.unwrap();
        let url = world.server.connection_string("before");
        assert_eq!(sync(&world, &url, None).await.code, 0);

        let (control, clients) = (&world.control, world.control.ids(RecordKind::Client));
        control.move_event(&world.upcoming(0), Some("2027-02-03T14:15:00Z")).unwrap();
        control.delete(RecordKind::Event, &world.upcoming(1)).unwrap();
        control.merge_clients(&clients[2], &clients[3]).unwrap();
        control
            .edit(RecordKind::Client, &clients[4], serde_json::json!({ "companyName": "Autre nom" }))
            .unwrap();
        control.apply(Change::AddBadRecord { bad_record: BadRecord::UnlistedClient }).unwrap();
        control.apply(Change::AddBadRecord { bad_record: BadRecord::GhostPiano }).unwrap();
        let mut changed = Changed { world, admin, wanted: Tables::new(), copies: 0 };
        let copy = changed.copy().await;
        let run = sync(&changed.world, &changed.world.server.connection_string(&copy), None).await;
        assert_eq!(run.code, 0, "{run}");
        changed.wanted = changed.content(&copy).await;
        changed
    }

    /// A database as it was before the changes.
    async fn copy(&mut self) -> String {
        self.copies += 1;
        let name = format!("copy{}", self.copies);
        self.admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE before")).await.unwrap();
        name
    }

    async fn content(&self, database: &str) -> Tables {
        snapshot_all_tables(&connect(&self.world.server.connection_string(database)).await).await
    }

    /// One more run, and all is as it should be.
    async fn assert_next_run_repairs(&self, database: &str, what: &str) {
        let run = sync(&self.world, &self.world.server.connection_string(database), None).await;
        assert_eq!(run.code, 0, "{what}: {run}");
        assert_same(&self.wanted, &self.content(database).await, what);
        self.admin.batch_execute(&format!("DROP DATABASE {database} WITH (FORCE)")).await.unwrap();
    }
}

/// A full sync of this database, killed at a step.
async fn sync(world: &World, url: &str, crash_at: Option<&str>) -> CommandOutput {
    let mut command = world.command(&["sync", "--mode", "full", "--json"]);
    command.env("DATABASE_URL", url);
    if let Some(step) = crash_at {
        command.env("GAZELLE_CRASH_AT", step);
    }
    let output = command.output().await.unwrap();
    CommandOutput {
        // As a shell tells a death by signal.
        code: output.status.code().or(output.status.signal().map(|signal| 128 + signal)).unwrap(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

const KILLED: i32 = 128 + 9;

#[tokio::test]
async fn a_kill_at_any_named_step_then_a_rerun_gives_the_same_database() {
    let mut changed = Changed::new().await;
    // Those of replays, undos and actions of the dashboard have tests of their own.
    let of_others = [
        CrashPoint::ReplayBuilt,
        CrashPoint::ReplayApplied,
        CrashPoint::UndoApplied,
        CrashPoint::ActionTaken,
        CrashPoint::ActionDone,
    ];
    let mut kills = 0;
    for step in CrashPoint::ALL.iter().filter(|step| !of_others.contains(step)) {
        for time in [1, 3] {
            let at = format!("{}:{time}", step.name());
            let copy = changed.copy().await;
            let run = sync(&changed.world, &changed.world.server.connection_string(&copy), Some(&at)).await;
            if time == 1 {
                assert_eq!(run.code, KILLED, "{at} was not reached: {run}");
            }
            kills += u32::from(run.code == KILLED);
            changed.assert_next_run_repairs(&copy, &at).await;
            if run.code != KILLED {
                break;
            }
        }
    }
    assert!(kills >= 24, "only {kills} kills");
}

#[tokio::test]
async fn a_kill_of_a_replay_leaves_the_database_before_it_or_after_it() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let wanted = snapshot_all_tables(&world.db).await;
    for step in [CrashPoint::ReplayBuilt, CrashPoint::ReplayApplied, CrashPoint::AfterCommit] {
        world.execute("UPDATE gazelle_appointments SET title = 'faux'").await;
        let broken = snapshot_all_tables(&world.db).await;
        let mut command = world.command(&["replay", "--json"]);
        command.env("GAZELLE_CRASH_AT", step.name());
        assert_eq!(command.output().await.unwrap().status.signal(), Some(9), "{step:?}");
        let mut now = snapshot_all_tables(&world.db).await;
        now.remove("open runs");
        let same = |other: &Tables| now.iter().all(|(table, rows)| &other[table] == rows);
        assert!(same(&broken) || same(&wanted), "{step:?}: neither before nor after");
        world.run(&["replay"]).await.success();
        assert_same(&wanted, &snapshot_all_tables(&world.db).await, step.name());
    }
}

#[tokio::test]
async fn a_kill_at_any_instant_then_a_rerun_gives_the_same_database() {
    let mut changed = Changed::new().await;
    let mut killed = 0;
    for milliseconds in [3, 20, 45, 60, 75, 90, 110, 130, 160, 200, 260, 350] {
        let copy = changed.copy().await;
        let mut command = changed.world.command(&["sync", "--mode", "full", "--json"]);
        command.env("DATABASE_URL", changed.world.server.connection_string(&copy));
        let mut child = command.spawn().unwrap();
        let ended = tokio::time::timeout(Duration::from_millis(milliseconds), child.wait()).await;
        child.start_kill().ok();
        child.wait().await.unwrap();
        killed += u32::from(ended.is_err());
        changed.assert_next_run_repairs(&copy, &format!("killed after {milliseconds} ms")).await;
    }
    assert!(killed >= 4, "only {killed} were killed at work");
}

#[tokio::test]
async fn connections_cut_at_any_byte_then_a_rerun_gives_the_same_database() {
    let mut changed = Changed::new().await;
    let proxy = FaultProxy::start(&changed.world.server).await;
    let copy = changed.copy().await;
    let run = sync(&changed.world, &proxy.url(&copy), None).await;
    assert_eq!(run.code, 0, "through a proxy that does nothing: {run}");
    let bytes = proxy.passed();
    let mut struck = 0;
    for number in 0..12 {
        // Over the whole run, at other places each time, and not only between messages.
        let after = (bytes * number / 24 + jiff::Timestamp::now().subsec_nanosecond() as i64 % 997).max(1);
        let trouble = [ProxyFault::CutAll, ProxyFault::CutOne, ProxyFault::HalfClose][number as usize % 3];
        let direction = [Direction::ToClient, Direction::ToServer][number as usize / 3 % 2];
        let what = format!("{trouble:?} after {after} bytes {direction:?}");
        let copy = changed.copy().await;
        proxy.fail_after_bytes(after, direction, trouble);
        let run = sync(&changed.world, &proxy.url(&copy), None).await;
        struck += u32::from(proxy.has_failed());
        proxy.restore();
        if run.code != 0 {
            assert_eq!(run.code, 1, "{what}: {run}");
            assert!(run.reasons().contains("database"), "{what}: {run}");
        }
        let blamed = connect(&changed.world.server.connection_string(&copy)).await;
        let sql = "SELECT count(*) FROM sync_quarantine WHERE error_code = 'refused_by_database'";
        let records: i64 = blamed.query_one(sql, &[]).await.unwrap().get(0);
        assert_eq!(records, 0, "{what}: no record is to blame");
        drop(blamed);
        changed.assert_next_run_repairs(&copy, &what).await;
    }
    assert!(struck >= 8, "only {struck} struck");
}

/// The deletions of an approval are staged under its own run, which is known from the transaction on that stages them.
#[tokio::test]
async fn an_approval_that_is_killed_right_after_its_decision_can_be_undone() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let before = world.content().await;
    for n in 0..8 {
        world.control.delete(RecordKind::Event, &world.upcoming(n * 2)).unwrap();
    }
    let found = world.full().await.json()["run_id"].as_str().unwrap().to_owned();
    for commit in 1.. {
        let mut command = world.command(&["deletions", "approve", &found]);
        command.env("GAZELLE_CRASH_AT", format!("{}:{commit}", CrashPoint::AfterCommit.name()));
        assert_eq!(command.output().await.unwrap().status.signal(), Some(9), "commit {commit}");
        if world.count("sync_deletions WHERE state = 'withheld'").await == 0 {
            break;
        }
    }
    assert_eq!(world.count("gazelle_appointments WHERE deleted_at IS NOT NULL").await, 0);
    let approval = "SELECT DISTINCT run_id::text FROM staging_appointments WHERE operation = 'delete'";
    let approval = world.text(approval).await.expect("tombstones");
    world.incremental().await.success();
    assert_eq!(world.count("gazelle_appointments WHERE deleted_at IS NOT NULL").await, 8);
    world.run(&["undo", &approval]).await.success();
    assert_same(&before, &world.content().await, "undone");
}
