//! A record that its list could not give whole.

use crate::staging::versions::Received;

/// What each takes besides its texts.
pub(crate) const EACH: usize = 256;

/// A record that its list could not give whole.
pub(crate) struct Failing {
    /// What came of it, with its fault.
    pub(crate) record: Received,
    /// Whether it is to be asked for by its id: that is known, and its getter was not asked before.
    pub(crate) is_named: bool,
    /// How often it is then asked for.
    pub(crate) attempts: u32,
    /// Whether its page had it whole, but for the rest of a list inside it: if its getter denies it, it may have been deleted
    /// since, which another walk tells.
    pub(crate) may_have_gone: bool,
}

impl Failing {
    /// One that its page did not have whole.
    pub(crate) fn new(record: Received, is_named: bool, attempts: u32) -> Failing {
        Failing { record, is_named, attempts, may_have_gone: false }
    }

    /// What it takes in memory: of a bare record its fault may be the larger part.
    pub(crate) fn bytes(&self) -> usize {
        let said = self.record.fault.as_ref().map_or(0, |fault| fault.field.len() + fault.said.len());
        self.record.raw.len() + self.record.external_id.len() + said + EACH
    }
}
