//! A PgBouncer in transaction mode before a place's database: each transaction may get another server connection.

use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::tools::tool;
use super::{DATABASE, TestInstallation};

pub struct Pooler {
    child: Child,
    port: u16,
    // Its settings and its log.
    folder: tempfile::TempDir,
}

impl Pooler {
    /// Starts it with so many server connections, which all of its clients share.
    pub async fn start(place: &TestInstallation, server_connections: usize) -> Pooler {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let socket_dir = place.server.socket_dir();
        let settings = format!(
            "[databases]
             {DATABASE} = host={} port={} dbname={DATABASE} user={} pool_size={server_connections}
             [pgbouncer]
             listen_addr = 127.0.0.1
             listen_port = {port}
             unix_socket_dir =
             auth_type = any
             pool_mode = transaction
             max_client_conn = 200
             query_wait_timeout = 60
             logfile = {}",
            socket_dir.display(),
            port_of(place),
            user_of(place),
            folder.path().join("pgbouncer.log").display()
        );
        let settings: String = settings.lines().map(|line| format!("{}\n", line.trim())).collect();
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, settings).unwrap();
        let mut command = tool("pgbouncer");
        command.arg("-q");
        // It refuses to run as root; the owner of the server's socket may enter its folder.
        if rustix::process::geteuid().is_root() {
            let owner = std::fs::metadata(&socket_dir).unwrap().uid();
            let name = Command::new("id").args(["-nu", &owner.to_string()]).output().unwrap();
            command.arg("-u").arg(String::from_utf8(name.stdout).unwrap().trim());
        }
        let child = command
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("pgbouncer runs");
        let pooler = Pooler { child, port, folder };
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "it does not listen: {}", pooler.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        pooler
    }

    /// The address of the place's database through it.
    pub fn url(&self, place: &TestInstallation) -> String {
        format!("postgres://{}@127.0.0.1:{}/{DATABASE}?sslmode=disable", user_of(place), self.port)
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("pgbouncer.log")).unwrap_or_default()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn config(place: &TestInstallation) -> tokio_postgres::Config {
    place.url().parse().expect("an address")
}

fn port_of(place: &TestInstallation) -> u16 {
    config(place).get_ports().first().copied().unwrap_or(5432)
}

fn user_of(place: &TestInstallation) -> String {
    config(place).get_user().expect("a user").to_owned()
}
