-- The live rows that mark_gone.sql marks.
SELECT {key_text}
  FROM unnest($1::text[], $2::timestamptz[]) AS gone (id, seen_at)
  JOIN {prefix}{table} t ON t.{holder} = gone.id
 WHERE t.deleted_at IS NULL
