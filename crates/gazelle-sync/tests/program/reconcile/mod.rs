//! Stage 2: from versions in staging to rows in production, and what waits in quarantine.

mod added_entity;
mod additions;
mod carried_rows;
mod extreme_values;
mod found_by_histories;
mod hostile;
mod newest_wins;
mod out_of_calendar_times;
mod quarantine;
mod quarantine_life;
mod quarantine_list;
mod records_without_id;
mod source_changes;
mod spec_procedures;
mod sqlstates;
mod sqlstates_elsewhere;
mod technicians;
mod time_rule;
mod unreadable;
mod warnings;
