//! A Postgres of its own, a simulated Gazelle of its own, and the program between them.
#![allow(dead_code, reason = "each test file uses some of it")]

pub mod deployed;
pub mod desk;
pub mod failing;
pub mod fault_proxy;
pub mod hostile_api;
pub mod hostile_text;
pub mod limited;
pub mod live;
pub mod login;
pub mod mail;
pub mod month;
pub mod oracle;
pub mod own_server;
pub mod people;
pub mod pooler;
pub mod quarantined;
pub mod random;
pub mod rewritten;
pub mod roles;
pub mod service;
pub mod sink;
pub mod terminal;
pub mod tools;
pub mod walks;
pub mod whole;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;

use embedded_postgres::testing::TestServer;
use gazelle_sim::{RecordKind, ShopSpec, SimControl, SimOptions, Simulator};
use gazelle_sync::entities::ENTITIES;
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio_postgres::NoTls;
use tokio_postgres::types::ToSql;

/// Every production table, parents first.
pub fn production_tables() -> Vec<&'static str> {
    ENTITIES.iter().flat_map(|entity| entity.tables).map(|table| table.name).collect()
}

/// Every staging table, parents first.
pub fn staging_tables() -> Vec<&'static str> {
    ENTITIES.iter().map(|entity| entity.staging_table).collect()
}

/// What differs between two databases that went different ways to the same content.
pub const LINEAGE: [&str; 3] = ["staging_id", "synced_from_gazelle_at", "reconciler_version"];

/// The name of the database used.
pub const DATABASE: &str = "mirror";

/// One database, one shop, one working folder.
pub struct World {
    pub installation: TestInstallation,
    pub sim: Simulator,
    pub control: SimControl,
}

/// A database with a working folder, without a shop.
pub struct TestInstallation {
    pub server: TestServer,
    pub db: tokio_postgres::Client,
    pub folder: tempfile::TempDir,
    /// Environment of the program beside its own minimum.
    pub env: BTreeMap<String, String>,
    /// The program: gazelle-sync, or one built on its library.
    pub program: PathBuf,
}

/// What the program did.
#[derive(Debug)]
pub struct CommandOutput {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl CommandOutput {
    /// The one JSON document on stdout.
    pub fn json(&self) -> Value {
        let mut documents = serde_json::Deserializer::from_str(&self.stdout).into_iter::<Value>();
        match (documents.next(), documents.next()) {
            (Some(Ok(document)), None) => document,
            _ => panic!("not one JSON document on stdout\n{self}"),
        }
    }

    /// The document of a run that succeeded.
    pub fn success(&self) -> Value {
        assert_eq!(self.code, 0, "{self}");
        self.json()
    }

    /// The part of an entity in the report.
    pub fn entity(&self, name: &str) -> Value {
        entity(&self.json(), name)
    }

    /// Why the run is no success, in one text.
    pub fn reasons(&self) -> String {
        let document = self.json();
        match (&document["reasons"], &document["error"]) {
            (Value::Array(reasons), _) => {
                reasons.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
            }
            (_, Value::String(error)) => error.clone(),
            _ => String::new(),
        }
    }
}

impl std::fmt::Display for CommandOutput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {}\nstdout: {}\nstderr: {}", self.code, self.stdout, self.stderr)
    }
}

/// The part of an entity in a report.
pub fn entity(report: &Value, name: &str) -> Value {
    let of = report["entities"].as_array().expect("entities").iter().find(|e| e["entity"] == name);
    of.unwrap_or_else(|| panic!("no {name} in {report}")).clone()
}

impl TestInstallation {
    pub async fn new() -> TestInstallation {
        TestInstallation::with(&[]).await
    }

    pub async fn with(settings: &[(&str, &str)]) -> TestInstallation {
        let server = TestServer::start_with(settings).await.expect("a test server");
        server.create_database(DATABASE).await.expect("a database");
        let db = connect(&server.connection_string(DATABASE)).await;
        let folder = tempfile::tempdir().expect("a folder");
        let program = PathBuf::from(env!("CARGO_BIN_EXE_gazelle-sync"));
        TestInstallation { server, db, folder, env: BTreeMap::new(), program }
    }

    pub fn url(&self) -> String {
        self.server.connection_string(DATABASE)
    }

