-- The content of the versions $1, oldest first.
SELECT s.id, s.external_id, s.fetched_at, s.operation, s.raw_data, s.raw_bytes, s.source_fault
  FROM {schema}.{staging_table} s
 WHERE s.id = ANY ($1::uuid[])
 ORDER BY s.fetched_at, s.id
