//! The schemas that validate: the whole one, and one for each set of fields that faults have removed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_graphql::dynamic::SchemaError;

use crate::graphql::schema::{Removed, Validator};

pub(crate) struct Validators {
    introspection: bool,
    whole: Arc<Validator>,
    others: Mutex<HashMap<Removed, Arc<Validator>>>,
}

impl Validators {
    pub(crate) fn new(introspection: bool) -> Result<Self, SchemaError> {
        // The whole schema is the same for every simulator of a process, and tests start many.
        static WHOLE: [OnceLock<Arc<Validator>>; 2] = [OnceLock::new(), OnceLock::new()];
        let slot = &WHOLE[usize::from(introspection)];
        let whole = match slot.get() {
            Some(whole) => Arc::clone(whole),
            None => {
                let made = Arc::new(Validator::new(&Removed::new(), introspection)?);
                Arc::clone(slot.get_or_init(|| made))
            }
        };
        Ok(Self { introspection, whole, others: Mutex::default() })
    }

    /// The validator without the removed fields.
    pub(crate) fn without(&self, removed: &Removed) -> Result<Arc<Validator>, SchemaError> {
        if removed.is_empty() {
            return Ok(Arc::clone(&self.whole));
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = others.get(removed) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(Validator::new(removed, self.introspection)?);
        others.insert(removed.clone(), Arc::clone(&made));
        Ok(made)
    }
}
