//! Reads columns whose text stands for a variant of an enum ([`words!`](crate::states)).

use std::str::FromStr;

use tokio_postgres::Row;

use crate::db::DbError;
use crate::states::UnknownWord;

/// The variant that a column names.
///
/// # Errors
/// A text that no variant has: a newer version of the program wrote it, or somebody changed it. The error names the column
/// and the text.
///
/// # Panics
/// If the row has no such column, or it is no text or NULL.
pub fn word<T: FromStr<Err = UnknownWord>>(row: &Row, column: &str) -> Result<T, DbError> {
    parsed(column, row.get(column))
}

/// The same; none if the column is NULL.
///
/// # Errors
/// As [`word`].
///
/// # Panics
/// If the row has no such column, or it is no text.
pub fn optional_word<T: FromStr<Err = UnknownWord>>(row: &Row, column: &str) -> Result<Option<T>, DbError> {
    row.get::<_, Option<&str>>(column).map(|text| parsed(column, text)).transpose()
}

fn parsed<T: FromStr<Err = UnknownWord>>(column: &str, text: &str) -> Result<T, DbError> {
    text.parse().map_err(|unknown| DbError::unknown_word(column, &unknown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::states::CaseState;

    #[test]
    fn an_unknown_text_is_an_error_that_names_it_and_its_column() {
        assert_eq!(parsed::<CaseState>("state", "open").unwrap(), CaseState::Open);
        let error = parsed::<CaseState>("state", "lost\u{1b}").unwrap_err().to_string();
        assert!(
            error.starts_with(
                r#"the column state holds an unknown value "lost\u{1b}", expected one of: open, "#
            ),
            "{error}"
        );
        let long = parsed::<CaseState>("state", &"x".repeat(100_000)).unwrap_err().to_string();
        assert!(long.len() < 1_000, "{}", long.len());
    }
}
