-- Put behind the comparison of update_changed.sql, after rows were written: those that still would have to be, and do not
-- come from the version that was written. $1 is the reconciler's version, as there.
SELECT count(*)
  FROM compared
 WHERE (is_new OR NOT is_as_held)
   AND held_staging_id IS DISTINCT FROM staging_id
   AND $1::integer IS NOT NULL
