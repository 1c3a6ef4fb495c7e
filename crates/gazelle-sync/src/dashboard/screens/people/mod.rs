//! People: who may sign in, and what operators do about it.

mod read;

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use uuid::Uuid;

use super::{refused, trouble};
use crate::config::Language;
use crate::dashboard::answer::Answer;
use crate::dashboard::entry::form::BoundedForm;
use crate::dashboard::page::{Frame, PageRequest, Screen, ShownTime, State as Shape};
use crate::dashboard::site::{PageError, Site};
use crate::dashboard::words::entry as w;
use crate::dashboard::words::sentence::Sentence;
use crate::people::secrets::Token;
use crate::people::{self, Invitation, Invite, ListedPerson, Person, PersonChangeError, PersonState};
use crate::states::Role;
use read::Technician;

/// The form that invites.
#[derive(Deserialize)]
pub(crate) struct InviteForm {
    name: String,
    role: String,
    technician: Option<String>,
    language: Option<String>,
}

/// The form of a role.
#[derive(Deserialize)]
pub(crate) struct RoleForm {
    role: String,
    technician: Option<String>,
}

/// The list.
#[derive(Template)]
#[template(path = "screens/people/page.html")]
struct Page {
    frame: Frame,
    rows: Vec<Row>,
    roles: Vec<Choice>,
    technicians: Vec<Choice>,
}

/// One person.
#[derive(Template)]
#[template(path = "screens/people/one.html")]
struct PersonPage {
    frame: Frame,
    row: Row,
    roles: Vec<Choice>,
    technicians: Vec<Choice>,
    /// Whether it is the viewer.
    is_self: bool,
    why: FormNotes,
}

/// What each form of a person's page does, with the name.
struct FormNotes {
    role: String,
    link: String,
    disable: String,
    sign_out: String,
}

/// A link that was just made.
#[derive(Template)]
#[template(path = "screens/people/link.html")]
struct Link {
    frame: Frame,
    heading: String,
    once: String,
    link: String,
}

/// A row of the list.
struct Row {
    href: String,
    name: String,
    role: String,
    technician: Option<String>,
    state: Shape,
    signed_in: Option<ShownTime>,
    sessions: String,
}

/// A value to choose.
struct Choice {
    value: String,
    word: String,
    is_chosen: bool,
}

/// The name of a role.
pub(super) fn role_name(role: Role, frame: &Frame) -> String {
    let said = match role {
        Role::Technician => w::TECHNICIAN,
        Role::Office => w::OFFICE,
        Role::Operator => w::OPERATOR,
    };
    frame.say(said).into_owned()
}

/// Answers with the list or its document.
pub(crate) async fn show(State(site): State<Arc<Site>>, Extension(asked): Extension<PageRequest>) -> Answer {
    if asked.viewer.is_demo() {
        return trouble::refused(&site, &asked, (w::DEMO_HAS_NO_PEOPLE, w::DEMO_HAS_NO_PEOPLE_WHY));
    }
    let (people, technicians, frame) = match read::all(&site, &asked).await {
        Ok(read) => read,
        Err(trouble) => return trouble::answer(&site, &asked, Screen::People, trouble),
    };
    if asked.json {
        return Answer::document(StatusCode::OK, &people);
    }
    let rows = people.iter().map(|one| row(one, &frame)).collect();
    let page =
        Page { rows, roles: roles(Role::Technician, &frame), technicians: choices(technicians, None), frame };
    Answer::page(StatusCode::OK, &page)
}

/// Answers with the page of a person.
pub(crate) async fn show_one(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    Path(id): Path<String>,
) -> Answer {
    let Ok(id) = id.parse::<Uuid>() else { return trouble::not_found(&site, &asked) };
    let (one, technicians, frame) = match read::one(&site, &asked, id).await {
        Ok(Some(read)) => read,
        Ok(None) => return trouble::not_found(&site, &asked),
        Err(trouble) => return trouble::answer(&site, &asked, Screen::People, trouble),
    };
    let name = [("name", one.person.name.as_str())];
    let page = PersonPage {
        row: row(&one, &frame),
        roles: roles(one.person.role, &frame),
        technicians: choices(technicians, one.person.technician.as_deref()),
        is_self: asked.viewer.person().is_some_and(|person| person.id == id),
        why: FormNotes {
            role: frame.fill(w::CHANGE_ROLE_WHY, &name),
            link: frame.fill(w::NEW_LINK_WHY, &name),
            disable: frame.fill(w::DISABLE_WHY, &name),
            sign_out: frame.fill(w::SIGN_OUT_PERSON_WHY, &name),
        },
        frame,
    };
    Answer::page(StatusCode::OK, &page)
}

