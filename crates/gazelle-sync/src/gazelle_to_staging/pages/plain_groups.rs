//! Requests a list without pages with some of its fields at a time: to leave out fields that the API fails at, or when it
//! accepts no query with all of them.

use std::collections::BTreeMap;

use super::page::{PageOutcome, PageRead};
use super::reader::Reader;
use crate::entities::Entity;
use crate::gazelle_to_staging::records::budget::PartsBudget;
use crate::gazelle_to_staging::records::faults::ends_the_list;
use crate::gazelle_to_staging::requests::fields::{self, Field};
use crate::gazelle_to_staging::requests::parts::{Bounds, PartPlan, fewest_fields, path_of_records};
use crate::gazelle_to_staging::requests::queries;
use crate::source::{NodeFault, SourceError};

/// What is left out of a list, and how the rest is requested.
pub(super) struct LeftOut {
    /// All fields of the list's query.
    all: Vec<Field>,
    /// The fields that are left out.
    pub(super) fields: Vec<String>,
    /// The faults that named a record, by its index in the list.
    pub(super) faults: BTreeMap<usize, NodeFault>,
    /// Whether it was tried out with which fields the list comes.
    pub(super) is_divided: bool,
}

impl LeftOut {
    pub(super) fn of_entity(entity: &Entity) -> LeftOut {
        let query = fields::of_query(&entity.walk.page_query);
        let all = fields::at(&query, &path_of_records(entity)).to_vec();
        LeftOut { all, fields: Vec::new(), faults: BTreeMap::new(), is_divided: false }
    }

    /// Leaves out the fields that an error names, each at a record. Returns false if it names none that is still
    /// requested, or anything else.
    pub(super) fn take_named(&mut self, error: &SourceError, root: &str) -> bool {
        let Some(named) = failing_entries(error, root) else { return false };
        let before = self.fields.len();
        for (index, fault) in named {
            let field = fault.field.split('.').next().unwrap_or_default().to_owned();
            if !field.is_empty() && !self.fields.contains(&field) {
                self.fields.push(field);
            }
            self.faults.entry(index).or_insert(fault);
        }
        self.fields.len() > before
    }

    /// The fields that are requested.
    fn kept(&self) -> Vec<Field> {
        self.all.iter().filter(|field| !self.fields.contains(&field.name)).cloned().collect()
    }
}

impl Reader<'_> {
    /// The list without some fields; none if there is no memory for it. An error is that of the API.
    pub(super) async fn list_without(&mut self, left_out: &LeftOut) -> Result<Option<PageRead>, SourceError> {
        let plan = PartPlan::of_plain_list(left_out.kept(), self.sizes.query_limits().bounds);
        let place = self.window.first_page_of(self.sizes.page());
        let request = queries::page(self.entity, self.sizes, place, None, Some(&plan.parts[0]));
        let client = self.fetch.api.client.with_attempts(2);
        let read = match client.post(&request).await {
            Ok(answer) => match self.fetch.api.client.kept(answer) {
                Some(answer) => self.parse_page(answer),
                None => return Ok(None),
            },
            Err(error) => Err(error),
        };
        let (page, is_whole) = match read {
            Ok(page) => (page, true),
            Err(error) if ends_the_list(&error) => return Err(error),
            // A nullable field may fail as well.
            Err(error) => match self.partial_page(&error, None, 1).await? {
                Some(page) => (page, false),
                None => return Err(error),
            },
        };
        if plan.parts.len() < 2 {
            return Ok(Some(page));
        }
        let budget = PartsBudget::new(false);
        Ok(match self.with_other_parts(&plan, (page, is_whole), place, None, &budget).await? {
            PageOutcome::Whole(page) | PageOutcome::Partial(page) | PageOutcome::Shifted(page) => Some(page),
            PageOutcome::TooLarge(_) => None,
        })
    }

    /// Finds the fields with which the list does not come, by halves, and leaves them out. If it comes with each
    /// of them and not with all, the queries for it get fewer fields. Returns false if the list does not even
    /// come with the ids alone.
    ///
    /// # Errors
    /// Those that any request would meet, and throttling, which is about no field.
    pub(super) async fn divide(
        &mut self,
        left_out: &mut LeftOut,
        failure: &SourceError,
    ) -> Result<bool, SourceError> {
        let (ids, others): (Vec<Field>, Vec<Field>) =
            left_out.kept().into_iter().partition(|field| field.name == "id");
        if ids.is_empty() || others.is_empty() || !self.comes_with(&ids, &[]).await? {
            return Ok(false);
        }
        left_out.is_divided = true;
        let (mut longest, mut fail): (usize, Vec<String>) = (0, Vec::new());
        let mut waiting = halves(&others);
        while let Some(group) = waiting.pop() {
            match (self.comes_with(&ids, &group).await?, group.as_slice()) {
                (true, group) => longest = longest.max(fields::count(group)),
                (false, [one]) => fail.push(one.name.clone()),
                (false, group) => waiting.extend(halves(group)),
            }
        }
        if fail.is_empty() {
            // With the id, the time of change and the name of the list.
            let fields = u32::try_from(longest + 3).unwrap_or(u32::MAX).max(fewest_fields(self.entity));
            self.sizes.limit_fields(Bounds { fields, ..Bounds::NONE }, failure);
        }
        left_out.fields.extend(fail);
        Ok(true)
    }

    /// Whether the list comes with these fields.
    async fn comes_with(&mut self, ids: &[Field], group: &[Field]) -> Result<bool, SourceError> {
        let asked = [ids, group].concat();
        // What fails for a moment is only divided further. A single field is asked for again.
        let attempts = if group.len() > 1 { 1 } else { 2 };
        let place = self.window.first_page_of(self.sizes.page());
        let request = queries::page(self.entity, self.sizes, place, None, Some(&asked));
        let answer = self.fetch.api.client.with_attempts(attempts).post(&request).await;
        match answer.and_then(|answer| self.parse_page(answer)) {
            Ok(_) => Ok(true),
            Err(error) if ends_the_list(&error) => Err(error),
            // The others are given beside the record that fails.
            Err(error) => Ok(error
                .partial()
                .is_some_and(|partial| partial.page(self.entity.walk.root, self.shape).is_some())),
        }
    }
}

fn halves(group: &[Field]) -> Vec<Vec<Field>> {
    let (first, second) = group.split_at(group.len().div_ceil(2));
    [second, first].into_iter().filter(|half| !half.is_empty()).map(<[Field]>::to_vec).collect()
}

/// The entries of a list that an error names, each with a field, or with none if it names the record as a whole;
/// none if it names anything else.
fn failing_entries(error: &SourceError, root: &str) -> Option<Vec<(usize, NodeFault)>> {
    let partial = error.partial()?;
    let faults = partial.object(&[root]).1;
    let named: Option<Vec<(usize, NodeFault)>> = faults
        .into_iter()
        .map(|fault| {
            let (index, field) = fault.field.split_once('.').unwrap_or((&fault.field, ""));
            let (index, field) = (index.parse().ok()?, field.to_owned());
            (field != "id").then_some((index, NodeFault { field, ..fault }))
        })
        .collect();
    named.filter(|named| !named.is_empty())
}
