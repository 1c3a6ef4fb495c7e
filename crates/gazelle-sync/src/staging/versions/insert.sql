-- Inserts versions; the parameters but $8 (run) and $9 (now) are lists side by side. In the SELECT list they are read
-- as they are, while each one in FROM would first be copied. Without RETURNING, Citus would send the rows by COPY,
-- which row security forbids roles other than the owner.
INSERT INTO {schema}.{staging_table}
       (id, external_id, raw_data, raw_bytes, fetched_at, content_hash, sync_status, attempts, processed_at,
        run_id, created_at, request, source_fault)
SELECT id, external_id, raw_data, raw_bytes, fetched_at, content_hash,
       CASE WHEN is_processed THEN 'processed' ELSE 'pending' END,
       CASE WHEN is_processed THEN 1 ELSE 0 END,
       CASE WHEN is_processed THEN $9 END,
       $8, $9, request, source_fault
  FROM (SELECT unnest($1::uuid[]) AS id, unnest($2::text[]) AS external_id, unnest($3::jsonb[]) AS raw_data,
               unnest($4::bytea[]) AS raw_bytes, unnest($5::timestamptz[]) AS fetched_at,
               unnest($6::bytea[]) AS content_hash, unnest($7::boolean[]) AS is_processed,
               unnest($10::int[]) AS request, unnest($11::jsonb[]) AS source_fault) AS fresh
RETURNING id
