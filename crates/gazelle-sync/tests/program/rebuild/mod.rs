//! From staging again: replay, undo, verify, and how far back they reach.

mod replay;
mod retention;
mod undo;
mod verify;
