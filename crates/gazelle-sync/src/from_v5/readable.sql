-- Whether we may read the table $2 of the schema $1, and have its owner's rights, so that row security hides no row of it.
SELECT pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = $1 AND c.relname = $2
