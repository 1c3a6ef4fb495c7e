//! Parts of a transaction that the database may refuse without ending it.

use super::Tx;
use crate::db::error::DbError;

/// Checks what was deferred, and lets what follows be deferred again.
const CHECK: &str = "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED";

impl Tx<'_> {
    /// Executes `work` in a savepoint. If the database refuses a record, or may ([`DbError::may_be_a_records`]), what the work
    /// wrote is rolled back, the refusal is the inner result, and the transaction goes on.
    ///
    /// Deferred constraints and constraint triggers are checked before and after the work: what it wrote is refused here and
    /// not by COMMIT, which would refuse the whole transaction, and what was written before is not blamed on it. Afterwards
    /// all deferrable constraints are deferred, also those that are checked at once by default. Savepoints must not be nested.
    ///
    /// # Errors
    /// Refusals of what was written before the savepoint; errors that concern no record. They end the transaction.
    pub async fn in_savepoint<T>(
        &self,
        work: impl Future<Output = Result<T, DbError>>,
    ) -> Result<Result<T, DbError>, DbError> {
        self.batch(&format!("{CHECK}; SAVEPOINT part")).await?;
        let checked = async {
            let done = work.await?;
            self.batch(CHECK).await?;
            Ok(done)
        };
        let outcome: Result<T, DbError> = checked.await;
        match &outcome {
            Ok(_) => {}
            Err(refusal) if refusal.may_be_a_records() => self.batch("ROLLBACK TO SAVEPOINT part").await?,
            Err(_) => return outcome.map(Ok),
        }
        self.batch("RELEASE SAVEPOINT part").await?;
        Ok(outcome)
    }
}
