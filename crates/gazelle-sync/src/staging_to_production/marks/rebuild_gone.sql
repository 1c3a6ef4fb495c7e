-- The same of a rebuild as mark_gone.sql of production.
UPDATE {prefix}{table} t
   SET deleted_at = (SELECT max(gone.seen_at)
                       FROM unnest($1::text[], $2::timestamptz[]) AS gone (id, seen_at)
                      WHERE gone.id = t.{holder})
 WHERE t.{holder} = ANY ($1::text[])
   AND t.deleted_at IS NULL
