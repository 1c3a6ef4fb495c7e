//! Code that another role attached to our tables while it had the right: no command of a superuser executes it, and
//! none of an administrator where it is on the register or its maker still acts as the owner. Every place, every
//! function and every former right is tried.

use super::Tally;
use super::support::random::Random;
use super::support::roles::{act_as, client_of, supabase, transfer_ownership};
use super::support::{DATABASE, World};

/// What is hung in one case.
const ROUNDS: usize = 5;

/// By which right it was hung.
#[derive(Debug, Clone, Copy, PartialEq)]
enum FormerRight {
    /// TRIGGER on a superuser's tables.
    Trigger,
    /// REFERENCES on them.
    References,
    /// He acted as the owner of the tables, and nobody does any more.
    Owner,
}

/// Where it hangs, by which right, what takes it away, and what a command does that would run it. `{call}` is a boolean expression,
/// `{function}` the function of a trigger.
struct PlantedCode {
    former: FormerRight,
    hung: &'static str,
    away: &'static str,
    touched: &'static str,
}

const BOOKMARK: &str = "INSERT INTO sync_bookmarks (entity, walk_started_at, walk, run_id) VALUES ('x', now(), 'full', gen_random_uuid())";
const LEASE: &str = "UPDATE sync_lease SET holder = holder";

const PLACES: [PlantedCode; 10] = [
    PlantedCode {
        former: FormerRight::Trigger,
        hung: "CREATE TRIGGER t BEFORE INSERT OR UPDATE ON sync_lease FOR EACH ROW EXECUTE FUNCTION {function}",
        away: "DROP TRIGGER t ON sync_lease",
        touched: LEASE,
    },
    PlantedCode {
        former: FormerRight::Trigger,
        hung: "CREATE TRIGGER t BEFORE UPDATE ON sync_lease FOR EACH ROW WHEN ({call}) EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        away: "DROP TRIGGER t ON sync_lease",
        touched: LEASE,
    },
    PlantedCode {
        former: FormerRight::Trigger,
        hung: "CREATE CONSTRAINT TRIGGER t AFTER UPDATE ON sync_lease DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {function}",
        away: "DROP TRIGGER t ON sync_lease",
        touched: LEASE,
    },
    PlantedCode {
        former: FormerRight::References,
        hung: "CREATE TABLE his (entity text REFERENCES sync_bookmarks ON DELETE CASCADE); INSERT INTO his VALUES ('clients');
               CREATE TRIGGER t AFTER DELETE ON his FOR EACH ROW EXECUTE FUNCTION {function}",
        away: "DROP TABLE his",
        touched: "DELETE FROM sync_bookmarks",
    },
    PlantedCode {
        former: FormerRight::References,
        hung: "CREATE TYPE kind AS ENUM ('clients'); CREATE TABLE put_off (id int);
               CREATE CONSTRAINT TRIGGER t AFTER INSERT ON put_off DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {function};
               CREATE FUNCTION as_text(kind) RETURNS text LANGUAGE plpgsql AS
                   $$ BEGIN INSERT INTO put_off VALUES (1); RETURN format('%s', $1); END $$;
               CREATE CAST (kind AS text) WITH FUNCTION as_text(kind) AS IMPLICIT;
               CREATE TABLE his (kind kind REFERENCES sync_bookmarks); INSERT INTO his VALUES ('clients')",
        away: "DROP TABLE his, put_off; DROP TYPE kind CASCADE",
        touched: "DELETE FROM sync_bookmarks WHERE entity <> 'clients'",
    },
    PlantedCode {
        former: FormerRight::Owner,
        hung: "ALTER TABLE sync_bookmarks ADD CONSTRAINT x CHECK ({call}) NOT VALID",
        away: "ALTER TABLE sync_bookmarks DROP CONSTRAINT x",
        touched: BOOKMARK,
    },
    PlantedCode {
        former: FormerRight::Owner,
        hung: "ALTER TABLE sync_bookmarks ADD COLUMN x boolean; ALTER TABLE sync_bookmarks ALTER COLUMN x SET DEFAULT {call}",
        away: "ALTER TABLE sync_bookmarks DROP COLUMN x",
        touched: BOOKMARK,
    },
    PlantedCode {
        former: FormerRight::Owner,
        hung: "CREATE RULE r AS ON INSERT TO sync_bookmarks DO ALSO SELECT {call}",
        away: "DROP RULE r ON sync_bookmarks",
        touched: BOOKMARK,
    },
    PlantedCode {
        former: FormerRight::Owner,
        hung: "CREATE DOMAIN odd AS boolean CHECK ({call}); ALTER TABLE sync_bookmarks ADD COLUMN x odd;
               ALTER TABLE sync_bookmarks ALTER COLUMN x SET DEFAULT true",
        away: "ALTER TABLE sync_bookmarks DROP COLUMN x; DROP DOMAIN odd",
        touched: BOOKMARK,
    },
    PlantedCode {
        former: FormerRight::Owner,
        hung: "ALTER TABLE staging_users FORCE ROW LEVEL SECURITY; CREATE POLICY p ON staging_users USING ({call});
               CREATE RULE r AS ON INSERT TO sync_bookmarks DO ALSO UPDATE staging_users SET sync_status = sync_status",
        away: "DROP RULE r ON sync_bookmarks; DROP POLICY p ON staging_users",
        touched: BOOKMARK,
    },
];

/// On the register, whoever owns it.
const REGISTER: [(&str, &str); 3] = [
    (
        "CREATE TRIGGER t BEFORE INSERT ON sync_migrations FOR EACH ROW EXECUTE FUNCTION theirs()",
        "DROP TRIGGER t ON sync_migrations",
    ),
    (
        "CREATE RULE r AS ON INSERT TO sync_migrations DO ALSO SELECT called()",
        "DROP RULE r ON sync_migrations",
    ),
    ("CREATE POLICY p ON sync_migrations FOR SELECT USING (called())", "DROP POLICY p ON sync_migrations"),
];

