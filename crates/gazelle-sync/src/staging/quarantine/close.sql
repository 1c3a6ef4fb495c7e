-- Closes the cases of the versions $1 at $3; $2 says of each whether a newer version was reconciled. $4 is the
-- version of the reconciler. Returns their ids.
UPDATE {schema}.sync_quarantine q
   SET state = CASE WHEN settled.is_newer THEN 'superseded'
                    WHEN q.waits_for IS NULL AND q.reconciler_version < $4 THEN 'reread'
                    ELSE 'released' END,
       closed_at = $3,
       closed_reason = CASE WHEN settled.is_newer THEN 'a newer version was reconciled'
                            WHEN q.waits_for IS NULL AND q.reconciler_version < $4
                            THEN 'a newer version of the reconciler reads it'
                            WHEN q.waits_for IS NOT NULL THEN 'its parent was written'
                            ELSE 'reconciled on a later try' END
  FROM unnest($1::uuid[], $2::boolean[]) AS settled (staging_id, is_newer)
 WHERE q.staging_id = settled.staging_id
RETURNING q.staging_id
