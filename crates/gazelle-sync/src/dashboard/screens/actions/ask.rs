//! Handles the forms of all screens: stores the requested action, wakes the service, and redirects to the action's page.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use uuid::Uuid;

use super::description::{is_applicable, is_own};
use crate::dashboard::answer::Answer;
use crate::dashboard::entry::form::BoundedForm;
use crate::dashboard::links;
use crate::dashboard::page::{PageRequest, Screen, own_path};
use crate::dashboard::screens::{refused, trouble};
use crate::dashboard::site::{PageError, Site};
use crate::dashboard::words::actions as w;
use crate::display;
use crate::entities;
use crate::run_log::actions::{
    self, ActionRequest, DecisionRequest, DismissalRequest, RebuildRequest, RecordRequest, RetryRequest,
};
use crate::states::RunMode;

/// Characters of a reason.
const LONGEST_REASON: usize = 500;
/// Characters of an id or a code.
const LONGEST_WORD: usize = 500;

/// A form whose fields may be missing, so that what is none of ours is answered and not refused by the library.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Form {
    mode: Option<RunMode>,
    entity: Option<String>,
    id: Option<String>,
    code: Option<String>,
    reason: Option<String>,
    run: Option<Uuid>,
    back: Option<String>,
}

/// Asks for a sync.
pub(crate) async fn sync(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    BoundedForm(form): BoundedForm<Form>,
) -> Answer {
    ask(&site, &asked, ActionRequest::Sync(form.mode.unwrap_or_default()), None).await
}

/// Asks for another try of one record, or of all with a reason.
pub(crate) async fn retry(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    BoundedForm(form): BoundedForm<Form>,
) -> Answer {
    let is_known = |name: &String| entities::entity(name).is_some();
    let words = [&form.id, &form.code];
    if form.entity.as_ref().is_some_and(|name| !is_known(name))
        || !words.into_iter().flatten().all(|word| is_word(word))
    {
        return no_form();
    }
    // One record without its entity would be a guess, and everything at once is for the command line.
    if form.entity.is_none() || form.id.is_none() && form.code.is_none() {
        return no_form();
    }
    let ids = form.id.into_iter().collect();
    ask(&site, &asked, ActionRequest::Retry(RetryRequest { entity: form.entity, ids, code: form.code }), None)
        .await
}

/// Asks for the dismissal of a case.
pub(crate) async fn dismiss(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    BoundedForm(form): BoundedForm<Form>,
) -> Answer {
    let (Some(entity), Some(id)) = (form.entity, form.id) else { return no_form() };
    if entities::entity(&entity).is_none() || !is_word(&id) {
        return no_form();
    }
    let reason = form.reason.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    let fits = (1..=LONGEST_REASON).contains(&reason.chars().count());
    if !fits || reason.chars().any(display::acts) {
        let frame = site.frame_now(&asked, Screen::Quarantine).await;
        let why = frame.say(w::BAD_REASON).into_owned();
        let back = own_path(form.back.as_deref().unwrap_or_default());
        return refused::answer(frame, why, back, crate::dashboard::words::frame::RETRY);
    }
    ask(&site, &asked, ActionRequest::Dismiss(DismissalRequest { entity, id, reason }), None).await
}

/// Asks for a verification.
pub(crate) async fn verify(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
) -> Answer {
    ask(&site, &asked, ActionRequest::Verify, None).await
}

/// Asks for the checks of `doctor`, and leads to their page.
pub(crate) async fn doctor(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
) -> Answer {
    match stored(&site, &asked, &ActionRequest::Doctor, None).await {
        Ok(_) => Answer::see("/app/doctor"),
        Err(trouble) => trouble::answer(&site, &asked, Screen::Doctor, trouble),
    }
}

/// Asks for the dry run of a replay of what a run touched, or of one record.
pub(crate) async fn replay(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    BoundedForm(form): BoundedForm<Form>,
) -> Answer {
    let (Some(entity), Some(id)) = (&form.entity, &form.id) else {
        return dry_run(&site, &asked, &form, ActionRequest::Replay).await;
    };
    if entities::entity(entity).is_none() || !is_word(id) {
        return no_form();
    }
    let record = RecordRequest { entity: entity.clone(), id: id.clone(), dry_run: true };
    ask(&site, &asked, ActionRequest::ReplayRecord(record), None).await
}

/// Asks for the dry run of an undo.
pub(crate) async fn undo(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    BoundedForm(form): BoundedForm<Form>,
) -> Answer {
    dry_run(&site, &asked, &form, ActionRequest::Undo).await
}

/// Asks for the dry run of the lifting of an undo.
pub(crate) async fn lift(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    BoundedForm(form): BoundedForm<Form>,
) -> Answer {
    dry_run(&site, &asked, &form, ActionRequest::Lift).await
}

