-- Of the records that exist: how many have rows of this table that are live or were left out since $1, how many had
-- rows left out since $1, and how many rows.
SELECT count(DISTINCT t.{owner}) FILTER (WHERE t.deleted_at IS NULL OR t.deleted_at >= $1) AS holding,
       count(DISTINCT t.{owner}) FILTER (WHERE t.deleted_at >= $1) AS records,
       count(*) FILTER (WHERE t.deleted_at >= $1) AS left_out
  FROM {schema}.{table} t
  JOIN {schema}.{holders} holder ON holder.external_id = t.{owner} AND holder.deleted_at IS NULL
