//! The specification of a shop.

use serde::{Deserialize, Serialize};

/// The specification of a shop. The same specification always gives the same shop, byte for byte.
///
/// ```
/// let spec = gazelle_sim::ShopSpec {
///     events: 100_000,
///     today: "2026-01-15".to_owned(),
///     ..gazelle_sim::ShopSpec::default_shop(7)
/// };
/// assert_eq!(spec.clients, 4_010);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ShopSpec {
    /// The seed of every generated value.
    pub seed: u64,
    /// Technicians and office workers.
    pub users: usize,
    /// Clients, not counting unlisted ones; each has up to a few contacts.
    pub clients: usize,
    /// Pianos, including those of the institution.
    pub pianos: usize,
    /// Events, including the oddities. Below about 110, some oddities are left out.
    pub events: usize,
    /// Invoices (simple ones, without items or payments).
    pub invoices: usize,
    /// Timeline entries (simple ones).
    pub timeline_entries: usize,
    /// The UTC date that separates past and future, `YYYY-MM-DD`. Default: today.
    pub today: String,
    /// Whether the shop contains the oddities of a real one: appointments at DST nights, null starts, the
    /// institution, the client with very many contacts, blanks instead of nulls, and so on.
    pub oddities: bool,
    /// Pianos of the one event with very many (they belong to the institution and are included in `pianos`).
    pub big_event_pianos: usize,
    /// Contacts of the one client with very many.
    pub big_client_contacts: usize,
    /// Locations of the one contact with very many.
    pub big_contact_locations: usize,
    /// The `start` of an all-day event: midnight UTC if true, local midnight if false. Which one the real API uses
    /// is unknown.
    pub all_day_in_utc: bool,
    /// Broken records to add.
    pub bad_records: Vec<BadRecord>,
}

impl ShopSpec {
    /// A shop of the size of a real one: 4,010 clients, 1,031 pianos, 4 users, 11,460 events.
    pub fn default_shop(seed: u64) -> Self {
        Self {
            seed,
            users: 4,
            clients: 4_010,
            pianos: 1_031,
            events: 11_460,
            invoices: 0,
            timeline_entries: 0,
            today: jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().to_string(),
            oddities: true,
            big_event_pianos: 137,
            big_client_contacts: 120,
            big_contact_locations: 23,
            all_day_in_utc: false,
            bad_records: Vec::new(),
        }
    }

    /// A shop for tests with every oddity: 40 clients, 25 pianos and 137 of the institution, 4 users, 120 events.
    pub fn small(seed: u64) -> Self {
        Self { clients: 40, pianos: 25 + 137, events: 120, ..Self::default_shop(seed) }
    }

    /// A shop without records.
    pub fn empty() -> Self {
        Self { users: 0, clients: 0, pianos: 0, events: 0, oddities: false, ..Self::default_shop(0) }
    }
}

impl Default for ShopSpec {
    /// The default shop with seed 1.
    fn default() -> Self {
        Self::default_shop(1)
    }
}

/// A broken record. In JSON its name in snake case, for instance `"unreadable_start"`.
///
/// Each adds one event with its name in the title (`Bad record: unreadable_start`), at noon of the shop's `today`
/// or later, so that walks with date filters find it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BadRecord {
    /// An event whose `start` is not a date.
    UnreadableStart,
    /// An event whose `id` is null.
    NullId,
    /// An event whose client is in no list, but is returned by `client(id)`.
    UnlistedClient,
    /// An event with a piano that is in no list, but is returned by its getter.
    UnlistedPiano,
    /// An event whose technician is not in `allUsers`; the reference itself has all fields.
    UnlistedUser,
    /// An event whose client has only an id: its getter returns null.
    GhostClient,
    /// An event with a piano that has only an id.
    GhostPiano,
    /// An event whose technician has only an id.
    GhostUser,
    /// An event of the type `HOLOGRAM`.
    UnknownEnum,
    /// An event that lists contain twice in sequence (`totalCount` counts it once).
    DuplicateId,
    /// A null in `nodes` (`totalCount` counts it).
    NullNode,
}

impl BadRecord {
    /// All broken records.
    pub const ALL: [BadRecord; 11] = [
        BadRecord::UnreadableStart,
        BadRecord::NullId,
        BadRecord::UnlistedClient,
        BadRecord::UnlistedPiano,
        BadRecord::UnlistedUser,
        BadRecord::GhostClient,
        BadRecord::GhostPiano,
        BadRecord::GhostUser,
        BadRecord::UnknownEnum,
        BadRecord::DuplicateId,
        BadRecord::NullNode,
    ];
}
