//! People who sign in to the dashboard of a `serve`.

use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;

use super::TestInstallation;
use super::service::{Serving, until};

/// A passphrase that is taken.
pub const PASSPHRASE: &str = "marteau feutre étouffoir";

/// A browser: it follows nothing by itself, and keeps one cookie.
#[derive(Clone)]
pub struct Caller {
    pub http: reqwest::Client,
    pub base: String,
    pub cookie: Option<String>,
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct PageResponse {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl PageResponse {
    /// Where it leads.
    pub fn location(&self) -> &str {
        self.header("location")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The cookie that it sets, without its attributes.
    pub fn cookie(&self) -> Option<String> {
        let set = self.headers.get("set-cookie")?.to_str().unwrap();
        Some(set.split(';').next().unwrap().to_owned())
    }
}

impl Caller {
    pub fn of(serving: &Serving) -> Caller {
        // Each request has a connection of its own: the service closes those that wait for long.
        let http = reqwest::Client::builder().no_proxy().redirect(Policy::none()).pool_max_idle_per_host(0);
        let http = http.build().unwrap();
        Caller { http, base: serving.base.clone(), cookie: None }
    }

    /// The origin of the pages.
    pub fn origin(&self) -> &str {
        &self.base
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> PageResponse {
        let request = match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        };
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        PageResponse { status, headers, body: answer.text().await.unwrap() }
    }

    pub async fn get(&self, path: &str) -> PageResponse {
        self.send(self.http.get(format!("{}{path}", self.base))).await
    }

    /// Posts a form from our own page.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> PageResponse {
        let request = self.http.post(format!("{}{path}", self.base)).form(form);
        self.send(request.header("origin", self.origin())).await
    }

    /// Opens a link, sets the passphrase, and keeps the session.
    pub async fn enter(&mut self, link: &str) -> PageResponse {
        let path = link.strip_prefix(&self.base).unwrap_or(link).to_owned();
        let path = path.find("/app/").map_or(path.clone(), |at| path[at..].to_owned());
        let said = self.post(&path, &[("passphrase", PASSPHRASE), ("again", PASSPHRASE)]).await;
        self.cookie = said.cookie();
        said
    }

    /// Signs in with the passphrase, and keeps the session.
    pub async fn sign_in(&mut self, name: &str) -> PageResponse {
        let said = self.post("/app/sign-in", &[("name", name), ("passphrase", PASSPHRASE)]).await;
        if said.status == 303 {
            self.cookie = said.cookie();
        }
        said
    }
}

/// The one-time link of a person.
pub async fn invited(place: &TestInstallation, name: &str, more: &[&str]) -> String {
    let args: Vec<&str> = ["people", "invite", name].iter().chain(more).copied().collect();
    let document = place.run(&args).await.success();
    document["link"].as_str().unwrap().to_owned()
}

/// A person who has set the passphrase and is signed in.
pub async fn signed_in(place: &TestInstallation, serving: &Serving, name: &str, more: &[&str]) -> Caller {
    let link = invited(place, name, more).await;
    let mut caller = Caller::of(serving);
    until("the database is open", async || caller.get("/app/sign-in").await.status == 200).await;
    let said = caller.enter(&link).await;
    assert_eq!(said.status, 303, "{said:?}");
    caller
}
