//! Caches answers: the same request body gets the same bytes until the shop changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::requests::ParsedRequest;

/// A parsed request body with its answer.
#[derive(Clone)]
pub(crate) struct CachedAnswer {
    pub asked: Arc<ParsedRequest>,
    pub answer: Bytes,
}

#[derive(Default)]
struct Answers {
    version: u64,
    bytes: usize,
    by_body: HashMap<Bytes, CachedAnswer>,
}

pub(crate) struct AnswerCache {
    answers: Mutex<Answers>,
    most_bytes: usize,
}

impl AnswerCache {
    pub(crate) fn new(most_bytes: usize) -> Self {
        Self { answers: Mutex::default(), most_bytes }
    }

    /// The cached answer to this body at this version of the shop.
    pub(crate) fn get(&self, body: &Bytes, version: u64) -> Option<CachedAnswer> {
        let answers = self.lock();
        (answers.version == version).then(|| answers.by_body.get(body).cloned()).flatten()
    }

    /// Stores an answer of this version, unless the cache is full.
    pub(crate) fn put(&self, body: Bytes, version: u64, prepared: CachedAnswer) {
        let mut answers = self.lock();
        if answers.version > version {
            return;
        }
        if answers.version < version {
            *answers = Answers { version, ..Answers::default() };
        }
        let size = body.len() + prepared.answer.len();
        if answers.bytes + size <= self.most_bytes && !answers.by_body.contains_key(&body) {
            answers.bytes += size;
            answers.by_body.insert(body, prepared);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
