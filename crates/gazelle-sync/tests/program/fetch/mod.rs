//! Stage 1: lists walked, records got, deletions proved, whatever the API does.

mod api_limits;
mod clocks;
mod deletions;
mod failing_lists;
mod faulty_many;
mod faulty_records;
mod faulty_users;
mod getters;
mod huge_counts;
mod inner_counts;
mod listed_twice;
mod lists_inside;
mod memory_bounds;
mod neighbours;
mod nested_bounds;
mod nulls_and_gateways;
mod odd_parts;
mod old_tls;
mod one_too_large;
mod refused_parents;
mod smallest_queries;
mod unlisted;
mod unlisted_before;
mod walk_faults;
mod walk_paging;
