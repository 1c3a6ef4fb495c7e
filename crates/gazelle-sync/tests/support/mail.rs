//! A mail server on loopback that speaks real SMTP (RFC 5321) over real TLS: STARTTLS, or from the first byte.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A mail as it came.
#[derive(Debug, Clone)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    /// Header and body, without the dots that SMTP adds.
    pub data: String,
    pub encrypted: bool,
    /// User and password, decoded, where somebody logged in.
    pub login: Option<String>,
}

impl Mail {
    pub fn header(&self, name: &str) -> Option<String> {
        let (head, _) = self.data.split_once("\r\n\r\n")?;
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        unfolded.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    }
}

/// How the server behaves.
#[derive(Default)]
pub struct ServerBehaviour {
    /// TLS from the first byte, in place of STARTTLS.
    pub wrapped: bool,
    /// Refuses these receivers for good.
    pub unknown: BTreeSet<String>,
    /// Takes a mail and closes the connection before saying so.
    pub silent_after_data: bool,
}

/// A running mail server; ends when dropped.
pub struct MailServer {
    pub address: SocketAddr,
    /// PEM of the certificate, which is its own authority.
    pub certificate: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    mails: Mutex<Vec<Mail>>,
    manners: Mutex<ServerBehaviour>,
    connections: Mutex<usize>,
    acceptor: TlsAcceptor,
}

/// A certificate for 127.0.0.1 and localhost that outlives one server, so that another can take its place.
pub struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Identity {
    pub fn new() -> Identity {
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        Identity { certificate, key }
    }

    /// Writes the certificate for the program to trust.
    pub fn write(&self, path: &Path) {
        std::fs::write(path, self.certificate.pem()).unwrap();
    }

    fn acceptor(&self) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::Pkcs8(self.key.serialize_der().into());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

impl MailServer {
    pub async fn start(identity: &Identity, manners: ServerBehaviour) -> MailServer {
        MailServer::at(([127, 0, 0, 1], 0).into(), identity, manners).await
    }

    /// On a given address: that of a server that was stopped, for one.
    pub async fn at(address: SocketAddr, identity: &Identity, manners: ServerBehaviour) -> MailServer {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            mails: Mutex::default(),
            manners: Mutex::new(manners),
            connections: Mutex::new(0),
            acceptor: identity.acceptor(),
        });
        let for_task = shared.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *for_task.connections.lock().unwrap() += 1;
                tokio::spawn(accept(stream, for_task.clone()));
            }
        });
        MailServer { address, certificate: identity.certificate.pem(), shared, task }
    }

    pub fn mails(&self) -> Vec<Mail> {
        self.shared.mails.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        *self.shared.connections.lock().unwrap()
    }

    pub fn change(&self, change: impl FnOnce(&mut ServerBehaviour)) {
        change(&mut self.shared.manners.lock().unwrap());
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(stream: TcpStream, shared: Arc<Shared>) {
    let wrapped = shared.manners.lock().unwrap().wrapped;
    // Who does not trust the certificate goes away here.
    if wrapped {
        if let Ok(stream) = shared.acceptor.accept(stream).await {
            let _ = talk(stream, &shared, SmtpSession { encrypted: true, greet: true }).await;
        }
        return;
    }
    if let Ok(Some(stream)) = talk(stream, &shared, SmtpSession { encrypted: false, greet: true }).await
        && let Ok(stream) = shared.acceptor.accept(stream).await
    {
        let _ = talk(stream, &shared, SmtpSession { encrypted: true, greet: false }).await;
    }
}

struct SmtpSession {
    encrypted: bool,
    greet: bool,
}

/// One conversation; gives the stream back where TLS is asked for.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    shared: &Shared,
    how: SmtpSession,
) -> std::io::Result<Option<S>> {
    let mut stream = BufReader::new(stream);
    let (mut from, mut to, mut login) = (String::new(), Vec::new(), None);
    if how.greet {
        stream.write_all(b"220 mail.example.org ESMTP\r\n").await?;
    }
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let text = line.trim_end().to_owned();
        let verb = text.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        let answer = match verb.as_str() {
            "EHLO" if how.encrypted => "250-mail.example.org\r\n250-AUTH PLAIN\r\n250 8BITMIME".to_owned(),
            "EHLO" => "250-mail.example.org\r\n250-STARTTLS\r\n250 8BITMIME".to_owned(),
            "STARTTLS" => {
                stream.write_all(b"220 go ahead\r\n").await?;
                assert!(stream.buffer().is_empty(), "nothing may be sent ahead of TLS");
                return Ok(Some(stream.into_inner()));
            }
            "AUTH" => {
                login = text.split(' ').nth(2).map(str::to_owned);
                "235 welcome".to_owned()
            }
            "MAIL" => {
                from = address(&text);
                "250 sender ok".to_owned()
            }
            "RCPT" => {
                let receiver = address(&text);
                if shared.manners.lock().unwrap().unknown.contains(&receiver) {
                    format!("550 5.1.1 <{receiver}> unknown here")
                } else {
                    to.push(receiver);
                    "250 receiver ok".to_owned()
                }
            }
            "DATA" => {
                stream.write_all(b"354 end with a dot\r\n").await?;
                let data = data(&mut stream).await?;
                let mail = Mail {
                    from: from.clone(),
                    to: to.clone(),
                    data,
                    encrypted: how.encrypted,
                    login: login.clone(),
                };
                shared.mails.lock().unwrap().push(mail);
                if shared.manners.lock().unwrap().silent_after_data {
                    return Ok(None);
                }
                "250 taken".to_owned()
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(None);
            }
            "RSET" | "NOOP" => "250 ok".to_owned(),
            _ => "500 what?".to_owned(),
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        stream.flush().await?;
    }
}

/// What stands between the angle brackets.
fn address(line: &str) -> String {
    line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(it, _)| it).to_owned()
}

async fn data<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> std::io::Result<String> {
    let mut data = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(data);
        }
        data.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
