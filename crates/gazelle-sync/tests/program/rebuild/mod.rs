//! From staging again: replay, undo, verify, and how far back they reach.

mod absent_parents;
mod failed_run_record;
mod replay;
mod replay_guard;
mod retention;
mod retention_kept;
mod undo;
mod verify;
