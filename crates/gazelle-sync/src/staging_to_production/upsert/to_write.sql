-- Put behind the comparison of update_changed.sql: the rows that it would write. $1 is the reconciler's version, as there.
SELECT {key_text}
  FROM compared
 WHERE is_new OR NOT is_as_held OR held_version <> $1