    /// The program, as it will be started, to be changed before.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("GAZELLE_SYNC_DATA_DIR", self.folder.path().join("data"))
            .env("DATABASE_URL", self.url())
            .env("GAZELLE_SYNC_RETRY_DELAY_SECONDS", "0.01")
            .env("GAZELLE_SYNC_LOG", "warn")
            .envs(&self.env)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs the program with `--json`.
    pub async fn run(&self, args: &[&str]) -> CommandOutput {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        run_to_end(self.command(&args)).await
    }

    pub async fn execute(&self, sql: &str) {
        self.db.batch_execute(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    }

    /// One value of one row.
    pub async fn one<T>(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> T
    where
        T: for<'a> tokio_postgres::types::FromSql<'a>,
    {
        self.db.query_one(sql, params).await.unwrap_or_else(|e| panic!("{sql}: {e:?}")).get(0)
    }

    /// A value as text, absent where there is no row or it is null.
    pub async fn text(&self, sql: &str) -> Option<String> {
        let rows = self.db.query(sql, &[]).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        rows.first().and_then(|row| row.get(0))
    }

    /// The rows of a query, each as a JSON object.
    pub async fn rows(&self, sql: &str) -> Vec<Value> {
        let wrapped = format!("SELECT to_jsonb(r) FROM ({sql}) r");
        let rows = self.db.query(&wrapped, &[]).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        rows.iter().map(|row| row.get(0)).collect()
    }

    pub async fn count(&self, table: &str) -> i64 {
        self.one(&format!("SELECT count(*) FROM {table}"), &[]).await
    }

    /// The rows of a table, sorted, without some columns.
    pub async fn table(&self, table: &str, without: &[&str]) -> Vec<String> {
        let without: Vec<&str> = without.to_vec();
        let sql = format!("SELECT (to_jsonb(t) - $1::text[])::text FROM {table} t ORDER BY 1");
        let rows = self.db.query(&sql, &[&without]).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// All production rows with all columns but these.
    pub async fn production(&self, without: &[&str]) -> Tables {
        let mut tables = Tables::new();
        for table in production_tables() {
            tables.insert(table.to_owned(), self.table(table, without).await);
        }
        tables
    }

    /// What production says, whatever way it came there: no lineage, and of a deletion only that it is one.
    pub async fn content(&self) -> Tables {
        let mut tables = Tables::new();
        for table in production_tables() {
            let sql = format!(
                "SELECT (to_jsonb(t) - $1::text[] - 'deleted_at'
                         || jsonb_build_object('deleted', deleted_at IS NOT NULL))::text
                   FROM {table} t ORDER BY 1"
            );
            let rows = self.db.query(&sql, &[&LINEAGE.to_vec()]).await.expect("rows");
            tables.insert(table.to_owned(), rows.iter().map(|row| row.get(0)).collect());
        }
        tables
    }

    /// Which row versions production holds: any write changes them.
    pub async fn row_versions(&self) -> Tables {
        let mut tables = Tables::new();
        for table in production_tables() {
            let sql = format!("SELECT t.xmin::text || ' ' || t.ctid::text FROM {table} t ORDER BY 1");
            let rows = self.db.query(&sql, &[]).await.expect("rows");
            tables.insert(table.to_owned(), rows.iter().map(|row| row.get(0)).collect());
        }
        tables
    }

    /// Stages a version by hand and returns its id.
    pub async fn stage(&self, table: &str, id: &str, raw: &Value, fetched_at: Option<&str>) -> String {
        let sql = format!(
            "INSERT INTO {table} (external_id, raw_data, sync_status, fetched_at)
             VALUES ($1, $2, 'pending', coalesce($3::text::timestamptz, now())) RETURNING id::text"
        );
        self.one(&sql, &[&id, raw, &fetched_at]).await
    }

    /// Quarantine: id, state, code and message of the staging row.
    pub async fn quarantine(&self) -> Vec<Value> {
        self.rows(
            "SELECT q.entity, q.external_id, q.state, q.error_code, q.error_field, q.waits_for, q.waits_for_id, q.attempts
               FROM sync_quarantine q ORDER BY q.external_id, q.first_seen_at",
        )
        .await
    }

    pub async fn bookmarks(&self) -> Vec<String> {
        self.table("sync_bookmarks", &["run_id"]).await
    }
}

pub type Tables = BTreeMap<String, Vec<String>>;

/// Panics with the rows that only one side has.
#[track_caller]
pub fn assert_same(before: &Tables, after: &Tables, what: &str) {
    for (table, rows) in before {
        let other = &after[table];
        let gone: Vec<&String> = rows.iter().filter(|row| !other.contains(row)).take(3).collect();
        let new: Vec<&String> = other.iter().filter(|row| !rows.contains(row)).take(3).collect();
        assert!(
            gone.is_empty() && new.is_empty() && rows.len() == other.len(),
            "{what}: {table} differs ({} and {} rows)\nonly in the first: {gone:#?}\nonly in the second: {new:#?}",
            rows.len(),
            other.len()
        );
    }
}

/// Runs a program to its end.
pub async fn run_to_end(mut command: Command) -> CommandOutput {
    let output = command.output().await.expect("the program starts");
    CommandOutput {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

impl World {
    /// The small shop with all its oddities.
    pub async fn new() -> World {
        World::with(ShopSpec::small(7), SimOptions::default()).await
    }

    /// The small shop in production, and a service that starts no runs by itself.
    pub async fn unscheduled() -> World {
        let mut world = World::new().await;
        world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 29 2 *");
        world.set("GAZELLE_SYNC_FULL", "0 0 29 2 *");
        world.full_sync_ok().await;
        world
    }

    pub async fn with(spec: ShopSpec, options: SimOptions) -> World {
        World::in_installation(TestInstallation::new().await, spec, options).await
    }

    pub async fn in_installation(mut place: TestInstallation, spec: ShopSpec, options: SimOptions) -> World {
        let sim = Simulator::start(spec, options, ([127, 0, 0, 1], 0).into()).await.expect("a simulator");
        let control = sim.control();
        place.env.insert("GAZELLE_API_URL".to_owned(), sim.graphql_url());
        place.env.insert("GAZELLE_API_KEY".to_owned(), sim.api_key().to_owned());
        World { installation: place, sim, control }
    }

    /// Sets an environment variable of the program.
    pub fn set(&mut self, name: &str, value: &str) {
        self.installation.env.insert(name.to_owned(), value.to_owned());
    }

    pub async fn full(&self) -> CommandOutput {
        self.installation.run(&["sync", "--mode", "full"]).await
    }

    pub async fn incremental(&self) -> CommandOutput {
        self.installation.run(&["sync", "--mode", "incremental"]).await
    }

    /// A full sync that must succeed.
    pub async fn full_sync_ok(&self) -> Value {
        self.full().await.success()
    }

    pub fn start(&self, args: &[&str]) -> Child {
        self.installation.command(args).spawn().expect("the program starts")
    }

    /// A contact of each of so many clients.
    pub fn one_contact_each(&self, clients: usize) -> Vec<String> {
        let mut seen = std::collections::BTreeSet::new();
        let of =
            |id: &String| self.control.record(RecordKind::Contact, id).unwrap()["client"]["id"].to_string();
        self.control
            .ids(RecordKind::Contact)
            .into_iter()
            .filter(|id| seen.insert(of(id)))
            .take(clients)
            .collect()
    }

    /// An active event to come, the `n`-th, with a technician.
    pub fn upcoming(&self, n: usize) -> String {
        let now = jiff::Timestamp::now().to_string();
        let mut events: Vec<(String, String)> = self
            .control
            .ids(RecordKind::Event)
            .into_iter()
            .filter_map(|id| {
                let event = self.control.record(RecordKind::Event, &id)?;
                let start = event["start"].as_str()?.to_owned();
                let fits = event["status"] == "ACTIVE" && event["user"]["id"].is_string() && start > now;
                fits.then_some((start, id))
            })
            .collect();
        events.sort();
        events[n].1.clone()
    }

    /// The id of the one event with this title.
    pub fn event_titled(&self, title: &str) -> String {
        let found = self.control.ids(RecordKind::Event).into_iter().find(|id| {
            self.control.record(RecordKind::Event, id).is_some_and(|event| event["title"] == title)
        });
        found.unwrap_or_else(|| panic!("no event titled {title}"))
    }
}

impl std::ops::Deref for World {
    type Target = TestInstallation;

    fn deref(&self) -> &TestInstallation {
        &self.installation
    }
}
