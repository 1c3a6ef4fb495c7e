//! Stage 2: from versions in staging to rows in production, and what waits in quarantine.

mod added_entity;
mod additions;
mod carried_rows;
mod far_ends;
mod hostile;
mod nameless;
mod newest_wins;
mod odd_times;
mod quarantine;
mod quarantine_life;
mod quarantine_list;
mod source_changes;
mod spec_procedures;
mod sqlstates;
mod sqlstates_elsewhere;
mod staged_then_gone;
mod technicians;
mod time_rule;
mod unreadable;
mod warnings;
