//! One attempt on the network, without judging its outcome:
//!
//! 1. `attempt`: sends once and reads the answer until its last byte, its limit or the timeout.
//! 2. `compression`: decompresses the body within the same limit.
//! 3. `room`: limits the memory of large answers over all requests of a client.

pub(super) mod attempt;
pub(super) mod compression;
pub(super) mod room;
