//! The page before a decision about withheld deletions: it names the numbers, and nothing is done before its button is pressed.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use uuid::Uuid;

use super::ask::Decision;
use crate::dashboard::answer::Answer;
use crate::dashboard::entry::form::BoundedForm;
use crate::dashboard::links;
use crate::dashboard::named::{Named, Names};
use crate::dashboard::page::{Frame, PageRequest, Screen, entity_name};
use crate::dashboard::screens::deletions::read;
use crate::dashboard::screens::trouble;
use crate::dashboard::site::{PageError, Site};
use crate::dashboard::words::actions as w;
use crate::db::{DbError, Tx};
use crate::entities;
use crate::staging::deletions;
use crate::states::DeletionState;

/// The page.
#[derive(Template)]
#[template(path = "screens/actions/confirm.html")]
struct Page {
    frame: Frame,
    heading: String,
    how: String,
    seen_again: Option<String>,
    run: Uuid,
    entity: String,
    word: &'static str,
    shown: u64,
    except: Vec<ExcludedRecord>,
    is_danger: bool,
    back: String,
}

/// A record that stays undecided.
struct ExcludedRecord {
    id: String,
    record: Named,
}

/// What the page needs.
struct Read {
    waiting: u64,
    /// Of those that are listed, how many were seen again since.
    seen_again: usize,
    names: Names,
}

/// Answers with the page.
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    Path(run): Path<String>,
    BoundedForm(mut form): BoundedForm<Vec<(String, String)>>,
) -> Answer {
    form.push(("run".to_owned(), run));
    let Some(decision) = Decision::of(&form) else {
        return Answer::text(StatusCode::BAD_REQUEST, "this is no form of this page");
    };
    match confirm(&site, &asked, decision).await {
        Ok(answer) => answer,
        Err(trouble) => trouble::answer(&site, &asked, Screen::Deletions, trouble),
    }
}

async fn confirm(site: &Site, asked: &PageRequest, decision: Decision) -> Result<Answer, PageError> {
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let frame = site.frame(asked, Screen::Deletions, &snapshot);
    let found = read_all(&snapshot.tx, &decision).await.map_err(|error| site.failed(&error))?;
    let t = frame.locale();
    let back = links::deletions(decision.run);
    if found.waiting == 0 {
        let heading = t.say(w::NOTHING_TO_DECIDE).into_owned();
        let sentence = t.say(w::NOTHING_TO_DECIDE_HOW).into_owned();
        let link = (back, t.say(w::BACK).into_owned());
        return Ok(trouble::not_there(frame, heading, sentence, link));
    }
    let shown = i64::try_from(found.waiting).unwrap_or(i64::MAX);
    let (counted, how, word) = match decision.deletes {
        true => (w::DELETE_SOME, w::CONFIRM_DELETE_HOW, "delete"),
        false => (w::KEEP_SOME, w::CONFIRM_KEEP_HOW, "keep"),
    };
    let name = entity_name(&decision.entity, t);
    let page = Page {
        heading: t.fill(counted.of(shown, t.language), &[("n", &t.number(shown)), ("entity", &name)]),
        how: t.say(how).into_owned(),
        seen_again: (found.seen_again > 0 && decision.deletes)
            .then(|| t.count(w::SEEN_AGAIN, i64::try_from(found.seen_again).unwrap_or(i64::MAX))),
        run: decision.run,
        word,
        shown: found.waiting,
        except: decision
            .except
            .iter()
            .map(|id| ExcludedRecord {
                id: id.clone(),
                record: found.names.of(&decision.entity, id).shown(t),
            })
            .collect(),
        is_danger: decision.deletes,
        entity: decision.entity,
        back,
        frame,
    };
    Ok(Answer::page(StatusCode::OK, &page))
}

async fn read_all(tx: &Tx<'_>, decision: &Decision) -> Result<Read, DbError> {
    let waiting = match entities::entity(&decision.entity) {
        Some(entity) => deletions::count_waiting(tx, entity, decision.run, &decision.except).await?,
        None => 0,
    };
    let listed = read::of_run(tx, decision.run).await?;
    let is_decided = |one: &&read::Deletion| {
        one.found.entity == decision.entity
            && one.found.state == DeletionState::Withheld
            && !decision.except.contains(&one.found.external_id)
    };
    let seen_again = listed.records.iter().filter(is_decided).filter(|one| one.is_seen_since()).count();
    let except = decision.except.iter().map(|id| (decision.entity.as_str(), id.as_str()));
    Ok(Read { waiting, seen_again, names: Names::read(tx, except).await? })
}
