//! Arguments of `auth`.

use clap::{Args, Subcommand};

use super::help;

/// `auth`, alone or with an action.
#[derive(Debug, Clone, Default, Args)]
pub struct AuthArgs {
    /// The action; absent: status.
    #[command(subcommand)]
    pub action: Option<AuthAction>,
}

/// The actions of `auth`.
#[derive(Debug, Clone, Subcommand)]
pub enum AuthAction {
    /// Show which credentials are used, whose they are, and when they expire (default action)
    #[command(long_about = help::AUTH_STATUS.about(), after_long_help = help::AUTH.more())]
    Status {
        /// Send no request to Gazelle
        #[arg(long)]
        offline: bool,
    },
    /// Authorize this program in a browser, and store the tokens
    #[command(long_about = help::AUTH_LOGIN.about(), after_long_help = help::AUTH.more())]
    Login(LoginArgs),
    /// Remove the stored tokens
    #[command(long_about = help::AUTH_LOGOUT.about(), after_long_help = help::AUTH.more())]
    Logout,
}

/// Flags of `auth login`.
#[derive(Debug, Clone, Args)]
pub struct LoginArgs {
    /// Local port that the browser is redirected to; 0 chooses a free one. The address http://127.0.0.1:PORT/callback
    /// must be registered for the application at Gazelle
    #[arg(long, value_name = "PORT", default_value_t = 8789)]
    pub port: u16,
    /// Paste the redirect address by hand, if the browser is on another machine
    #[arg(long)]
    pub paste: bool,
    /// How long to wait for the authorization
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub wait: u64,
}

impl AuthArgs {
    /// The action; `status` if none was given.
    pub fn into_action(self) -> AuthAction {
        self.action.unwrap_or(AuthAction::Status { offline: false })
    }
}
