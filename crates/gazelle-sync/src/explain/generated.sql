-- The expression from which the database computes the column $2 of the table $1; no row if it is not a generated
-- column.
SELECT pg_get_expr(d.adbin, d.adrelid)
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE n.nspname = {schema_text} AND c.relname = $1 AND a.attname = $2 AND a.attgenerated <> ''
