//! The dashboard: the web pages under `/app`.
//!
//! A request is checked first (`entry/`): it comes from our own page, from somebody who is signed in, and the role may
//! ask for it, as the table of [`routes`] says. Then a screen (`screens/`) reads its facts in one read-only snapshot (`site`),
//! puts them into words (`words/`, `verdict`) and shapes (`charts/`), and its template beside it makes the page, in which
//! every value is escaped (`escape`). `answer` adds the headers. The pages need no script; the one that
//! there is keeps an open page current (`live/`). A database that `demo` filled is
//! shown without sign-in, to this machine alone. Beside the pages there is the calendar feed (`feed/`), which a link opens.

mod answer;
mod assets;
mod changed;
mod charts;
mod entry;
mod escape;
mod feed;
mod links;
mod live;
mod named;
mod page;
mod raw;
mod raw_view;
mod screens;
mod site;
mod values;
pub(crate) mod verdict;
pub(crate) mod words;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, MatchedPath, Path, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router};
use tokio_util::sync::CancellationToken;

use answer::Answer;
use entry::viewer::Viewer;
use entry::{cookie, form, same_origin, sender};
use page::{PageRequest, Screen};
use screens::{
    actions, case, changes, deletions, doctor, enter, feeds, latency, me, overview, people, quarantine,
    record, run, runs, search, settings, sign_in, today, trouble,
};
use site::{PageError, Site};

use crate::config::Switch;
use crate::db::Outage;
use crate::service::state::Shared;
use crate::states::Role;

pub use entry::attempts::ClientAddress;
pub use entry::viewer::RouteAccess;
pub use live::wire::Wire;

/// A page that takes longer is given up.
const LONGEST_PAGE: Duration = Duration::from_secs(8);

/// A route: who may ask, and for what.
#[derive(Debug)]
pub struct Route {
    /// `GET` or `POST`; whoever may GET may HEAD.
    pub method: &'static str,
    /// The path, with its parts that vary in braces.
    pub path: &'static str,
    /// Who may.
    pub access: RouteAccess,
    /// Whether it begins or ends a session, which the setting `dashboard_read_only` allows.
    pub is_session: bool,
    handler: fn() -> MethodRouter<Arc<Site>>,
}

const fn reads(path: &'static str, access: RouteAccess, handler: fn() -> MethodRouter<Arc<Site>>) -> Route {
    Route { method: "GET", path, access, is_session: false, handler }
}

const fn writes(path: &'static str, access: RouteAccess, handler: fn() -> MethodRouter<Arc<Site>>) -> Route {
    Route { method: "POST", path, access, is_session: false, handler }
}

const ANYONE: RouteAccess = RouteAccess::Anyone;
const TECHNICIAN: RouteAccess = RouteAccess::Role(Role::Technician);
const OFFICE: RouteAccess = RouteAccess::Role(Role::Office);
const OPERATOR: RouteAccess = RouteAccess::Role(Role::Operator);

