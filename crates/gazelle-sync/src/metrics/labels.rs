//! Label sets with values that are known in advance.

/// One label.
pub(super) type ByOne = [(&'static str, &'static str); 1];
/// Two labels.
pub(super) type ByTwo = [(&'static str, &'static str); 2];
