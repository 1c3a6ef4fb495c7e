//! The kinds of records in a shop.

use serde::{Deserialize, Serialize};

/// One kind of record. In JSON: `"user"`, `"client"`, `"contact"`, `"piano"`, `"event"`, `"invoice"`, `"estimate"`,
/// `"timeline"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
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

impl Kind {
    /// Every kind, parents first.
    pub const ALL: [Kind; 8] = [
        Kind::User,
        Kind::Client,
        Kind::Contact,
        Kind::Piano,
        Kind::Event,
        Kind::Invoice,
        Kind::Estimate,
        Kind::Timeline,
    ];

    /// The GraphQL type of this kind, for instance `PrivateClient`.
    pub fn type_name(self) -> &'static str {
        match self {
            Kind::User => "PrivateUser",
            Kind::Client => "PrivateClient",
            Kind::Contact => "PrivateContact",
            Kind::Piano => "PrivatePiano",
            Kind::Event => "PrivateEvent",
            Kind::Invoice => "PrivateInvoice",
            Kind::Estimate => "PrivateEstimate",
            Kind::Timeline => "PrivateTimelineEntry",
        }
    }

    /// The prefix of this kind's ids, for instance `cli_`.
    pub fn id_prefix(self) -> &'static str {
        match self {
            Kind::User => "usr_",
            Kind::Client => "cli_",
            Kind::Contact => "con_",
            Kind::Piano => "ins_",
            Kind::Event => "evt_",
            Kind::Invoice => "inv_",
            Kind::Estimate => "est_",
            Kind::Timeline => "tme_",
        }
    }

    /// The kind named as in JSON (`"client"`), if there is one.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The name used in JSON, for instance `client`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::User => "user",
            Kind::Client => "client",
            Kind::Contact => "contact",
            Kind::Piano => "piano",
            Kind::Event => "event",
            Kind::Invoice => "invoice",
            Kind::Estimate => "estimate",
            Kind::Timeline => "timeline",
        }
    }

    pub(crate) fn from_type_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.type_name() == name)
    }
}
