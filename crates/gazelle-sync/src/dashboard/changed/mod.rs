//! Derives changes of appointments from the versions in staging, each with the appointment's title. Today and the screen of
//! changes show them.

pub(super) mod lines;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::db::{DbError, Tx};
use crate::entities::appointments::changed::{self, Change, ChangeKind, Version};
use crate::entities::weight;
use crate::staging::history::recent::RecentVersion;

/// An appointment that changed.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ChangedAppointment {
    /// The id of the version that changed it.
    pub(super) version: Uuid,
    pub(super) external_id: String,
    pub(super) seen_at: Timestamp,
    pub(super) title: Option<String>,
    pub(super) client: Option<String>,
    pub(super) changes: Vec<Change>,
}

/// Several versions of a record as one change, from before the first to the last: what was moved forth and back has not
/// moved, and what is new is new however often it was moved since. The versions come with the newest first.
pub(super) fn joined(versions: Vec<RecentVersion>) -> Vec<RecentVersion> {
    let mut joined: Vec<RecentVersion> = Vec::new();
    for version in versions {
        match joined.iter_mut().find(|later| later.external_id == version.external_id) {
            // A first version of a record that is not new is what it was before: this database is new.
            Some(later) if version.has_before || !of(&version).is_empty() => {
                later.before = version.before;
                (later.has_before, later.was_gone) = (version.has_before, version.was_gone);
            }
            Some(_) => {}
            None => joined.push(version),
        }
    }
    joined
}

fn parsed(json: Option<&String>) -> Option<Value> {
    let json = json.filter(|json| !weight::is_too_heavy(json))?;
    serde_json::from_str(json).ok()
}

/// What a version changed. Of one too large to be parsed here, nothing is told.
fn of(version: &RecentVersion) -> Vec<Change> {
    let (before, after) = (parsed(version.before.as_ref()), parsed(version.json.as_ref()));
    let before = match (version.was_gone, version.has_before, &before) {
        (true, _, last) => Version::Gone(last.as_ref()),
        (false, false, _) => Version::None,
        (false, true, None) => Version::Unreadable,
        (false, true, Some(record)) => Version::Record(record),
    };
    let after = match &after {
        _ if version.is_tombstone => Version::Gone(None),
        None => Version::Unreadable,
        Some(record) => Version::Record(record),
    };
    changed::changes(before, after, version.seen_at)
}

/// Whether a change concerns a technician: what was theirs, or is.
fn concerns(change: &Change, version: &RecentVersion, technician: Option<&str>) -> bool {
    let Some(technician) = technician else { return true };
    if let Change::Reassigned { from, to } = change {
        return from.as_deref() == Some(technician) || to.as_deref() == Some(technician);
    }
    // Who made an appointment for somebody else stands in the record too.
    let is_theirs = |json: &String| {
        parsed(Some(json)).is_some_and(|record| changed::technician(&record) == Some(technician))
    };
    version.json.as_ref().is_some_and(is_theirs) || version.before.as_ref().is_some_and(is_theirs)
}

/// Which changes are told.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ChangeSelection<'s> {
    /// Of the appointments that are or were this technician's; none: of all.
    pub(super) technician: Option<&'s str>,
    /// Of this kind; none: of every kind.
    pub(super) kind: Option<ChangeKind>,
}

impl ChangeSelection<'_> {
    fn holds(&self, change: &Change, version: &RecentVersion) -> bool {
        self.kind.is_none_or(|kind| change.kind() == kind) && concerns(change, version, self.technician)
    }
}

