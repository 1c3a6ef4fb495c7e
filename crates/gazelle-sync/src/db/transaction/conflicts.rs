//! Retries transactions that conflicted with another one (SQLSTATE class 40).

use crate::db::error::{DbError, DbErrorClass};

/// How many times in all a transaction is tried if it conflicts with others ([`DbErrorClass::Conflict`]).
pub const CONFLICT_ATTEMPTS: u32 = 5;

/// Runs the work again from its beginning if it conflicted with another transaction, [`CONFLICT_ATTEMPTS`] times at
/// most.
///
/// # Errors
/// The work's last error.
pub async fn retry_conflicts<T, Work>(mut work: impl FnMut() -> Work) -> Result<T, DbError>
where
    Work: Future<Output = Result<T, DbError>>,
{
    let mut attempt = 1;
    loop {
        match work().await {
            Err(DbError { fault: DbErrorClass::Conflict, .. }) if attempt < CONFLICT_ATTEMPTS => attempt += 1,
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_conflict_is_tried_again_but_not_for_ever_and_nothing_else_is() {
        for (fault, conflicts, tries, is_done) in [
            (DbErrorClass::Conflict, 0, 1, true),
            (DbErrorClass::Conflict, 1, 2, true),
            (DbErrorClass::Conflict, CONFLICT_ATTEMPTS - 1, CONFLICT_ATTEMPTS, true),
            (DbErrorClass::Conflict, u32::MAX, CONFLICT_ATTEMPTS, false),
            (DbErrorClass::Record, 1, 1, false),
            (DbErrorClass::Infrastructure, 1, 1, false),
        ] {
            let mut tried = 0;
            let outcome = retry_conflicts(|| {
                tried += 1;
                let mut error = DbError::infrastructure("in the way");
                error.fault = fault;
                std::future::ready(if tried <= conflicts { Err(error) } else { Ok(()) })
            })
            .await;
            assert_eq!((tried, outcome.is_ok()), (tries, is_done), "{fault:?} {conflicts}");
        }
    }
}
