//! `auth`: what lets us into Gazelle.

use clap::{Args, Subcommand};

use super::help_auth::{AUTH_MORE, LOGIN, LOGOUT, STATUS};

/// `auth`, alone or with an action.
#[derive(Debug, Clone, Default, Args)]
pub struct AuthArgs {
    /// What to do; absent: status.
    #[command(subcommand)]
    pub action: Option<AuthAction>,
}

/// What to do with credentials.
#[derive(Debug, Clone, Subcommand)]
pub enum AuthAction {
    /// Say what is used, who that is at Gazelle, and until when it is good (as `auth` alone does)
    #[command(long_about = STATUS, after_long_help = AUTH_MORE)]
    Status {
        /// Do not ask Gazelle
        #[arg(long)]
        offline: bool,
    },
    /// Let a person agree in a browser, and keep the tokens
    #[command(long_about = LOGIN, after_long_help = AUTH_MORE)]
    Login(LoginArgs),
    /// Remove the stored tokens
    #[command(long_about = LOGOUT, after_long_help = AUTH_MORE)]
    Logout,
}

/// Flags of `auth login`.
#[derive(Debug, Clone, Args)]
pub struct LoginArgs {
    /// Port of this machine that the browser comes back to; 0 takes a free one. The address http://127.0.0.1:PORT/callback
    /// has to be registered with the application at Gazelle
    #[arg(long, value_name = "PORT", default_value_t = 8789)]
    pub port: u16,
    /// The browser is on another machine: paste the address that it was sent to
    #[arg(long)]
    pub paste: bool,
    /// How long to wait for the person
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub wait: u64,
}

impl AuthArgs {
    /// The action, `status` when none was named.
    pub fn into_action(self) -> AuthAction {
        self.action.unwrap_or(AuthAction::Status { offline: false })
    }
}
