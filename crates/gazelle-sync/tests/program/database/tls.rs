//! TLS to the database: verified against the authority of the settings, or no connection at all.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use crate::support::{CommandOutput, DATABASE, TestInstallation};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// An authority as a company or Supabase has one: its certificate as PEM, and what it signs with.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { pem, issuer: Issuer::new(params, key) }
    }

    /// A certificate for these names, and its key.
    fn sign(&self, names: &[&str], expired: bool) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params =
            CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        if expired {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        }
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// A server that listens on an address of its own, encrypted or not.
struct Server {
    place: TestInstallation,
    address: String,
    folder: tempfile::TempDir,
}

impl Server {
    async fn start(certificate: Option<(String, String)>, number: u8) -> Server {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let address = address(number);
        let path = |name: &str| folder.path().join(name).display().to_string();
        let mut settings = vec![("listen_addresses".to_owned(), address.clone())];
        // Whoever does not come encrypted is not let in where that is offered.
        let let_in = if certificate.is_some() { "hostssl" } else { "host" };
        if let Some((certificate, key)) = certificate {
            std::fs::write(path("server.pem"), certificate).unwrap();
            std::fs::write(path("server.key"), key).unwrap();
            own(&folder.path().join("server.key")).await;
            settings.push(("ssl".to_owned(), "on".to_owned()));
            settings.push(("ssl_cert_file".to_owned(), path("server.pem")));
            settings.push(("ssl_key_file".to_owned(), path("server.key")));
        }
        std::fs::write(path("hba"), format!("local all all trust\n{let_in} all all all trust\n")).unwrap();
        settings.push(("hba_file".to_owned(), path("hba")));
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Server { place: TestInstallation::with(&settings).await, address, folder }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    async fn run(&self, query: &str, ca: Option<&Path>) -> CommandOutput {
        crate::support::run_to_end(self.command(query, ca)).await
    }

    fn command(&self, query: &str, ca: Option<&Path>) -> tokio::process::Command {
        let mut command = self.place.command(&["migrate", "--json"]);
        command.env("DATABASE_URL", format!("postgres://postgres@{}:5432/{DATABASE}{query}", self.address));
        if let Some(ca) = ca {
            command.env("GAZELLE_SYNC_DATABASE_CA", ca);
        }
        command
    }
}

/// An address of this machine that nobody else uses: the port is the same for every server of the tests, but of this
/// network each machine has sixteen million addresses.
fn address(number: u8) -> String {
    let process = std::process::id();
    format!("127.{}.{}.{number}", 1 + process / 250 % 250, 1 + process % 250)
}

/// Gives a key to the account that the server runs as, for its eyes alone.
async fn own(key: &Path) {
    std::fs::set_permissions(key, PermissionsExt::from_mode(0o600)).unwrap();
    // The account is known by what a server of the tests made.
    let server = embedded_postgres::testing::TestServer::start().await.unwrap();
    let account = std::fs::metadata(server.socket_dir()).unwrap();
    chown(key, Some(account.uid()), Some(account.gid())).unwrap();
}

#[track_caller]
fn refused(run: &CommandOutput, words: &[&str]) {
    assert_eq!(run.code, 1, "{run}");
    for word in words {
        assert!(run.reasons().contains(word), "{word} not in {run}");
    }
}

#[tokio::test]
async fn the_authority_of_the_settings_is_trusted_and_no_other() {
    let authority = Authority::new();
    let name = address(1);
    let server = Server::start(Some(authority.sign(&[&name], false)), 1).await;
    let right = server.write("ca.pem", &authority.pem);
    let wrong = server.write("wrong.pem", &Authority::new().pem);
    let advice = "GAZELLE_SYNC_DATABASE_CA";

    // Where an authority is named, without the demand too: who offers encryption must be who he says.
    for query in ["?sslmode=require", "?sslmode=verify-full", ""] {
        refused(
            &server.run(query, Some(&wrong)).await,
            &[&name, "authority that is not trusted here", advice],
        );
        let run = server.run(query, Some(&right)).await;
        run.success();
        assert!(!run.stderr.contains("not verified"), "{run}");
    }
    // Who is named takes the place of those that the system trusts.
    let trusting = async |query: &str, ca: Option<&Path>| {
        let mut command = server.command(query, ca);
        command.env("SSL_CERT_FILE", &right);
        crate::support::run_to_end(command).await
    };
    trusting("?sslmode=verify-full", None).await.success();
    trusting("?sslrootcert=system", Some(&wrong)).await.success();
    for query in ["?sslmode=verify-full", "?sslmode=require", ""] {
        refused(&trusting(query, Some(&wrong)).await, &[&name, "authority that is not trusted here"]);
    }
    for query in ["?sslmode=verify-full", "?sslmode=verify-ca", "?sslrootcert=system"] {
        refused(&server.run(query, None).await, &[&name, "authority that is not trusted here", advice]);
    }
    let in_url = format!("?sslmode=verify-full&sslrootcert={}", right.display());
    server.run(&in_url, None).await.success();
    // The server lets nobody in who does not come encrypted, so that those above did.
    let plain = server.run("?sslmode=disable", Some(&right)).await;
    refused(&plain, &["no encryption"]);

    refused(
        &server.run("?sslmode=require", Some(Path::new("/nonexistent/ca.pem"))).await,
        &["/nonexistent/ca.pem", "not usable"],
    );
    let garbage =
        server.write("garbage.pem", "-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n");
    refused(&server.run("?sslmode=require", Some(&garbage)).await, &["garbage.pem", "not usable"]);
    let empty = server.write("empty.pem", "");
    refused(&server.run("?sslmode=require", Some(&empty)).await, &["empty.pem", "holds no certificate"]);
}

#[tokio::test]
async fn a_certificate_made_by_the_server_itself_serves_where_nothing_demands_more_and_that_is_said() {
    let name = address(5);
    for expired in [false, true] {
        let server = Server::start(Some(Authority::new().sign(&[&name], expired)), 5).await;
        // By default, and on this machine, where nobody is in between.
        for query in ["", "?sslmode=prefer", "?sslmode=require"] {
            let run = server.run(query, None).await;
            run.success();
            for word in
                [name.as_str(), "encrypted", "its certificate was not verified", "GAZELLE_SYNC_DATABASE_CA"]
            {
                assert!(run.stderr.contains(word), "{query}: {word} not in {run}");
            }
            assert_eq!(run.stderr.matches("not verified").count(), 1, "once: {run}");
        }
        refused(&server.run("?sslmode=verify-full", None).await, &[&name]);
    }
}

/// What `openssl req -x509` makes: a certificate that is its own authority, and its key.
fn own_authority(names: &[&str]) -> (String, String) {
    own_authority_of(names, 2020, 2120)
}

/// The same, for some years.
fn own_authority_of(names: &[&str], from: i32, until: i32) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = rcgen::date_time_ymd(from, 1, 1);
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[tokio::test]
async fn a_certificate_that_is_its_own_authority_serves_no_longer_than_it_says() {
    for (number, from, until, words) in
        [(9, 2020, 2021, ["has expired", "renew it there"]), (10, 2090, 2091, ["is not valid yet", "clock"])]
    {
        let name = address(number);
        let (pem, key) = own_authority_of(&[&name], from, until);
        let server = Server::start(Some((pem.clone(), key)), number).await;
        let own = server.write("own.pem", &pem);
        for query in ["", "?sslmode=require", "?sslmode=verify-full"] {
            let mut all = words.to_vec();
            all.push(&name);
            refused(&server.run(query, Some(&own)).await, &all);
        }
    }
}

#[tokio::test]
async fn a_certificate_that_is_its_own_authority_serves_where_the_settings_name_it() {
    let name = address(7);
    let (pem, key) = own_authority(&[&name]);
    let server = Server::start(Some((pem.clone(), key)), 7).await;
    let run = server.run("", None).await;
    run.success();
    assert!(run.stderr.contains("the server made it itself"), "{run}");
    assert!(!run.stderr.contains("OtherError"), "{run}");
    let own = server.write("own.pem", &pem);
    let other = server.write("other.pem", &own_authority(&[&name]).0);
    for query in ["", "?sslmode=require", "?sslmode=verify-full"] {
        let run = server.run(query, Some(&own)).await;
        run.success();
        assert!(!run.stderr.contains("not verified"), "{run}");
        refused(&server.run(query, Some(&other)).await, &[&name]);
    }
    let (pem, key) = own_authority(&["db.example.org"]);
    let server = Server::start(Some((pem.clone(), key)), 8).await;
    let own = server.write("own.pem", &pem);
    refused(&server.run("", Some(&own)).await, &["for another name"]);
}

#[tokio::test]
async fn a_certificate_of_another_name_or_of_the_past_is_refused() {
    for (number, names, expired, words) in
        [(2, vec!["db.example.org"], false, "for another name"), (3, vec![], true, "has expired")]
    {
        let authority = Authority::new();
        let name = address(number);
        let names = if names.is_empty() { vec![name.as_str()] } else { names };
        let server = Server::start(Some(authority.sign(&names, expired)), number).await;
        let right = server.write("ca.pem", &authority.pem);
        refused(&server.run("?sslmode=require", Some(&right)).await, &[&name, words]);
    }
}

#[tokio::test]
async fn a_server_without_encryption_is_refused_where_it_is_demanded() {
    let server = Server::start(None, 4).await;
    for query in ["?sslmode=require", "?sslmode=verify-full", "?sslmode=verify-ca"] {
        refused(&server.run(query, None).await, &["offers no encryption", "sslmode"]);
    }
    server.run("", None).await.success();
}

/// A server that says it has no encryption and asks for the password in clear. Returns its port, and what it was sent.
fn eavesdropper() -> (u16, std::sync::mpsc::Receiver<Vec<u8>>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (heard, hearing) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let heard = heard.clone();
            std::thread::spawn(move || {
                let mut buffer = [0; 1024];
                let _ = stream.set_read_timeout(Some(std::time::Duration::from_secs(30)));
                loop {
                    let Ok(read @ 1..) = stream.read(&mut buffer) else { return };
                    let message = buffer[..read].to_vec();
                    // SSLRequest, or the beginning of a session.
                    let is_request = message.len() == 8;
                    let answer: &[u8] = if is_request { b"N" } else { &[b'R', 0, 0, 0, 8, 0, 0, 0, 3] };
                    if heard.send(message).is_err() || stream.write_all(answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (port, hearing)
}

#[tokio::test]
async fn a_password_leaves_this_machine_in_clear_only_where_the_address_says_so() {
    let place = TestInstallation::new().await;
    // A spelling of this machine that could be any host's name.
    for (query, is_sent) in
        [("", false), ("?sslmode=prefer", false), ("?sslmode=require", false), ("?sslmode=disable", true)]
    {
        let (port, hearing) = eavesdropper();
        let mut command = place.command(&["status", "--json"]);
        command.env("DATABASE_URL", format!("postgres://sync:Geheim-4711@127.1:{port}/shop{query}"));
        let run = crate::support::run_to_end(command).await;
        assert_eq!(run.code, 1, "{query}: {run}");
        let heard: Vec<u8> = hearing.try_iter().flatten().collect();
        assert!(!heard.is_empty(), "{query}: {run}");
        let is_heard = heard.windows(11).any(|bytes| bytes == b"Geheim-4711");
        assert_eq!(is_heard, is_sent, "{query}: {run}");
        let is_warned = run.stderr.contains("is not protected");
        assert_eq!(is_warned, query.ends_with("prefer") || query.ends_with("disable"), "{query}: {run}");
        assert!(is_sent || run.reasons().contains("offers no encryption"), "{query}: {run}");
        assert!(!run.stderr.contains("Geheim") && !run.stdout.contains("Geheim"), "{query}: {run}");
    }
}
