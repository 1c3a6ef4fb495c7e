-- Marks the live rows of the records $1 as deleted at $2, and returns their keys.
UPDATE {prefix}{table} t
   SET deleted_at = gone.seen_at
  FROM unnest($1::text[], $2::timestamptz[]) AS gone (id, seen_at)
 WHERE t.{holder} = gone.id
   AND t.deleted_at IS NULL
RETURNING {key_text}
