-- Marks the rows that left_out.sql selects as deleted, and returns their keys.
UPDATE {prefix}{table} t
   SET deleted_at = left_out.seen_at
  FROM ({left_out}) AS left_out
 WHERE {same_member}
   AND t.{owner} = left_out.owner
RETURNING {key_text}
