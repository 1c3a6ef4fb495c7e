//! Arguments of `init`.

use clap::Args;

/// Flags of `init`. Secrets are answered by the environment.
#[derive(Debug, Clone, Default, Args)]
pub struct InitArgs {
    /// Ask nothing: take the defaults for what is not given
    #[arg(short, long)]
    pub yes: bool,
    /// Use the embedded database
    #[arg(long)]
    pub embedded: bool,
    /// Language of what commands print, of alerts and of the dashboard: en, fr or auto
    #[arg(long, value_name = "LANGUAGE")]
    pub language: Option<String>,
    /// Write into files that exist; what they hold besides stays
    #[arg(long)]
    pub force: bool,
    /// Do not try the answers
    #[arg(long)]
    pub offline: bool,
    /// Run the first full sync afterwards
    #[arg(long)]
    pub sync: bool,
}
