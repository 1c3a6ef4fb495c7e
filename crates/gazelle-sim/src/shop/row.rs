//! One stored record: its JSON text and the columns that lists filter and sort by.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::json::{Fields, items_of};

/// The value of a time column without a time.
pub(crate) const NO_TIME: i64 = i64::MIN;

/// The key of an id: columns and indexes use 64-bit hashes to keep a million rows small.
pub(crate) fn key_of(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

/// Properties of a row besides its JSON.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traits {
    /// Getters and references return it, lists do not.
    pub unlisted: bool,
    /// Lists contain it twice in sequence; it counts once.
    pub listed_twice: bool,
    /// A null in a non-null position is sent unchanged.
    pub lenient: bool,
    /// The start by which lists place it if its own is unusable: seconds since 1970, or `NO_TIME`.
    pub start: Option<i64>,
}

pub(crate) struct Row {
    /// Empty for a record without an id.
    pub id: Box<str>,
    /// A JSON object, or `null` for the null node.
    pub json: Box<str>,
    pub traits: Traits,
    /// Seconds since 1970, or `NO_TIME`.
    pub start: i64,
    pub created: i64,
    pub client: u64,
    pub user: u64,
    pub pianos: Box<[u64]>,
    /// `type` and `status` as keys; 0 for null.
    pub type_key: u64,
    pub status_key: u64,
    pub is_default: bool,
    pub is_billing_default: bool,
    pub archived: bool,
}

impl Row {
    /// Reads the columns from the JSON text.
    pub(crate) fn new(json: String, traits: Traits) -> Row {
        let fields = Fields::parse(&json);
        let key = |id: Option<std::borrow::Cow<'_, str>>| id.map_or(0, |id| key_of(&id));
        // A timeline entry is placed by the time at which it occurred.
        let own_start =
            || time_of(&fields, if fields.get("occurredAt").is_some() { "occurredAt" } else { "start" });
        let start = traits.start.unwrap_or_else(own_start);
        let pianos = fields
            .get("allEventPianos")
            .map(items_of)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|item| Fields::parse(item).reference("piano"))
            .map(|id| key_of(&id))
            .collect();
        Row {
            id: fields.text("id").unwrap_or_default().into(),
            traits,
            start,
            created: time_of(&fields, "createdAt"),
            client: key(fields.reference("client")),
            user: key(fields.reference("user")),
            pianos,
            type_key: key(fields.text("type").or_else(|| fields.text("clientType"))),
            status_key: key(fields.text("status")),
            is_default: fields.is_true("isDefault"),
            is_billing_default: fields.is_true("isBillingDefault"),
            archived: fields.is_true("archived"),
            json: json.into(),
        }
    }

    /// How often lists contain it.
    pub(crate) fn times_listed(&self) -> usize {
        match (self.traits.unlisted, self.traits.listed_twice) {
            (true, _) => 0,
            (false, true) => 2,
            (false, false) => 1,
        }
    }
}

fn time_of(fields: &Fields<'_>, name: &str) -> i64 {
    fields
        .text(name)
        .and_then(|text| text.parse::<jiff::Timestamp>().ok())
        .map_or(NO_TIME, jiff::Timestamp::as_second)
}
