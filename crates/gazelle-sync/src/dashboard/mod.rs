//! The dashboard: the pages under `/app` where people look.
//!
//! A request passes `guard` (is it from here, and from our own page?), then a screen (`screens/`): the screen reads its
//! facts in one read-only snapshot (`site`), puts them into words (`words/`, `verdict`) and shapes (`charts/`), and its
//! template beside it makes the page, in which every value is escaped (`escape`). `answer` adds the headers. The pages
//! need no script. Until people can sign in, only a database that `demo` filled is shown.

mod answer;
mod assets;
mod charts;
mod escape;
mod guard;
mod links;
mod named;
mod page;
mod raw;
mod raw_view;
mod screens;
mod site;
mod values;
mod verdict;
mod words;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Form, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;

use answer::Answer;
use page::{Asked, LANGUAGE_COOKIE};
use site::Site;

use crate::config::Language;
use crate::service::state::Shared;

/// A page that takes longer is given up.
const LONGEST_PAGE: Duration = Duration::from_secs(8);

/// The address of a client, which the HTTP server adds to each request.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

/// All routes.
pub fn router(shared: Arc<Shared>) -> Router {
    let site = Arc::new(Site { shared });
    Router::new()
        .route("/app", get(async || Answer::see("/app/")))
        .route("/app/", get(screens::overview::show))
        .route("/app/overview.json", get(screens::overview::show))
        .route("/app/today", get(screens::today::show))
        .route("/app/today.json", get(screens::today::show))
        .route("/app/runs", get(screens::runs::show))
        .route("/app/runs.json", get(screens::runs::show))
        .route("/app/runs/{run}", get(screens::run::show))
        .route("/app/records/{entity}/{id}", get(screens::record::show))
        .route("/app/quarantine", get(screens::quarantine::show))
        .route("/app/quarantine.json", get(screens::quarantine::show))
        .route("/app/quarantine/{staging_id}", get(screens::case::show))
        .route("/app/deletions", get(screens::deletions::show))
        .route("/app/deletions.json", get(screens::deletions::show))
        .route("/app/deletions/{run}", get(screens::deletions::run::show))
        .route("/app/search", get(screens::search::show))
        .route("/app/search.json", get(screens::search::show))
        .route("/app/language", post(choose_language))
        .route("/app/assets/{hash}/{name}", get(asset))
        .route("/app/{*rest}", get(screens::trouble::no_such_page))
        .layer(from_fn_with_state(site.clone(), guarded))
        .with_state(site)
}

/// Puts every request through the guard, and gives up a page that takes too long.
async fn guarded(State(site): State<Arc<Site>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ClientAddress>().map(|address| address.0);
    let looked_at = guard::Request { method: request.method(), headers: request.headers(), peer };
    if let Err(refusal) = guard::check(looked_at, site.shared.settings.public_url.as_ref()) {
        return Answer::text(refusal.status, refusal.why).into();
    }
    let path = request.uri().path();
    let asked = Asked {
        headers: request.headers().clone(),
        path: request.uri().path_and_query().map_or_else(|| path.to_owned(), ToString::to_string),
        json: path.ends_with(".json"),
        peer,
    };
    request.extensions_mut().insert(asked);
    match tokio::time::timeout(LONGEST_PAGE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            Answer::text(StatusCode::SERVICE_UNAVAILABLE, "no answer in time; is the database slow?").into()
        }
    }
}

async fn asset(Path((hash, name)): Path<(String, String)>) -> Answer {
    assets::find(&hash, &name).unwrap_or_else(|| Answer::text(StatusCode::NOT_FOUND, "there is no such file"))
}

/// The form of the languages.
#[derive(Deserialize)]
struct Choice {
    language: String,
    back: String,
}

/// Keeps the language that a person chose, and leads back.
async fn choose_language(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    Form(choice): Form<Choice>,
) -> Answer {
    let language = choice.language.parse().unwrap_or_else(|_| page::language(&headers, Language::En));
    let is_secure = site.shared.settings.public_url.as_ref().is_some_and(|url| url.scheme() == "https");
    let secure = if is_secure { "; Secure" } else { "" };
    let cookie =
        format!("{LANGUAGE_COOKIE}={language}; Path=/app; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}");
    Answer::see(own_path(&choice.back)).with(header::SET_COOKIE, cookie)
}

/// A path of ours, else the first page: a form must not lead to another site.
fn own_path(path: &str) -> &str {
    let is_ours = path == "/app" || path.starts_with("/app/") || path.starts_with("/app?");
    if is_ours && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') { path } else { "/app/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_leads_back_to_our_own_pages_alone() {
        for (path, led_to) in [
            ("/app/today?day=2026-11-24", "/app/today?day=2026-11-24"),
            ("/app/", "/app/"),
            ("//example.org/app/", "/app/"),
            ("https://example.org/app/", "/app/"),
            ("/application", "/app/"),
            ("/app/\\example.org", "/app/"),
            ("/app/\r\nset-cookie:a=b", "/app/"),
            ("/runs", "/app/"),
        ] {
            assert_eq!(own_path(path), led_to, "{path}");
        }
    }
}
