//! Arguments of `sync`, `fetch`, `reconcile` and `replay`.

use super::runs::RunPrefix;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::since::Since;
use crate::states::RunMode;

/// Flags of `sync`.
#[derive(Debug, Clone, Default, Args)]
pub struct SyncArgs {
    /// Stage 1, as in `fetch`.
    #[command(flatten)]
    pub fetch: FetchArgs,
    /// Records reconciled in one transaction, 1 to 50000
    #[arg(long, value_name = "N")]
    pub batch_size: Option<String>,
}

/// Flags of `fetch`.
#[derive(Debug, Clone, Default, Args)]
pub struct FetchArgs {
    /// How much is read
    #[arg(long, value_enum, value_name = "MODE", default_value_t)]
    pub mode: RunMode,
    /// Only this entity (repeatable) [default: all]
    #[arg(long, value_name = "NAME")]
    pub entity: Vec<String>,
    /// Read events as if the bookmark were here: a day (YYYY-MM-DD) or an instant. As from the bookmark,
    /// the lookback (setting lookback_days, and one day more) is subtracted from it
    #[arg(long, value_name = "DAY|INSTANT")]
    pub since: Option<Since>,
    /// Settings of the source.
    #[command(flatten)]
    pub source: SourceFlags,
}

/// Settings of the source that are often set for one run. They are text here, so that flags are
/// checked where all other layers are, and refused in the same words.
#[derive(Debug, Clone, Default, Args)]
pub struct SourceFlags {
    /// Address of Gazelle's GraphQL API
    #[arg(long, value_name = "URL")]
    pub api_url: Option<String>,
    /// Concurrent requests to the API, 1 to 32
    #[arg(long, value_name = "N")]
    pub concurrency: Option<String>,
    /// Records asked for per page, 1 to 500
    #[arg(long, value_name = "N")]
    pub page_size: Option<String>,
}

/// Flags of `reconcile`.
#[derive(Debug, Clone, Default, Args)]
pub struct ReconcileArgs {
    /// Only this entity (repeatable) [default: all]
    #[arg(long, value_name = "NAME")]
    pub entity: Vec<String>,
    /// Records reconciled in one transaction, 1 to 50000
    #[arg(long, value_name = "N")]
    pub batch_size: Option<String>,
}

/// Flags of `replay`.
#[derive(Debug, Clone, Default, Args)]
pub struct ReplayArgs {
    /// Only this entity (repeatable) [default: all]
    #[arg(long, value_name = "NAME")]
    pub entity: Vec<String>,
    /// Show what would change, without changing it
    #[arg(long)]
    pub dry_run: bool,
    /// Remove rows even if there are more than the deletion guard allows, or if rows of your own tables would be removed with them
    #[arg(long)]
    pub allow_deletions: bool,
    /// Only the record with this id (repeatable)
    #[arg(long, value_name = "ID")]
    pub id: Vec<String>,
    /// Only records of which this run staged a version
    #[arg(long, value_name = "RUN")]
    pub run: Option<RunPrefix>,
    /// Only records of which a version was seen at this time or later: a day (YYYY-MM-DD) or an instant
    #[arg(long, value_name = "DAY|INSTANT")]
    pub since: Option<Since>,
    /// Only records of which a version was seen before this time
    #[arg(long, value_name = "DAY|INSTANT")]
    pub until: Option<Since>,
    /// Build production as it was at this time; needs --into
    #[arg(long, value_name = "DAY|INSTANT", requires = "into")]
    pub as_of: Option<Since>,
    /// Build production in this schema instead of comparing: as of now, or of --as-of. A schema that an earlier
    /// replay built is replaced, any other is refused
    #[arg(long, value_name = "SCHEMA", value_parser = NonEmptyStringValueParser::new(),
          conflicts_with_all = ["entity", "dry_run", "allow_deletions", "id", "run", "since", "until"])]
    pub into: Option<String>,
}
