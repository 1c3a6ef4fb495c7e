//! One attempt on the network, of which nothing is judged here:
//!
//! 1. `attempt`: sends once and reads the answer, up to its last byte, its limit or the timeout.
//! 2. `compression`: unpacks the body, within the same limit.
//! 3. `room`: how much of large answers may be held in memory, over all requests of a client.

pub(super) mod attempt;
pub(super) mod compression;
pub(super) mod room;
