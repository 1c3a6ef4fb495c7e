//! Where the measurements happen: one durable Postgres with its default settings, fresh databases, `psql`, and
//! `gazelle-sync` as a process of its own.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use embedded_postgres::{Options, Server};
use tempfile::TempDir;

use super::process::{Measured, measure};
use crate::simulator::API_KEY;

/// The files of the baseline and of the script.
const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bench");

/// The server and the program.
pub struct Lab {
    server: Option<Server>,
    runtime: tokio::runtime::Runtime,
    program: PathBuf,
    folder: PathBuf,
}

impl Lab {
    /// Starts a server in `folder`. `program` is the `gazelle-sync` that is measured.
    pub fn open(folder: &Path, program: &Path) -> Result<Lab> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let mut options = Options::new(folder.join("server"));
        options.die_with_parent = true;
        let server = runtime.block_on(Server::start_or_attach(options))?;
        let dump = folder.join("dump");
        std::fs::create_dir_all(&dump)?;
        Ok(Lab { server: Some(server), runtime, program: program.to_owned(), folder: dump })
    }

    fn server(&self) -> Result<&Server> {
        self.server.as_ref().context("the server has been stopped")
    }

    /// The server's process id and version.
    pub fn postgres(&self) -> Result<(u32, String)> {
        let server = self.server()?;
        Ok((u32::try_from(server.pid())?, server.version().to_string()))
    }

    /// The address of a database.
    pub fn url(&self, database: &str) -> Result<String> {
        Ok(self.server()?.connection_string_to(database))
    }

    /// An empty database, in place of one of that name.
    pub fn fresh(&self, database: &str) -> Result<()> {
        self.drop_database(database)?;
        self.query("postgres", &format!("CREATE DATABASE {database}")).map(drop)
    }

    /// A database with our production tables, empty, and the staging of the specification.
    pub fn fresh_for_sql(&self, database: &str) -> Result<()> {
        self.fresh(database)?;
        self.gazelle_sync(database, "", &["migrate"])?;
        self.psql_file(database, &["staging.sql"]).map(drop)
    }

    /// Removes a database, if it is there.
    pub fn drop_database(&self, database: &str) -> Result<()> {
        self.query("postgres", &format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")).map(drop)
    }

    /// Puts the server into the same state before every measurement: nothing left to write.
    pub fn checkpoint(&self) -> Result<()> {
        self.query("postgres", "CHECKPOINT").map(drop)
    }

    /// Keeps autovacuum away until [`Lab::let_autovacuum_work`]: it comes once a minute, to whichever measurement is
    /// under way, takes a tenth of the processors from it, and what it writes would be counted as the program's.
    pub fn keep_autovacuum_away(&self) -> Result<()> {
        self.query("postgres", "ALTER SYSTEM SET autovacuum = off")?;
        self.query("postgres", "SELECT pg_reload_conf()")?;
        let workers = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'";
        while self.query("postgres", workers)? != "0" {
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Does at once what autovacuum does some time after a load.
    pub fn settle(&self, database: &str) -> Result<()> {
        self.query(database, "VACUUM ANALYZE").map(drop)
    }

    /// Lets autovacuum work again.
    pub fn let_autovacuum_work(&self) -> Result<()> {
        self.query("postgres", "ALTER SYSTEM RESET autovacuum")?;
        self.query("postgres", "SELECT pg_reload_conf()").map(drop)
    }

    /// Runs `gazelle-sync` on a database; returns what it took and its stdout.
    pub fn gazelle_sync(&self, database: &str, api: &str, args: &[&str]) -> Result<(Measured, String)> {
        self.run(&self.program, database, api, args)
    }

    fn run(&self, program: &Path, database: &str, api: &str, args: &[&str]) -> Result<(Measured, String)> {
        let api = if api.is_empty() { "http://127.0.0.1:9/" } else { api };
        measure(
            Command::new(program)
                .args(args)
                .current_dir(&self.folder)
                .env("DATABASE_URL", self.url(database)?)
                .env("GAZELLE_API_URL", api)
                .env("GAZELLE_API_KEY", API_KEY),
        )
    }

    /// A full sync.
    pub fn full_sync(&self, database: &str, api: &str) -> Result<(Measured, serde_json::Value)> {
        self.full_sync_by(&self.program, database, api)
    }

    /// A full sync by some build of the program.
    pub fn full_sync_by(
        &self,
        program: &Path,
        database: &str,
        api: &str,
    ) -> Result<(Measured, serde_json::Value)> {
        let (measured, report) = self.run(program, database, api, &["sync", "--mode", "full", "--json"])?;
        Ok((measured, serde_json::from_str(&report)?))
    }

    /// Runs files of the baseline by one `psql`, each statement for itself.
    pub fn psql_file(&self, database: &str, files: &[&str]) -> Result<Measured> {
        let mut psql = self.psql(database)?;
        for file in files {
            psql.arg("-f").arg(Path::new(FILES).join(file));
        }
        Ok(measure(&mut psql)?.0)
    }

    /// Runs a file by one `psql`, with numbers as its variables.
    pub fn psql_with(&self, database: &str, file: &str, numbers: &[(&str, u64)]) -> Result<Measured> {
        let mut psql = self.psql(database)?;
        for (name, number) in numbers {
            psql.arg("-v").arg(format!("{name}={number}"));
        }
        psql.arg("-f").arg(Path::new(FILES).join(file));
        Ok(measure(&mut psql)?.0)
    }

    /// Which statements the server writes into its log from now on: `all` or `none`.
    pub fn log_statements(&self, which: &str) -> Result<()> {
        self.query("postgres", &format!("ALTER SYSTEM SET log_statement = '{which}'"))?;
        self.query("postgres", "SELECT pg_reload_conf()").map(drop)
    }

    /// How many statements are in the log.
    pub fn statements_logged(&self) -> Result<usize> {
        let log = std::fs::read(self.server()?.log_file())?;
        let is_one = |line: &&str| line.contains("LOG:  statement: ") || line.contains("LOG:  execute ");
        Ok(String::from_utf8_lossy(&log).lines().filter(is_one).count())
    }

    /// One statement; returns its rows as `psql` prints them, unaligned.
    pub fn query(&self, database: &str, sql: &str) -> Result<String> {
        Ok(measure(self.psql(database)?.args(["-At", "-c", sql]))?.1.trim().to_owned())
    }

    fn psql(&self, database: &str) -> Result<Command> {
        let mut psql = Command::new("psql");
        psql.args(["-Xq", "-v", "ON_ERROR_STOP=1", "-d", &self.url(database)?]).current_dir(&self.folder);
        Ok(psql)
    }

    /// Runs the script of `bench/script.py`, with the set-based SQL as its one pass.
    pub fn script(&self, database: &str, api: &str) -> Result<Measured> {
        let file = |name: &str| Path::new(FILES).join(name);
        let mut python = Command::new("python3");
        python.arg(file("script.py")).arg(api).arg(self.url(database)?);
        python.arg(file("fill.sql")).arg(file("mark.sql")).env("GAZELLE_API_KEY", API_KEY);
        Ok(measure(&mut python)?.0)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(server) = self.server.take()
            && let Err(error) = self.runtime.block_on(server.stop())
        {
            eprintln!("the server did not stop: {error}");
        }
    }
}

/// The program to measure.
pub fn program(given: Option<&Path>) -> Result<PathBuf> {
    let program = match given {
        Some(program) => std::path::absolute(program)?,
        None => beside_this()?,
    };
    ensure!(program.is_file(), "{} is not there: cargo build --release -p gazelle-sync", program.display());
    Ok(program)
}

/// A server in a folder that goes with the first value.
pub fn open(folder: &Path, program: &Path) -> Result<(TempDir, Lab)> {
    let folder = tempfile::Builder::new().prefix("gazelle-bench-").tempdir_in(folder)?;
    // As root the server runs as another account, which must get through.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711))?;
    let lab = Lab::open(folder.path(), program)?;
    Ok((folder, lab))
}

fn beside_this() -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    let folder: &Path = this.parent().context("this program lies in no folder")?;
    Ok(folder.join("gazelle-sync"))
}