/// What versions changed, as far as it is asked for, with what the appointments are called now.
pub(super) async fn named(
    tx: &Tx<'_>,
    versions: Vec<RecentVersion>,
    which: ChangeSelection<'_>,
) -> Result<Vec<ChangedAppointment>, DbError> {
    let mut found: Vec<ChangedAppointment> = Vec::new();
    for version in versions {
        let changes: Vec<Change> =
            of(&version).into_iter().filter(|change| which.holds(change, &version)).collect();
        if !changes.is_empty() {
            let RecentVersion { id, external_id, seen_at, .. } = version;
            let version = id;
            found.push(ChangedAppointment {
                version,
                external_id,
                seen_at,
                title: None,
                client: None,
                changes,
            });
        }
    }
    let ids: Vec<&str> = found.iter().map(|one| one.external_id.as_str()).collect();
    let rows = tx.query(include_str!("named.sql"), &[(&ids, Type::TEXT_ARRAY)]).await?;
    let names: BTreeMap<&str, &Row> = rows.iter().map(|row| (row.get("external_id"), row)).collect();
    let text =
        |row: &Row, column: &str| row.get::<_, Option<String>>(column).filter(|text| !text.trim().is_empty());
    for one in &mut found {
        if let Some(row) = names.get(one.external_id.as_str()) {
            one.title = text(row, "title");
            one.client = text(row, "company_name").or_else(|| text(row, "contact_name"));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(id: &str, before: Option<&str>, after: &str) -> RecentVersion {
        RecentVersion {
            id: uuid::Uuid::nil(),
            external_id: id.to_owned(),
            seen_at: "2026-11-24T12:00:00Z".parse().unwrap(),
            is_tombstone: false,
            json: Some(after.to_owned()),
            has_before: before.is_some(),
            before: before.map(str::to_owned),
            was_gone: false,
        }
    }

    #[test]
    fn versions_of_a_record_are_one_change_from_before_the_first_to_the_last() {
        let (old, new) =
            (r#"{"createdAt":"2026-01-05T12:00:00Z"}"#, r#"{"createdAt":"2026-11-24T11:50:00Z"}"#);
        let found = joined(vec![
            version("moved twice", Some("{\"n\":2}"), "{\"n\":3}"),
            version("seen once", None, "{\"n\":1}"),
            version("moved twice", Some("{\"n\":1}"), "{\"n\":2}"),
            version("new", Some(new), "{\"n\":2}"),
            version("new", None, new),
            version("not new", Some(old), "{\"n\":2}"),
            version("not new", None, old),
        ]);
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.external_id.as_str(), one.before.as_deref(), one.json.as_deref().unwrap()))
            .collect();
        let expected = [
            ("moved twice", Some("{\"n\":1}"), "{\"n\":3}"),
            ("seen once", None, "{\"n\":1}"),
            ("new", None, "{\"n\":2}"),
            ("not new", Some(old), "{\"n\":2}"),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_was_cancelled_or_gone_and_is_back_has_not_changed_but_in_the_list_of_both() {
        let (active, cancelled) = (r#"{"status":"ACTIVE"}"#, r#"{"status":"CANCELED"}"#);
        let both = vec![version("a", Some(cancelled), active), version("a", Some(active), cancelled)];
        let kinds: Vec<usize> = both.iter().map(|one| of(one).len()).collect();
        assert_eq!(kinds, [1, 1]);
        assert_eq!(joined(both).iter().flat_map(of).collect::<Vec<_>>(), []);
        let back = RecentVersion { was_gone: true, ..version("a", Some(active), active) };
        let gone = RecentVersion { is_tombstone: true, ..version("a", Some(active), "{}") };
        assert_eq!(of(&back), [Change::Reinstated { start: None }]);
        assert_eq!(of(&gone), [Change::Gone { start: None }]);
        assert_eq!(joined(vec![back, gone]).iter().flat_map(of).collect::<Vec<_>>(), []);
        // One too large to be compared is there all the same.
        let large = RecentVersion {
            before: None,
            ..version("a", Some(active), r#"{"createdAt":"2026-11-24T11:50:00Z"}"#)
        };
        assert_eq!(of(&large), []);
    }

    #[test]
    fn a_change_concerns_whose_appointment_it_is_and_not_who_made_it() {
        let version = version(
            "evt_1",
            Some(r#"{"user":{"id":"usr_3"},"createdBy":{"id":"usr_2"}}"#),
            r#"{"user":{"id":"usr_1"},"createdBy":{"id":"usr_2"},"notes":"usr_2"}"#,
        );
        for (technician, concerned) in
            [(Some("usr_1"), true), (Some("usr_2"), false), (Some("usr_3"), true), (None, true)]
        {
            assert_eq!(
                concerns(&Change::Cancelled { start: None }, &version, technician),
                concerned,
                "{technician:?}"
            );
        }
    }
}
