//! Label sets with values that are known in advance.

/// One label.
pub(super) type OneLabel = [(&'static str, &'static str); 1];
/// Two labels.
pub(super) type TwoLabels = [(&'static str, &'static str); 2];
