-- Hash, time and run of the newest version of each of the records $1, by position. Withdrawn versions are included,
-- because withdrawn content must not return by itself. A tombstone has no hash, so that a record that returns is
-- always staged.
SELECT asked.position, version.content_hash, version.fetched_at, version.run_id
  FROM unnest($1::text[]) WITH ORDINALITY AS asked (external_id, position)
 CROSS JOIN LATERAL (
       SELECT CASE operation WHEN 'upsert' THEN content_hash END AS content_hash, fetched_at, run_id
         FROM {schema}.{staging_table} s
        WHERE s.external_id = asked.external_id
        ORDER BY fetched_at DESC
        LIMIT 1) AS version
