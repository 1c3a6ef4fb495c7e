//! The validators: one for the unchanged schema, and one for each set of differences that faults make.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_graphql::dynamic::SchemaError;

use crate::graphql::schema::{Edits, Validator};

pub(crate) struct Validators {
    introspection: bool,
    whole: Arc<Validator>,
    others: Mutex<HashMap<Edits, Arc<Validator>>>,
}

impl Validators {
    pub(crate) fn new(introspection: bool) -> Result<Self, SchemaError> {
        // The unchanged schema is the same for every simulator of a process, and tests start many.
        static WHOLE: [OnceLock<Arc<Validator>>; 2] = [OnceLock::new(), OnceLock::new()];
        let slot = &WHOLE[usize::from(introspection)];
        let whole = match slot.get() {
            Some(whole) => Arc::clone(whole),
            None => {
                let made = Arc::new(Validator::new(&Edits::new(), introspection)?);
                Arc::clone(slot.get_or_init(|| made))
            }
        };
        Ok(Self { introspection, whole, others: Mutex::default() })
    }

    /// The validator of the schema with these differences.
    pub(crate) fn with(&self, edits: &Edits) -> Result<Arc<Validator>, SchemaError> {
        if edits.is_empty() {
            return Ok(Arc::clone(&self.whole));
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = others.get(edits) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(Validator::new(edits, self.introspection)?);
        others.insert(edits.clone(), Arc::clone(&made));
        Ok(made)
    }
}
