//! The kinds of records in a shop.

use serde::{Deserialize, Serialize};

/// One kind of record. In JSON: `"user"`, `"client"`, `"contact"`, `"piano"`, `"event"`, `"invoice"`, `"estimate"`,
/// `"timeline"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// A technician or an office worker (`usr_`).
    User,
    /// A client, who pays (`cli_`).
    Client,
    /// A contact person (`con_`); belongs to one client.
    Contact,
    /// An instrument (`ins_`); belongs to one client.
    Piano,
    /// An appointment, memo or synced event (`evt_`).
    Event,
    /// An invoice (`inv_`).
    Invoice,
    /// An estimate (`est_`).
    Estimate,
    /// A timeline entry (`tme_`).
    Timeline,
}

impl RecordKind {
    /// Every kind, parents first.
    pub const ALL: [RecordKind; 8] = [
        RecordKind::User,
        RecordKind::Client,
        RecordKind::Contact,
        RecordKind::Piano,
        RecordKind::Event,
        RecordKind::Invoice,
        RecordKind::Estimate,
        RecordKind::Timeline,
    ];

    /// The GraphQL type of this kind, for instance `PrivateClient`.
    pub fn type_name(self) -> &'static str {
        match self {
            RecordKind::User => "PrivateUser",
            RecordKind::Client => "PrivateClient",
            RecordKind::Contact => "PrivateContact",
            RecordKind::Piano => "PrivatePiano",
            RecordKind::Event => "PrivateEvent",
            RecordKind::Invoice => "PrivateInvoice",
            RecordKind::Estimate => "PrivateEstimate",
            RecordKind::Timeline => "PrivateTimelineEntry",
        }
    }

    /// The prefix of this kind's ids, for instance `cli_`.
    pub fn id_prefix(self) -> &'static str {
        match self {
            RecordKind::User => "usr_",
            RecordKind::Client => "cli_",
            RecordKind::Contact => "con_",
            RecordKind::Piano => "ins_",
            RecordKind::Event => "evt_",
            RecordKind::Invoice => "inv_",
            RecordKind::Estimate => "est_",
            RecordKind::Timeline => "tme_",
        }
    }

    /// The kind named as in JSON (`"client"`), if there is one.
    pub fn from_name(name: &str) -> Option<RecordKind> {
        RecordKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The name used in JSON, for instance `client`.
    pub fn name(self) -> &'static str {
        match self {
            RecordKind::User => "user",
            RecordKind::Client => "client",
            RecordKind::Contact => "contact",
            RecordKind::Piano => "piano",
            RecordKind::Event => "event",
            RecordKind::Invoice => "invoice",
            RecordKind::Estimate => "estimate",
            RecordKind::Timeline => "timeline",
        }
    }

    pub(crate) fn from_type_name(name: &str) -> Option<RecordKind> {
        RecordKind::ALL.into_iter().find(|kind| kind.type_name() == name)
    }
}
