//! Formats the output of `auth status`.

use crate::commands::shared::credential_status::{CredentialMethod, CredentialStatus, TokenOrigin};
use crate::config::Settings;
use crate::display::Lines;
use crate::time;

pub fn status_text(status: &CredentialStatus, settings: &Settings) -> Lines {
    let zone = settings.zone();
    let mut text = Lines::new();
    let mut line = |name: &str, value: &str| {
        text.line(format!("{name:<14}{value}"));
    };
    match status.method {
        CredentialMethod::ApiKey => line("method", "API key (GAZELLE_API_KEY)"),
        CredentialMethod::Oauth => line("method", "OAuth"),
    }
    if let Some(place) = &status.kept_in {
        line("kept in", place);
    }
    if status.tokens_from == Some(TokenOrigin::Environment) {
        line("tokens", "from GAZELLE_REFRESH_TOKEN, until the first refresh");
    }
    match (status.access_until, status.renewable) {
        (Some(at), Some(renewable)) => {
            let renewal =
                if renewable { "renewed before then" } else { "cannot be renewed: log in again before" };
            line("valid until", &format!("{} ({renewal})", time::show_exact(at, &zone)));
        }
        (None, Some(true)) => line("valid until", "unknown; renewed after a refusal"),
        (None, Some(false)) => line("valid until", "unknown, and cannot be renewed"),
        (_, None) => {}
    }
    if let Some(who) = &status.who {
        line("company", who.company.as_deref().unwrap_or("unknown"));
        line("user", who.user.as_deref().unwrap_or("unknown"));
    }
    match &status.problem {
        Some(problem) => line("problem", problem),
        None => line("state", "good"),
    }
    text
}
