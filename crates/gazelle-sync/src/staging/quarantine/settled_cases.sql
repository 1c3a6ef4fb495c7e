-- The open cases of the records ($2) of which the versions $3, seen at $4, were written, and whether the written
-- version is a newer one, which supersedes the faulty version.
SELECT q.staging_id, q.staging_id <> written.staging_id AS is_moot
  FROM unnest($2::text[], $3::uuid[], $4::timestamptz[]) AS written (external_id, staging_id, fetched_at)
  JOIN {schema}.sync_quarantine q ON q.external_id = written.external_id
 WHERE q.entity = $1
   AND q.state IN ('open', 'waiting')
   AND (q.staging_id = written.staging_id
        OR EXISTS (SELECT 1 FROM {schema}.{staging_table} s
                    WHERE s.id = q.staging_id AND s.fetched_at < written.fetched_at))
