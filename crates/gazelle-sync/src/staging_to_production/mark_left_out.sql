-- $1 and $2 are the owners and when their newest version was seen; $3 and $4 what they hold now.
UPDATE {schema}.{prefix}{table} t
   SET deleted_at = owner.seen_at
  FROM unnest($1::text[], $2::timestamptz[]) AS owner (id, seen_at)
 WHERE t.{owner} = owner.id
   AND t.deleted_at IS NULL
   AND (t.{owner}, t.{member}) NOT IN (SELECT holder, member FROM unnest($3::text[], $4::text[]) AS held (holder, member))