/// Invites somebody, and shows the link.
pub(crate) async fn invite(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    BoundedForm(form): BoundedForm<InviteForm>,
) -> Answer {
    let Ok(role) = form.role.parse() else {
        return not_done(&site, &asked, w::NOT_FOR_ROLE_WHY, "/app/people").await;
    };
    let technician = form.technician.as_deref().filter(|id| !id.is_empty());
    let language: Option<Language> = form.language.as_deref().and_then(|text| text.parse().ok());
    let by = asked.viewer.person().map(|person| person.id);
    linked(&site, &asked, Invite { name: &form.name, role, technician, language, by, must_be_new: true })
        .await
}

/// Gives a person a new link, and shows it.
pub(crate) async fn new_link(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    Path(id): Path<String>,
) -> Answer {
    let Ok(id) = id.parse::<Uuid>() else { return trouble::not_found(&site, &asked) };
    let person = match read::one(&site, &asked, id).await {
        Ok(Some((one, ..))) => one.person,
        Ok(None) => return trouble::not_found(&site, &asked),
        Err(trouble) => return trouble::answer(&site, &asked, Screen::People, trouble),
    };
    let invite = Invite {
        name: &person.name,
        role: person.role,
        technician: person.technician.as_deref(),
        language: person.language,
        by: asked.viewer.person().map(|person| person.id),
        must_be_new: false,
    };
    linked(&site, &asked, invite).await
}

/// Changes the role of somebody else.
pub(crate) async fn change_role(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    Path(id): Path<String>,
    BoundedForm(form): BoundedForm<RoleForm>,
) -> Answer {
    let Ok(role) = form.role.parse() else {
        return not_done(&site, &asked, w::NOT_FOR_ROLE_WHY, "/app/people").await;
    };
    let technician = form.technician.filter(|id| !id.is_empty());
    of_other(&site, &asked, &id, async |site: &Site, id, by| {
        people::change_role(&site.db()?, id, (role, technician.as_deref()), by)
            .await
            .map_err(|error| site.failed(&error))
    })
    .await
}

/// Disables somebody else.
pub(crate) async fn disable(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    Path(id): Path<String>,
) -> Answer {
    of_other(&site, &asked, &id, async |site: &Site, id, by| {
        people::disable(&site.db()?, id, by).await.map_err(|error| site.failed(&error))
    })
    .await
}

/// Ends all sessions of a person.
pub(crate) async fn sign_out(
    State(site): State<Arc<Site>>,
    Extension(asked): Extension<PageRequest>,
    Path(id): Path<String>,
) -> Answer {
    let Ok(id) = id.parse::<Uuid>() else { return trouble::not_found(&site, &asked) };
    let ended = async { people::end_all(&site.db()?, id).await.map_err(|error| site.failed(&error)) };
    match ended.await {
        Ok(_) => Answer::see(&format!("/app/people/{id}")),
        Err(trouble) => trouble::answer(&site, &asked, Screen::People, trouble),
    }
}

/// Changes another person. Nobody takes away what they need to change it back.
async fn of_other(
    site: &Site,
    asked: &PageRequest,
    id: &str,
    change: impl AsyncFnOnce(&Site, Uuid, Option<Uuid>) -> Result<Result<Person, PersonChangeError>, PageError>,
) -> Answer {
    let Ok(id) = id.parse::<Uuid>() else { return trouble::not_found(site, asked) };
    let by = asked.viewer.person().map(|person| person.id);
    let back = format!("/app/people/{id}");
    if by == Some(id) {
        return not_done(site, asked, w::THIS_IS_YOU, &back).await;
    }
    match change(site, id, by).await {
        Ok(Ok(_)) => Answer::see(&back),
        Ok(Err(PersonChangeError::Nobody)) => trouble::not_found(site, asked),
        Ok(Err(refusal)) => not_done(site, asked, refusal_text(refusal), &back).await,
        Err(trouble) => trouble::answer(site, asked, Screen::People, trouble),
    }
}

