//! The handle for tests: change the shop, script faults, read records and logged requests.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::fault_script::FaultState;
use crate::faults::{Fault, FaultKind};
use crate::oauth::Tokens;
use crate::requests::{RequestCounts, RequestEntry};
use crate::shop::change::{Change, ChangeError, ChangeResult};
use crate::shop::kind::RecordKind;
use crate::state::State;

/// Controls a running simulator. Clones control the same one; every call takes effect at once, for the next answer.
#[derive(Clone)]
pub struct SimControl {
    pub(crate) state: Arc<State>,
}

impl SimControl {
    /// Applies a change to the shop, at the simulator's current time.
    ///
    /// # Errors
    /// `NotFound` if it names a record that does not exist, `Refused` if it is inconsistent; the shop is then
    /// unchanged.
    pub fn apply(&self, change: Change) -> Result<ChangeResult, ChangeError> {
        let now = self.state.now();
        let mut shop = self.state.shop_mut();
        let edited_contact = match &change {
            Change::Edit { kind: RecordKind::Contact, id, bump: true, .. } => Some(id.clone()),
            _ => None,
        };
        let changed = shop.apply(change, now)?;
        if let Some(id) = edited_contact.filter(|_| self.state.options.contact_edit_bumps_client)
            && let Some(client) = shop.client_of_contact(&id)
        {
            shop.apply(
                Change::Edit { kind: RecordKind::Client, id: client, fields: Map::new(), bump: true },
                now,
            )?;
        }
        Ok(ChangeResult { version: shop.version(), ..changed })
    }

    /// Sets fields of a record and its `updatedAt`; null clears a field. Errors as `apply`.
    pub fn edit(&self, kind: RecordKind, id: &str, fields: Json) -> Result<ChangeResult, ChangeError> {
        let Json::Object(fields) = fields else {
            return Err(ChangeError::Refused("the fields must be an object".to_owned()));
        };
        self.apply(Change::Edit { kind, id: id.to_owned(), fields, bump: true })
    }

    /// Reschedules an event to another start (UTC text) or to none. Errors as `apply`.
    pub fn move_event(&self, id: &str, start: Option<&str>) -> Result<ChangeResult, ChangeError> {
        self.apply(Change::Move { id: id.to_owned(), start: start.map(str::to_owned), duration: None })
    }

    /// Gives an event to another technician. Errors as `apply`.
    pub fn reassign(&self, event: &str, user: &str) -> Result<ChangeResult, ChangeError> {
        self.apply(Change::Reassign { id: event.to_owned(), user: user.to_owned() })
    }

    /// Cancels an event. Errors as `apply`.
    pub fn cancel(&self, event: &str) -> Result<ChangeResult, ChangeError> {
        self.apply(Change::Cancel { id: event.to_owned() })
    }

    /// Deletes a record and clears the references to it; deleting a client deletes its contacts and pianos. Errors
    /// as `apply`.
    pub fn delete(&self, kind: RecordKind, id: &str) -> Result<ChangeResult, ChangeError> {
        self.apply(Change::Delete { kind, id: id.to_owned(), keep_references: false })
    }

    /// Merges the client `from` into `into`. Errors as `apply`.
    pub fn merge_clients(&self, from: &str, into: &str) -> Result<ChangeResult, ChangeError> {
        self.apply(Change::MergeClients { from: from.to_owned(), into: into.to_owned() })
    }

    /// Adds a record (a JSON object shaped as the API answers it) and returns its id. Errors as `apply`.
    pub fn add(&self, kind: RecordKind, record: Json) -> Result<String, ChangeError> {
        let Json::Object(record) = record else {
            return Err(ChangeError::Refused("the record must be an object".to_owned()));
        };
        let changed = self.apply(Change::Add { kind, record })?;
        Ok(changed.ids.into_iter().next().unwrap_or_default())
    }

