-- Columns of the staging tables $2 of the schema $1 that users added ($3 are ours) with NOT NULL and without a
-- default, so that no version could be stored.
SELECT c.relname || '.' || a.attname AS subject,
       pg_catalog.format('column %s of %I.%I must have a value and has no default, so that nothing that is fetched can be stored',
                         a.attname, n.nspname, c.relname) AS said,
       pg_catalog.format('ALTER TABLE %I.%I ALTER COLUMN %I DROP NOT NULL', n.nspname, c.relname, a.attname) AS fix
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
 WHERE n.nspname = $1 AND c.relname = ANY ($2::text[])
   AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
   AND a.attname <> ALL ($3::text[])
 ORDER BY 1
