-- As mark_gone.sql, for a rebuild and written differently, so that both do not share a mistake.
UPDATE {prefix}{table} t
   SET deleted_at = (SELECT max(gone.seen_at)
                       FROM unnest($1::text[], $2::timestamptz[]) AS gone (id, seen_at)
                      WHERE gone.id = t.{holder})
 WHERE t.{holder} = ANY ($1::text[])
   AND t.deleted_at IS NULL
