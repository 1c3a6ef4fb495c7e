//! Checks the API: it is reachable, the credentials are valid, and a page of each entity can be read.

use futures_util::future::join_all;
use serde_json::json;

use super::clock::ClockReading;
use super::lines::Lines;
use super::subject::Subject;
use crate::display;
use crate::entities::{ApiList, ENTITIES, Entity};
use crate::source::{Answer, ErrorClass, GraphqlRequest, ListShape, SourceError};

/// Records per page.
const PAGE: u32 = 5;

pub(super) async fn check(subject: &Subject<'_>) -> (Lines, Option<ClockReading>) {
    let mut lines = Lines::default();
    let client = match &subject.client {
        Ok(client) => client,
        Err(why) => {
            lines.problem(
                "API",
                why.clone(),
                "gazelle-sync settings (shows what is set), gazelle-sync auth login",
            );
            return (lines, None);
        }
    };
    let asked = ENTITIES.iter().map(|entity| async { (*entity, client.post(&first_page(entity)).await) });
    let answers = join_all(asked).await;
    let refused = answers.iter().filter_map(|(_, answer)| answer.as_ref().err());
    // An error that concerns every request is reported once.
    if let Some(error) = refused.clone().find(|error| concerns_all(error)) {
        lines.problem("API", error.to_string(), fix(error));
        if answers.iter().all(|(_, answer)| answer.is_err()) {
            return (lines, None);
        }
    } else {
        lines.ok("API", format!("{} answers and takes our credentials", client.place()));
    }
    let mut reading = None;
    for (entity, answer) in &answers {
        match answer {
            Ok(answer) => {
                reading = reading.or(ClockReading::of(answer));
                read(&mut lines, entity, answer);
            }
            // A run sends smaller queries than `doctor`.
            Err(error) if error.is_about_size() => lines.warning(
                check_name(entity),
                format!("a page of {PAGE} is more than the API gives: {error}"),
                "nothing, where `gazelle-sync sync` succeeds; else ask Gazelle for a higher limit",
            ),
            Err(error) => lines.problem(check_name(entity), error.to_string(), fix(error)),
        }
    }
    (lines, reading)
}

fn read(lines: &mut Lines, entity: &Entity, answer: &Answer) {
    let shape = match entity.walk.shape {
        ApiList::PlainList => ListShape::Plain,
        ApiList::Connection { .. } => ListShape::Connection,
    };
    let took = display::duration(answer.latency);
    match answer.page(entity.walk.root, shape) {
        Err(error) => lines.problem(check_name(entity), error.to_string(), fix(&error)),
        Ok(page) => {
            let of = page.total_count.map_or(String::new(), |total| format!(" of {}", display::count(total)));
            let said = format!("a page is readable: {}{of} in {took}", page.nodes.len());
            match page.nodes.is_empty() {
                false => lines.ok(check_name(entity), said),
                true => lines.warning(
                    check_name(entity),
                    format!("the account holds none that we may see ({took})"),
                    "look in Gazelle whether this is the right account, and what its user may see",
                ),
            }
        }
    }
}

fn first_page(entity: &Entity) -> GraphqlRequest {
    let variables = match entity.walk.shape {
        ApiList::PlainList => json!({}),
        ApiList::Connection { .. } => json!({ "first": PAGE, "after": null }),
    };
    GraphqlRequest::new(entity.walk.operation, &*entity.walk.page_query, variables)
}

fn check_name(entity: &Entity) -> String {
    format!("API: {}", entity.name)
}

/// Whether every request would get this error.
fn concerns_all(error: &SourceError) -> bool {
    matches!(
        error.class(),
        ErrorClass::Unreachable | ErrorClass::Unauthorized | ErrorClass::Redirected | ErrorClass::Setup
    )
}

fn fix(error: &SourceError) -> &'static str {
    match error.class() {
        ErrorClass::Unauthorized => {
            "a new key in GAZELLE_API_KEY (Gazelle: Settings, API), or gazelle-sync auth login"
        }
        ErrorClass::Unreachable => "this machine's network, GAZELLE_API_URL, and whether gazelleapp.io is up",
        ErrorClass::Redirected => "GAZELLE_API_URL: the API lives elsewhere",
        ErrorClass::InvalidQuery { .. } => "upgrade this program: the API has changed",
        ErrorClass::Throttled { .. } => "wait, then run doctor again; a lower concurrency helps",
        _ => "run doctor again in some minutes; then Gazelle's status page",
    }
}
