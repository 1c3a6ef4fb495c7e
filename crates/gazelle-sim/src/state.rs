//! The state shared by all connections.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::watch;

use crate::answers::AnswerCache;
use crate::fault_script::Script;
use crate::http::validators::Validators;
use crate::oauth::TokenStore;
use crate::options::SimOptions;
use crate::requests::RequestLog;
use crate::shop::Shop;

pub(crate) struct State {
    pub options: SimOptions,
    shop: RwLock<Shop>,
    pub script: Script,
    pub requests: Arc<RequestLog>,
    pub answers: AnswerCache,
    pub validators: Validators,
    tokens: Mutex<TokenStore>,
    clock_offset: AtomicI64,
    /// True once the simulator is to stop.
    pub stop: watch::Sender<bool>,
}

impl State {
    pub(crate) fn new(options: SimOptions, shop: Shop, validators: Validators) -> Self {
        Self {
            shop: RwLock::new(shop),
            script: Script::default(),
            requests: Arc::new(RequestLog::new(options.kept_requests)),
            answers: AnswerCache::new(options.answer_cache_bytes),
            validators,
            tokens: Mutex::default(),
            clock_offset: AtomicI64::new(options.clock_offset_seconds),
            stop: watch::Sender::new(false),
            options,
        }
    }

    pub(crate) fn shop(&self) -> RwLockReadGuard<'_, Shop> {
        self.shop.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn shop_mut(&self) -> RwLockWriteGuard<'_, Shop> {
        self.shop.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tokens(&self) -> std::sync::MutexGuard<'_, TokenStore> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The simulator's current time, in seconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        jiff::Timestamp::now().as_second() + self.clock_offset.load(Ordering::SeqCst)
    }

    pub(crate) fn advance_clock(&self, seconds: i64) {
        self.clock_offset.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Whether the simulator's clock differs from the machine's.
    pub(crate) fn clock_is_moved(&self) -> bool {
        self.clock_offset.load(Ordering::SeqCst) != 0
    }
}
