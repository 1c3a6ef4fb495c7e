//! A stream that checks the length of every message from the server before the driver allocates memory for it.
//!
//! The driver trusts any length that a message announces, even before login, when the peer may be no Postgres
//! server at all. This stream closes the connection instead, with a message that says why.

use std::collections::BTreeSet;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};

use super::budget::{ANSWER, AnswerBudget};

const KIB: u64 = 1024;
/// The longest message before the login is complete, in bytes. A real one, errors included, takes some hundred
/// bytes.
const LOGIN_MESSAGE: u64 = 64 * KIB;
/// All messages before the login is complete, in bytes together.
const LOGIN: u64 = 512 * KIB;
/// Memory that a message takes besides its bytes, and that each column of a row takes: an empty row is still a row.
const EACH: u64 = 128;
const EACH_COLUMN: u64 = 24;

/// ReadyForQuery: the server waits for the next statement, so an answer is complete.
const READY: u8 = b'Z';
/// ParameterStatus: the server reports a parameter and its value. The driver keeps the last value of each name as
/// long as the connection lives.
const PARAMETER: u8 = b'S';
/// The most parameter names; a server has some fifteen. Each of these messages is limited like one of the login.
const PARAMETERS: usize = 64;
/// ErrorResponse and NoticeResponse, and the longest of them: a trigger may quote the record that it refuses, which
/// is never longer than this. The driver copies its texts, and error messages copy them again.
const SAID: [u8; 2] = *b"EN";
const LONGEST_SAID: u64 = 32 * KIB * KIB;
/// DataRow.
const ROW: u8 = b'D';
/// Bytes of a message's type and length.
const SHORT: usize = 5;

/// Why we closed a connection, for the callers that wait for an answer: the driver tells them only that it is
/// closed.
#[derive(Debug, Clone, Default)]
pub(in crate::db) struct ProtocolViolation(Arc<OnceLock<String>>);

impl ProtocolViolation {
    /// The reason, if we closed it.
    pub(in crate::db) fn words(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

/// What the bytes of a stream contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::db) enum Content {
    /// First one byte that says whether TLS follows, then TLS or messages.
    Offer,
    /// TLS: the decrypted stream is measured instead.
    Encrypted,
    Messages,
}

/// The measuring stream around a socket or a TLS stream.
pub(in crate::db) struct Measured<S> {
    stream: S,
    gauge: Gauge,
    refusal: ProtocolViolation,
    budget: AnswerBudget,
    /// Bytes read but not handed on yet for lack of memory budget, and how much they need.
    kept: Vec<u8>,
    wanted: u64,
}

impl<S> Measured<S> {
    /// Measures what a stream delivers; `refusal` receives the reason if we close it.
    pub(in crate::db) fn new(
        stream: S,
        content: Content,
        refusal: &ProtocolViolation,
        budget: &AnswerBudget,
    ) -> Measured<S> {
        Measured {
            stream,
            gauge: Gauge::new(content),
            refusal: refusal.clone(),
            budget: budget.clone(),
            kept: Vec::new(),
            wanted: 0,
        }
    }

    fn refuse(&self, words: String) -> Poll<io::Result<()>> {
        let _ = self.refusal.0.set(words.clone());
        Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, words)))
    }

    /// Hands on the kept bytes once the budget allows it.
    fn hand_on(&mut self, cx: &Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if ready!(self.budget.poll_reserve(self.wanted, cx)).is_err() {
            return self.refuse(too_long());
        }
        self.wanted = 0;
        let here = self.kept.len().min(buffer.remaining());
        buffer.put_slice(&self.kept[..here]);
        self.kept.drain(..here);
        Poll::Ready(Ok(()))
    }
}

/// Returns the connection's memory budget.
impl<S> Drop for Measured<S> {
    fn drop(&mut self) {
        self.budget.release();
    }
}

/// Counts the bytes received.
#[derive(Debug)]
struct Gauge {
    content: Content,
    /// The start of a message: its type, its length without that byte, and for a row the number of columns.
    header: [u8; 7],
    /// Bytes of the header that were received, and that are needed.
    has: usize,
    wants: usize,
    /// Bytes of the message that are still to be received.
    rest: u64,
    is_let_in: bool,
    /// Memory taken by this answer, or by the login, so far.
    sum: u64,
    /// Memory counted since the caller last took this number.
    more: u64,
    /// Whether the next bytes are a parameter's name, what was received of it, and all names so far.
    is_name: bool,
    name: Vec<u8>,
    names: BTreeSet<Vec<u8>>,
}

impl Gauge {
    fn new(content: Content) -> Gauge {
        Gauge {
            content,
            header: [0; 7],
            has: 0,
            wants: SHORT,
            rest: 0,
            is_let_in: false,
            sum: 0,
            more: 0,
            is_name: false,
            name: Vec::new(),
            names: BTreeSet::new(),
        }
    }

