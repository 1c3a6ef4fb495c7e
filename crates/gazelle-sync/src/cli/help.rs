//! The long texts of `--help`: what a command does, what it changes, its exit status, examples. Each is a text
//! file, `help/<command>.txt` or `help/<command>-<action>.txt`.
//!
//! A file has two parts, between which clap prints the flags. The second part begins at the first of [`HEADINGS`].

/// The headings that begin the part below the flags.
const HEADINGS: [&str; 2] = ["\n\nWhere to start:\n", "\n\nExit status:\n"];

pub(super) const PROGRAM: Help = Help(include_str!("help/gazelle-sync.txt"));
pub(super) const ALERTS: Help = Help(include_str!("help/alerts.txt"));
pub(super) const ALERTS_CHECK: Help = Help(include_str!("help/alerts-check.txt"));
pub(super) const ALERTS_TEST: Help = Help(include_str!("help/alerts-test.txt"));
pub(super) const AUTH: Help = Help(include_str!("help/auth.txt"));
pub(super) const AUTH_LOGIN: Help = Help(include_str!("help/auth-login.txt"));
pub(super) const AUTH_LOGOUT: Help = Help(include_str!("help/auth-logout.txt"));
pub(super) const AUTH_STATUS: Help = Help(include_str!("help/auth-status.txt"));
pub(super) const COMPLETIONS: Help = Help(include_str!("help/completions.txt"));
pub(super) const DB: Help = Help(include_str!("help/db.txt"));
pub(super) const DB_START: Help = Help(include_str!("help/db-start.txt"));
pub(super) const DB_STATUS: Help = Help(include_str!("help/db-status.txt"));
pub(super) const DB_STOP: Help = Help(include_str!("help/db-stop.txt"));
pub(super) const DELETIONS: Help = Help(include_str!("help/deletions.txt"));
pub(super) const DEMO: Help = Help(include_str!("help/demo.txt"));
pub(super) const DOCTOR: Help = Help(include_str!("help/doctor.txt"));
pub(super) const ERRORS: Help = Help(include_str!("help/errors.txt"));
pub(super) const EXPLAIN: Help = Help(include_str!("help/explain.txt"));
pub(super) const FETCH: Help = Help(include_str!("help/fetch.txt"));
pub(super) const HISTORY: Help = Help(include_str!("help/history.txt"));
pub(super) const INIT: Help = Help(include_str!("help/init.txt"));
pub(super) const MAN: Help = Help(include_str!("help/man.txt"));
pub(super) const MIGRATE: Help = Help(include_str!("help/migrate.txt"));
pub(super) const PEOPLE: Help = Help(include_str!("help/people.txt"));
pub(super) const PEOPLE_INVITE: Help = Help(include_str!("help/people-invite.txt"));
pub(super) const PSQL: Help = Help(include_str!("help/psql.txt"));
pub(super) const RECONCILE: Help = Help(include_str!("help/reconcile.txt"));
pub(super) const REPLAY: Help = Help(include_str!("help/replay.txt"));
pub(super) const RUNS: Help = Help(include_str!("help/runs.txt"));
pub(super) const SERVE: Help = Help(include_str!("help/serve.txt"));
pub(super) const SETTINGS: Help = Help(include_str!("help/settings.txt"));
pub(super) const SIMULATE: Help = Help(include_str!("help/simulate.txt"));
pub(super) const STATUS: Help = Help(include_str!("help/status.txt"));
pub(super) const SYNC: Help = Help(include_str!("help/sync.txt"));
pub(super) const UNDO: Help = Help(include_str!("help/undo.txt"));
pub(super) const VERIFY: Help = Help(include_str!("help/verify.txt"));
pub(super) const WARNINGS: Help = Help(include_str!("help/warnings.txt"));

/// The text of one file.
pub(super) struct Help(&'static str);

impl Help {
    /// The part above the flags.
    pub(super) fn about(&self) -> String {
        paragraphs(self.parts().0)
    }

    /// The part below the flags; empty if an action shares it with its command.
    pub(super) fn more(&self) -> String {
        paragraphs(self.parts().1)
    }

    /// The first section below the flags, which the program's short help shows.
    pub(super) fn first_section(&self) -> String {
        paragraphs(self.parts().1.split("\n\n").next().unwrap_or_default())
    }

    fn parts(&self) -> (&'static str, &'static str) {
        let text = self.0.trim_end();
        let end = HEADINGS.iter().filter_map(|heading| text.find(heading)).min().unwrap_or(text.len());
        (&text[..end], text[end..].trim_start())
    }
}

/// Joins each paragraph into one line, because clap wraps lines at the width of the terminal. Indented lines (lists
/// and examples) stay unchanged.
fn paragraphs(text: &str) -> String {
    let prose = |line: &str| !line.is_empty() && !line.starts_with(' ');
    let mut joined = String::with_capacity(text.len());
    let mut before = "";
    for line in text.lines() {
        match prose(before) && prose(line) {
            true => joined.push(' '),
            false if joined.is_empty() => {}
            false => joined.push('\n'),
        }
        joined.push_str(line);
        before = line;
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::{Help, paragraphs};

    #[test]
    fn a_text_has_two_parts_and_its_paragraphs_are_one_line_each() {
        let help = Help(
            "What it\ndoes.\n\nEffects:\nnone.\n\nExit status:\n  0  done\n  1  failed\n\nExamples:\n  one \\\n    two\n",
        );
        assert_eq!(help.about(), "What it does.\n\nEffects: none.");
        assert_eq!(help.more(), "Exit status:\n  0  done\n  1  failed\n\nExamples:\n  one \\\n    two");
        assert_eq!(help.first_section(), "Exit status:\n  0  done\n  1  failed");
        let action = Help("Only this.\n");
        assert_eq!((action.about().as_str(), action.more().as_str()), ("Only this.", ""));
        assert_eq!(paragraphs(""), "");
    }

    #[test]
    fn every_text_file_is_the_help_of_a_command() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/help");
        for file in std::fs::read_dir(folder).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            let used = include_str!("help.rs").contains(&format!("include_str!(\"help/{name}\")"));
            assert!(used, "no command shows cli/help/{name}");
        }
    }
}
