//! `auth`: status, login, logout.

use std::time::Duration;

use anyhow::{Result, bail};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::opened::{self, Opened};
use super::{Context, FAILED};
use crate::cli::{AuthAction, AuthArgs, LoginArgs};
use crate::config::Settings;
use crate::credentials::{self, Login};
use crate::display::{self, Lines};
use crate::migrate;
use crate::source::{GazelleClient, GraphqlRequest, OauthLogin, Tokens};
use crate::time;

/// Says, logs in or logs out.
pub async fn run(context: &Context, args: AuthArgs) -> Result<u8> {
    match args.into_action() {
        AuthAction::Status { offline } => status(context, offline).await,
        AuthAction::Login(login) => log_in(context, login).await,
        AuthAction::Logout => log_out(context).await,
    }
}

/// What lets us in, as programs see it. Holds no secret.
#[derive(Serialize)]
struct Standing {
    /// `api_key` or `oauth`.
    method: &'static str,
    /// Where tokens are kept; absent for a key.
    kept_in: Option<String>,
    /// Where the tokens in use are from: `store`, `environment`, or absent.
    tokens_from: Option<&'static str>,
    access_until: Option<Timestamp>,
    renewable: Option<bool>,
    /// Who it is at Gazelle, where it was asked.
    who: Option<Who>,
    ok: bool,
    problem: Option<String>,
}

#[derive(Serialize)]
struct Who {
    company: Option<String>,
    user: Option<String>,
}

async fn status(context: &Context, offline: bool) -> Result<u8> {
    let settings = &context.settings;
    // Says what is missing.
    let client = opened::client(settings, None)?;
    let mut standing = Standing {
        method: if settings.api_key.is_some() { "api_key" } else { "oauth" },
        kept_in: None,
        tokens_from: None,
        access_until: None,
        renewable: None,
        who: None,
        ok: true,
        problem: None,
    };
    if !offline {
        match who(&client).await {
            Ok(who) => standing.who = Some(who),
            Err(problem) => standing.problem = Some(problem),
        }
    }
    // Its connection may be the only one that the role may open.
    drop(client);
    // Read afterwards: the question may have refreshed them.
    if settings.api_key.is_none()
        && let Err(problem) = look_at_tokens(settings, &mut standing, offline).await
    {
        standing.problem.get_or_insert(problem);
    }
    standing.ok = standing.problem.is_none();
    context.print(&standing, || status_text(&standing, settings))?;
    Ok(if standing.ok { 0 } else { FAILED })
}

async fn look_at_tokens(settings: &Settings, standing: &mut Standing, offline: bool) -> Result<(), String> {
    let store = credentials::store(settings).map_err(|error| error.to_string())?;
    standing.kept_in = Some(store.place());
    let stored = store.load().await.map_err(|error| error.to_string())?.tokens();
    let (from, tokens): (_, Tokens) = match (stored, credentials::first_tokens(settings)) {
        (Some(tokens), _) => ("store", tokens),
        (None, Some(tokens)) => ("environment", tokens),
        (None, None) => {
            let place = store.place();
            return Err(format!("no tokens in {place}: run `gazelle-sync auth login`"));
        }
    };
    standing.tokens_from = Some(from);
    standing.renewable = Some(tokens.refresh_token.is_some());
    // Of the environment's tokens no end is known, only that they are to be refreshed at their first use.
    standing.access_until = tokens.expires_at.filter(|at| *at > Timestamp::UNIX_EPOCH);
    if offline && tokens.is_over(Timestamp::now()) && tokens.refresh_token.is_none() {
        return Err(
            "the access token is over and cannot be renewed: run `gazelle-sync auth login`".to_owned()
        );
    }
    Ok(())
}

/// Asks Gazelle who we are.
async fn who(client: &GazelleClient) -> Result<Who, String> {
    let question = GraphqlRequest::new("WhoAmI", include_str!("../credentials/who.graphql"), json!({}));
    let answer = client.post(&question).await.map_err(|error| error.to_string())?;
    let read = |field: &str| -> Result<Value, String> {
        let found = answer.object(field).map_err(|error| error.to_string())?;
        Ok(found.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default())
    };
    let (user, company) = (read("user")?, read("company")?);
    let names: Vec<&str> = ["firstName", "lastName"].iter().filter_map(|name| user[name].as_str()).collect();
    Ok(Who {
        company: company["name"].as_str().map(str::to_owned),
        user: (!names.is_empty()).then(|| names.join(" ")),
    })
}