    /// Counts received bytes.
    ///
    /// # Errors
    /// The server sent, or announced, more than a limit.
    fn take(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        if let (Content::Offer, [answer, rest @ ..]) = (self.content, bytes) {
            self.content = if *answer == b'S' { Content::Encrypted } else { Content::Messages };
            bytes = rest;
        }
        if self.content == Content::Encrypted {
            return Ok(());
        }
        while !bytes.is_empty() {
            if self.rest > 0 && self.has == 0 {
                let here = usize::try_from(self.rest).unwrap_or(usize::MAX).min(bytes.len());
                self.note_name(&bytes[..here])?;
                (self.rest, bytes) = (self.rest - here as u64, &bytes[here..]);
                continue;
            }
            self.header[self.has] = bytes[0];
            (self.has, bytes) = (self.has + 1, &bytes[1..]);
            if self.has < self.wants {
                continue;
            }
            if self.has == SHORT {
                self.begin()?;
                if self.header[0] == ROW && self.rest >= 2 {
                    self.wants = self.header.len();
                    continue;
                }
            } else {
                let [.., high, low] = self.header;
                self.count(u64::from(u16::from_be_bytes([high, low])) * EACH_COLUMN);
                self.rest -= 2;
            }
            (self.has, self.wants) = (0, SHORT);
        }
        Ok(())
    }

    /// Whether no message is partly received.
    fn is_between_messages(&self) -> bool {
        self.rest == 0 && self.has == 0
    }

    fn count(&mut self, more: u64) {
        self.sum += more;
        self.more += more;
    }

    /// Collects a parameter's name up to its terminating zero.
    fn note_name(&mut self, bytes: &[u8]) -> Result<(), String> {
        if !self.is_name {
            return Ok(());
        }
        let end = bytes.iter().position(|byte| *byte == 0);
        self.name.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
        if end.is_none() {
            return Ok(());
        }
        self.is_name = false;
        self.names.insert(std::mem::take(&mut self.name));
        match self.names.len() > PARAMETERS {
            true => Err(format!("it named more than {PARAMETERS} parameters of its own (ParameterStatus)")),
            false => Ok(()),
        }
    }

    /// Checks a message's type and length when it begins.
    fn begin(&mut self) -> Result<(), String> {
        let [kind, a, b, c, d, ..] = self.header;
        // The length includes itself. The driver refuses one below 4.
        self.rest = u64::from(u32::from_be_bytes([a, b, c, d])).saturating_sub(4);
        self.count(self.rest + EACH);
        // Check this before it ends the login or an answer.
        if kind == READY && self.rest > 1 {
            return Err(format!(
                "it announced {} bytes where it says that it is ready, which takes 1: is it a Postgres server at all? \
                 Look at host and port of DATABASE_URL",
                self.rest
            ));
        }
        self.is_name = kind == PARAMETER;
        self.name.clear();
        if kind == PARAMETER && self.is_let_in && self.rest > LOGIN_MESSAGE {
            return Err(format!(
                "it announced {} bytes for one of its parameters (ParameterStatus), where {LOGIN_MESSAGE} are the most",
                self.rest
            ));
        }
        if SAID.contains(&kind) && self.is_let_in && self.rest > LONGEST_SAID {
            return Err(format!(
                "it announced an error or a notice of {} bytes, where {} MiB are the most",
                self.rest,
                LONGEST_SAID / KIB / KIB
            ));
        }
        if kind == READY {
            (self.is_let_in, self.sum) = (true, 0);
        }
        match self.is_let_in {
            false if self.rest > LOGIN_MESSAGE => Err(format!(
                "it announced a message of {} bytes before the login, where {LOGIN_MESSAGE} are the most: is it a Postgres \
                 server at all? Look at host and port of DATABASE_URL",
                self.rest
            )),
            false if self.sum > LOGIN => Err(format!(
                "it sent more than {LOGIN} bytes before the login: is it a Postgres server at all? Look at host and port \
                 of DATABASE_URL"
            )),
            true if self.sum > ANSWER => Err(too_long()),
            _ => Ok(()),
        }
    }
}

fn too_long() -> String {
    format!(
        "it sent, or announced, an answer that takes more than {} MiB of memory: fewer records at a time take less (setting \
         batch_size)",
        ANSWER / KIB / KIB
    )
}

impl<S: AsyncRead + Unpin> AsyncRead for Measured<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.kept.is_empty() {
            return this.hand_on(cx, buffer);
        }
        if this.gauge.is_between_messages() && this.budget.is_idle() {
            // Unsolicited messages, such as notices, have been read: other connections' answers need their budget.
            this.budget.release();
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
        let taken = this.gauge.take(&buffer.filled()[before..]);
        let words = match (taken, std::mem::take(&mut this.gauge.more)) {
            (Ok(()), 0) => return Poll::Ready(Ok(())),
            (Ok(()), more) => match this.budget.poll_reserve(more, cx) {
                Poll::Ready(Ok(())) => return Poll::Ready(Ok(())),
                Poll::Ready(Err(_)) => too_long(),
                Poll::Pending => {
                    this.kept.extend_from_slice(&buffer.filled()[before..]);
                    this.wanted = more;
                    buffer.set_filled(before);
                    return Poll::Pending;
                }
            },
            (Err(words), _) => words,
        };
        // Give the driver nothing of it: it would allocate all that was announced.
        buffer.set_filled(before);
        this.refuse(words)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Measured<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Measured<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.channel_binding()
    }
}

#[cfg(test)]
mod tests;