/// Every route of the dashboard: the router is made of this table, so that none is outside of it.
static ROUTES: [Route; 65] = [
    reads("/app/assets/{hash}/{name}", RouteAccess::File, || get(asset)),
    reads("/feed/{file}", RouteAccess::Link, || get(feed::show)),
    reads("/app/sign-in", ANYONE, || get(sign_in::show)),
    Route { is_session: true, ..writes("/app/sign-in", ANYONE, || post(sign_in::sign_in)) },
    reads("/app/enter/{link}", ANYONE, || get(enter::show)),
    writes("/app/enter/{link}", ANYONE, || post(enter::enter)),
    writes("/app/language", ANYONE, || post(me::choose_language)),
    Route { is_session: true, ..writes("/app/sign-out", TECHNICIAN, || post(sign_in::sign_out)) },
    reads("/app/me", TECHNICIAN, || get(me::show)),
    writes("/app/me/live", TECHNICIAN, || post(me::choose_live)),
    Route { is_session: true, ..writes("/app/me/sign-out", TECHNICIAN, || post(me::sign_out)) },
    reads("/app/live", TECHNICIAN, || get(live::show)),
    reads("/app", TECHNICIAN, || get(home)),
    reads("/app/today", TECHNICIAN, || get(today::show)),
    reads("/app/today.json", TECHNICIAN, || get(today::show)),
    reads("/app/changes", TECHNICIAN, || get(changes::show)),
    reads("/app/changes.json", TECHNICIAN, || get(changes::show)),
    reads("/app/feeds", TECHNICIAN, || get(feeds::show)),
    reads("/app/feeds.json", TECHNICIAN, || get(feeds::show)),
    writes("/app/feeds", TECHNICIAN, || post(feeds::make)),
    writes("/app/feeds/{id}/revoke", TECHNICIAN, || post(feeds::revoke)),
    reads("/app/", OFFICE, || get(overview::show)),
    reads("/app/overview.json", OFFICE, || get(overview::show)),
    reads("/app/runs", OFFICE, || get(runs::show)),
    reads("/app/runs.json", OFFICE, || get(runs::show)),
    reads("/app/latency", OFFICE, || get(latency::show)),
    reads("/app/latency.json", OFFICE, || get(latency::show)),
    reads("/app/runs/{run}", OFFICE, || get(run::show)),
    reads("/app/records/{entity}/{id}", OFFICE, || get(record::show)),
    reads("/app/quarantine", OFFICE, || get(quarantine::show)),
    reads("/app/quarantine.json", OFFICE, || get(quarantine::show)),
    reads("/app/quarantine/{staging_id}", OFFICE, || get(case::show)),
    reads("/app/deletions", OFFICE, || get(deletions::show)),
    reads("/app/deletions.json", OFFICE, || get(deletions::show)),
    reads("/app/deletions/{run}", OFFICE, || get(deletions::run::show)),
    writes("/app/deletions/{run}/confirm", OPERATOR, || post(actions::confirm::show)),
    reads("/app/search", OFFICE, || get(search::show)),
    reads("/app/search.json", OFFICE, || get(search::show)),
    reads("/app/people", OPERATOR, || get(people::show)),
    reads("/app/people.json", OPERATOR, || get(people::show)),
    writes("/app/people", OPERATOR, || post(people::invite)),
    reads("/app/people/{id}", OPERATOR, || get(people::show_one)),
    writes("/app/people/{id}/role", OPERATOR, || post(people::change_role)),
    writes("/app/people/{id}/link", OPERATOR, || post(people::new_link)),
    writes("/app/people/{id}/disable", OPERATOR, || post(people::disable)),
    writes("/app/people/{id}/sign-out", OPERATOR, || post(people::sign_out)),
    reads("/app/settings", OPERATOR, || get(settings::show)),
    reads("/app/settings.json", OPERATOR, || get(settings::show)),
    reads("/app/doctor", OPERATOR, || get(doctor::show)),
    reads("/app/doctor.json", OPERATOR, || get(doctor::show)),
    writes("/app/actions/doctor", OPERATOR, || post(actions::ask::doctor)),
    reads("/app/actions", OFFICE, || get(actions::show)),
    reads("/app/actions.json", OFFICE, || get(actions::show)),
    reads("/app/actions/{id}", OFFICE, || get(actions::show_one)),
    writes("/app/actions/{id}/apply", OPERATOR, || post(actions::ask::apply)),
    writes("/app/actions/sync", OFFICE, || post(actions::ask::sync)),
    writes("/app/actions/retry", OFFICE, || post(actions::ask::retry)),
    writes("/app/actions/dismiss", OFFICE, || post(actions::ask::dismiss)),
    writes("/app/actions/decide", OPERATOR, || post(actions::ask::decide)),
    writes("/app/actions/verify", OPERATOR, || post(actions::ask::verify)),
    writes("/app/actions/replay", OPERATOR, || post(actions::ask::replay)),
    writes("/app/actions/undo", OPERATOR, || post(actions::ask::undo)),
    writes("/app/actions/lift", OPERATOR, || post(actions::ask::lift)),
    reads("/app/{*rest}", TECHNICIAN, || get(trouble::no_such_page)),
    writes("/app/{*rest}", TECHNICIAN, || post(trouble::no_such_page)),
];

/// The table of routes, for the test that asks each as nobody and as each role.
pub fn routes() -> &'static [Route] {
    &ROUTES
}

/// The router of all routes. Answers that would go on end when `stop` is asked for.
pub fn router(shared: Arc<Shared>, stop: CancellationToken) -> Router {
    let site = Arc::new(Site::new(shared, stop));
    let routes = ROUTES.iter().fold(Router::new(), |all, route| all.route(route.path, (route.handler)()));
    routes
        .layer(Extension(Arc::<overview::cached::Cached>::default()))
        .layer(DefaultBodyLimit::max(form::LONGEST))
        .layer(from_fn_with_state(site.clone(), guarded))
        .with_state(site)
}

/// Checks every request, and gives up a page that takes too long.
async fn guarded(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ClientAddress>().map(|address| address.0);
    let asked = page_request(&request, peer);
    let admitted = admitted(&site, asked.clone(), request, next);
    let mut response = match tokio::time::timeout(LONGEST_PAGE, admitted).await {
        Ok(response) => answer::with_headers(response),
        Err(_) => {
            let too_slow = PageError::Unreadable(Some(Outage::Slow));
            trouble::answer(&site, &asked, Screen::Other, too_slow).into()
        }
    };
    if cookie::is_secure(site.shared.settings.public_url.as_ref()) {
        let for_a_year = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, for_a_year);
    }
    response
}

