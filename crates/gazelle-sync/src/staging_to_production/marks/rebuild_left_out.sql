-- As mark_left_out.sql with left_out.sql, for a rebuild and written differently, so that both do not share a mistake.
-- Rows are looked up by their owner and updated by their position, since a table that is being filled has no
-- statistics.
UPDATE {prefix}{table} t
   SET deleted_at = owner.seen_at
  FROM unnest($1::text[], $2::timestamptz[]) AS owner (id, seen_at)
 CROSS JOIN LATERAL (
       SELECT h.ctid AS place
         FROM {prefix}{table} h
        WHERE h.{owner} = owner.id AND h.deleted_at IS NULL
       OFFSET 0) AS found
 WHERE t.ctid = found.place
   AND NOT EXISTS (
       SELECT 1
         FROM unnest($3::text[], {lists}) AS held (holder, {names})
        WHERE held.holder = owner.id AND {held_member})
