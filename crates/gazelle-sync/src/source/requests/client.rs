//! The API client: one request with its retries gives one answer or one error.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use reqwest::{Client, header};
use tokio::sync::{Mutex, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    observe::{AttemptRecord, Observer, Outcome, Recording, RequestRecord},
    request::GraphqlRequest,
    retry::{RetryPlan, with_jitter},
};
use crate::source::answers::answer::{Answer, NotFoundRoots, ReplyDetails, VerifiedData};
use crate::source::answers::classify::{classify, readable};
use crate::source::answers::error::{AttemptFailure, ErrorClass, OutcomeCode, SourceError};
use crate::source::answers::partial::IncompleteContent;
use crate::source::answers::target::Target;
use crate::source::settings::{CheckedSettings, SourceSettings, place_of};
use crate::source::tokens::access::{Access, Authorization};
use crate::source::tokens::credential::Credential;
use crate::source::tokens::session::{OauthSession, State};
use crate::source::transport::attempt::{Attempt, AttemptOutcome, Body, Reply, attempt};
use crate::source::transport::compression;
use crate::source::transport::room::{AnswerPurpose, MemoryBudget};
use crate::stop;

/// The client of one Gazelle account. Cheap to clone; all clones share connections, request slots (see
/// [`SourceSettings::concurrency`]) and tokens.
#[derive(Clone)]
pub struct GazelleClient {
    shared: Arc<Shared>,
    observers: Vec<Observer>,
    /// Number of requests made by this client and its clones.
    made: Arc<AtomicI32>,
    stop: CancellationToken,
    /// A lower limit of attempts than the settings', for a request whose failure is expected.
    most_attempts: u32,
    purpose: AnswerPurpose,
}

struct Shared {
    http: Client,
    settings: CheckedSettings,
    access: Access,
    target: Target,
    /// One permit is one concurrent request.
    slots: Arc<Semaphore>,
    room: MemoryBudget,
}

impl GazelleClient {
    /// A client for these settings. Sends nothing yet and reads no token store.
    ///
    /// # Errors
    /// Class `Setup`, naming the unusable setting.
    pub fn new(settings: SourceSettings, credential: Credential) -> Result<Self, SourceError> {
        let settings = CheckedSettings::from(settings)?;
        settings.check_protected()?;
        let http = settings.http_client()?;
        let slots = Arc::new(Semaphore::new(settings.concurrency));
        let access = match credential {
            Credential::ApiKey(key) => Access::from_key(&key)?,
            Credential::Oauth(credential) => Access::Oauth(Arc::new(OauthSession {
                http: http.clone(),
                token_url: settings.token_url.clone(),
                timeout: settings.timeout,
                slots: slots.clone(),
                credential,
                state: Mutex::new(State::default()),
            })),
        };
        let target = Target { place: place_of(&settings.graphql_url), endpoint: access.endpoint() };
        let room = MemoryBudget::for_answers_of(settings.max_response_bytes);
        let shared = Arc::new(Shared { http, settings, access, target, slots, room });
        Ok(Self {
            shared,
            observers: Vec::new(),
            made: Arc::default(),
            stop: CancellationToken::new(),
            most_attempts: u32::MAX,
            purpose: AnswerPurpose::default(),
        })
    }

    /// The same client with one more observer. It receives one record for every request made through the returned
    /// client and its clones, however it ends, numbered from 1. It runs in the request's task and must be quick.
    pub fn observed_by(&self, observer: impl Fn(RequestRecord) + Send + Sync + 'static) -> Self {
        let mut client = self.clone();
        client.observers.push(Observer(Arc::new(observer)));
        client.made = Arc::default();
        client
    }

    /// Takes over the login of an earlier client with the same settings: its tokens, saved or not, or the fact that
    /// the user logged out. The earlier client must not be used any more.
    pub async fn continue_login_of(&self, before: &GazelleClient) {
        if let (Access::Oauth(session), Access::Oauth(before)) = (&self.shared.access, &before.shared.access)
        {
            session.take_over(before).await;
        }
    }

    /// The same client with a stop signal. After it, nothing more is sent; requests in progress may end within
    /// [`GRACE`](crate::stop::GRACE), the others fail with the class `Stopped`.
    pub fn stopped_by(&self, stop: &CancellationToken) -> Self {
        Self { stop: stop.clone(), ..self.clone() }
    }

    /// The same client with at most this many attempts (at least 1). If the API asks for fewer requests, the
    /// attempts of the settings apply.
    pub fn with_attempts(&self, attempts: u32) -> Self {
        Self { most_attempts: attempts, ..self.clone() }
    }

