-- Makes the versions $1 pending again, and returns their ids.
UPDATE {schema}.{staging_table}
   SET sync_status = 'pending'
 WHERE id = ANY ($1::uuid[])
RETURNING id
