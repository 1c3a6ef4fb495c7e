-- The cases of the entities $1, with the code $2 if it is given, in one of the states $3, the ones noted last first; after
-- the position $4 to $6 if it is given, $7 at most. Each entity's are read in the order of an index.
SELECT kind.entity, q.external_id, q.staging_id, q.state, q.error_code, q.error_field, q.waits_for, q.waits_for_id, q.attempts,
       q.first_seen_at, q.last_seen_at, q.closed_at, q.closed_reason
  FROM unnest($1::text[]) AS kind (entity)
 CROSS JOIN LATERAL (
       SELECT *
         FROM {schema}.sync_quarantine c
        WHERE c.entity = kind.entity
          AND ($2::text IS NULL OR c.error_code = $2)
          AND c.state = ANY ($3::text[])
          AND ($4::timestamptz IS NULL OR c.last_seen_at <= $4)
          AND ($4::timestamptz IS NULL OR c.last_seen_at < $4 OR (c.external_id, c.staging_id) > ($5::text, $6::uuid))
        ORDER BY c.last_seen_at DESC, c.external_id, c.staging_id
        LIMIT $7) AS q
 ORDER BY q.last_seen_at DESC, q.external_id, q.staging_id
 LIMIT $7
