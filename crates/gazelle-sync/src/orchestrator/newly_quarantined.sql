-- Records that this run put into quarantine and that are still there, by entity and reason. One of which an older case is
-- open was in quarantine before. Places in lists are left out of the field, so that alike faults count together.
WITH record AS (
    SELECT DISTINCT ON (q.entity, q.external_id)
           q.entity, q.external_id, q.error_code, regexp_replace(q.error_field, '\[[0-9]+\]', '[]', 'g') AS field
      FROM {schema}.sync_quarantine q
     WHERE q.run_id = $1
       AND q.state IN ('open', 'waiting')
       AND NOT EXISTS (SELECT 1
                         FROM {schema}.sync_quarantine earlier
                        WHERE earlier.entity = q.entity
                          AND earlier.external_id = q.external_id
                          AND earlier.state IN ('open', 'waiting')
                          AND earlier.run_id IS DISTINCT FROM q.run_id)
     ORDER BY q.entity, q.external_id, q.last_seen_at DESC, q.staging_id DESC
)
SELECT entity, error_code, coalesce(field, ''), count(*)
  FROM record
 GROUP BY entity, error_code, field
 ORDER BY entity, count(*) DESC, error_code, field
