-- When the last new versions of the records $2 of the entities $1 were staged, of one entity. An unchanged record is seen later
-- too, and not staged again.
SELECT asked.entity, asked.external_id, version.fetched_at
  FROM unnest($1::text[], $2::text[]) AS asked (entity, external_id)
 CROSS JOIN LATERAL (
       SELECT s.fetched_at
         FROM {schema}.{staging_table} s
        WHERE s.external_id = asked.external_id AND s.operation = 'upsert' AND s.withdrawn_by IS NULL
        ORDER BY s.fetched_at DESC
        LIMIT 1) AS version
 WHERE asked.entity = '{entity}'
