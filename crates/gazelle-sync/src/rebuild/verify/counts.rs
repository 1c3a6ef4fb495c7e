//! Compares the API's counts with the records that exist according to staging.

use super::answers::ApiAnswers;
use super::last_walk::{self, Unlisted};
use super::list_excess::ListExcess;
use super::report::{Check, VerifyRequest};
use crate::config::Settings;
use crate::db::{DbError, Tx};
use crate::entities::Entity;
use crate::staging::counts::balance;
use crate::staging::notes::lookup_progress;
use crate::staging::{deletions, undo};

/// Compares the API's counts with the records held, entity by entity.
///
/// # Errors
/// The database's.
pub async fn compare(
    tx: &Tx<'_>,
    settings: &Settings,
    question: &VerifyRequest<'_>,
    answers: &ApiAnswers,
    notes: &mut Vec<String>,
) -> Result<Check, DbError> {
    let mut check = Check::new("counts agree with the API");
    notes.extend(answers.uncounted.iter().cloned());
    for entity in &question.entities {
        let Some(counted) = answers.counts.get(entity.name).copied() else { continue };
        if is_narrowed(entity, settings) {
            notes
                .push(format!("{}: counts are not compared, since the settings leave days out", entity.name));
            continue;
        }
        check.checked += 1;
        let held = HeldRecords::read(tx, entity).await?;
        match held.agrees_with(counted) {
            true => notes.extend(held.notes(counted)),
            false => check.differs(held.difference(counted)),
        }
    }
    Ok(check)
}

/// Whether the settings leave days out, whose appointments the API counts too.
fn is_narrowed(entity: &Entity, settings: &Settings) -> bool {
    entity.own_date().is_some() && (settings.events_from.is_some() || settings.events_until.is_some())
}

/// How many records of an entity are held, and why they may be more or fewer than the API counts.
struct HeldRecords {
    entity: &'static Entity,
    /// Records that exist according to staging.
    held: u64,
    /// Records that are gone at the source, and kept by a manual decision or until there is one.
    kept: u64,
    /// Records that exist at the source, and that an undo keeps out of production.
    hidden: u64,
    unlisted: Unlisted,
    excess: ListExcess,
}

impl HeldRecords {
    async fn read(tx: &Tx<'_>, entity: &'static Entity) -> Result<HeldRecords, DbError> {
        Ok(HeldRecords {
            entity,
            held: balance::in_transaction(tx, entity).await?.in_staging(),
            kept: deletions::kept(tx, entity).await?,
            hidden: undo::hidden(tx, entity).await?,
            unlisted: last_walk::unlisted(tx, entity).await?,
            excess: ListExcess::of(tx, entity).await?,
        })
    }

    /// Whether the records held explain the API's count.
    fn agrees_with(&self, counted: u64) -> bool {
        let (at_least, at_most) = self.excess.records(counted);
        let least = at_least + self.kept + self.unlisted.by_walk;
        let most = match self.entity.getter {
            Some(_) => at_most + self.kept + self.unlisted.by_walk + self.unlisted.at_most_more,
            // A technician who left is found through an appointment and is in no list, and the API has no getter
            // for one.
            None => u64::MAX,
        };
        (least..=most).contains(&(self.held + self.hidden))
    }

    /// Notes on explained deviations, if both agree.
    fn notes(&self, counted: u64) -> Vec<String> {
        let (_, at_most) = self.excess.records(counted);
        let mut notes: Vec<String> = self.excess.note(self.entity, counted).into_iter().collect();
        let in_no_list =
            (self.held + self.hidden).saturating_sub(at_most + self.kept).max(self.unlisted.by_walk);
        if in_no_list > 0 {
            let why = match self.entity.getter {
                Some(_) => "runs ask for each by its id, and none is known to be gone",
                None => "as it has no way to ask for one, they stay",
            };
            let name = self.entity.name;
            notes.push(format!("{name}: {in_no_list} held are in no list of the API; {why}"));
        }
        notes
    }

    /// The message for a difference, if they do not agree.
    fn difference(&self, counted: u64) -> String {
        let mut explained = String::new();
        if self.kept > 0 {
            explained += &format!(" and {} kept although gone", self.kept);
        }
        if self.unlisted.by_walk > 0 {
            explained += &format!(" and {} in no list", self.unlisted.by_walk);
        }
        if self.hidden > 0 {
            explained += &format!(", {} of them are kept away by an undo", self.hidden);
        }
        let HeldRecords { entity, held, .. } = self;
        format!(
            "{}: the API counts {counted}{explained}, held are {held}: sync, then verify again",
            entity.name
        )
    }
}

/// The records that are in no list and that no run has asked for by id yet, each entity in a sentence: whether they
/// exist is not known.
///
/// # Errors
/// The database's.
pub async fn still_to_be_asked(tx: &Tx<'_>, question: &VerifyRequest<'_>) -> Result<Vec<String>, DbError> {
    let mut said = Vec::new();
    for entity in &question.entities {
        let waiting = lookup_progress::waiting(tx, entity).await?;
        if waiting > 0 {
            said.push(format!(
                "{}: {waiting} record(s) that are held and not listed are still to be asked for by their ids: \
                 whether they still exist is not known before (sync again, then verify)",
                entity.name
            ));
        }
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::entity;

    /// Records held, kept although gone, hidden by an undo, not seen by the walk, and found by their ids since.
    fn held(name: &str, [held, kept, hidden, by_walk, at_most_more]: [u64; 5]) -> HeldRecords {
        let unlisted = Unlisted { by_walk, at_most_more };
        HeldRecords {
            entity: entity(name).unwrap(),
            held,
            kept,
            hidden,
            unlisted,
            excess: ListExcess::default(),
        }
    }

    #[test]
    fn what_is_held_explains_the_count_or_differs_from_it() {
        for (name, numbers, agrees) in [
            ("clients", [100, 0, 0, 0, 0], true),
            ("clients", [99, 0, 0, 0, 0], false),
            ("clients", [101, 0, 0, 0, 0], false),
            // Two that are gone are kept: they are held and not counted.
            ("clients", [102, 2, 0, 0, 0], true),
            ("clients", [100, 2, 0, 0, 0], false),
            // One that an undo hides is counted and not held.
            ("clients", [99, 0, 1, 0, 0], true),
            // Three that the list did not give are there; two found by their ids since may be listed by now.
            ("clients", [103, 0, 0, 3, 0], true),
            ("clients", [105, 0, 0, 3, 2], true),
            ("clients", [106, 0, 0, 3, 2], false),
            // Technicians who left are in no list.
            ("users", [400, 0, 0, 0, 0], true),
            ("users", [99, 0, 0, 0, 0], false),
        ] {
            assert_eq!(held(name, numbers).agrees_with(100), agrees, "{name} {numbers:?}");
        }
        let none_to_ask =
            "users: 300 held are in no list of the API; as it has no way to ask for one, they stay";
        assert_eq!(held("users", [400, 0, 0, 0, 0]).notes(100), [none_to_ask]);
        assert_eq!(
            held("clients", [90, 1, 2, 3, 0]).difference(100),
            "clients: the API counts 100 and 1 kept although gone and 3 in no list, 2 of them are kept away by an undo, held \
             are 90: sync, then verify again"
        );
    }
}
