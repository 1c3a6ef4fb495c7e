//! Reads the cases of several entities as one list, newest first, page by page: memory does not grow with their
//! number.

use std::collections::VecDeque;

use super::{Case, CaseFilter};
use crate::db::{Db, DbError};
use crate::entities::Entity;
use crate::staging::quarantine;

/// Cases of an entity that are read at once. Each may include its raw record.
const PAGE: i64 = 100;

/// The cases of some entities as one list. Each page is a query of its own: a case that a run changes meanwhile may
/// be left out.
pub struct Pages<'a> {
    db: &'a Db,
    which: &'a CaseFilter<'a>,
    page: i64,
    lists: Vec<List>,
}

/// The remaining cases of an entity.
struct List {
    entity: &'static Entity,
    read: VecDeque<Case>,
    /// The last case read: the next page begins after it.
    last: Option<Case>,
    is_over: bool,
}

impl<'a> Pages<'a> {
    /// A list of which at most `most` cases will be read.
    pub fn new(
        db: &'a Db,
        entities: &[&'static Entity],
        which: &'a CaseFilter<'a>,
        most: usize,
    ) -> Pages<'a> {
        let list = |entity| List { entity, read: VecDeque::new(), last: None, is_over: false };
        let page = i64::try_from(most).unwrap_or(PAGE).min(PAGE);
        Pages { db, which, page, lists: entities.iter().copied().map(list).collect() }
    }

    /// The next case; none after the last.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn next(&mut self) -> Result<Option<Case>, DbError> {
        for list in &mut self.lists {
            list.fill(self.db, self.which, self.page).await?;
        }
        let newest = self
            .lists
            .iter_mut()
            .filter(|list| !list.read.is_empty())
            .max_by_key(|list| list.read.front().map(|case| case.last_seen_at));
        Ok(newest.and_then(|list| list.read.pop_front()))
    }
}

impl List {
    async fn fill(&mut self, db: &Db, which: &CaseFilter<'_>, page: i64) -> Result<(), DbError> {
        if self.is_over || !self.read.is_empty() {
            return Ok(());
        }
        let cases = quarantine::cases(db, self.entity, which, page, self.last.as_ref()).await?;
        self.is_over = (cases.len() as i64) < page;
        self.last = cases.last().cloned().map(|case| Case { raw_data: None, ..case });
        self.read = cases.into();
        Ok(())
    }
}
