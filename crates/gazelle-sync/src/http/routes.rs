//! The routes and their answers.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::answer::Answer;
use crate::access::trust::owners;
use crate::db::{Db, DbError};
use crate::metrics::database_gauges::DatabaseGauges;
use crate::migrate::{self, SchemaState};
use crate::run_log::{run_requests, runs};
use crate::service::state::Shared;
use crate::states::RunMode;

/// How long values from the database are cached, however often they are requested.
const CACHED_FOR: Duration = Duration::from_secs(3);
/// How long the database may take to answer.
const DATABASE_PATIENCE: Duration = Duration::from_secs(5);

/// The longest that the body of a request may take to arrive: less than a route may, so that it is not taken for a
/// slow database.
const LONGEST_ARRIVAL: Duration = Duration::from_secs(5);

/// The state of the routes.
struct Site {
    shared: Arc<Shared>,
    ready: Cached<(bool, Value)>,
    database_gauges: Cached<Option<DatabaseGauges>>,
}

/// A cached value with the time it was read. Concurrent requests wait for one read.
type Cached<T> = Mutex<Option<(Instant, T)>>;

/// All routes.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    let site = Arc::new(Site { shared, ready: Mutex::new(None), database_gauges: Mutex::new(None) });
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/runs", get(list_runs).merge(post(request_run)))
        .fallback(async || {
            Answer::problem(StatusCode::NOT_FOUND, "there are /healthz, /readyz, /metrics and /runs")
        })
        .method_not_allowed_fallback(async || {
            Answer::problem(StatusCode::METHOD_NOT_ALLOWED, "GET everything; POST /runs asks for a run")
        })
        .with_state(site)
}

/// Liveness: the process answers and its loop does not hang. Reads nothing else.
async fn healthz(State(site): State<Arc<Site>>) -> Answer {
    let shared = &site.shared;
    let stuck = shared.stuck();
    let document = json!({
        "status": if stuck.is_none() { "alive" } else { "stuck" },
        "reason": stuck,
        "version": env!("CARGO_PKG_VERSION"),
        "started_at": shared.started_at,
        "last_scraped_at": shared.last_scraped_at(),
        "activity": shared.activity(),
    });
    let status = if stuck.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Answer::document(status, document)
}

/// Readiness: the database answers, its migrations are complete, Gazelle takes our credentials, and the last good run
/// is recent enough.
async fn readyz(State(site): State<Arc<Site>>) -> Answer {
    let mut cached = site.ready.lock().await;
    let (ready, document) = match &*cached {
        Some((at, value)) if at.elapsed() < CACHED_FOR => value.clone(),
        _ => {
            let value = readiness(&site.shared).await;
            *cached = Some((Instant::now(), value.clone()));
            value
        }
    };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Answer::document(status, document)
}

async fn readiness(shared: &Shared) -> (bool, Value) {
    let activity = shared.activity();
    let look = async {
        let Some(db) = shared.db() else {
            return Err(activity
                .problem
                .clone()
                .unwrap_or_else(|| "the database is not open yet".to_owned()));
        };
        let shape = in_time(migrate::schema_state(&db.aside())).await?;
        let past = in_time(runs::past(&db.aside())).await?;
        let last_good = past.last_good.map(|at| (at, past.asked_at.duration_since(at).as_secs().max(0)));
        Ok::<_, String>((shape, last_good))
    };
    let (database, migrations, last_good) = match look.await {
        Ok((SchemaState::Current, last_good)) => (None, None, last_good),
        Ok((SchemaState::Newer(_), last_good)) => {
            (None, Some("the database is newer than this program"), last_good)
        }
        Ok((_, last_good)) => (None, Some("migrations are missing: gazelle-sync migrate"), last_good),
        Err(why) => (Some(why), None, None),
    };
    let (last_good, age) = last_good.unzip();
    let limit = i64::from(shared.settings.stale_after_minutes) * 60;
    let fresh = age.is_some_and(|age| age <= limit);
    let credentials = activity.credentials.problem();
    let ready = database.is_none() && migrations.is_none() && credentials.is_none() && fresh;
    let document = json!({
        "ready": ready,
        "database": { "ok": database.is_none(), "reason": database },
        "migrations": { "ok": migrations.is_none(), "reason": migrations },
        "credentials": { "ok": credentials.is_none(), "reason": credentials },
        "fresh": { "ok": fresh, "last_good_run_at": last_good, "age_seconds": age, "stale_after_seconds": limit },
        "problem": activity.problem,
    });
    (ready, document)
}

