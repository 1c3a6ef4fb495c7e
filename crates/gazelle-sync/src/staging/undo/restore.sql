-- Restores the versions that the undo $1 withdrew, faulty ones as pending unless they were dismissed. Returns their
-- records' ids.
UPDATE {schema}.{staging_table} AS s
   SET withdrawn_by = NULL,
       sync_status = CASE WHEN s.sync_status <> 'error' THEN s.sync_status
                          WHEN EXISTS (SELECT 1 FROM {schema}.sync_quarantine q
                                        WHERE q.staging_id = s.id AND q.state = 'dismissed') THEN s.sync_status
                          ELSE 'pending' END
 WHERE s.withdrawn_by = $1
RETURNING s.external_id
