INSERT INTO {schema}.{staging_table}
       (id, external_id, raw_data, raw_bytes, fetched_at, content_hash, run_id, created_at)
SELECT id, external_id, raw_data, raw_bytes, fetched_at, content_hash, $7, $8
  FROM unnest($1::uuid[], $2::text[], $3::jsonb[], $4::bytea[], $5::timestamptz[], $6::bytea[])
       AS fresh (id, external_id, raw_data, raw_bytes, fetched_at, content_hash)
