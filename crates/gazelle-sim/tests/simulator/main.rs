//! The simulated Gazelle, asked as the real one is: over HTTP.

mod changes;
mod faults;
mod http;
mod paging;
mod readme;
mod shop;
mod support;
mod twisted_answers;
mod validation;