    /// Adds an event unchanged, valid or not; `listed_at` (UTC text) is its position for date filters if its own
    /// `start` is unusable. Errors as `apply`.
    pub fn add_raw_event(&self, record: Json, listed_at: Option<&str>) -> Result<ChangeResult, ChangeError> {
        self.apply(Change::AddRawEvent { record, listed_at: listed_at.map(str::to_owned) })
    }

    /// The ids in a kind's unfiltered list, in order of creation, without duplicates. Contacts: of all clients,
    /// including archived ones.
    pub fn ids(&self, kind: RecordKind) -> Vec<String> {
        self.state.shop().ids(kind)
    }

    /// A record as it is stored: in the shape of the API's answers, with references as `{"id": …}` and without null
    /// fields. `None` if it does not exist.
    pub fn record(&self, kind: RecordKind, id: &str) -> Option<Json> {
        let shop = self.state.shop();
        let row = shop.find(kind, id)?;
        serde_json::from_str(&row.json).ok()
    }

    /// The `totalCount` of a kind's unfiltered list, including canceled and inactive records even if the options
    /// hide them.
    pub fn total(&self, kind: RecordKind) -> usize {
        self.state.shop().total(kind)
    }

    /// The version of the shop; each change increments it.
    pub fn version(&self) -> u64 {
        self.state.shop().version()
    }

    /// Adds a fault and returns its number.
    pub fn add_fault(&self, fault: Fault) -> u64 {
        self.state.script.add(fault, None)
    }

    /// Calls `action` after the answer to a matching request was created and before it is sent. The `kind` of
    /// `matching` is ignored. Returns the number of the fault.
    pub fn call_after(&self, matching: Fault, action: impl Fn(&SimControl) + Send + Sync + 'static) -> u64 {
        let fault = Fault { kind: FaultKind::Call, ..matching };
        // A weak reference: the state owns the function, and a cycle would never be freed.
        let state = Arc::downgrade(&self.state);
        let call = move || {
            if let Some(state) = state.upgrade() {
                action(&SimControl { state });
            }
        };
        self.state.script.add(fault, Some(Arc::new(call)))
    }

    /// All faults, including exhausted ones.
    pub fn faults(&self) -> Vec<FaultState> {
        self.state.script.list()
    }

    /// Removes a fault; false if there is none with this number.
    pub fn remove_fault(&self, id: u64) -> bool {
        self.state.script.remove(id)
    }

    /// Removes every fault.
    pub fn clear_faults(&self) {
        self.state.script.clear();
    }

    /// The logged requests to the GraphQL and token endpoints, oldest first.
    pub fn requests(&self) -> Vec<RequestEntry> {
        self.state.requests.list()
    }

    /// The request counters.
    pub fn request_counts(&self) -> RequestCounts {
        self.state.requests.counts()
    }

    /// Clears the request log and resets the counters.
    pub fn clear_requests(&self) {
        self.state.requests.clear();
    }

    /// A new pair of tokens, as after a user's authorization.
    pub fn issue_tokens(&self) -> Tokens {
        let now = self.state.now();
        self.state.tokens().issue(&self.state.options, now)
    }

    /// Invalidates every access token; refresh tokens stay valid.
    pub fn expire_access_tokens(&self) {
        self.state.tokens().expire_access();
    }

    /// Invalidates every access and refresh token.
    pub fn revoke_tokens(&self) {
        self.state.tokens().revoke_all();
    }

    /// Advances the simulator's clock (negative: sets it back): it affects the `Date` header, `updatedAt` of later
    /// changes, and token lifetimes.
    pub fn advance_clock(&self, seconds: i64) {
        self.state.advance_clock(seconds);
    }

    /// The simulator's clock, in whole seconds since 1970, UTC.
    pub fn now(&self) -> i64 {
        self.state.now()
    }

    /// Stops the simulator; `Simulator::wait` then returns.
    pub fn stop(&self) {
        self.state.stop.send_replace(true);
    }
}
