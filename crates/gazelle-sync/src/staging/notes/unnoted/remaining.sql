-- How many notes begin with $1, and the first $2 of their keys.
SELECT count(*) AS notes, (array_agg(n.key ORDER BY n.key))[1:$2::int] AS keys
  FROM {schema}.sync_notes n
 WHERE starts_with(n.key, $1)
