-- The id of the version at which a search through the versions of a time ($1 to below $2, bounds of their ids) ends that looks
-- at $3 of them, the newest first; none where there are fewer.
SELECT s.id
  FROM {schema}.{staging_table} s
 WHERE s.id >= $1 AND s.id < $2
   AND s.withdrawn_by IS NULL AND s.sync_status = 'processed'
 ORDER BY s.id DESC
OFFSET $3 - 1
 LIMIT 1
