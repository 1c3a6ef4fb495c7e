-- The keys of the notes that begin with $1, come after $3 and, if $4 is not NULL, not after it; $2 of them at most.
SELECT n.key
  FROM {schema}.sync_notes n
 WHERE starts_with(n.key, $1) AND n.key > $3 AND ($4::text IS NULL OR n.key <= $4)
 ORDER BY n.key
 LIMIT $2
