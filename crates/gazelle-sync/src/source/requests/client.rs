//! The client: one request, as many attempts as it deserves, one answer or one error.

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
use crate::source::{
    answers::{
        answer::{Answer, Delivery, Gone, Verified},
        classify::{classify, readable},
        error::{ErrorClass, Fault, SourceError},
        partial::Remains,
        target::Target,
    },
    settings::{CheckedSettings, SourceSettings, place_of},
    tokens::{
        access::{Access, Authorization},
        credential::Credential,
        session::{OauthSession, State},
    },
    transport::{
        attempt::{Attempt, Body, Reply, Seen, attempt},
        compression,
        room::{Purpose, Room},
    },
};
use crate::stop;

/// Speaks to one Gazelle account. Cheap to clone; all clones share connections, places (see
/// [`SourceSettings::concurrency`]) and tokens.
#[derive(Clone)]
pub struct GazelleClient {
    shared: Arc<Shared>,
    observers: Vec<Observer>,
    /// Requests made so far by this client and its clones.
    made: Arc<AtomicI32>,
    stop: CancellationToken,
    /// Fewer attempts than the settings allow, where a request is only tried out.
    most_attempts: u32,
    purpose: Purpose,
}

struct Shared {
    http: Client,
    settings: CheckedSettings,
    access: Access,
    target: Target,
    /// One permit is one request in flight.
    places: Arc<Semaphore>,
    room: Room,
}

impl GazelleClient {
    /// A client for these settings. Sends nothing yet and reads no store.
    ///
    /// Errors: class `Setup`, naming the setting that is unusable.
    pub fn new(settings: SourceSettings, credential: Credential) -> Result<Self, SourceError> {
        let settings = CheckedSettings::from(settings)?;
        settings.check_protected()?;
        let http = settings.http_client()?;
        let places = Arc::new(Semaphore::new(settings.concurrency));
        let access = match credential {
            Credential::ApiKey(key) => Access::from_key(&key)?,
            Credential::Oauth(credential) => Access::Oauth(Arc::new(OauthSession {
                http: http.clone(),
                token_url: settings.token_url.clone(),
                timeout: settings.timeout,
                places: places.clone(),
                credential,
                state: Mutex::new(State::default()),
            })),
        };
        let target = Target { place: place_of(&settings.graphql_url), endpoint: access.endpoint() };
        let room = Room::for_answers_of(settings.max_response_bytes);
        let shared = Arc::new(Shared { http, settings, access, target, places, room });
        Ok(Self {
            shared,
            observers: Vec::new(),
            made: Arc::default(),
            stop: CancellationToken::new(),
            most_attempts: u32::MAX,
            purpose: Purpose::default(),
        })
    }

    /// The same client with one observer more: it receives one record for every request made through the returned client
    /// and its clones, whatever its end, numbered from 1. It runs inside the request's task: keep it short.
    pub fn observed_by(&self, observer: impl Fn(RequestRecord) + Send + Sync + 'static) -> Self {
        let mut client = self.clone();
        client.observers.push(Observer(Arc::new(observer)));
        client.made = Arc::default();
        client
    }

    /// Goes on with the login of a client before, made of the same settings: its tokens, saved or not, or that somebody logged
    /// out. That client is to be used no more.
    pub async fn continue_login_of(&self, before: &GazelleClient) {
        if let (Access::Oauth(session), Access::Oauth(before)) = (&self.shared.access, &before.shared.access)
        {
            session.take_over(before).await;
        }
    }

    /// The same client, ending its requests when asked to: what is under way may come to its end for [`GRACE`](crate::stop::GRACE),
    /// nothing is sent any more, and what was not answered fails with the class `Stopped`.
    pub fn stopped_by(&self, stop: &CancellationToken) -> Self {
        Self { stop: stop.clone(), ..self.clone() }
    }

    /// The same client, making at most this many attempts (at least 1), and as many as the settings say where the API asks for
    /// patience.
    pub fn trying(&self, attempts: u32) -> Self {
        Self { most_attempts: attempts, ..self.clone() }
    }

    /// The same client for pages of a list, each held until its records are stored; where that has its turn, with a sign that it
    /// has come. Large ones wait for those that are held: one must not be held while another is waited for, but for the next.
    pub fn for_pages(&self, turn: Option<watch::Receiver<bool>>) -> Self {
        Self { purpose: Purpose::Page(turn), ..self.clone() }
    }

    /// The answer with bytes of its own, which take no room that others wait for: for who keeps it, or a part of it, while something
    /// else is asked. None where too much is kept so already, over all clones of this client.
    pub fn kept(&self, answer: Answer) -> Option<Answer> {
        let body = self.shared.room.copy(&answer.body)?;
        Some(answer.with_bytes(body))
    }

    /// The same of bytes that are nobody else's, such as a record put together.
    pub fn kept_bytes(&self, bytes: Bytes) -> Option<Bytes> {
        self.shared.room.keep_own(bytes)
    }

    /// Scheme, host and path of the GraphQL endpoint, for people.
    pub fn place(&self) -> &str {
        &self.shared.target.place
    }

