-- Marks those of the versions $1 that are faulty as processed; they keep their error. Versions that were made pending
-- by hand in the meantime are not changed.
UPDATE {schema}.{staging_table}
   SET sync_status = 'processed'
 WHERE id = ANY ($1::uuid[]) AND sync_status = 'error'
RETURNING id
