-- Returns the staging rows of older faulty versions, which a newer good one has made moot.
UPDATE {schema}.sync_quarantine q
   SET state = CASE WHEN q.staging_id <> landed.staging_id THEN 'superseded'
                    WHEN q.waits_for IS NULL AND q.reconciler_version < $6 THEN 'reread'
                    ELSE 'released' END,
       closed_at = $5,
       closed_reason = CASE WHEN q.staging_id <> landed.staging_id THEN 'a newer version was reconciled'
                            WHEN q.waits_for IS NULL AND q.reconciler_version < $6
                            THEN 'a newer version of the reconciler reads it'
                            WHEN q.waits_for IS NOT NULL THEN 'its parent landed'
                            ELSE 'reconciled on a later try' END
  FROM unnest($2::text[], $3::uuid[], $4::timestamptz[]) AS landed (external_id, staging_id, fetched_at)
 WHERE q.entity = $1
   AND q.external_id = landed.external_id
   AND q.state IN ('open', 'waiting')
   AND (q.staging_id = landed.staging_id
        OR EXISTS (SELECT 1 FROM {schema}.{staging_table} s
                    WHERE s.id = q.staging_id AND s.fetched_at < landed.fetched_at))
RETURNING q.staging_id
