//! A stream from the server of which every message is measured before it is read into memory.
//!
//! The driver believes whatever length a message announces, also before the login has succeeded, and whoever stands
//! in its place. Here the connection ends instead, with words.

use std::collections::BTreeSet;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};

use super::room::{ANSWER, Room};

const KIB: u64 = 1024;
/// The longest message until we are let in. What is asked for there, errors included, has some hundred bytes.
const LOGIN_MESSAGE: u64 = 64 * KIB;
/// All of them until we are let in.
const LOGIN: u64 = 512 * KIB;
/// What a message takes besides its bytes, and each column of a row: a row of nothing is still a row.
const EACH: u64 = 128;
const EACH_COLUMN: u64 = 24;

/// The kind of a message by which the server waits for the next statement: an answer is at its end.
const READY: u8 = b'Z';
/// The kind of a message by which the server names a parameter of its own and its value. The driver keeps the last value of
/// each name for as long as the connection lives.
const PARAMETER: u8 = b'S';
/// How many names there may be; a server has some fifteen. Each such message is as long as one of the login at most.
const PARAMETERS: usize = 64;
/// Errors and notices, and the longest of them: a trigger may quote the record that it refuses, which is no longer than this. The
/// driver makes texts of each, and whoever tells of one makes others.
const SAID: [u8; 2] = *b"EN";
const LONGEST_SAID: u64 = 32 * KIB * KIB;
/// The kind of a row.
const ROW: u8 = b'D';
/// Bytes of the kind and the length of a message.
const SHORT: usize = 5;

/// Why a connection was given up, for those who wait for an answer: the driver tells them only that it is closed.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusal(Arc<OnceLock<String>>);

impl Refusal {
    /// The reason, where there is one.
    pub(super) fn words(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

/// What the bytes of a stream are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// First the one byte that says whether the rest is encrypted, then messages or not.
    Offer,
    /// Encrypted: they are measured where they are messages again.
    Encrypted,
    Messages,
}

/// The stream.
pub(super) struct Measured<S> {
    stream: S,
    gauge: Gauge,
    refusal: Refusal,
    room: Room,
    /// Bytes that wait for room, and how much of it is wanted for them.
    kept: Vec<u8>,
    wanted: u64,
}

impl<S> Measured<S> {
    /// Measures what comes of a stream; a reason to give it up is told there too.
    pub(super) fn new(stream: S, content: Content, refusal: &Refusal, room: &Room) -> Measured<S> {
        Measured {
            stream,
            gauge: Gauge::new(content),
            refusal: refusal.clone(),
            room: room.clone(),
            kept: Vec::new(),
            wanted: 0,
        }
    }

    fn refuse(&self, words: String) -> Poll<io::Result<()>> {
        let _ = self.refusal.0.set(words.clone());
        Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, words)))
    }

    /// Hands on what was kept, once there is room for it.
    fn hand_on(&mut self, cx: &Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if ready!(self.room.poll_take(self.wanted, cx)).is_err() {
            return self.refuse(too_long());
        }
        self.wanted = 0;
        let here = self.kept.len().min(buffer.remaining());
        buffer.put_slice(&self.kept[..here]);
        self.kept.drain(..here);
        Poll::Ready(Ok(()))
    }
}

/// What the connection held goes with it.
impl<S> Drop for Measured<S> {
    fn drop(&mut self) {
        self.room.release();
    }
}

/// How much has come.
#[derive(Debug)]
struct Gauge {
    content: Content,
    /// The beginning of a message: its kind, its length but for that byte, and of a row how many columns it has.
    header: [u8; 7],
    /// Bytes of the header that have come, and that are looked at.
    has: usize,
    wants: usize,
    /// Bytes of the message that are still to come.
    rest: u64,
    is_let_in: bool,
    /// What this answer, or the login, has come to.
    sum: u64,
    /// What has come since somebody asked.
    more: u64,
    /// Whether the bytes that come are those of a parameter's name, what has come of it, and all names.
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

    /// Counts bytes that have come.
    ///
    /// Errors: there is more of them, or announced, than any server has to say.
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

    /// Whether all messages that have begun have come.
    fn is_between_messages(&self) -> bool {
        self.rest == 0 && self.has == 0
    }

    fn count(&mut self, more: u64) {
        self.sum += more;
        self.more += more;
    }

    /// Notes what comes of a parameter's name, up to the zero at its end.
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

    /// A message begins.
    fn begin(&mut self) -> Result<(), String> {
        let [kind, a, b, c, d, ..] = self.header;
        // It counts itself. One below that is for the driver to refuse.
        self.rest = u64::from(u32::from_be_bytes([a, b, c, d])).saturating_sub(4);
        self.count(self.rest + EACH);
        // Before it is taken for the end of the login, or of an answer.
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
        if this.gauge.is_between_messages() && this.room.is_idle() {
            // What came unasked, such as notices, is read and gone: its room would be missed by answers of other connections.
            this.room.release();
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
        let taken = this.gauge.take(&buffer.filled()[before..]);
        let words = match (taken, std::mem::take(&mut this.gauge.more)) {
            (Ok(()), 0) => return Poll::Ready(Ok(())),
            (Ok(()), more) => match this.room.poll_take(more, cx) {
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
        // The driver gets nothing of it: it would make room for all that is announced.
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
