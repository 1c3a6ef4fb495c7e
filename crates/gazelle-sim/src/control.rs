//! The handle that tests hold: change the shop, script faults, read the truth and the requests.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::fault_script::FaultState;
use crate::faults::{Fault, FaultKind};
use crate::oauth::Tokens;
use crate::requests::{RequestCounts, RequestEntry};
use crate::shop::change::{Change, ChangeError, Changed};
use crate::shop::kind::Kind;
use crate::state::State;

/// Controls a running simulator. Clones control the same one; every call takes effect at once, for the next answer made.
#[derive(Clone)]
pub struct SimControl {
    pub(crate) state: Arc<State>,
}

impl SimControl {
    /// Makes a change of the shop, at the service's now.
    ///
    /// # Errors
    /// `NotFound` when it names a record that is not there, `Refused` when it makes no sense; the shop is then as before.
    pub fn apply(&self, change: Change) -> Result<Changed, ChangeError> {
        let now = self.state.now();
        let mut shop = self.state.shop_mut();
        let edited_contact = match &change {
            Change::Edit { kind: Kind::Contact, id, bump: true, .. } => Some(id.clone()),
            _ => None,
        };
        let changed = shop.apply(change, now)?;
        if let Some(id) = edited_contact.filter(|_| self.state.options.contact_edit_bumps_client)
            && let Some(client) = shop.client_of_contact(&id)
        {
            shop.apply(Change::Edit { kind: Kind::Client, id: client, fields: Map::new(), bump: true }, now)?;
        }
        Ok(Changed { version: shop.version(), ..changed })
    }

    /// Sets fields of a record and its `updatedAt`; null clears a field. Errors as `apply`.
    pub fn edit(&self, kind: Kind, id: &str, fields: Json) -> Result<Changed, ChangeError> {
        let Json::Object(fields) = fields else {
            return Err(ChangeError::Refused("the fields must be an object".to_owned()));
        };
        self.apply(Change::Edit { kind, id: id.to_owned(), fields, bump: true })
    }

    /// Reschedules an event to another start (UTC text) or to none. Errors as `apply`.
    pub fn move_event(&self, id: &str, start: Option<&str>) -> Result<Changed, ChangeError> {
        self.apply(Change::Move { id: id.to_owned(), start: start.map(str::to_owned), duration: None })
    }

    /// Gives an event to another technician. Errors as `apply`.
    pub fn reassign(&self, event: &str, user: &str) -> Result<Changed, ChangeError> {
        self.apply(Change::Reassign { id: event.to_owned(), user: user.to_owned() })
    }

    /// Cancels an event. Errors as `apply`.
    pub fn cancel(&self, event: &str) -> Result<Changed, ChangeError> {
        self.apply(Change::Cancel { id: event.to_owned() })
    }

    /// Deletes a record and clears what refers to it; a client takes its contacts and pianos along. Errors as `apply`.
    pub fn delete(&self, kind: Kind, id: &str) -> Result<Changed, ChangeError> {
        self.apply(Change::Delete { kind, id: id.to_owned(), keep_references: false })
    }

    /// Merges the client `from` into `into`. Errors as `apply`.
    pub fn merge_clients(&self, from: &str, into: &str) -> Result<Changed, ChangeError> {
        self.apply(Change::MergeClients { from: from.to_owned(), into: into.to_owned() })
    }

    /// Adds a record (a JSON object shaped as the API answers it) and returns its id. Errors as `apply`.
    pub fn add(&self, kind: Kind, record: Json) -> Result<String, ChangeError> {
        let Json::Object(record) = record else {
            return Err(ChangeError::Refused("the record must be an object".to_owned()));
        };
        let changed = self.apply(Change::Add { kind, record })?;
        Ok(changed.ids.into_iter().next().unwrap_or_default())
    }

    /// Adds an event just as it is, broken or not; `listed_at` (UTC text) says where date filters place it when its own `start`
    /// cannot. Errors as `apply`.
    pub fn add_raw_event(&self, record: Json, listed_at: Option<&str>) -> Result<Changed, ChangeError> {
        self.apply(Change::AddRawEvent { record, listed_at: listed_at.map(str::to_owned) })
    }

    /// The ids that a kind's unfiltered list holds, in order of creation, each once. Contacts: of all clients, archived too.
    pub fn ids(&self, kind: Kind) -> Vec<String> {
        self.state.shop().ids(kind)
    }

    /// A record as it is stored: the shape the API answers with, references as `{"id": …}`, absent fields null. None when it is
    /// gone.
    pub fn record(&self, kind: Kind, id: &str) -> Option<Json> {
        let shop = self.state.shop();
        let row = shop.find(kind, id)?;
        serde_json::from_str(&row.json).ok()
    }

    /// The `totalCount` of a kind's unfiltered list, canceled and inactive ones counted whatever the options hide.
    pub fn total(&self, kind: Kind) -> usize {
        self.state.shop().total(kind)
    }

    /// The shop's version: it grows with every change.
    pub fn version(&self) -> u64 {
        self.state.shop().version()
    }

    /// Adds a fault; the number returned names it.
    pub fn add_fault(&self, fault: Fault) -> u64 {
        self.state.script.add(fault, None)
    }

    /// Calls `action` right after the answer to a matching request was made, before it is sent. The `kind` of `matching` is not
    /// looked at. The number returned names the fault.
    pub fn call_after(&self, matching: Fault, action: impl Fn(&SimControl) + Send + Sync + 'static) -> u64 {
        let fault = Fault { kind: FaultKind::Call, ..matching };
        // The state holds the function: held by it in turn, neither would ever go.
        let state = Arc::downgrade(&self.state);
        let call = move || {
            if let Some(state) = state.upgrade() {
                action(&SimControl { state });
            }
        };
        self.state.script.add(fault, Some(Arc::new(call)))
    }

    /// The faults added and not removed, used up or not.
    pub fn faults(&self) -> Vec<FaultState> {
        self.state.script.list()
    }

    /// Removes one fault; false when there is none of this number.
    pub fn remove_fault(&self, id: u64) -> bool {
        self.state.script.remove(id)
    }

    /// Removes every fault.
    pub fn clear_faults(&self) {
        self.state.script.clear();
    }

    /// The requests to the GraphQL and token endpoints, oldest first, as many as are kept.
    pub fn requests(&self) -> Vec<RequestEntry> {
        self.state.requests.list()
    }

    /// How many requests there were and are.
    pub fn request_counts(&self) -> RequestCounts {
        self.state.requests.counts()
    }

    /// Forgets the requests so far and begins counting anew.
    pub fn clear_requests(&self) {
        self.state.requests.clear();
    }

    /// A fresh pair of tokens, as if a person had just authorized.
    pub fn issue_tokens(&self) -> Tokens {
        let now = self.state.now();
        self.state.tokens().issue(&self.state.options, now)
    }

    /// Kills every access token; refresh tokens stay good.
    pub fn expire_access_tokens(&self) {
        self.state.tokens().expire_access();
    }

    /// Kills every access and refresh token.
    pub fn revoke_tokens(&self) {
        self.state.tokens().revoke_all();
    }

    /// Moves the service's clock on (back when negative): the `Date` header, `updatedAt` of later changes, the life of tokens.
    pub fn advance_clock(&self, seconds: i64) {
        self.state.advance_clock(seconds);
    }

    /// The service's clock, in whole seconds since 1970, UTC.
    pub fn now(&self) -> i64 {
        self.state.now()
    }

    /// Tells the service to stop; `Simulator::wait` then returns.
    pub fn stop(&self) {
        self.state.stop.send_replace(true);
    }
}
