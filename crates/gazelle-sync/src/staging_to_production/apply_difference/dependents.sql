-- Foreign keys of tables other than $2 of the schema $1 by which deleting a row of ours would delete or change their
-- rows. `matches` is the condition that a row of theirs refers to ours.
SELECT ours.relname::text AS ours,
       pg_catalog.format('%I.%I', space.nspname, theirs.relname) AS theirs,
       k.conname::text AS name,
       (SELECT pg_catalog.string_agg(pg_catalog.format('dependent.%I = held.%I', of_theirs.attname, of_ours.attname), ' AND ')
          FROM unnest(k.conkey, k.confkey) AS pair (theirs, ours)
          JOIN pg_catalog.pg_attribute of_theirs ON of_theirs.attrelid = k.conrelid AND of_theirs.attnum = pair.theirs
          JOIN pg_catalog.pg_attribute of_ours ON of_ours.attrelid = k.confrelid AND of_ours.attnum = pair.ours) AS matches,
       pg_catalog.has_schema_privilege(space.oid, 'USAGE') AND pg_catalog.has_table_privilege(theirs.oid, 'SELECT')
       -- A key finds their rows also where a policy hides them from us.
       AND NOT pg_catalog.row_security_active(theirs.oid) AS may_look
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class ours ON ours.oid = k.confrelid
  JOIN pg_catalog.pg_namespace our_space ON our_space.oid = ours.relnamespace
  JOIN pg_catalog.pg_class theirs ON theirs.oid = k.conrelid
  JOIN pg_catalog.pg_namespace space ON space.oid = theirs.relnamespace
 WHERE k.contype = 'f'
   AND k.conparentid = 0
   AND k.confdeltype IN ('c', 'n', 'd')
   AND our_space.nspname = $1
   AND ours.relname = ANY ($2::text[])
   AND NOT (space.nspname = $1 AND theirs.relname = ANY ($2::text[]))
 ORDER BY 1, 2, 3