/// Expressions: a function of his, one of a superuser's that runs what it is given, and one of the server's that does.
const CALLS: [&str; 3] = [
    "called()",
    "exec_sql('SELECT nextval(''public.sprung'')') IS NOT NULL",
    "query_to_xml('SELECT public.called()', true, true, '') IS NOT NULL",
];

/// What the database's owner sets for every session of it, so that our SQL is read otherwise.
const SETTINGS: [&str; 8] = [
    "standard_conforming_strings = off",
    "quote_all_identifiers = on",
    "transform_null_equals = on",
    "array_nulls = off",
    "bytea_output = 'escape'",
    "datestyle = 'SQL, DMY'",
    "search_path = 'public', 'pg_catalog'",
    "default_transaction_isolation = 'repeatable read'",
];

const COMMANDS: [&[&str]; 9] = [
    &["sync"],
    &["fetch"],
    &["reconcile"],
    &["replay"],
    &["verify", "--offline"],
    &["status"],
    &["errors"],
    &["migrate"],
    &["migrate", "--roles"],
];

pub async fn case(mut random: Random, tally: &mut Tally) {
    let random = &mut random;
    let mut world = installation().await;
    for _ in 0..ROUNDS {
        let place = random.pick(&PLACES);
        let call = *random.pick(&CALLS);
        hung(&world, place, &place.hung.replace("{function}", "theirs()").replace("{call}", call)).await;
        world.execute(&format!("ALTER DATABASE {DATABASE} RESET ALL")).await;
        let set = *random.pick(&SETTINGS);
        world.execute(&format!("ALTER DATABASE {DATABASE} SET {set}")).await;
        let what = format!("{} by {:?}, with {call} and {set}", place.hung, place.former);
        refused(&mut world, random, tally, "postgres", &what).await;
        // That it would have run.
        world.execute(&format!("BEGIN; {}; SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK", place.touched)).await;
        assert!(trap_executed(&world).await, "nothing hung there: {what}");
        world.execute(place.away).await;
        world.execute("SELECT setval('sprung', 1, false)").await;
    }
    // Somebody who owns the tables, and makes them his own by no other right.
    transfer_ownership(&world, "public", "administrator").await;
    let (what, away) = random.pick(&REGISTER);
    world.execute(what).await;
    refused(&mut world, random, tally, "administrator", what).await;
    world.execute(away).await;
    transfer_ownership(&world, "public", "ghost").await;
    world.execute("ALTER SCHEMA public OWNER TO administrator; GRANT ghost TO mallory").await;
    world
        .execute("CREATE TRIGGER t BEFORE UPDATE ON sync_lease FOR EACH ROW EXECUTE FUNCTION theirs()")
        .await;
    refused(&mut world, random, tally, "administrator", "an owner as which somebody acts").await;
}

/// A superuser's tables, filled, and somebody who may make tables and functions beside them.
async fn installation() -> World {
    let mut world = supabase().await;
    world
        .execute(&format!(
            "CREATE ROLE mallory LOGIN; CREATE ROLE ghost NOLOGIN; ALTER DATABASE {DATABASE} OWNER TO postgres;
             GRANT USAGE, CREATE ON SCHEMA public TO mallory; GRANT CREATE ON SCHEMA public TO ghost;
             CREATE SEQUENCE sprung; GRANT ALL ON SEQUENCE sprung TO PUBLIC;
             CREATE FUNCTION exec_sql(q text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE q; RETURN q; END $$"
        ))
        .await;
    act_as(&mut world, "postgres");
    world.full_sync_ok().await;
    client_of(&world, "mallory")
        .await
        .batch_execute(
            "CREATE FUNCTION theirs() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF session_user <> 'mallory' THEN PERFORM nextval('public.sprung'); END IF; RETURN NEW; END $$;
             CREATE FUNCTION called() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
                 PERFORM nextval('public.sprung'); RETURN true; END $$",
        )
        .await
        .expect("his functions");
    world
}

/// Hangs it by the right that it needs, which is taken then.
async fn hung(world: &World, place: &PlantedCode, sql: &str) {
    if place.former == FormerRight::Owner {
        transfer_ownership(world, "public", "ghost").await;
        world.execute("ALTER SCHEMA public OWNER TO postgres").await;
        world.execute(sql).await;
    } else {
        // Handing over takes all but the owner's rights along.
        transfer_ownership(world, "public", "postgres").await;
        world.execute("GRANT TRIGGER, REFERENCES, SELECT ON ALL TABLES IN SCHEMA public TO mallory").await;
        let mallory = client_of(world, "mallory").await;
        mallory.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        let ours = gazelle_sync::migrations::relation_names().join(", ");
        world.execute(&format!("REVOKE ALL ON {ours} FROM mallory")).await;
    }
    world.execute("SELECT setval('sprung', 1, false)").await;
}

async fn trap_executed(world: &World) -> bool {
    world.one("SELECT is_called FROM public.sprung", &[]).await
}

/// Has a role run commands: each is refused, and nothing that hangs there runs.
async fn refused(world: &mut World, random: &mut Random, tally: &mut Tally, role: &str, what: &str) {
    act_as(world, role);
    for _ in 0..2 {
        let mut args = random.pick(&COMMANDS).to_vec();
        args.push("--json");
        tally.attempt(format!("{args:?} as {role}: {what}"));
        let ran = tally.run_json(&world.command(&args)).await;
        assert!(!trap_executed(world).await, "it ran: {ran:.3000}");
        assert_eq!(ran.code, 1, "not refused: {ran:.3000}");
    }
}
