//! Lets an event stream and its TCP connection exchange two facts: the connection's age, and that the response is a stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// A connection, as a stream on it knows it.
#[derive(Debug, Clone)]
pub struct Wire {
    begun: Instant,
    carries_stream: Arc<AtomicBool>,
}

/// Says, while it exists, that the answer on the connection is a stream.
#[derive(Debug)]
pub struct Streaming(Arc<AtomicBool>);

impl Wire {
    /// Of a connection that begins now.
    pub fn started() -> Wire {
        Wire { begun: Instant::now(), carries_stream: Arc::default() }
    }

    /// Whether the answer on it is a stream that has not ended: a part of it that was sent is not the end of the answer.
    pub fn carries_stream(&self) -> bool {
        self.carries_stream.load(Ordering::Acquire)
    }

    /// For how long the connection exists.
    pub(crate) fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Says that the answer is a stream, until the result is dropped.
    pub(crate) fn stream(&self) -> Streaming {
        self.carries_stream.store(true, Ordering::Release);
        Streaming(self.carries_stream.clone())
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
