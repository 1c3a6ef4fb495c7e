-- Withdraws the versions of the run $1 for the undo $2. Returns their records' ids.
UPDATE {schema}.{staging_table}
   SET withdrawn_by = $2
 WHERE run_id = $1
   AND withdrawn_by IS NULL
RETURNING external_id