    /// The same client for pages of a list, which are held until their records are stored. `turn` tells when the
    /// pages of this walk are next in line to be stored; before that, large ones are not accepted. While a page is
    /// held, no other page may be awaited, except by the walk whose turn it is.
    pub fn for_pages(&self, turn: Option<watch::Receiver<bool>>) -> Self {
        Self { purpose: AnswerPurpose::Page(turn), ..self.clone() }
    }

    /// The answer with its own copy of the bytes, which frees the memory reserved for answers: for callers that
    /// keep it, or a part of it, during further requests. `None` if the clones of this client keep too much
    /// already.
    pub fn kept(&self, answer: Answer) -> Option<Answer> {
        let body = self.shared.room.copy(&answer.body)?;
        Some(answer.with_bytes(body))
    }

    /// The same for bytes that are not shared, such as a record assembled from parts.
    pub fn kept_bytes(&self, bytes: Bytes) -> Option<Bytes> {
        self.shared.room.keep_own(bytes)
    }

    /// Scheme, host and path of the GraphQL endpoint, for people.
    pub fn place(&self) -> &str {
        &self.shared.target.place
    }

    /// Sends one operation and returns its complete answer.
    ///
    /// Makes attempts, waits and token refreshes according to the settings, and sends one record to the observers.
    /// The future may be dropped at any time: a token refresh in progress is completed.
    ///
    /// # Errors
    /// The class of the last attempt; see [`ErrorClass`].
    pub async fn post(&self, request: &GraphqlRequest) -> Result<Answer, SourceError> {
        let span = tracing::info_span!("request", operation = request.operation_name);
        self.post_in_span(request).instrument(span).await
    }

