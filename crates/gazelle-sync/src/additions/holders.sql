-- Foreign keys of tables other than $3 that refer to the tables $2 of the schema $1, from which old rows are deleted.
SELECT n.nspname || '.' || c.relname || '.' || k.conname AS subject,
       pg_catalog.format('foreign key %s of %s.%s refers to %I.%I: old rows there are kept where one of its rows refers to them, or '
                         'to a row that goes with them, whatever the settings for retention say',
                         k.conname, n.nspname, c.relname, our_space.nspname, ours.relname) AS said,
       pg_catalog.format('ALTER TABLE %I.%I DROP CONSTRAINT %I', n.nspname, c.relname, k.conname) AS fix
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class ours ON ours.oid = k.confrelid
  JOIN pg_catalog.pg_namespace our_space ON our_space.oid = ours.relnamespace
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype = 'f' AND k.conparentid = 0
   AND our_space.nspname = $1 AND ours.relname = ANY ($2::text[])
   AND NOT (n.nspname = $1 AND c.relname = ANY ($3::text[]))
 ORDER BY 1
