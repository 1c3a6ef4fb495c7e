//! Attributes and memberships of roles, at random, before `migrate --roles`: where it goes through, the sync and the readers become nothing
//! more and no stranger acts as the owner; where it refuses, nothing has changed, and what it advises leads out.

use super::Tally;
use super::support::World;
use super::support::random::Random;
use super::support::roles::supabase;

/// How many pieces of advice are followed at most.
const PATIENCE: usize = 24;

const OURS: [&str; 3] = ["gazelle_owner", "gazelle_sync", "gazelle_reader"];
/// Some need quotes, and could end a statement.
const OTHERS: [&str; 5] = ["mallory", "te\"am", "cr;ew", "gh ost", "(odd)"];
const SERVERS: [&str; 5] = [
    "pg_read_all_data",
    "pg_write_all_data",
    "pg_execute_server_program",
    "pg_read_server_files",
    "pg_write_server_files",
];
const ATTRIBUTES: [&str; 8] = [
    "CREATEROLE",
    "CREATEDB",
    "BYPASSRLS",
    "REPLICATION",
    "NOINHERIT",
    "LOGIN",
    "SUPERUSER",
    "CONNECTION LIMIT 3",
];

pub async fn case(mut random: Random, tally: &mut Tally) {
    let random = &mut random;
    let world = supabase().await;
    let mut done = Vec::new();
    for role in OURS.iter().chain(&OTHERS) {
        // The owner is to log in nowhere, and ours may not be there yet.
        let login = if *role == "gazelle_owner" || random.below(3) == 0 { "NOLOGIN" } else { "LOGIN" };
        if OTHERS.contains(role) || random.below(2) == 0 {
            done.push(format!("CREATE ROLE {} {login}", quoted(role)));
        }
    }
    let all: Vec<&str> = OURS.iter().chain(&OTHERS).copied().collect();
    for _ in 0..random.below(4) {
        let role = *random.pick(&all);
        let attribute = *random.pick(&ATTRIBUTES);
        if role != "gazelle_owner" || attribute != "LOGIN" {
            done.push(format!("ALTER ROLE {} {attribute}", quoted(role)));
        }
    }
    for _ in 0..random.below(7) {
        let of: Vec<&str> = all.iter().chain(&SERVERS).copied().collect();
        let (role, member) = (*random.pick(&of), *random.pick(&all));
        let admin = if random.below(4) == 0 { " WITH ADMIN OPTION" } else { "" };
        done.push(format!("GRANT {} TO {}{admin}", quoted(role), quoted(member)));
    }
    for statement in &done {
        // A role that is not there, or a circle, is no constellation.
        world
            .execute(&format!(
                "DO $do$ BEGIN EXECUTE $x${statement}$x$; EXCEPTION WHEN OTHERS THEN NULL; END $do$"
            ))
            .await;
    }
    let mut followed = Vec::new();
    loop {
        let before = roles(&world).await;
        tally.attempt(format!("migrate --roles after {}; {}", done.join("; "), followed.join("; ")));
        let ran = tally.run_json(&world.command(&["migrate", "--roles", "--json"])).await;
        if ran.code == 0 {
            break;
        }
        assert_eq!(roles(&world).await, before, "roles changed although it refused: {ran:.3000}");
        assert!(followed.len() < PATIENCE, "advice without end: {ran:.3000}");
        let said = ran.reasons();
        for fix in fixes(&said).unwrap_or_else(|| panic!("no advice: {ran:.3000}")) {
            world.execute(&fix).await;
            followed.push(fix);
        }
    }
    for role in ["gazelle_sync", "gazelle_reader"] {
        let more: Vec<String> = privileged_memberships(&world, role).await;
        assert!(more.is_empty(), "{role} becomes {more:?}");
    }
    let strangers = unexpected_owner_members(&world).await;
    assert!(strangers.is_empty(), "they act as the owner: {strangers:?}");
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The statements that a refusal advises.
fn fixes(said: &str) -> Option<Vec<String>> {
    let after = said.split_once("no role was changed. ")?.1;
    let statements = after.split_once(", or choose").map_or(after, |(before, _)| before);
    Some(statements.split("; ").map(str::to_owned).collect())
}

/// Every role with its attributes and memberships.
async fn roles(world: &World) -> String {
    world
        .one(
            "SELECT string_agg(r::text || coalesce((SELECT string_agg(a.roleid::text, ',' ORDER BY a.roleid) FROM pg_auth_members a
                                                     WHERE a.member = r.oid), ''), ';' ORDER BY r.rolname)
               FROM pg_roles r",
            &[],
        )
        .await
}

/// What a role is or reaches by memberships, followed here one by one, that the sync and readers need not.
async fn privileged_memberships(world: &World, role: &str) -> Vec<String> {
    world
        .one(
            "WITH RECURSIVE reached AS (
                 SELECT r.oid FROM pg_roles r WHERE r.rolname = $1
                 UNION
                 SELECT a.roleid FROM reached JOIN pg_auth_members a ON a.member = reached.oid
             )
             SELECT coalesce(array_agg(r.rolname::text), '{}')
               FROM reached JOIN pg_roles r ON r.oid = reached.oid
              WHERE r.rolsuper OR r.rolcreaterole OR r.rolbypassrls OR r.rolreplication
                 OR r.rolname IN ('gazelle_owner', 'pg_read_all_data', 'pg_write_all_data', 'pg_execute_server_program',
                                  'pg_read_server_files', 'pg_write_server_files', 'administrator')",
            &[&role],
        )
        .await
}

/// Who may log in, reaches the owner and no administrator.
async fn unexpected_owner_members(world: &World) -> Vec<String> {
    world
        .one(
            "WITH RECURSIVE reached AS (
                 SELECT r.oid AS login, r.oid FROM pg_roles r WHERE r.rolcanlogin
                 UNION
                 SELECT reached.login, a.roleid FROM reached JOIN pg_auth_members a ON a.member = reached.oid
             )
             SELECT coalesce(array_agg(DISTINCT l.rolname::text), '{}')
               FROM reached
               JOIN pg_roles owner ON owner.oid = reached.oid AND owner.rolname = 'gazelle_owner'
               JOIN pg_roles l ON l.oid = reached.login
              WHERE NOT EXISTS (SELECT 1 FROM reached other JOIN pg_roles r ON r.oid = other.oid
                                 WHERE other.login = reached.login
                                   AND (r.rolsuper OR r.rolcreaterole OR r.rolname = 'administrator'))",
            &[],
        )
        .await
}
