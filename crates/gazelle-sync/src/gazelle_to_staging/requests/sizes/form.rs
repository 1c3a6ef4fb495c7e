//! How the query for a record becomes smaller after a refusal: first it asks for fewer records, then for shorter lists inside
//! them, then for fewer fields at once, or for fewer levels of them where that is what the API speaks of.

use std::sync::atomic::Ordering::Relaxed;

use super::sent::Sent;
use super::{LARGEST_INNER, PAGE_BEFORE_INNER, Sizes};
use crate::entities::Entity;
use crate::gazelle_to_staging::requests::parts::{self, Bounds, FEWEST_FIELDS};
use crate::source::{ErrorClass, SourceError};

impl Sizes {
    /// What a query that is made now has.
    pub(crate) fn sent(&self) -> Sent {
        let bounds = Bounds { fields: self.fields.now(), levels: self.levels.now() };
        Sent { inner: self.inner.now(), bounds }
    }

    /// After a refused page of this many records: what to ask for less of. False where there is nothing.
    pub(crate) fn smaller_page(
        &self,
        entity: &Entity,
        asked: u32,
        sent: Sent,
        refusal: &SourceError,
    ) -> bool {
        self.note_refusal(refusal, true);
        if sent != self.sent() || speaks_of_levels(refusal) && self.fewer_levels(entity) {
            return true;
        }
        if asked > PAGE_BEFORE_INNER || !self.fewer_inside() {
            self.page.lower((asked / 2).max(1), true);
            return asked > 1 || self.fewer_fields(entity);
        }
        true
    }

    /// The same after a refused record.
    pub(crate) fn smaller_record(&self, entity: &Entity, sent: Sent, refusal: &SourceError) -> bool {
        self.note_refusal(refusal, true);
        sent != self.sent()
            || speaks_of_levels(refusal) && self.fewer_levels(entity)
            || self.fewer_inside()
            || self.fewer_fields(entity)
    }

    /// A page was read whose query is smaller inside than before: then longer ones are tried again.
    pub(crate) fn bears(&self) -> bool {
        let may_be_longer = self.may_be_longer.swap(false, Relaxed);
        if may_be_longer {
            self.page.restore();
            self.inner.restore();
        }
        may_be_longer
    }

    /// After this failure, records came in parts of this size, and in no other way.
    pub(crate) fn bears_parts_of(&self, bounds: Bounds, failure: &SourceError) {
        self.fields.lower(bounds.fields, failure.is_about_size());
        self.may_be_longer.store(true, Relaxed);
        self.note_refusal(failure, failure.is_about_size());
    }

    fn fewer_inside(&self) -> bool {
        let now = self.inner.now().min(LARGEST_INNER);
        if now > 1 {
            self.inner.lower((now / 4).max(1), true);
        }
        now > 1
    }

    /// Two thirds of the fields; where there are too few already, all of them on fewer levels.
    fn fewer_fields(&self, entity: &Entity) -> bool {
        let now = self.fields.now().min(parts::usual_fields(entity));
        let fewer = now / 3 * 2;
        if fewer < FEWEST_FIELDS {
            let is_other = self.fewer_levels(entity);
            if is_other {
                self.fields.restore();
            }
            return is_other;
        }
        self.fields.lower(fewer, true);
        self.may_be_longer.store(true, Relaxed);
        true
    }

    fn fewer_levels(&self, entity: &Entity) -> bool {
        let now = self.levels.now().min(parts::usual_levels(entity));
        if now <= parts::fewest_levels(entity) {
            return false;
        }
        self.levels.lower(now - 1, true);
        self.may_be_longer.store(true, Relaxed);
        true
    }
}

/// Whether a refusal says that a query is too deep.
fn speaks_of_levels(refusal: &SourceError) -> bool {
    let ErrorClass::OverLimit { said } = refusal.class() else { return false };
    let said = said.to_ascii_lowercase();
    ["depth", "deep", "nest", "level"].iter().any(|word| said.contains(word))
}
