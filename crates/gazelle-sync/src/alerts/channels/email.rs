//! E-mail. Each receiver gets a message of their own, so that one bad address does not affect the others.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::outgoing::{OutgoingMessage, SendError};
use crate::alerts::kind::Occasion;
use crate::config::Settings;

/// For each step of the SMTP dialogue.
const TIMEOUT: Duration = Duration::from_secs(10);

/// One receiver, and the mail server to use.
#[derive(Clone)]
pub struct Receiver {
    server: SecretString,
    ca_file: Option<PathBuf>,
    from: SecretString,
    to: SecretString,
    /// Its number among the configured receivers, from 1, and their count.
    number: (usize, usize),
}

impl Receiver {
    /// All receivers of the settings; empty if e-mail is not configured.
    pub fn all(settings: &Settings) -> Vec<Receiver> {
        let (Some(server), Some(from), Some(to)) =
            (&settings.smtp_url, &settings.alert_email_from, &settings.alert_email_to)
        else {
            return Vec::new();
        };
        let addresses: Vec<&str> = to.expose_secret().split(',').map(str::trim).collect();
        let count = addresses.len();
        let receiver = |(index, address): (usize, &str)| Receiver {
            server: server.clone(),
            ca_file: settings.smtp_ca_file.clone(),
            from: from.clone(),
            to: address.to_owned().into(),
            number: (index + 1, count),
        };
        addresses.into_iter().enumerate().map(receiver).collect()
    }

    /// Somebody who receives no alerts, by the mail server and from the sender of the alerts.
    ///
    /// # Errors
    /// One of these settings is missing or not usable, or the address is none.
    pub fn one(settings: &Settings, address: &str) -> Result<Receiver, SendError> {
        let (Some(server), Some(from)) = (&settings.smtp_url, &settings.alert_email_from) else {
            return Err(SendError::new("no mail can be sent: set SMTP_URL and ALERT_EMAIL_FROM"));
        };
        let receiver = Receiver {
            server: server.clone(),
            ca_file: settings.smtp_ca_file.clone(),
            from: from.clone(),
            to: address.trim().to_owned().into(),
            number: (1, 1),
        };
        receiver.mailboxes().map(|_| receiver)
    }

    /// The key in the outbox: a hash, so that the database does not hold the address.
    pub fn key(&self) -> String {
        let text = self.to.expose_secret().trim();
        // A display name before the address does not make it another receiver.
        let address =
            text.parse::<Mailbox>().map_or_else(|_| text.to_owned(), |mailbox| mailbox.email.to_string());
        let address = address.to_lowercase();
        format!("email:{}", &blake3::hash(address.as_bytes()).to_hex()[..12])
    }

