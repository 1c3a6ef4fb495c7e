//! Recognizes an answer whose columns are not those that its statement asked for.
//!
//! The driver's `Row::get` panics where a column has another name or type than expected. The statements are ours, so
//! this means that something between us and the server changes the answers, or that it is no Postgres server.

use std::any::Any;

/// How the driver's panic begins.
const DRIVERS: &str = "error retrieving column ";

/// The error of such a panic, by its payload; `None` for any other panic.
pub fn other_columns(panic: &(dyn Any + Send)) -> Option<String> {
    let message = panic.downcast_ref::<String>()?.strip_prefix(DRIVERS)?;
    Some(format!(
        "the database answered a statement with columns that it does not have (column {message}); whatever was not committed is \
         rolled back; check what DATABASE_URL names, and what stands between: it is no PostgreSQL server, or it changes answers"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_driver_is_told_from_others() {
        let payload = |text: &str| -> Box<dyn Any + Send> { Box::new(text.to_owned()) };
        let ours = other_columns(&*payload("error retrieving column id: invalid column `id`")).unwrap();
        assert!(ours.contains("(column id: invalid column `id`)"), "{ours}");
        assert_eq!(other_columns(&*payload("index out of bounds")), None);
        assert_eq!(other_columns(&"error retrieving column id"), None, "a text of ours");
    }
}
