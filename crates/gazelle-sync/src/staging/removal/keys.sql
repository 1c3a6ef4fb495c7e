-- Foreign keys of tables other than $3 that refer to the table $2 of the schema $1, or to a table of ours whose rows
-- are deleted with its rows. `refers` is the condition that a row of the other table refers to the row `held` of $2,
-- directly or through such a row.
WITH pair AS (
    SELECT k.conname, k.conrelid, k.confrelid, k.confdeltype, matches.to_held, matches.to_child, matches.of_child
      FROM pg_catalog.pg_constraint k
     CROSS JOIN LATERAL (
           SELECT pg_catalog.string_agg(pg_catalog.format('dependent.%I = held.%I', theirs.attname, ours.attname), ' AND ') AS to_held,
                  pg_catalog.string_agg(pg_catalog.format('dependent.%I = child.%I', theirs.attname, ours.attname), ' AND ') AS to_child,
                  pg_catalog.string_agg(pg_catalog.format('child.%I = held.%I', theirs.attname, ours.attname), ' AND ') AS of_child
             FROM unnest(k.conkey, k.confkey) AS columns (theirs, ours)
             JOIN pg_catalog.pg_attribute theirs ON theirs.attrelid = k.conrelid AND theirs.attnum = columns.theirs
             JOIN pg_catalog.pg_attribute ours ON ours.attrelid = k.confrelid AND ours.attnum = columns.ours) AS matches
     WHERE k.contype = 'f' AND k.conparentid = 0
), named AS (
    SELECT c.oid, c.relname, c.relnamespace, pg_catalog.format('%I.%I', n.nspname, c.relname) AS quoted,
           n.nspname = $1 AND c.relname = ANY ($3::text[]) AS is_ours
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
), reached AS (
    SELECT named.oid, NULL::text AS quoted, NULL::text AS of_child FROM named WHERE named.is_ours AND named.relname = $2
    UNION ALL
    SELECT child.oid, child.quoted, pair.of_child
      FROM pair
      JOIN named child ON child.oid = pair.conrelid AND child.is_ours
      JOIN named parent ON parent.oid = pair.confrelid AND parent.is_ours AND parent.relname = $2
     WHERE pair.confdeltype = 'c' AND child.oid <> parent.oid
)
SELECT pair.conname::text AS name, theirs.quoted AS theirs,
       -- A key finds their rows also where a policy hides them from us.
       pg_catalog.has_schema_privilege(theirs.relnamespace, 'USAGE') AND pg_catalog.has_table_privilege(theirs.oid, 'SELECT')
       AND NOT pg_catalog.row_security_active(theirs.oid) AS may_look,
       CASE WHEN reached.quoted IS NULL
            THEN pg_catalog.format('EXISTS (SELECT 1 FROM %s dependent WHERE %s)', theirs.quoted, pair.to_held)
            ELSE pg_catalog.format('EXISTS (SELECT 1 FROM %s dependent JOIN %s child ON %s WHERE %s)', theirs.quoted, reached.quoted,
                                   pair.to_child, reached.of_child)
       END AS refers
  FROM pair
  JOIN reached ON reached.oid = pair.confrelid
  JOIN named theirs ON theirs.oid = pair.conrelid AND NOT theirs.is_ours
 ORDER BY 1, 2
