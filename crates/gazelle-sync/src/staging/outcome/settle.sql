-- Only versions that are in error: what a person made pending again is read again.
UPDATE {schema}.{staging_table}
   SET sync_status = 'processed'
 WHERE id = ANY ($1::uuid[]) AND sync_status = 'error'
RETURNING id
