-- Restores the versions that the undo $1 withdrew, faulty ones as pending. Returns their records' ids.
UPDATE {schema}.{staging_table}
   SET withdrawn_by = NULL,
       sync_status = CASE sync_status WHEN 'error' THEN 'pending' ELSE sync_status END
 WHERE withdrawn_by = $1
RETURNING external_id
