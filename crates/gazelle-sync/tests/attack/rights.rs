//! Roles against relations: whatever a role tries at whatever is there, it gets what it was granted, and nothing else.
//!
//! What is granted is said here once more, from `docs/security.md`, and not read from the program.

use tokio_postgres::Client;

use super::Tally;
use super::support::random::Random;
use super::support::roles::{act_as, supabase, url_of};
use super::support::{DATABASE, World, connect, production_tables, staging_tables};

/// Attempts of one case.
const ATTEMPTS: usize = 400;

/// What attackers act as: two of Supabase's, whom its API lets in, the one of its secret key, a reader, the sync, and somebody
/// with no right at all.
const ROLES: [&str; 6] = ["anon", "authenticated", "service_role", "office", "gazelle_sync", "stranger"];

/// What the company grants `service_role`, which row security does not hold: to read and write the first, and to read both.
const OF_SERVICE_ROLE: [&str; 2] = ["gazelle_clients", "staging_clients"];

/// What readers see of the bookkeeping.
const SEEN: [&str; 4] = ["sync_migrations", "sync_runs", "sync_run_entities", "sync_bookmarks"];
const SEEN_OF_REQUESTS: [&str; 8] =
    ["run_id", "operation", "attempts", "http_status", "outcome", "latency_ms", "bytes", "started_at"];
const SEEN_OF_STAGING: [&str; 3] = ["sync_status", "fetched_at", "created_at"];

struct Relation {
    schema: String,
    name: String,
    kind: String,
    columns: Vec<String>,
}

impl Relation {
    fn quoted(&self) -> String {
        format!("{:?}.{:?}", self.schema, self.name)
    }

    fn is_view(&self) -> bool {
        self.name.starts_with("v_")
    }

    /// Whether a role may read this column, or all where none is named.
    fn reads(&self, role: &str, column: Option<&str>) -> bool {
        // What the company moved away, and what an administrator built to look at, is theirs alone.
        if self.schema != "public" || self.name.starts_with("v5_") || self.kind == "S" {
            return false;
        }
        let name = self.name.as_str();
        let one_of = |columns: &[&str]| column.is_some_and(|column| columns.contains(&column));
        match role {
            "gazelle_sync" => true,
            "service_role" => OF_SERVICE_ROLE.contains(&name),
            "office" => {
                production_tables().contains(&name)
                    || self.is_view()
                    || SEEN.contains(&name)
                    || (name == "sync_run_requests" && one_of(&SEEN_OF_REQUESTS))
                    || (staging_tables().contains(&name) && one_of(&SEEN_OF_STAGING))
            }
            _ => false,
        }
    }

    /// Whether a role may write rows.
    fn writes(&self, role: &str) -> bool {
        let is_granted = match role {
            "gazelle_sync" => !self.is_view() && self.name != "sync_migrations",
            "service_role" => self.name == OF_SERVICE_ROLE[0],
            _ => false,
        };
        is_granted && self.reads(role, None)
    }
}

