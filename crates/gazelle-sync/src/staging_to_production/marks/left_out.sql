-- $1 and $2 are the owners and when their newest version was seen; $3 and on what they hold now, by the columns of the
-- members' key. What each owner has is looked up by itself (OFFSET 0 keeps the planner from reading the whole table).
SELECT owner.id AS owner, owner.seen_at, {has_members}
  FROM unnest($1::text[], $2::timestamptz[]) AS owner (id, seen_at)
 CROSS JOIN LATERAL (
       SELECT {members}
         FROM {prefix}{table} h
        WHERE h.{owner} = owner.id AND h.deleted_at IS NULL
       OFFSET 0) AS has
 WHERE (owner.id, {has_members_text}) NOT IN
       (SELECT holder, {names} FROM unnest($3::text[], {lists}) AS held (holder, {names}))
