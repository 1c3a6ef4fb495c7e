//! `auth`: shows, obtains or removes the credential for Gazelle.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::json;

use super::shared::context::Context;
use super::shared::context::FAILED;
use super::shared::credential_status::CredentialStatus;
use super::shared::opened;
use super::shared::opened::Opened;
use super::text::auth::status_text;
use crate::cli::{AuthAction, AuthArgs, LoginArgs};
use crate::credentials::{self, Login};
use crate::display::{self, Lines};
use crate::migrate;
use crate::source::OauthLogin;
use crate::time;

/// Runs the chosen action.
///
/// # Errors
/// A setting is missing that the action needs; tokens cannot be read or stored; the login is refused or not
/// completed.
pub async fn run(context: &Context, args: AuthArgs) -> Result<u8> {
    match args.into_action() {
        AuthAction::Status { offline } => status(context, offline).await,
        AuthAction::Login(login) => log_in(context, login).await,
        AuthAction::Logout => log_out(context).await,
    }
}

async fn status(context: &Context, offline: bool) -> Result<u8> {
    let settings = &context.settings;
    // Fails with what is missing.
    let client = opened::client(settings, None)?;
    let status = CredentialStatus::of(settings, client, offline).await;
    context.print(&status, || status_text(&status, settings))?;
    Ok(if status.ok { 0 } else { FAILED })
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
        let opened = Opened::open_or_create(settings).await?;
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
        display::print_to_stderr(lines);
    })
    .await?;
    tracing::info!(kept_in = %store.place(), "a login at Gazelle ended with tokens, which are kept");
    if settings.api_key.is_some() {
        tracing::warn!("GAZELLE_API_KEY is set and takes precedence: remove it to use this login");
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
        format!("logged in; the tokens are in {} (valid until {until})", store.place())
    })?;
    Ok(0)
}

async fn log_out(context: &Context) -> Result<u8> {
    let settings = &context.settings;
    let store = credentials::store(settings)?;
    let removed = store.lock().await?.remove().await?;
    let place = store.place();
    tracing::info!(removed, kept_in = %place, "the tokens of Gazelle are no longer kept");
    if settings.refresh_token.is_some() || settings.api_key.is_some() {
        tracing::warn!(
            "GAZELLE_API_KEY or GAZELLE_REFRESH_TOKEN is still set in the environment, and is used"
        );
    }
    context.print(&json!({ "removed": removed, "kept_in": place }), || match removed {
        true => format!(
            "the tokens were removed from {place}; to invalidate them at Gazelle too, remove the application's access in its settings"
        ),
        false => format!("there were no tokens in {place}"),
    })?;
    Ok(0)
}
