//! Arguments of `errors`, which concerns the quarantine.

use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use crate::states::CaseState;

/// `errors`, alone or with an action.
#[derive(Debug, Clone, Default, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ErrorsArgs {
    /// The action; absent: list.
    #[command(subcommand)]
    pub action: Option<ErrorsAction>,
    /// Which records to list.
    #[command(flatten)]
    pub filter: ErrorFilter,
}

/// The actions of `errors`.
#[derive(Debug, Clone, Subcommand)]
pub enum ErrorsAction {
    /// List quarantined records (default action)
    #[command(after_long_help = super::help::ERRORS.more())]
    List(ErrorFilter),
    /// Show one case in full: reason, attempts, raw record
    #[command(after_long_help = super::help::ERRORS.more())]
    Show {
        /// The case, as `errors list` prints it
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Retry these records, or all that match
    #[command(after_long_help = super::help::ERRORS.more())]
    Retry(ErrorsRetry),
    /// Close a case for good, with a reason; the raw record stays
    #[command(after_long_help = super::help::ERRORS.more())]
    Dismiss {
        /// The case, as `errors list` prints it
        #[arg(value_name = "ID")]
        id: String,
        /// Why the record needs no correction
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// The states of a record in quarantine, as the database stores them.
fn states() -> impl TypedValueParser<Value = CaseState> {
    PossibleValuesParser::new(CaseState::ALL.iter().map(|state| state.as_str()))
        .try_map(|text| text.parse::<CaseState>())
}

impl ErrorFilter {
    /// The states to list; `None` for all.
    pub fn states(&self) -> Option<Vec<CaseState>> {
        match (self.all, self.state.is_empty()) {
            (true, _) => None,
            (false, true) => {
                let open = CaseState::ALL.iter().filter(|state| state.is_open());
                Some(open.copied().collect())
            }
            (false, false) => Some(self.state.clone()),
        }
    }
}

/// How many records are listed without `--limit`.
const LISTED: u32 = 50;

/// The value of `--limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// All records.
    All,
    /// At most this many.
    Most(u32),
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(word: &str) -> Result<Limit, String> {
        match (word, word.parse()) {
            ("all", _) => Ok(Limit::All),
            (_, Ok(most)) if most > 0 => Ok(Limit::Most(most)),
            _ => Err("a number from 1, or all".to_owned()),
        }
    }
}

impl ErrorFilter {
    /// The maximum number of records to list.
    pub fn most(&self) -> usize {
        match self.limit.unwrap_or(Limit::Most(LISTED)) {
            Limit::All => usize::MAX,
            Limit::Most(most) => most as usize,
        }
    }
}

/// Which records to list.
#[derive(Debug, Clone, Default, Args)]
pub struct ErrorFilter {
    /// Only this entity
    #[arg(long, value_name = "NAME")]
    pub entity: Option<String>,
    /// Only this error code, such as missing_parent
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
    /// Only records in this state (repeatable) [default: open and waiting]
    #[arg(long, value_name = "STATE", value_parser = states())]
    pub state: Vec<CaseState>,
    /// Also closed cases
    #[arg(long, conflicts_with = "state")]
    pub all: bool,
    /// At most this many, the newest first, or all; with --json too [default: 50]
    #[arg(long, value_name = "N")]
    pub limit: Option<Limit>,
}

/// Which records to retry.
#[derive(Debug, Clone, Default, Args)]
pub struct ErrorsRetry {
    /// The cases, as `errors list` prints them [default: all that match]
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// Only this entity
    #[arg(long, value_name = "NAME", conflicts_with = "ids")]
    pub entity: Option<String>,
    /// Only this error code, such as missing_parent
    #[arg(long, value_name = "CODE", conflicts_with = "ids")]
    pub code: Option<String>,
}

impl ErrorsArgs {
    /// The action; `list` if none was given.
    pub fn into_action(self) -> ErrorsAction {
        self.action.unwrap_or(ErrorsAction::List(self.filter))
    }
}
