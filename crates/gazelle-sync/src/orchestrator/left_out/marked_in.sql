-- In which of the runs that began at $2, the first of them first and numbered from 1, versions left out rows of this kind since $1.
SELECT DISTINCT width_bucket(t.deleted_at, $2::timestamptz[]) AS number
  FROM {schema}.{table} t
  JOIN {schema}.{holders} holder ON holder.external_id = t.{owner} AND holder.deleted_at IS NULL
 WHERE t.deleted_at >= $1
