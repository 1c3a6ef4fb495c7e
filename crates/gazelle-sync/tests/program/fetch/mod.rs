//! Stage 1: lists walked, records got, deletions proved, whatever the API does.

mod adjacent_faults;
mod api_limits;
mod clocks;
mod deletions;
mod failing_lists;
mod faulty_many;
mod faulty_records;
mod faulty_users;
mod getters;
mod huge_counts;
mod inconsistent_nested_lists;
mod listed_twice;
mod malformed_parts;
mod memory_bounds;
mod nested_bounds;
mod nested_counts;
mod nulls_and_gateways;
mod old_tls;
mod one_too_large;
mod refused_parents;
mod smallest_queries;
mod unlisted;
mod unlisted_before;
mod walk_faults;
mod walk_paging;