    /// Sends one operation and returns its whole answer.
    ///
    /// Effects: attempts, waits and token refreshes as the settings say; one record to the observer. May be dropped at any
    /// time: nothing is left behind, and a token refresh under way is finished.
    /// Errors: the class of the last attempt; see [`ErrorClass`].
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
        // An authorization that was refused and is to be replaced before the next attempt.
        let mut refused: Option<Authorization> = None;
        loop {
            if self.stop.is_cancelled() {
                return Err(self.stopped(request, recording));
            }
            // No place is held while a token is fetched: the refresh needs one for itself.
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
                class = fault.class.name(),
                http_status = fault.http_status,
                delay_ms = delay.as_millis() as u64,
                "request failed and is tried again"
            );
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    /// The error of a request that the end of the program came before.
    fn stopped(&self, request: &GraphqlRequest, recording: Recording<'_>) -> SourceError {
        let error = SourceError::new(self.stopped_fault(), &request.operation_name, recording.attempts());
        // The record says that the request was given up, which dropping it does.
        drop(recording);
        error
    }

    fn stopped_fault(&self) -> Fault {
        let what = "no answer was waited for";
        let advice = "the program was asked to stop; the next run goes on";
        Fault::new(ErrorClass::Stopped, self.shared.target.place.clone(), what, advice)
    }

    /// One attempt, given up when the program was asked to end and the attempt had its grace.
    async fn try_once_or_stop(
        &self,
        authorization: &Authorization,
        body: &Bytes,
        request: &GraphqlRequest,
        recording: &mut Recording<'_>,
    ) -> Result<Answer, Fault> {
        tokio::select! {
            outcome = self.try_once(authorization, body, request, recording) => outcome,
            () = stop::overdue(&self.stop, stop::GRACE) => Err(self.stopped_fault()),
        }
    }

    /// The authorization of the next attempt; in place of one that was refused, a newer one.
    async fn next_authorization(
        &self,
        refused: &mut Option<Authorization>,
        plan: &mut RetryPlan,
    ) -> Result<Authorization, Fault> {
        let access = &self.shared.access;
        if let Some(old) = refused {
            if let Some(renewal) = access.renew(old).await {
                plan.renewed(renewal?);
            }
            *refused = None;
        }
        access.authorization().await
    }

    /// Leaves an answer with its error. Errors are kept while other questions are asked: with bytes that take no room that others
    /// wait for; where too much is kept so already, nothing remains but the error.
    fn leave(&self, remains: &mut Remains, answer: Answer) {
        if !matches!(self.purpose, Purpose::Question) {
            remains.answer = Some(answer);
            return;
        }
        let original = remains.original.take();
        let copy = original.as_ref().map(|original| self.shared.room.copy(original));
        // Both, or none.
        if let (Some(answer), Some(original)) =
            (self.kept(answer), copy.map_or(Some(None), |copy| copy.map(Some)))
        {
            (remains.answer, remains.original) = (Some(answer), original);
        }
    }

    /// One attempt, in one place, put down in the record.
    async fn try_once(
        &self,
        authorization: &Authorization,
        body: &Bytes,
        request: &GraphqlRequest,
        recording: &mut Recording<'_>,
    ) -> Result<Answer, Fault> {
        let attempt = self.send(authorization, body).await;
        let verdict = classify(&attempt.seen, &self.shared.target);
        record(&attempt, verdict.as_ref().err().map(|fault| fault.class.clone()), recording);
        let Attempt { seen, latency, started_at } = attempt;
        let Seen::Reply(Reply { status, server_date, body: Body::Whole(body), .. }) = seen else {
            // Only whole bodies are good.
            return Err(verdict.err().unwrap_or_else(|| self.stopped_fault()));
        };
        let delivery = Delivery {
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
            Err(fault) => Err(self.with_remains(without_credential(fault, authorization), delivery)),
        }
    }

    /// Sends in one place. An answer for which there is no room is let go, and asked for again when there is room for the longest.
    async fn send(&self, authorization: &Authorization, body: &Bytes) -> Attempt {
        let shared = &*self.shared;
        let (timeout, longest) = (shared.settings.timeout, shared.settings.max_response_bytes);
        let mut room = shared.room.as_needed(&self.purpose);
        loop {
            // The semaphore is never closed, so this cannot fail.
            let place = shared.places.acquire().await.ok();
            let http_request = shared
                .http
                .post(shared.settings.graphql_url.clone())
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::ACCEPT, "application/json")
                .header(header::ACCEPT_ENCODING, compression::OFFERED)
                .body(body.clone());
            let attempt = attempt(authorization.show(http_request), timeout, longest, &mut room).await;
            if !matches!(attempt.seen, Seen::Reply(Reply { body: Body::NoRoom, .. })) {
                return attempt;
            }
            drop((place, room));
            room = shared.room.whole(&self.purpose).await;
        }
    }

    /// The fault with what can be read of its answer, where one came that is not whole.
    fn with_remains(&self, mut fault: Fault, delivery: Delivery) -> Fault {
        if let Some(remains) = &mut fault.remains {
            let (body, data) = readable(&delivery.body, remains);
            let verified = Verified { data, gone: Gone::default() };
            self.leave(remains, Answer::new(verified, Delivery { body, ..delivery }));
        }
        fault
    }
}

/// Puts an attempt down in the log and in the record of its request.
fn record(attempt: &Attempt, failure: Option<ErrorClass>, recording: &mut Recording<'_>) {
    tracing::debug!(
        attempt = recording.attempts() + 1,
        outcome = failure.as_ref().map_or("ok", ErrorClass::name),
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

/// The fault without the API's words where they repeat the key or the token.
fn without_credential(mut fault: Fault, authorization: &Authorization) -> Fault {
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
