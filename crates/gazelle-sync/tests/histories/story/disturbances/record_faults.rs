//! Records at which the API fails: one, several, neighbours, the first of their list, or what is inside them.

use gazelle_sim::{Fault, FaultKind, RecordKind, Takes};

use crate::story::Simulation;

/// What is walked, or is inside what is walked, with a field of it.
const FIELDS: [(RecordKind, &str); 5] = [
    (RecordKind::Event, "notes"),
    (RecordKind::Client, "personalNotes"),
    (RecordKind::Piano, "notes"),
    (RecordKind::User, "email"),
    (RecordKind::Contact, "lastName"),
];

/// What asks for the rest of a long list inside a record.
const REST_OF_LISTS: [&str; 3] = ["ClientMoreContacts", "ContactMoreLocations", "AppointmentMorePianos"];

impl Simulation<'_> {
    /// Some records, alike in what fails of them; or the rest of long lists.
    pub(in crate::story) fn record_faults(&mut self) -> Vec<Fault> {
        if self.random.percent(15) {
            let operation = *self.random.pick(&REST_OF_LISTS);
            return vec![Fault::new(FaultKind::ServerError).on_operation(operation)];
        }
        let (kind, field) = *self.random.pick(&FIELDS);
        let ids = self.control.ids(kind);
        if ids.is_empty() {
            return vec![Fault::new(FaultKind::ServerError)];
        }
        let count = 1 + self.random.below(6);
        let picked: Vec<String> = match self.random.below(4) {
            0 => vec![self.random.pick(&ids).clone()],
            1 => (0..count).map(|_| self.random.pick(&ids).clone()).collect(),
            // Neighbours, and the first of the list.
            2 => ids.iter().skip(self.random.below(ids.len())).take(count).cloned().collect(),
            _ => ids.iter().take(count).cloned().collect(),
        };
        let field = self.random.percent(80).then(|| field.to_owned());
        let takes = *self.random.pick(&[Takes::Field, Takes::Record, Takes::Answer, Takes::Server]);
        let fails = |id: String| {
            let (field, message) = (field.clone(), "made up".to_owned());
            Fault::new(FaultKind::RecordFault { id, field, message, takes })
        };
        picked.into_iter().map(fails).collect()
    }
}