async fn dry_run(
    site: &Site,
    asked: &PageRequest,
    form: &Form,
    of: impl Fn(RebuildRequest) -> ActionRequest,
) -> Answer {
    let Some(run) = form.run else { return no_form() };
    ask(site, asked, of(RebuildRequest { run, dry_run: true }), None).await
}

/// Asks to apply a dry run, whose numbers the same person has seen.
pub(crate) async fn apply(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    Path(id): Path<String>,
) -> Answer {
    let Ok(id) = id.parse::<Uuid>() else { return trouble::not_found(&site, &asked) };
    let read = async {
        let mut reader = site.reader(&asked).await?;
        let snapshot = reader.snapshot(&site).await?;
        actions::one(&snapshot.tx, id).await.map_err(|error| site.failed(&error))
    };
    let action = match read.await {
        Ok(Some(action)) => action,
        Ok(None) => return trouble::not_found(&site, &asked),
        Err(trouble) => return trouble::answer(&site, &asked, Screen::Runs, trouble),
    };
    if !is_own(&action, &asked) {
        return trouble::refused(&site, &asked, (w::NOT_YOURS, w::NOT_YOURS_HOW));
    }
    match action.request().filter(|_| is_applicable(&action)).and_then(|request| request.applied()) {
        Some(applied) => ask(&site, &asked, applied, Some(id)).await,
        None => trouble::refused(&site, &asked, (w::NOT_APPLICABLE, w::NOT_APPLICABLE_HOW)),
    }
}

/// Asks to delete or keep records of withheld deletions; the page before named the numbers (`confirm`).
pub(crate) async fn decide(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    BoundedForm(form): BoundedForm<Vec<(String, String)>>,
) -> Answer {
    let Some(decision) = Decision::of(&form) else { return no_form() };
    let shown = field(&form, "shown").and_then(|shown| shown.parse().ok());
    let Some(shown) = shown else { return no_form() };
    let Decision { run, entity, except, deletes } = decision;
    let request = DecisionRequest { run, entity, except, shown };
    ask(
        &site,
        &asked,
        if deletes { ActionRequest::Delete(request) } else { ActionRequest::Keep(request) },
        None,
    )
    .await
}

/// A decision about withheld deletions, as a form says it.
pub(super) struct Decision {
    pub(super) run: Uuid,
    pub(super) entity: String,
    /// Records that stay undecided, sorted.
    pub(super) except: Vec<String>,
    pub(super) deletes: bool,
}

impl Decision {
    /// None for a form that is none of ours.
    pub(super) fn of(form: &[(String, String)]) -> Option<Decision> {
        let deletes = match field(form, "word")? {
            "delete" => true,
            "keep" => false,
            _ => return None,
        };
        let named = form.iter().filter(|(name, _)| name == "except");
        let mut except: Vec<String> = named.map(|(_, value)| value.clone()).collect();
        except.sort_unstable();
        except.dedup();
        let entity = entities::entity(field(form, "entity")?)?.name.to_owned();
        let run = field(form, "run")?.parse().ok()?;
        except.iter().all(|one| is_word(one)).then_some(Decision { run, entity, except, deletes })
    }
}

fn field<'f>(form: &'f [(String, String)], name: &str) -> Option<&'f str> {
    form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// Whether a text can be an id or a code.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_WORD && !text.contains('\0')
}

fn no_form() -> Answer {
    Answer::text(StatusCode::BAD_REQUEST, "this is no form of this page")
}

/// Stores what is asked for, wakes the service, and leads to its page.
async fn ask(site: &Site, asked: &PageRequest, request: ActionRequest, based_on: Option<Uuid>) -> Answer {
    match stored(site, asked, &request, based_on).await {
        Ok(id) => Answer::see(&links::action(id)),
        Err(trouble) => trouble::answer(site, asked, Screen::Runs, trouble),
    }
}

/// Stores what is asked for, and wakes the service. Returns its id.
async fn stored(
    site: &Site,
    asked: &PageRequest,
    request: &ActionRequest,
    based_on: Option<Uuid>,
) -> Result<Uuid, PageError> {
    let by = asked.viewer.person().map(|person| person.id);
    let id = actions::ask(&site.db()?, request, based_on, by).await.map_err(|error| site.failed(&error))?;
    site.shared.wake.notify_one();
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_read_whole_or_not_at_all() {
        let run = "01930000-0000-7000-8000-000000000001";
        let form = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let whole = [("run", run), ("entity", "pianos"), ("word", "keep"), ("except", "b"), ("except", "a")];
        let decision = Decision::of(&form(&whole)).unwrap();
        assert_eq!((decision.except, decision.deletes), (vec!["a".to_owned(), "b".to_owned()], false));
        for (at, wrong) in [(0, "x"), (1, "trombones"), (2, "burn"), (3, "")] {
            let mut pairs = whole;
            pairs[at].1 = wrong;
            assert!(Decision::of(&form(&pairs)).is_none(), "{pairs:?}");
        }
    }
}
