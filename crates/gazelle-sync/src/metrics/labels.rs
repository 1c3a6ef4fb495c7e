//! Labels: names with their values, known before they are counted.

/// One label.
pub(super) type ByOne = [(&'static str, &'static str); 1];
/// Two labels.
pub(super) type ByTwo = [(&'static str, &'static str); 2];
