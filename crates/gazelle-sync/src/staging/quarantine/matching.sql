-- Cases of an entity that wait, the newest $5 of them, in whose record a text holds the words $1 (patterns; folded as $2
-- and $3 say), and of which production has no row; $4 at most. Records too large to be looked through are left out.
(SELECT '{entity}' AS entity, held.external_id, held.staging_id, held.name
   FROM (SELECT q.external_id, q.staging_id, q.last_seen_at,
                coalesce(s.raw_data ->> 'title', s.raw_data ->> 'companyName', s.raw_data ->> 'lastName', s.raw_data ->> 'make') AS name,
                s.raw_data
           FROM {schema}.sync_quarantine q
           JOIN {schema}.{staging_table} s ON s.id = q.staging_id
          WHERE q.entity = '{entity}' AND q.state IN ('open', 'waiting')
            AND pg_column_size(s.raw_data) < 65536
            AND NOT EXISTS (SELECT 1 FROM {schema}.{table} t WHERE t.external_id = q.external_id)
          ORDER BY q.last_seen_at DESC
          LIMIT $5) AS held
  CROSS JOIN LATERAL (
        SELECT string_agg(found.value #>> '{}', ' ') AS text
          FROM jsonb_path_query(held.raw_data, 'strict $.** ? (@.type() == "string")') AS found (value)) AS said
  WHERE {folded} LIKE ALL ($1::text[])
  ORDER BY held.last_seen_at DESC, held.external_id
  LIMIT $4)
