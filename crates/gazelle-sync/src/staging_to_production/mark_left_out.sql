-- $1 and $2 are the owners and when their newest version was seen; $3 and $4 what they hold now. What each
-- owner has is looked up by itself (OFFSET 0 keeps the planner from reading the whole table for it).
UPDATE {schema}.{prefix}{table} t
   SET deleted_at = left_out.seen_at
  FROM (SELECT owner.id AS owner, owner.seen_at, has.member
          FROM unnest($1::text[], $2::timestamptz[]) AS owner (id, seen_at)
         CROSS JOIN LATERAL (
               SELECT h.{member} AS member
                 FROM {schema}.{prefix}{table} h
                WHERE h.{owner} = owner.id AND h.deleted_at IS NULL
               OFFSET 0) AS has
         WHERE (owner.id, has.member) NOT IN
               (SELECT holder, member FROM unnest($3::text[], $4::text[]) AS held (holder, member))
       ) AS left_out
 WHERE t.{member} = left_out.member
   AND t.{owner} = left_out.owner
