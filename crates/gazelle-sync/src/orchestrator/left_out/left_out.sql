-- Records that are there: how many carry rows of this kind that are live or were left out by a version seen since $1; of how
-- many such a version left rows out, and how many rows.
SELECT count(DISTINCT t.{owner}) FILTER (WHERE t.deleted_at IS NULL OR t.deleted_at >= $1) AS holding,
       count(DISTINCT t.{owner}) FILTER (WHERE t.deleted_at >= $1) AS records,
       count(*) FILTER (WHERE t.deleted_at >= $1) AS left_out
  FROM {schema}.{table} t
  JOIN {schema}.{holders} holder ON holder.external_id = t.{owner} AND holder.deleted_at IS NULL
