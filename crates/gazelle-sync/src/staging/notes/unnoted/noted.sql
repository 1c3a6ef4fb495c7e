-- The keys of the notes that begin with $1 and come after $3, $2 of them at most.
SELECT n.key
  FROM {schema}.sync_notes n
 WHERE starts_with(n.key, $1) AND n.key > $3
 ORDER BY n.key
 LIMIT $2
