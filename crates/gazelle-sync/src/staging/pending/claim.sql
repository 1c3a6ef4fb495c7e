-- The next $3 pending versions with ids between $1 and $2, in the order of their ids.
SELECT s.id, s.external_id, s.fetched_at, s.operation, s.raw_data, s.raw_bytes, s.source_fault
  FROM {schema}.{staging_table} s
 WHERE s.id > $1
   AND s.id < $2
   AND s.sync_status = 'pending'
   AND s.withdrawn_by IS NULL
 ORDER BY s.id
 LIMIT $3
