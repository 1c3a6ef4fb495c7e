-- In which runs rows of this table were left out since $1. $2 are the starts of the runs in ascending order; a run is
-- returned as its number, from 1.
SELECT DISTINCT width_bucket(t.deleted_at, $2::timestamptz[]) AS number
  FROM {schema}.{table} t
  JOIN {schema}.{holders} holder ON holder.external_id = t.{owner} AND holder.deleted_at IS NULL
 WHERE t.deleted_at >= $1
