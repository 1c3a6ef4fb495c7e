-- Marks the versions $1 as processed at $2 and clears their errors. Returns their ids.
UPDATE {schema}.{staging_table} s
   SET sync_status = 'processed', processed_at = $2, attempts = s.attempts + 1,
       error_code = NULL, error_field = NULL, error_message = NULL, error_stack = NULL
 WHERE s.id = ANY ($1::uuid[])
RETURNING s.id
