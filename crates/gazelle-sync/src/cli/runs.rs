//! Arguments of `runs`, and the id of a run in the arguments of any command.

use std::fmt::{self, Display};
use std::ops::RangeInclusive;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use uuid::Uuid;

use crate::states::RunState;

/// The fewest digits of an id that are looked up.
const FEWEST_DIGITS: usize = 4;
/// The digits of a whole id.
const DIGITS: usize = 32;

/// The id of a run as it is typed: the whole of it, or its beginning, with or without hyphens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPrefix {
    typed: String,
    digits: String,
}

impl RunPrefix {
    /// The id, if it is a whole one.
    pub fn whole(&self) -> Option<Uuid> {
        (self.digits.len() == DIGITS).then(|| *self.ids().start())
    }

    /// All ids that begin so.
    pub fn ids(&self) -> RangeInclusive<Uuid> {
        let filled = |digit: &str| {
            let digits = format!("{}{}", self.digits, digit.repeat(DIGITS - self.digits.len()));
            Uuid::from_u128(u128::from_str_radix(&digits, 16).unwrap_or_default())
        };
        filled("0")..=filled("f")
    }
}

impl Display for RunPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

impl FromStr for RunPrefix {
    type Err = String;

    /// # Errors
    /// Explains the format and where runs are listed.
    fn from_str(text: &str) -> Result<RunPrefix, String> {
        let digits = text.replace('-', "").to_ascii_lowercase();
        match digits.chars().all(|digit| digit.is_ascii_hexdigit())
            && (FEWEST_DIGITS..=DIGITS).contains(&digits.len())
        {
            true => Ok(RunPrefix { typed: text.to_owned(), digits }),
            false => Err(format!(
                "a run id looks like 01a212c8-c8f1-7104-84de-db584bfc3d27, and its beginning is enough \
                 ({FEWEST_DIGITS} digits or more); `gazelle-sync runs` lists the runs, and `gazelle-sync history` names \
                 the run of each version of a record"
            )),
        }
    }
}

/// The states of a run, as the database stores them.
fn states() -> impl TypedValueParser<Value = RunState> {
    PossibleValuesParser::new(RunState::ALL.iter().map(|state| state.as_str()))
        .try_map(|text| text.parse::<RunState>())
}

/// `runs`, alone or with an action.
#[derive(Debug, Clone, Default, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RunsArgs {
    /// The action; absent: list.
    #[command(subcommand)]
    pub action: Option<RunsAction>,
    /// Which runs to list.
    #[command(flatten)]
    pub filter: RunFilter,
}

/// The actions of `runs`.
#[derive(Debug, Clone, Subcommand)]
pub enum RunsAction {
    /// List runs, the newest first (default action)
    #[command(after_long_help = super::help::RUNS.more())]
    List(RunFilter),
    /// Show one run: what it did to each entity, its requests, and why it did not succeed
    #[command(after_long_help = super::help::RUNS.more())]
    Show {
        /// The run, or the beginning of its id
        #[arg(value_name = "RUN")]
        run: RunPrefix,
    },
}

/// Which runs to list.
#[derive(Debug, Clone, Args)]
pub struct RunFilter {
    /// Only runs in this state
    #[arg(long, value_name = "STATE", value_parser = states())]
    pub status: Option<RunState>,
    /// Only runs that started before this one (the last of a list, to see the rest)
    #[arg(long, value_name = "RUN")]
    pub before: Option<RunPrefix>,
    /// List at most this many
    #[arg(long, value_name = "N", default_value_t = RunFilter::LISTED, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub limit: u16,
}

impl RunFilter {
    /// How many runs are listed without `--limit`.
    const LISTED: u16 = 20;
}

impl Default for RunFilter {
    fn default() -> RunFilter {
        RunFilter { status: None, before: None, limit: RunFilter::LISTED }
    }
}

impl RunsArgs {
    /// The action; `list` if none was given.
    pub fn into_action(self) -> RunsAction {
        self.action.unwrap_or(RunsAction::List(self.filter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01a212c8-c8f1-7104-84de-db584bfc3d27";

    #[test]
    fn an_id_is_read_whole_or_by_its_beginning() {
        let whole: Uuid = ID.parse().unwrap();
        let read = |text: &str| text.parse::<RunPrefix>().unwrap();
        assert_eq!(read(ID).whole(), Some(whole));
        assert_eq!(read(&ID.replace('-', "").to_uppercase()).whole(), Some(whole));
        for begun in ["01a2", "01A212C8", "01a212c8-", "01a212c8-c8f1", &ID[..35]] {
            assert_eq!(read(begun).whole(), None, "{begun}");
            assert!(read(begun).ids().contains(&whole), "{begun}");
            assert_eq!(read(begun).to_string(), begun);
        }
        assert!(!read("01a3").ids().contains(&whole));
        assert!(!read("01a212c8-c8f2").ids().contains(&whole));
    }

    #[test]
    fn what_is_no_id_is_answered_with_how_one_looks_and_where_they_are_listed() {
        for wrong in ["", "01a", "nope", "01a2 12c8", "--", &format!("{ID}0"), "０１ａ２"] {
            let why = wrong.parse::<RunPrefix>().unwrap_err();
            assert!(why.contains("gazelle-sync runs"), "{wrong}: {why}");
        }
    }
}