async fn linked(site: &Site, asked: &PageRequest, invite: Invite<'_>) -> Answer {
    let Ok(token) = Token::random() else { return not_done(site, asked, w::BUSY, "/app/people").await };
    let invited =
        async { people::invite(&site.db()?, &invite, token).await.map_err(|error| site.failed(&error)) };
    let Invitation { person, link, expires_at, .. } = match invited.await {
        Ok(Ok(invitation)) => invitation,
        Ok(Err(refusal)) => {
            let back = match refusal {
                PersonChangeError::Exists(id) => format!("/app/people/{id}"),
                _ => "/app/people".to_owned(),
            };
            return not_done(site, asked, refusal_text(refusal), &back).await;
        }
        Err(trouble) => return trouble::answer(site, asked, Screen::People, trouble),
    };
    let frame = site.frame_now(asked, Screen::People).await;
    let until = frame.exact(expires_at);
    let page = Link {
        heading: frame.fill(w::LINK_FOR, &[("name", &person.name)]),
        once: frame.fill(w::LINK_ONCE, &[("name", &person.name), ("until", &until)]),
        link: site.shared.settings.dashboard_address(&format!("/app/enter/{}", link.text())),
        frame,
    };
    Answer::page(StatusCode::OK, &page)
}

fn refusal_text(refusal: PersonChangeError) -> Sentence {
    match refusal {
        PersonChangeError::Name => w::BAD_NAME,
        PersonChangeError::TechnicianMissing => w::TECHNICIAN_MISSING,
        PersonChangeError::TechnicianUnknown => w::TECHNICIAN_UNKNOWN,
        PersonChangeError::Nobody => crate::dashboard::words::frame::NOT_FOUND,
        PersonChangeError::Exists(_) => w::NAME_TAKEN,
        PersonChangeError::Oneself => w::THIS_IS_YOU,
    }
}

async fn not_done(site: &Site, asked: &PageRequest, why: Sentence, back: &str) -> Answer {
    let frame = site.frame_now(asked, Screen::People).await;
    // A name that is taken leads to whose it is.
    let label = if why == w::NAME_TAKEN { w::SEE_PERSON } else { crate::dashboard::words::frame::RETRY };
    let why = frame.say(why).into_owned();
    refused::answer(frame, why, back, label)
}

fn row(one: &ListedPerson, frame: &Frame) -> Row {
    let is_over = one.link_expires_at.is_none_or(|at| at <= frame.read_at);
    let (class, shape, word) = match one.state {
        PersonState::Active => ("ok", "●", w::ACTIVE),
        PersonState::Invited if is_over => ("warn", "▲", w::LINK_EXPIRED),
        PersonState::Invited => ("run", "◐", w::INVITED),
        PersonState::Disabled => ("off", "◇", w::DISABLED),
    };
    Row {
        href: format!("/app/people/{}", one.person.id),
        name: one.person.name.clone(),
        role: role_name(one.person.role, frame),
        technician: one.person.technician.clone(),
        state: Shape { class, shape, word: frame.say(word).into_owned() },
        signed_in: one.signed_in_at.map(|at| ShownTime::date_hour(at, frame.locale())),
        sessions: frame.number(one.sessions),
    }
}

fn roles(chosen: Role, frame: &Frame) -> Vec<Choice> {
    let choice = |role: &Role| Choice {
        value: role.as_str().to_owned(),
        word: role_name(*role, frame),
        is_chosen: *role == chosen,
    };
    Role::ALL.iter().map(choice).collect()
}

fn choices(technicians: Vec<Technician>, chosen: Option<&str>) -> Vec<Choice> {
    let choice = |one: Technician| Choice {
        is_chosen: chosen == Some(one.external_id.as_str()),
        word: one.name,
        value: one.external_id,
    };
    technicians.into_iter().map(choice).collect()
}
