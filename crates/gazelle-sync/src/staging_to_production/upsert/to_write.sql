-- The keys of the rows that update_changed.sql writes; appended to its comparison. $1 is the version of the
-- reconciler.
SELECT {key_text}
  FROM compared
 WHERE is_new OR NOT is_as_held OR held_version <> $1