/// An installation as one of several kinds of company has it.
async fn installation(random: &mut Random, tally: &mut Tally) -> World {
    let mut world = supabase().await;
    world
        .execute(
            "CREATE ROLE stranger LOGIN; CREATE ROLE office LOGIN; CREATE ROLE service_role LOGIN BYPASSRLS;
             CREATE ROLE authenticator LOGIN NOINHERIT; GRANT anon, authenticated TO authenticator;
             ALTER DEFAULT PRIVILEGES FOR ROLE administrator GRANT ALL ON TABLES TO anon, authenticated;
             ALTER DEFAULT PRIVILEGES FOR ROLE administrator GRANT ALL ON SEQUENCES TO anon, authenticated;
             ALTER DEFAULT PRIVILEGES FOR ROLE administrator GRANT USAGE ON SCHEMAS TO PUBLIC, anon, authenticated",
        )
        .await;
    let mut told = Vec::new();
    let from_v5 = random.percent(40);
    if from_v5 {
        world.execute("CREATE ROLE lecteur NOLOGIN; SET ROLE administrator").await;
        world.execute(include_str!("../support/old_system.sql")).await;
        world.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO anon, authenticated; RESET ROLE").await;
        world.run(&["migrate", "--from-v5"]).await.success();
        told.push("from V5");
    }
    if random.percent(40) {
        // As it was before there were roles; then somebody opened what he should not have.
        world.full_sync_ok().await;
        let open = *random.pick(&["staging_clients", "sync_tokens", "sync_runs", "gazelle_users"]);
        world.execute(&format!("GRANT ALL ON {open} TO anon, PUBLIC")).await;
        told.push("opened by hand");
    }
    world.run(&["migrate", "--roles"]).await.success();
    let [written, read] = OF_SERVICE_ROLE;
    world
        .execute(&format!(
            "GRANT gazelle_reader TO office; GRANT USAGE ON SCHEMA public TO service_role;
             GRANT SELECT, INSERT, UPDATE, DELETE ON {written} TO service_role; GRANT SELECT ON {read} TO service_role"
        ))
        .await;
    if random.percent(30) {
        // A table that Supabase opens as it is made, by a later release.
        world.execute("DROP TABLE sync_wanted_runs; DELETE FROM sync_migrations WHERE version = 11").await;
        world.run(&["migrate"]).await.success();
        told.push("upgraded");
    }
    act_as(&mut world, "gazelle_sync");
    world.full_sync_ok().await;
    if random.percent(50) {
        act_as(&mut world, "administrator");
        world.run(&["replay", "--into", "look"]).await.success();
        world.execute("GRANT USAGE ON SCHEMA look TO PUBLIC").await;
        told.push("built beside");
    }
    if from_v5 {
        // Somebody shows the backup to the API: each relation is closed by itself.
        world.execute("GRANT USAGE ON SCHEMA gazelle_v5 TO PUBLIC, anon, authenticated").await;
    }
    world.execute("ANALYZE").await;
    tally.now = format!("an installation: {}", told.join(", "));
    world
}

async fn relations(world: &World) -> Vec<Relation> {
    let rows = world
        .rows(
            "SELECT n.nspname AS schema, c.relname AS name, c.relkind::text AS kind,
                    array(SELECT attname FROM pg_attribute a
                           WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY attnum) AS columns
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
              ORDER BY 1, 2",
        )
        .await;
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    let relation = |row: serde_json::Value| Relation {
        schema: text(&row["schema"]),
        name: text(&row["name"]),
        kind: text(&row["kind"]),
        columns: row["columns"].as_array().expect("columns").iter().map(text).collect(),
    };
    // What else the company has in its schema is for the company to open.
    let ours = gazelle_sync::migrations::relation_names();
    let is_asked_of = |it: &Relation| {
        it.schema != "public"
            || it.name.starts_with("v5_")
            || ours.iter().any(|name| it.name.starts_with(name))
    };
    rows.into_iter().map(relation).filter(is_asked_of).collect()
}

/// A connection that acts as this role; the public ones come as Supabase's API brings them.
async fn acting(world: &World, role: &str) -> Client {
    let through = if ["anon", "authenticated"].contains(&role) { "authenticator" } else { role };
    let client = connect(&url_of(world, through)).await;
    if through != role {
        client.batch_execute(&format!("SET ROLE {role}")).await.expect("the role");
    }
    client
}

/// What a statement does if it is let.
#[derive(Debug, Clone, Copy, PartialEq)]
enum RequiredRight {
    Read,
    Write,
    /// What no role here may, whatever was granted.
    Own,
}

