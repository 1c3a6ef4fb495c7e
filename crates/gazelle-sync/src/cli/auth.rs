//! Arguments of `auth`.

use clap::{Args, Subcommand};

use super::help;

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
    #[command(long_about = help::AUTH_STATUS.about(), after_long_help = help::AUTH.more())]
    Status {
        /// Do not ask Gazelle
        #[arg(long)]
        offline: bool,
    },
    /// Let a person agree in a browser, and keep the tokens
    #[command(long_about = help::AUTH_LOGIN.about(), after_long_help = help::AUTH.more())]
    Login(LoginArgs),
    /// Remove the stored tokens
    #[command(long_about = help::AUTH_LOGOUT.about(), after_long_help = help::AUTH.more())]
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
    /// The action; `status` if none was given.
    pub fn into_action(self) -> AuthAction {
        self.action.unwrap_or(AuthAction::Status { offline: false })
    }
}