    async fn post_in_span(&self, request: &GraphqlRequest) -> Result<Answer, SourceError> {
        let Shared { settings, access, .. } = &*self.shared;
        let mut recording = Recording::start(self.made.fetch_add(1, Relaxed) + 1, &self.observers, request);
        let can_renew = matches!(access, Access::Oauth(_));
        let mut plan =
            RetryPlan::new(settings.attempts, settings.retry_delay, can_renew).at_most(self.most_attempts);
        let body = request.to_body();
        // An authorization that was refused and must be replaced before the next attempt.
        let mut refused: Option<Authorization> = None;
        loop {
            if self.stop.is_cancelled() {
                return Err(self.stopped(request, recording));
            }
            // No slot is held while a token is fetched, because the refresh needs one itself.
            let fault = match self.next_authorization(&mut refused, &mut plan).await {
                Err(about_token) => about_token,
                Ok(authorization) => {
                    match self.try_once_or_stop(&authorization, &body, request, &mut recording).await {
                        Ok(answer) => {
                            recording.end(Outcome::Answered);
                            return Ok(answer);
                        }
                        Err(fault) if plan.asks_for_new_token(&fault) => {
                            refused = Some(authorization);
                            continue;
                        }
                        Err(fault) => fault,
                    }
                }
            };
            let Some(delay) = plan.wait_after(&fault).map(with_jitter) else {
                let attempts = plan.failures().max(recording.attempts());
                let error = SourceError::new(fault, &request.operation_name, attempts);
                recording.end(Outcome::Failed(error.class().clone()));
                return Err(error);
            };
            tracing::warn!(
                operation = request.operation_name,
                attempt = recording.attempts(),
                class = fault.class.code().as_str(),
                http_status = fault.http_status,
                delay_ms = delay.as_millis() as u64,
                "request failed and is retried"
            );
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    /// The error of a request that the stop signal interrupted.
    fn stopped(&self, request: &GraphqlRequest, recording: Recording<'_>) -> SourceError {
        let error = SourceError::new(self.stopped_fault(), &request.operation_name, recording.attempts());
        // Dropping the recording records the request as abandoned.
        drop(recording);
        error
    }

    fn stopped_fault(&self) -> AttemptFailure {
        let what = "no answer was waited for";
        let advice = "the program was asked to stop; the next run goes on";
        AttemptFailure::new(ErrorClass::Stopped, self.shared.target.place.clone(), what, advice)
    }

    /// One attempt, aborted when the stop signal came and its grace period is over.
    async fn try_once_or_stop(
        &self,
        authorization: &Authorization,
        body: &Bytes,
        request: &GraphqlRequest,
        recording: &mut Recording<'_>,
    ) -> Result<Answer, AttemptFailure> {
        tokio::select! {
            outcome = self.try_once(authorization, body, request, recording) => outcome,
            () = stop::overdue(&self.stop, stop::GRACE) => Err(self.stopped_fault()),
        }
    }

    /// The authorization of the next attempt; a newer one if the last was refused.
    async fn next_authorization(
        &self,
        refused: &mut Option<Authorization>,
        plan: &mut RetryPlan,
    ) -> Result<Authorization, AttemptFailure> {
        let access = &self.shared.access;
        if let Some(old) = refused {
            if let Some(renewal) = access.renew(old).await {
                plan.renewed(renewal?);
            }
            *refused = None;
        }
        access.authorization().await
    }

    /// Attaches an incomplete answer to its error. Callers keep errors during further requests, so the bytes are
    /// copied out of the memory reserved for answers; if too much is kept already, the error has no answer.
    fn attach_answer(&self, remains: &mut IncompleteContent, answer: Answer) {
        if !matches!(self.purpose, AnswerPurpose::Question) {
            remains.answer = Some(answer);
            return;
        }
        let original = remains.original.take();
        let copy = original.as_ref().map(|original| self.shared.room.copy(original));
        // Both or neither.
        if let (Some(answer), Some(original)) =
            (self.kept(answer), copy.map_or(Some(None), |copy| copy.map(Some)))
        {
            (remains.answer, remains.original) = (Some(answer), original);
        }
    }

    /// One attempt in one slot, added to the recording.
    async fn try_once(
        &self,
        authorization: &Authorization,
        body: &Bytes,
        request: &GraphqlRequest,
        recording: &mut Recording<'_>,
    ) -> Result<Answer, AttemptFailure> {
        let attempt = self.send(authorization, body).await;
        let verdict = classify(&attempt.seen, &self.shared.target);
        record(&attempt, verdict.as_ref().err().map(|fault| fault.class.clone()), recording);
        let Attempt { seen, latency, started_at } = attempt;
        let AttemptOutcome::Reply(Reply { status, server_date, body: Body::Whole(body), .. }) = seen else {
            // Only complete bodies are valid.
            return Err(verdict.err().unwrap_or_else(|| self.stopped_fault()));
        };
        let delivery = ReplyDetails {
            number: recording.number(),
            body,
            attempts: recording.attempts(),
            http_status: status,
            latency,
            started_at,
            server_date,
            place: self.shared.target.place.clone(),
            operation: request.operation_name.as_str().into(),
        };
        match verdict {
            Ok(verified) => Ok(Answer::new(verified, delivery)),
            Err(fault) => Err(self.with_remains(redact_credential(fault, authorization), delivery)),
        }
    }

    /// Sends in one slot. An answer for which no memory is available is dropped, and requested again when there is
    /// enough for the longest answer.
    async fn send(&self, authorization: &Authorization, body: &Bytes) -> Attempt {
        let shared = &*self.shared;
        let (timeout, longest) = (shared.settings.timeout, shared.settings.max_response_bytes);
        let mut room = shared.room.as_needed(&self.purpose);
        loop {
            // The semaphore is never closed, so this cannot fail.
            let place = shared.slots.acquire().await.ok();
            let http_request = shared
                .http
                .post(shared.settings.graphql_url.clone())
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::ACCEPT, "application/json")
                .header(header::ACCEPT_ENCODING, compression::OFFERED)
                .body(body.clone());
            let attempt = attempt(authorization.show(http_request), timeout, longest, &mut room).await;
            if !matches!(attempt.seen, AttemptOutcome::Reply(Reply { body: Body::NoRoom, .. })) {
                return attempt;
            }
            drop((place, room));
            room = shared.room.whole(&self.purpose).await;
        }
    }

    /// The fault with the readable part of its incomplete answer, if there is one.
    fn with_remains(&self, mut fault: AttemptFailure, delivery: ReplyDetails) -> AttemptFailure {
        if let Some(remains) = &mut fault.remains {
            let (body, data) = readable(&delivery.body, remains);
            let verified = VerifiedData { data, gone: NotFoundRoots::default() };
            self.attach_answer(remains, Answer::new(verified, ReplyDetails { body, ..delivery }));
        }
        fault
    }
}

/// Logs an attempt and adds it to the recording.
fn record(attempt: &Attempt, failure: Option<ErrorClass>, recording: &mut Recording<'_>) {
    tracing::debug!(
        attempt = recording.attempts() + 1,
        outcome = failure.as_ref().map_or(OutcomeCode::Answered, ErrorClass::code).as_str(),
        http_status = attempt.http_status(),
        latency_ms = attempt.latency.as_millis() as u64,
        bytes = attempt.bytes(),
        "attempt ended"
    );
    recording.attempt(AttemptRecord {
        failure,
        http_status: attempt.http_status(),
        latency: attempt.latency,
        bytes: attempt.bytes(),
    });
}

/// The fault without the API's message if that repeats the key or the token.
fn redact_credential(mut fault: AttemptFailure, authorization: &Authorization) -> AttemptFailure {
    if let ErrorClass::OverLimit { said } = &mut fault.class
        && authorization.is_quoted_in(said)
    {
        said.clear();
        fault.what = "a query refused as too large".into();
    }
    fault
}

impl fmt::Debug for GazelleClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GazelleClient").field("place", &self.shared.target.place).finish_non_exhaustive()
    }
}