/// A statement at a relation, and what it needs.
fn at(relation: &Relation, random: &mut Random) -> (String, RequiredRight, Option<String>) {
    let name = relation.quoted();
    let column = random.pick(&relation.columns).clone();
    let quoted = format!("{column:?}");
    if relation.kind == "S" {
        let sql = match random.below(4) {
            0 => format!("SELECT last_value FROM {name}"),
            1 => format!("SELECT pg_catalog.nextval('{name}')"),
            2 => format!("SELECT pg_catalog.setval('{name}', 1)"),
            _ => format!("ALTER SEQUENCE {name} RESTART"),
        };
        return (sql, RequiredRight::Own, None);
    }
    let (sql, need) = match random.below(24) {
        0 => (format!("SELECT * FROM {name}"), RequiredRight::Read),
        1 | 2 => return (format!("SELECT {quoted} FROM {name}"), RequiredRight::Read, Some(column)),
        3 => return (format!("SELECT 1 FROM {name} ORDER BY {quoted}"), RequiredRight::Read, Some(column)),
        4 => (format!("SELECT pg_catalog.to_jsonb(t) FROM {name} AS t"), RequiredRight::Read),
        5 => (
            format!("SELECT pg_catalog.table_to_xml('{name}'::regclass, true, true, '')"),
            RequiredRight::Read,
        ),
        6 => (format!("COPY (SELECT * FROM {name}) TO STDOUT"), RequiredRight::Read),
        7 => (format!("DECLARE c CURSOR FOR SELECT * FROM {name}"), RequiredRight::Read),
        8 => (format!("CREATE TEMP TABLE copied AS SELECT * FROM {name}"), RequiredRight::Read),
        9 => (format!("INSERT INTO {name} DEFAULT VALUES"), RequiredRight::Write),
        10 => (format!("INSERT INTO {name} SELECT * FROM {name} LIMIT 1"), RequiredRight::Write),
        11 => (format!("UPDATE {name} SET {quoted} = {quoted}"), RequiredRight::Write),
        12 => (format!("UPDATE {name} SET {quoted} = NULL"), RequiredRight::Write),
        13 => (format!("DELETE FROM {name}"), RequiredRight::Write),
        14 => (
            format!("MERGE INTO {name} AS t USING (SELECT 1) AS s ON true WHEN MATCHED THEN DELETE"),
            RequiredRight::Write,
        ),
        15 => (format!("TRUNCATE {name} CASCADE"), RequiredRight::Own),
        16 => (format!("DROP TABLE {name} CASCADE"), RequiredRight::Own),
        17 => (format!("ALTER TABLE {name} ADD COLUMN mine int"), RequiredRight::Own),
        18 => (format!("ALTER TABLE {name} DISABLE ROW LEVEL SECURITY"), RequiredRight::Own),
        19 => (format!("CREATE POLICY mine ON {name} USING (true)"), RequiredRight::Own),
        20 => (
            format!(
                "CREATE TRIGGER mine BEFORE UPDATE ON {name} FOR EACH ROW
                 EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()"
            ),
            RequiredRight::Own,
        ),
        21 => (format!("CREATE RULE mine AS ON UPDATE TO {name} DO INSTEAD NOTHING"), RequiredRight::Own),
        22 => (format!("ALTER TABLE {name} OWNER TO CURRENT_USER"), RequiredRight::Own),
        _ => (format!("COMMENT ON COLUMN {name}.{quoted} IS 'mine'"), RequiredRight::Own),
    };
    (sql, need, None)
}