async fn in_time<T>(query: impl Future<Output = Result<T, DbError>>) -> Result<T, String> {
    match tokio::time::timeout(DATABASE_PATIENCE, query).await {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("the database does not answer".to_owned()),
    }
}

/// Checks that the tables are still ours: they may have been replaced since they were opened.
async fn check_owners(db: &Db) -> Result<(), DbError> {
    owners::check(db).await
}

/// Metrics in Prometheus' text format.
async fn metrics(State(site): State<Arc<Site>>) -> Answer {
    let shared = &site.shared;
    shared.scraped(Timestamp::now());
    let mut cached = site.database_gauges.lock().await;
    let database_gauges = match &*cached {
        Some((at, database_gauges)) if at.elapsed() < CACHED_FOR => database_gauges.clone(),
        _ => {
            let database_gauges = match shared.db() {
                Some(db) => {
                    let db = db.aside();
                    in_time(async {
                        check_owners(&db).await?;
                        DatabaseGauges::read(&db).await
                    })
                    .await
                    .ok()
                }
                None => None,
            };
            *cached = Some((Instant::now(), database_gauges.clone()));
            database_gauges
        }
    };
    drop(cached);
    match shared.metrics.render(database_gauges.as_ref()) {
        Ok(text) => Answer::metrics(&text),
        Err(_) => Answer::problem(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written"),
    }
}

/// The latest runs, and the requests for runs.
async fn list_runs(State(site): State<Arc<Site>>) -> Answer {
    let Some(db) = site.shared.db().map(|db| db.aside()) else { return no_database(&site) };
    let look = async {
        check_owners(&db).await?;
        Ok((runs::last(&db).await?, run_requests::last(&db).await?))
    };
    match in_time(look).await {
        Ok((runs, requests)) => {
            Answer::document(StatusCode::OK, json!({ "runs": runs, "requests": requests }))
        }
        Err(why) => Answer::problem(StatusCode::SERVICE_UNAVAILABLE, why),
    }
}

/// The body of a request for a run.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RunRequest {
    #[serde(default)]
    mode: RunMode,
    entities: Option<Vec<String>>,
}

/// Stores a request for a run and wakes the service.
async fn request_run(State(site): State<Arc<Site>>, request: Request) -> Answer {
    let body = match tokio::time::timeout(LONGEST_ARRIVAL, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => return Answer::problem(error.status(), "the body cannot be read, or is too large"),
        Err(_) => {
            let why = "the body did not arrive completely in time: send the request again";
            return Answer::problem(StatusCode::REQUEST_TIMEOUT, why);
        }
    };
    let ask: RunRequest = match serde_json::from_slice(&body) {
        Ok(ask) => ask,
        // The parser's message names our fields and positions, but none of the client's values.
        Err(_) => {
            return Answer::problem(
                StatusCode::BAD_REQUEST,
                "send JSON like {\"mode\": \"incremental\"} or {\"mode\": \"full\", \"entities\": [\"clients\"]}",
            );
        }
    };
    let entities = match (&ask.entities, run_requests::chosen(ask.entities.as_deref())) {
        (_, Err(why)) => return Answer::problem(StatusCode::BAD_REQUEST, why),
        (None, Ok(_)) => None,
        // In declaration order and without duplicates, so that equal requests are recognised as equal.
        (Some(_), Ok(chosen)) => Some(chosen.iter().map(|entity| entity.name.to_owned()).collect::<Vec<_>>()),
    };
    let Some(db) = site.shared.db().map(|db| db.aside()) else { return no_database(&site) };
    let asked = note(&db, ask.mode, entities.as_deref());
    match in_time(asked).await {
        Ok(id) => {
            site.shared.wake.notify_one();
            Answer::document(StatusCode::ACCEPTED, json!({ "request": id, "see": "/runs" }))
        }
        Err(why) => Answer::problem(StatusCode::SERVICE_UNAVAILABLE, why),
    }
}

async fn note(db: &Db, mode: RunMode, entities: Option<&[String]>) -> Result<uuid::Uuid, DbError> {
    check_owners(db).await?;
    run_requests::ask(db, mode, entities, "http").await
}

fn no_database(site: &Site) -> Answer {
    let why = site.shared.activity().problem.unwrap_or_else(|| "the database is not open yet".to_owned());
    Answer::problem(StatusCode::SERVICE_UNAVAILABLE, why)
}
