//! A run as a whole: the main job, kills, other runners, everything at once.

mod bookkeeping;
mod crash;
mod crash_steps;
mod main_job;
mod soak;
