//! A record that its list could not give whole.

use crate::gazelle_to_staging::records::faults::bare;
use crate::gazelle_to_staging::records::receive::record_id;
use crate::staging::versions::Received;
use crate::staging::versions::source_fault::SourceFault;

/// Bytes in memory per record besides its texts.
pub(crate) const RECORD_OVERHEAD: usize = 256;

/// A record that its list could not give whole.
pub(crate) struct FailingRecord {
    /// What the list gave of it, with its fault.
    pub(crate) record: Received,
    /// Whether to look it up by its id at the end of the walk: its id is known, and its getter was not used yet.
    pub(crate) can_be_looked_up: bool,
    /// How often that lookup is attempted.
    pub(crate) attempts: u32,
    /// Whether its page gave it whole except for the rest of a list inside it. If its getter then says that it
    /// does not exist, it may have been deleted meanwhile, which another attempt at the walk shows.
    pub(crate) may_have_gone: bool,
    /// Whether only its id and the beginning of its fault are kept, for want of memory.
    pub(crate) is_cut: bool,
}

/// Most characters of a fault that are kept of a record for want of memory.
const SAID_WHEN_CUT: usize = 120;

impl FailingRecord {
    /// A record that its page did not give whole.
    pub(crate) fn new(record: Received, can_be_looked_up: bool, attempts: u32) -> FailingRecord {
        FailingRecord { record, can_be_looked_up, attempts, may_have_gone: false, is_cut: false }
    }

    /// Whether its id is what is to be known of it. One without an id is stored under a made-up one, which is no
    /// content: only its bytes say which record it is.
    pub(crate) fn can_be_cut(&self) -> bool {
        record_id(&String::from_utf8_lossy(&self.record.raw)).is_some()
    }

    /// The record with only its id and the beginning of its fault.
    pub(crate) fn cut(self) -> FailingRecord {
        let first = |text: &str| text.chars().take(SAID_WHEN_CUT).collect::<String>();
        let shorter = |fault: Box<SourceFault>| {
            let (field, said) = (first(&fault.field), first(&fault.said));
            Box::new(SourceFault { field, said, ..*fault })
        };
        let (raw, fault) = (bare(&self.record.external_id), self.record.fault.map(shorter));
        FailingRecord { record: Received { raw, fault, ..self.record }, is_cut: true, ..self }
    }

    /// Bytes in memory. The fault counts too: of a record of which only the id is known, it may be the larger part.
    pub(crate) fn bytes(&self) -> usize {
        let said = self.record.fault.as_ref().map_or(0, |fault| fault.field.len() + fault.said.len());
        self.record.raw.len() + self.record.external_id.len() + said + RECORD_OVERHEAD
    }
}
