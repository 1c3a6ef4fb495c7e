//! The beginning of a writing transaction: one message, which checks the lease, and what happens if that has to wait.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::service::until;
use crate::support::{DATABASE, TestInstallation};
use gazelle_sync::db::{self, Begin, ConnectSettings, Db, DbErrorClass, Limits};
use gazelle_sync::lease::Lease;

/// Long enough that no renewal comes between.
const TIME_TO_LIVE: Duration = Duration::from_secs(3600);

/// The messages that the program has sent to the server after logging in, by their type and text, of all connections.
type Messages = Arc<Mutex<Vec<(u8, String)>>>;

/// A proxy before the database that notes the messages to the server before it passes them on. Returns its port.
fn noting(place: &TestInstallation, messages: &Messages) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (socket, messages) = (place.server.socket_dir().join(".s.PGSQL.5432"), messages.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(stream), Ok(server)) = (stream, UnixStream::connect(&socket)) else { return };
            let (mut back, mut answers) = (stream.try_clone().unwrap(), server.try_clone().unwrap());
            let messages = messages.clone();
            std::thread::spawn(move || note_each(stream, server, &messages));
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut answers, &mut back);
                let _ = back.shutdown(Shutdown::Both);
            });
        }
    });
    port
}

fn note_each(mut from: TcpStream, mut to: UnixStream, messages: &Messages) {
    // The first message has no type.
    let mut types = 0;
    loop {
        let mut header = vec![0; types + 4];
        if from.read_exact(&mut header).is_err() {
            break;
        }
        let length = u32::from_be_bytes(header[types..].try_into().unwrap()) as usize;
        let mut body = vec![0; length - 4];
        if from.read_exact(&mut body).is_err() {
            break;
        }
        if types == 1 {
            messages.lock().unwrap().push((header[0], String::from_utf8_lossy(&body).into_owned()));
        }
        types = 1;
        if to.write_all(&[header, body].concat()).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

async fn migrated() -> TestInstallation {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    place
}

async fn connected(port: u16, connections: usize, limits: Limits) -> Db {
    let url = format!("postgres://postgres@127.0.0.1:{port}/{DATABASE}?sslmode=disable");
    let to = ConnectSettings { url, ca_file: None, schema: "public".to_owned(), connections };
    db::connect_within(&to, limits).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn begin_settings_and_the_check_of_the_lease_are_one_message() {
    let place = migrated().await;
    let messages = Messages::default();
    let db = connected(noting(&place, &messages), 1, Limits::default()).await;
    let lease = Lease::acquire(&db, TIME_TO_LIVE).await.unwrap();
    let fence = lease.fence();
    let mut connection = db.connection().await.unwrap();
    // The first transaction of a session also asks for its timeouts.
    fence.begin(&mut connection).await.unwrap().rollback().await.unwrap();
    let begins: [fn() -> Begin<'static>; 3] = [
        Begin::default,
        || Begin { snapshot: true, ..Begin::default() },
        || Begin { unflushed: true, ..Begin::default() },
    ];
    for begin in begins {
        messages.lock().unwrap().clear();
        let tx = fence.begin_with(&mut connection, begin()).await.unwrap();
        let sent = std::mem::take(&mut *messages.lock().unwrap());
        assert!(
            matches!(&sent[..], [(b'Q', text)] if text.starts_with("BEGIN; ") && text.contains(" FOR KEY SHARE")),
            "{sent:?}"
        );
        tx.rollback().await.unwrap();
    }
    // Nor does it begin with another's token, in as many messages.
    place.execute("UPDATE sync_lease SET token = token + 1").await;
    messages.lock().unwrap().clear();
    let refused = fence.begin(&mut connection).await.err().expect("it was taken over").to_string();
    assert!(refused.contains("another gazelle-sync took it over"), "{refused}");
    let sent = messages.lock().unwrap().iter().filter(|(_, text)| text.contains("sync_lease")).count();
    assert_eq!(sent, 1, "{messages:?}");
}

/// While the server waits for a lock, it has not returned the number of its process yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_the_lease_that_waits_for_a_lock_is_given_up_and_leaves_no_session() {
    let place = migrated().await;
    let limits = Limits {
        lock_notice: Duration::from_millis(200),
        lock_wait: Duration::from_secs(1),
        ..Limits::default()
    };
    let db = connected(noting(&place, &Messages::default()), 3, limits).await;
    let lease = Lease::acquire(&db, TIME_TO_LIVE).await.unwrap();
    let fence = lease.fence();
    let (mut one, mut other) = (db.connection().await.unwrap(), db.connection().await.unwrap());
    let person = crate::support::connect(&place.url()).await;
    person.batch_execute("BEGIN; LOCK TABLE sync_lease").await.unwrap();
    let (one, other) = tokio::join!(fence.begin(&mut one), fence.begin(&mut other));
    for begun in [one, other] {
        let error = begun.err().expect("it waits").to_string();
        assert!(
            error.contains("waited 1 s for a lock during SELECT 1 FROM sync_lease; it is held by session "),
            "{error}"
        );
    }
    // The lock is still held.
    until("no session of ours waits", async || {
        place
            .count("pg_stat_activity WHERE application_name = 'gazelle-sync' AND wait_event_type = 'Lock'")
            .await
            == 0
    })
    .await;
    person.batch_execute("COMMIT").await.unwrap();
    let mut connection = db.connection().await.unwrap();
    fence.begin(&mut connection).await.unwrap().commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_of_a_beginning_is_named() {
    let place = migrated().await;
    let port = noting(&place, &Messages::default());
    let lease = Lease::acquire(&connected(port, 1, Limits::default()).await, TIME_TO_LIVE).await.unwrap();
    let person = crate::support::connect(&place.url()).await;
    for (setting, state) in [("lock_timeout = '50ms'", "55P03"), ("statement_timeout = '3s'", "57014")] {
        place.execute(&format!("ALTER DATABASE {DATABASE} SET {setting}")).await;
        let db = connected(port, 1, Limits::default()).await;
        let mut connection = db.connection().await.unwrap();
        person.batch_execute("BEGIN; LOCK TABLE sync_lease").await.unwrap();
        let error = lease.fence().begin(&mut connection).await.err().expect("the server gives up");
        assert_eq!(error.state.as_deref(), Some(state), "{error}");
        assert!(error.to_string().contains("refused SELECT 1 FROM sync_lease"), "{error}");
        person.batch_execute("COMMIT").await.unwrap();
        place.execute(&format!("ALTER DATABASE {DATABASE} RESET ALL")).await;
    }
    // A takeover that the snapshot does not see.
    let db = connected(port, 1, Limits::default()).await;
    let mut connection = db.connection().await.unwrap();
    person.batch_execute("BEGIN; UPDATE sync_lease SET token = token + 1").await.unwrap();
    let takes_over = async {
        until("it waits for the row", async || {
            place
                .count(
                    "pg_stat_activity WHERE application_name = 'gazelle-sync' AND wait_event_type = 'Lock'",
                )
                .await
                > 0
        })
        .await;
        person.batch_execute("COMMIT").await.unwrap();
    };
    let (begun, ()) = tokio::join!(lease.fence().begin_snapshot(&mut connection), takes_over);
    let error = begun.err().expect("the row has changed");
    assert_eq!((error.state.as_deref(), error.fault), (Some("40001"), DbErrorClass::Conflict), "{error}");
    assert!(error.to_string().contains("refused SELECT 1 FROM sync_lease"), "{error}");
}

/// Of statements that are sent together, the one that was refused is reported, also where the answers to later ones are there
/// before it is looked at: they say only that the transaction is over.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_refusal_of_statements_sent_together_is_reported() {
    let place = TestInstallation::new().await;
    let to = ConnectSettings { url: place.url(), ca_file: None, schema: "public".to_owned(), connections: 1 };
    let db = db::connect(&to).await.unwrap();
    let many = "; SELECT 1".repeat(500);
    for _ in 0..20 {
        let mut connection = db.connection().await.unwrap();
        let tx = connection.begin().await.unwrap();
        let refusal = tx.batch_as_is(&format!("SELECT 1 / 0{many}")).await.unwrap_err();
        assert!(refusal.to_string().contains("22012"), "{refusal}");
        tx.rollback().await.unwrap();
    }
}

/// What only reads does so by the server's word: a mistake of ours in such a transaction writes nothing.
#[tokio::test]
async fn the_server_refuses_a_transaction_that_only_reads_every_write() {
    let place = TestInstallation::new().await;
    let to = ConnectSettings { url: place.url(), ca_file: None, schema: "public".to_owned(), connections: 1 };
    let db = db::connect(&to).await.unwrap();
    let mut connection = db.connection().await.unwrap();
    for is_snapshot in [false, true] {
        let tx =
            if is_snapshot { connection.begin_snapshot().await } else { connection.begin().await }.unwrap();
        let refusal = tx.batch("CREATE TABLE {schema}.written (id integer)").await.unwrap_err();
        assert_eq!(refusal.state.as_deref(), Some("25006"), "{refusal}");
        tx.rollback().await.unwrap();
    }
    let tx = connection.begin_ddl().await.unwrap();
    tx.batch("CREATE TABLE {schema}.written (id integer)").await.unwrap();
    tx.commit().await.unwrap();
}
