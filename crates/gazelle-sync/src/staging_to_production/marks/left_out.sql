-- The live rows of the owners $1 that their newest versions, seen at $2, no longer contain; $3 and the following
-- lists are what these contain, by the columns of the key. OFFSET 0 makes the planner look up each owner instead of
-- reading the whole table.
SELECT owner.id AS owner, owner.seen_at, {has_members}
  FROM unnest($1::text[], $2::timestamptz[]) AS owner (id, seen_at)
 CROSS JOIN LATERAL (
       SELECT {members}
         FROM {prefix}{table} h
        WHERE h.{owner} = owner.id AND h.deleted_at IS NULL
       OFFSET 0) AS has
 WHERE (owner.id, {has_members_text}) NOT IN
       (SELECT holder, {names} FROM unnest($3::text[], {lists}) AS held (holder, {names}))
