-- The next $4 cases of the entity $1, newest first, after the position $7 to $9 if it is given; filtered by code $2,
-- record or version $3 and states $5. The raw record is read if $6 is true.
SELECT q.external_id, q.staging_id::text AS staging_id, q.state, q.error_code, q.error_field, s.error_message AS message, q.waits_for,
       q.waits_for_id, q.closed_reason, q.attempts, q.first_seen_at, q.last_seen_at, s.fetched_at,
       CASE WHEN $6::bool THEN s.raw_data::text END AS raw_data, q.closed_at
  FROM {schema}.sync_quarantine q
  JOIN {schema}.{staging_table} s ON s.id = q.staging_id
 WHERE q.entity = $1
   AND ($2::text IS NULL OR q.error_code = $2)
   AND ($3::text IS NULL OR q.external_id = $3 OR q.staging_id::text = $3)
   AND ($5::text[] IS NULL OR q.state = ANY ($5))
   AND ($7::timestamptz IS NULL OR q.last_seen_at <= $7)
   AND ($7::timestamptz IS NULL OR q.last_seen_at < $7 OR (q.external_id, q.staging_id) > ($8::text, $9::uuid))
 ORDER BY q.last_seen_at DESC, q.external_id, q.staging_id
 LIMIT $4