    /// For people, without the address: `e-mail 1 of 2 (at example.org)`.
    pub fn shown(&self) -> String {
        let (number, count) = self.number;
        let address = self.to.expose_secret();
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain).trim_end_matches('>');
        format!("e-mail {number} of {count} (at {domain})")
    }

    /// Sends one message.
    ///
    /// # Errors
    /// A setting is not usable, or the mail server did not accept the message.
    pub async fn send(&self, outgoing: &OutgoingMessage) -> Result<(), SendError> {
        let message = self.message(outgoing)?;
        let transport = self.transport().await?;
        transport.send(message).await.map(drop).map_err(|error| SendError::new(self.reason(&error)))
    }

    /// The sender and the receiver.
    fn mailboxes(&self) -> Result<(Mailbox, Mailbox), SendError> {
        let mailbox = |text: &SecretString, what: &str| {
            text.expose_secret()
                .parse::<Mailbox>()
                .map_err(|_| SendError::new(format!("{what} is no e-mail address")))
        };
        let from = mailbox(&self.from, "the sender (ALERT_EMAIL_FROM)")?;
        Ok((from, mailbox(&self.to, "a receiver (ALERT_EMAIL_TO or --email)")?))
    }

    fn message(&self, outgoing: &OutgoingMessage) -> Result<Message, SendError> {
        let (from, to) = self.mailboxes()?;
        let domain = from.email.domain().to_owned();
        // The Message-ID is made from the message's id, so that a mail server or client recognises duplicates.
        // Later messages of an alert are replies to its first one, so that mail clients show them as a thread.
        let named = |id: uuid::Uuid| format!("<{id}@{domain}>");
        let first = matches!(outgoing.occasion, None | Some(Occasion::Started));
        let own = if first { outgoing.alert_id } else { outgoing.id };
        let mut message = Message::builder()
            .from(from)
            .to(to)
            .subject(outgoing.text.title.to_string())
            .message_id(Some(named(own)))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN);
        if !first {
            message = message.in_reply_to(named(outgoing.alert_id)).references(named(outgoing.alert_id));
        }
        message
            .body(format!("{}\n", outgoing.text.body))
            .map_err(|_| SendError::new("the message could not be put together"))
    }

    async fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, SendError> {
        let wrong = || SendError::new("SMTP_URL is not usable");
        let address = self.server.expose_secret();
        let url = Url::parse(address).map_err(|_| wrong())?;
        let host = url.host_str().ok_or_else(wrong)?;
        let builder =
            AsyncSmtpTransport::<Tokio1Executor>::from_url(&without_tls(&url)).map_err(|_| wrong())?;
        let mode = tls_mode(&url);
        let tls = match mode {
            TlsMode::None => Tls::None,
            _ => {
                let parameters = self.tls(host).await?;
                match mode {
                    TlsMode::Wrapped => Tls::Wrapper(parameters),
                    TlsMode::Opportunistic => Tls::Opportunistic(parameters),
                    _ => Tls::Required(parameters),
                }
            }
        };
        Ok(builder.tls(tls).timeout(Some(TIMEOUT)).build())
    }

    async fn tls(&self, host: &str) -> Result<TlsParameters, SendError> {
        let mut parameters = TlsParameters::builder(host.trim_matches(['[', ']']).to_owned());
        if let Some(file) = &self.ca_file {
            let unusable =
                || SendError::new(format!("the certificate file {} is not usable", file.display()));
            let pem = tokio::fs::read(file).await.map_err(|_| unusable())?;
            parameters =
                parameters.add_root_certificate(Certificate::from_pem(&pem).map_err(|_| unusable())?);
        }
        parameters.build().map_err(|_| SendError::new("TLS is not available on this machine"))
    }

    /// The reason of a failed delivery, without addresses, which servers like to repeat.
    fn reason(&self, error: &SmtpError) -> String {
        let kind = if error.is_timeout() {
            "the mail server did not answer in time"
        } else if error.is_permanent() {
            "the mail server refused"
        } else if error.is_transient() {
            "the mail server put it off"
        } else if error.is_tls() {
            "TLS with the mail server failed"
        } else {
            "the mail server could not be reached"
        };
        let mut deepest: &dyn std::error::Error = error;
        while let Some(source) = deepest.source() {
            deepest = source;
        }
        let hidden = |word: &str| if word.contains('@') { "(address)".to_owned() } else { word.to_owned() };
        let said: Vec<String> = deepest.to_string().split_whitespace().map(hidden).collect();
        let said = said.join(" ");
        let said = crate::display::shortened(&said, 160);
        match error.status() {
            Some(code) => format!("{kind} ({code}): {said}"),
            None => format!("{kind}: {said}"),
        }
    }
}

// By hand, so that no address is printed.
impl fmt::Debug for Receiver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.shown())
    }
}

/// How a connection to a mail server is encrypted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TlsMode {
    /// TLS from the first byte: `smtps://`.
    Wrapped,
    /// STARTTLS, or no connection: `smtp://`.
    Required,
    /// STARTTLS where the server offers it: `smtp://…?tls=opportunistic`.
    Opportunistic,
    /// No encryption: `smtp://…?tls=none`.
    None,
}

fn tls_mode(url: &Url) -> TlsMode {
    let asked = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
    match (url.scheme(), asked.as_deref()) {
        ("smtps", _) => TlsMode::Wrapped,
        (_, Some("opportunistic")) => TlsMode::Opportunistic,
        (_, Some("none")) => TlsMode::None,
        _ => TlsMode::Required,
    }
}

/// The URL without the `tls` parameter, which the library would interpret differently, and with an explicit port.
fn without_tls(url: &Url) -> String {
    let port = port_of(url);
    let mut url = url.clone();
    url.set_query(None);
    // Cannot fail: the URL has a host.
    let _ = url.set_port(Some(port));
    let _ = url.set_scheme("smtp");
    url.into()
}

/// The port of an SMTP URL. Without a port in the URL: 465 for `smtps`, else 587, the usual port for submission.
pub fn port_of(url: &Url) -> u16 {
    url.port().unwrap_or(if url.scheme() == "smtps" { 465 } else { 587 })
}

/// The header that marks a message as automatic, so that no out-of-office reply answers it (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(AutoSubmitted)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