fn status_text(standing: &Standing, settings: &Settings) -> Lines {
    let zone = settings.zone();
    let mut text = Lines::new();
    let mut line = |name: &str, value: &str| {
        text.line(format!("{name:<14}{value}"));
    };
    match standing.method {
        "api_key" => line("method", "API key (GAZELLE_API_KEY)"),
        _ => line("method", "OAuth"),
    }
    if let Some(place) = &standing.kept_in {
        line("kept in", place);
    }
    if standing.tokens_from == Some("environment") {
        line("tokens", "from GAZELLE_REFRESH_TOKEN, until the first refresh");
    }
    match (standing.access_until, standing.renewable) {
        (Some(at), Some(renewable)) => {
            let renewal =
                if renewable { "renewed before that" } else { "cannot be renewed: log in again before" };
            line("good until", &format!("{} ({renewal})", time::show_exact(at, &zone)));
        }
        (None, Some(true)) => line("good until", "not known; renewed when refused"),
        (None, Some(false)) => line("good until", "not known, and cannot be renewed"),
        (_, None) => {}
    }
    if let Some(who) = &standing.who {
        line("company", who.company.as_deref().unwrap_or("not told"));
        line("user", who.user.as_deref().unwrap_or("not told"));
    }
    match &standing.problem {
        Some(problem) => line("problem", problem),
        None => line("state", "good"),
    }
    text
}

async fn log_in(context: &Context, args: LoginArgs) -> Result<u8> {
    let settings = &context.settings;
    let (Some(id), Some(secret)) = (&settings.client_id, &settings.client_secret) else {
        bail!(
            "a login needs an application: register one in Gazelle's settings and set GAZELLE_CLIENT_ID and \
             GAZELLE_CLIENT_SECRET (or use an API key, GAZELLE_API_KEY, and no login)"
        )
    };
    if args.paste && args.port == 0 {
        bail!("--paste needs a --port that is registered with Gazelle");
    }
    let store = credentials::store(settings)?;
    if settings.token_key.is_some() {
        let opened = Opened::open(settings).await?;
        let prepared = migrate::prepare(&opened.db).await;
        opened.close().await?;
        prepared?;
    }
    let client = OauthLogin::new(opened::source_settings(settings), id.clone(), secret.clone())?;
    let how = Login { port: args.port, patience: Duration::from_secs(args.wait), paste: args.paste };
    context.progress.finish();
    let tokens = credentials::login(&client, &*store, how, |address| {
        let next = match how.paste {
            true => "and paste here what its address line shows afterwards:",
            false => "and agree; this command waits for the browser to come back.",
        };
        let mut lines = Lines::new();
        lines.line("Open this address in a browser,").blank().line(format!("  {address}")).blank().line(next);
        display::tell(lines);
    })
    .await?;
    if settings.api_key.is_some() {
        tracing::warn!("GAZELLE_API_KEY is set and wins: remove it to use this login");
    }
    let zone = settings.zone();
    let document = json!({
        "ok": true,
        "kept_in": store.place(),
        "access_until": tokens.expires_at,
        "renewable": tokens.refresh_token.is_some(),
    });
    context.print(&document, || {
        let until =
            tokens.expires_at.map_or_else(|| "not known".to_owned(), |at| time::show_exact(at, &zone));
        format!("logged in; the tokens are in {} (good until {until})", store.place())
    })?;
    Ok(0)
}

async fn log_out(context: &Context) -> Result<u8> {
    let settings = &context.settings;
    let store = credentials::store(settings)?;
    let removed = store.lock().await?.remove().await?;
    let place = store.place();
    if settings.refresh_token.is_some() || settings.api_key.is_some() {
        tracing::warn!(
            "GAZELLE_API_KEY or GAZELLE_REFRESH_TOKEN is still set in the environment, and is used"
        );
    }
    context.print(&json!({ "removed": removed, "kept_in": place }), || match removed {
        true => format!(
            "the tokens are gone from {place}; to end them at Gazelle too, remove the application's access in its settings"
        ),
        false => format!("there were no tokens in {place}"),
    })?;
    Ok(0)
}