async fn admitted(site: &Site, mut asked: PageRequest, mut request: Request, next: Next) -> Response {
    let (method, headers) = (request.method().clone(), request.headers().clone());
    let looked_at = same_origin::Request { method: &method, headers: &headers, peer: asked.peer };
    if let Err(refusal) = same_origin::check(looked_at, site.shared.settings.public_url.as_ref()) {
        return trouble::answer(site, &asked, Screen::Other, PageError::Refused(refusal)).into();
    }
    let refused = |asked: &PageRequest, status, why| {
        trouble::refusal_page(site, asked, status, (words::entry::REQUEST_REFUSED, why))
    };
    // Postgres stores no such character, so nothing can be found by it.
    if request.uri().path_and_query().is_some_and(|asked| asked.as_str().contains("%00")) {
        return refused(&asked, StatusCode::BAD_REQUEST, words::entry::NO_NUL).into();
    }
    let Some(route) = route_of(&request) else {
        return refused(&asked, StatusCode::METHOD_NOT_ALLOWED, words::entry::OTHER_METHOD).into();
    };
    if matches!(route.access, RouteAccess::File | RouteAccess::Link) {
        return next.run(request).await;
    }
    match sender::viewer(site, looked_at).await {
        Ok(viewer) => {
            // Before the page is read, so that what changes meanwhile is told.
            asked.live = (request.method() == Method::GET).then(|| site.live.tag(&viewer));
            asked.viewer = viewer;
        }
        Err(trouble) => return trouble::answer(site, &asked, Screen::Other, trouble).into(),
    }
    let response = match may(site, route, &asked) {
        Err(answer) => answer.into(),
        Ok(()) => {
            request.extensions_mut().insert(asked.clone());
            let response = next.run(request).await;
            if method == Method::POST {
                site.note_post();
            }
            response
        }
    };
    if let (StatusCode::FORBIDDEN, Some(person)) = (response.status(), asked.viewer.person()) {
        // The route and not the address, which may name records.
        tracing::warn!(person = %person.id, route = route.path, "a person was refused by the dashboard");
    }
    let is_line = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    match response.status() {
        status if status.is_client_error() && is_line => trouble::in_place_of(site, &asked, status).into(),
        _ => response,
    }
}

/// The route that a request matched, if it has the method of the request.
fn route_of(request: &Request) -> Option<&'static Route> {
    let path = request.extensions().get::<MatchedPath>()?.as_str();
    let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
    ROUTES.iter().find(|route| route.path == path && route.method == method.as_str())
}

/// What is asked for, by nobody yet.
fn page_request(request: &Request, peer: Option<IpAddr>) -> PageRequest {
    let headers = request.headers().clone();
    let path = request.uri().path();
    let whole = request.uri().path_and_query().map_or_else(|| path.to_owned(), ToString::to_string);
    // What a form is posted to is no page to come back to.
    let back = if request.method() == Method::POST { "/app/".to_owned() } else { whole };
    PageRequest {
        json: path.ends_with(".json"),
        path: back,
        headers,
        peer,
        viewer: Viewer::Nobody,
        live: None,
    }
}

/// Whether the viewer may use the route.
fn may(site: &Site, route: &Route, asked: &PageRequest) -> Result<(), Answer> {
    let writes = route.method == "POST";
    let refused = |trouble| Err(trouble::answer(site, asked, Screen::Other, trouble));
    match &asked.viewer {
        viewer if viewer.may(route.access) => {}
        Viewer::Nobody => return Err(sign_in::redirect_to_sign_in(asked, writes)),
        _ => return refused(PageError::NotForRole),
    }
    if writes && !route.is_session && site.shared.settings.dashboard_read_only == Switch::On {
        return refused(PageError::ReadOnly);
    }
    Ok(())
}

async fn asset(Path((hash, name)): Path<(String, String)>) -> Answer {
    assets::find(&hash, &name).unwrap_or_else(|| Answer::text(StatusCode::NOT_FOUND, "there is no such file"))
}

/// Leads to the first page of the role.
async fn home(Extension(asked): Extension<PageRequest>) -> Answer {
    Answer::see(asked.viewer.person().map_or("/app/", |person| page::home(person.role)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_route_is_outside_of_the_table() {
        // The one call that adds a route takes it from the table.
        let code = include_str!("mod.rs").split("#[cfg(test)]").next().unwrap_or_default();
        let adds = [".route(", ".nest(", ".merge(", ".fallback("];
        assert_eq!(adds.iter().map(|way| code.matches(way).count()).sum::<usize>(), 1);
        for (at, route) in ROUTES.iter().enumerate() {
            let twice =
                ROUTES[..at].iter().any(|other| (other.method, other.path) == (route.method, route.path));
            let is_ours = route.path.starts_with("/app") || route.access == RouteAccess::Link;
            assert!(!twice && is_ours, "{route:?}");
            // A session may be begun by anybody; whatever else is for anybody shows no data.
            assert!(route.method == "GET" || route.method == "POST", "{route:?}");
        }
        let open: Vec<&str> = ROUTES
            .iter()
            .filter(|route| !matches!(route.access, RouteAccess::Role(_)))
            .map(|route| route.path)
            .collect();
        assert_eq!(
            open,
            [
                "/app/assets/{hash}/{name}",
                "/feed/{file}",
                "/app/sign-in",
                "/app/sign-in",
                "/app/enter/{link}",
                "/app/enter/{link}",
                "/app/language"
            ]
        );
    }
}
