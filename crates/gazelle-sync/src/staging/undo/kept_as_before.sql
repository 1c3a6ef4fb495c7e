-- The positions in $1 of records whose newest version is withdrawn.
SELECT asked.position
  FROM unnest($1::text[]) WITH ORDINALITY AS asked (external_id, position)
 CROSS JOIN LATERAL (
       SELECT s.withdrawn_by
         FROM {schema}.{staging_table} s
        WHERE s.external_id = asked.external_id
        ORDER BY s.fetched_at DESC
        LIMIT 1) AS version
 WHERE version.withdrawn_by IS NOT NULL
