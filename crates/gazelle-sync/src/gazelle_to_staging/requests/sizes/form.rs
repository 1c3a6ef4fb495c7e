//! How a query becomes smaller after a refusal: first with fewer records, then with shorter lists inside them,
//! then with fewer fields. If the refusal is about depth, with fewer levels.

use std::sync::atomic::Ordering::Relaxed;

use super::query_limits::QueryLimits;
use super::{LONGEST_NESTED_LIST, SHORTEN_LISTS_BELOW, Sizes};
use crate::entities::Entity;
use crate::gazelle_to_staging::requests::parts::{self, Bounds};
use crate::source::{ErrorClass, SourceError};

impl Sizes {
    /// The limits that a query built now keeps to.
    pub(crate) fn query_limits(&self) -> QueryLimits {
        let bounds = Bounds { fields: self.fields.now(), levels: self.levels.now() };
        QueryLimits { inner: self.inner.now(), bounds }
    }

    /// After a page of `asked` records was refused: lowers one limit. Returns false if every limit is at its
    /// minimum.
    pub(crate) fn shrink_page(
        &self,
        entity: &Entity,
        asked: u32,
        sent: QueryLimits,
        refusal: &SourceError,
    ) -> bool {
        self.note_refusal(refusal, true);
        if sent != self.query_limits() || is_about_depth(refusal) && self.fewer_levels(entity) {
            return true;
        }
        if asked > SHORTEN_LISTS_BELOW || !self.shorten_lists() {
            self.page.lower((asked / 2).max(1), true);
            return asked > 1 || self.fewer_fields(entity);
        }
        true
    }

    /// After the query of a single record was refused: lowers one limit. Returns false if every limit is at its
    /// minimum.
    pub(crate) fn shrink_record(&self, entity: &Entity, sent: QueryLimits, refusal: &SourceError) -> bool {
        self.note_refusal(refusal, true);
        sent != self.query_limits()
            || is_about_depth(refusal) && self.fewer_levels(entity)
            || self.shorten_lists()
            || self.fewer_fields(entity)
    }

    /// After the query of a list without pages was refused: lowers the limit of fields. Returns false if it is at
    /// its minimum.
    pub(crate) fn shrink_plain_list(
        &self,
        entity: &Entity,
        sent: QueryLimits,
        refusal: &SourceError,
    ) -> bool {
        self.note_refusal(refusal, true);
        sent != self.query_limits() || self.fewer_fields(entity)
    }

    /// After a page was read with fewer fields or levels: restores the usual page and list lengths once,
    /// because the smaller query may leave room for them. Returns whether it did.
    pub(crate) fn retry_longer_pages(&self) -> bool {
        let may_restore_lengths = self.may_restore_lengths.swap(false, Relaxed);
        if may_restore_lengths {
            self.page.restore();
            self.inner.restore();
        }
        may_restore_lengths
    }

    /// Keeps these limits of fields, because records came in no other way after this failure.
    pub(crate) fn limit_fields(&self, bounds: Bounds, failure: &SourceError) {
        self.fields.lower(bounds.fields, failure.is_about_size());
        self.may_restore_lengths.store(true, Relaxed);
        self.note_refusal(failure, failure.is_about_size());
    }

    fn shorten_lists(&self) -> bool {
        let now = self.inner.now().min(LONGEST_NESTED_LIST);
        if now > 1 {
            self.inner.lower((now / 4).max(1), true);
        }
        now > 1
    }

    /// Lowers the limit of fields by a third. At the minimum, allows all fields again with one level less.
    fn fewer_fields(&self, entity: &Entity) -> bool {
        let now = self.fields.now().min(parts::usual_fields(entity));
        let fewer = now / 3 * 2;
        if fewer < parts::fewest_fields(entity) {
            let is_other = self.fewer_levels(entity);
            if is_other {
                self.fields.restore();
            }
            return is_other;
        }
        self.fields.lower(fewer, true);
        self.may_restore_lengths.store(true, Relaxed);
        true
    }

    fn fewer_levels(&self, entity: &Entity) -> bool {
        let now = self.levels.now().min(parts::usual_levels(entity));
        if now <= parts::fewest_levels(entity) {
            return false;
        }
        self.levels.lower(now - 1, true);
        self.may_restore_lengths.store(true, Relaxed);
        true
    }
}

/// Whether the API's message says that a query is too deep.
fn is_about_depth(refusal: &SourceError) -> bool {
    let ErrorClass::OverLimit { said } = refusal.class() else { return false };
    let said = said.to_ascii_lowercase();
    ["depth", "deep", "nest", "level"].iter().any(|word| said.contains(word))
}