/// A statement at the database as a whole. Nobody here may any of it.
fn database_wide_statement(random: &mut Random) -> String {
    let schema = *random.pick(&["public", "gazelle_v5", "look"]);
    let role = *random.pick(&["gazelle_owner", "administrator", "postgres", "service_role"]);
    match random.below(14) {
        0 => format!("CREATE TABLE {schema}.mine (id int)"),
        1 => format!("CREATE FUNCTION {schema}.now() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
        2 => format!("CREATE VIEW {schema}.mine AS SELECT 1"),
        3 => format!("SET LOCAL ROLE {role}"),
        4 => format!("SET LOCAL SESSION AUTHORIZATION {role}"),
        5 => format!("GRANT {role} TO CURRENT_USER"),
        6 => "ALTER ROLE CURRENT_USER BYPASSRLS".to_owned(),
        7 => "CREATE SCHEMA mine".to_owned(),
        8 => format!("ALTER DEFAULT PRIVILEGES FOR ROLE {role} GRANT ALL ON TABLES TO PUBLIC"),
        9 => "COPY (SELECT 1) TO PROGRAM 'true'".to_owned(),
        10 => "SELECT pg_catalog.pg_read_file('PG_VERSION')".to_owned(),
        11 => format!("ALTER DATABASE {DATABASE} SET search_path = mine"),
        12 => "SELECT pg_catalog.pg_reload_conf()".to_owned(),
        _ => format!("DROP SCHEMA {schema} CASCADE"),
    }
}

/// Tries a statement and takes it back; the SQLSTATE of the refusal.
async fn tried(client: &Client, sql: &str) -> Result<(), String> {
    client.batch_execute("BEGIN").await.expect("a transaction");
    let outcome = match sql.starts_with("COPY (") && sql.ends_with("STDOUT") {
        true => client.copy_out(sql).await.map(drop),
        false => client.batch_execute(sql).await,
    };
    client.batch_execute("ROLLBACK").await.expect("the end of a transaction");
    outcome.map_err(|error| error.code().map_or_else(|| error.to_string(), |code| code.code().to_owned()))
}

/// What is answered before anybody's rights are looked at: the wrong kind of relation, or one that is not there.
const NOT_ASKED: [&str; 10] =
    ["42809", "0A000", "42P01", "3F000", "42P17", "428C9", "42704", "42601", "42883", "55000"];

pub async fn case(mut random: Random, tally: &mut Tally) {
    let random = &mut random;
    let world = installation(random, tally).await;
    let (relations, kind) = (relations(&world).await, tally.now.clone());
    assert!(relations.len() > 30, "{} relations", relations.len());
    let mut clients = Vec::new();
    for role in ROLES {
        clients.push((role, acting(&world, role).await));
    }
    let before = world.count("gazelle_clients").await;
    let seen = clients[2].1.query("SELECT FROM public.gazelle_clients", &[]).await.expect("rows").len();
    assert!(seen > 0 && i64::try_from(seen) == Ok(before), "row security does not hold service_role: {seen}");
    for _ in 0..ATTEMPTS {
        let (role, client) = random.pick(&clients);
        if random.percent(10) {
            let mut sql = database_wide_statement(random);
            while *role == "service_role" && sql.contains(role) {
                // It is that role.
                sql = database_wide_statement(random);
            }
            tally.attempt(format!("{kind}; as {role}: {sql}"));
            let outcome = tried(client, &sql).await;
            let refused = ["42501", "3F000", "42P01", "0LP01", "42710", "22023"];
            assert!(outcome.as_ref().is_err_and(|state| refused.contains(&state.as_str())), "{outcome:?}");
            continue;
        }
        let relation = random.pick(&relations);
        let (sql, need, column) = at(relation, random);
        tally.attempt(format!("{kind}; as {role}: {sql}"));
        let may = match need {
            RequiredRight::Read => relation.reads(role, column.as_deref()),
            RequiredRight::Write => relation.writes(role),
            RequiredRight::Own => false,
        };
        let outcome = tried(client, &sql).await;
        let refused = outcome.as_ref().is_err_and(|state| state == "42501");
        let not_asked = outcome.as_ref().is_err_and(|state| NOT_ASKED.contains(&state.as_str()));
        match may {
            true => assert!(!refused, "refused, though it was granted: {outcome:?}"),
            false => assert!(refused || not_asked, "not refused: {outcome:?}"),
        }
    }
    tally.now = format!("{kind}; afterwards");
    assert_eq!(world.count("gazelle_clients").await, before, "something was not taken back");
}
