-- What users added to the production tables $2 of the schema $1 that can refuse one of our rows or tie users' rows to
-- it. $3, $4 and $5 are our columns by table and name, and whether they are required; $6 and $7 are the columns of
-- our foreign keys.
WITH ours AS (
    SELECT c.oid, c.relname::text AS name, pg_catalog.format('%I.%I', n.nspname, c.relname) AS quoted,
           c.relforcerowsecurity AS is_forced
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = ANY ($2::text[])
), declared AS (
    SELECT relation, name, required FROM unnest($3::text[], $4::text[], $5::boolean[]) AS d (relation, name, required)
), keys AS (
    SELECT relation, name FROM unnest($6::text[], $7::text[]) AS k (relation, name)
)
SELECT ours.name || '.' || a.attname AS subject,
       pg_catalog.format(CASE WHEN d.name IS NULL
           THEN 'column %s of %s must have a value and has no default, so that each new record is refused and waits in quarantine'
           ELSE 'column %s of %s must have a value, so that a record without one is refused and waits in quarantine' END,
           a.attname, ours.quoted) AS said,
       pg_catalog.format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', ours.quoted, a.attname) AS fix
  FROM ours
  JOIN pg_catalog.pg_attribute a ON a.attrelid = ours.oid
  LEFT JOIN declared d ON d.relation = ours.name AND d.name = a.attname
 WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
   AND NOT coalesce(d.required, false)
UNION ALL
SELECT ours.name || '.' || k.conname,
       pg_catalog.format('constraint %s on %s, %s: a record that it refuses waits in quarantine', k.conname, ours.quoted,
           CASE k.contype WHEN 'c' THEN 'a check' WHEN 'u' THEN 'unique' WHEN 'x' THEN 'an exclusion'
                          ELSE 'a foreign key to ' || k.confrelid::regclass END),
       pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I', ours.quoted, k.conname)
  FROM ours
  JOIN pg_catalog.pg_constraint k ON k.conrelid = ours.oid
 WHERE k.contype IN ('c', 'u', 'x', 'f')
   AND NOT (k.contype = 'f' AND pg_catalog.cardinality(k.conkey) = 1
            AND EXISTS (SELECT 1 FROM keys JOIN pg_catalog.pg_attribute a ON a.attname = keys.name
                         WHERE keys.relation = ours.name AND a.attrelid = ours.oid AND a.attnum = k.conkey[1]))
   -- One over columns of the user's alone says nothing of ours.
   AND (k.contype IN ('c', 'f', 'x')
        OR EXISTS (SELECT 1 FROM declared d JOIN pg_catalog.pg_attribute a ON a.attname = d.name
                    WHERE d.relation = ours.name AND a.attrelid = ours.oid AND a.attnum = ANY (k.conkey)))
UNION ALL
SELECT ours.name || '.' || c.relname,
       pg_catalog.format('unique index %s on %s: a record whose value another row has waits in quarantine', c.relname, ours.quoted),
       pg_catalog.format('DROP INDEX %I.%I', n.nspname, c.relname)
  FROM ours
  JOIN pg_catalog.pg_index i ON i.indrelid = ours.oid
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE i.indisunique AND NOT i.indisprimary
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('u', 'x'))
   AND (0 = ANY (i.indkey::smallint[])
        OR EXISTS (SELECT 1 FROM declared d JOIN pg_catalog.pg_attribute a ON a.attname = d.name
                    WHERE d.relation = ours.name AND a.attrelid = ours.oid AND a.attnum = ANY (i.indkey::smallint[])))
UNION ALL
SELECT n.nspname || '.' || c.relname || '.' || k.conname,
       pg_catalog.format(CASE WHEN k.confdeltype IN ('a', 'r')
           THEN 'foreign key %s of %s.%s forbids that rows of %s are removed, so that a replay or an undo that would remove one is refused'
           ELSE 'foreign key %s of %s.%s removes or changes its rows with those of %s, which only replay and undo remove, and not without --allow-deletions' END,
           k.conname, n.nspname, c.relname, ours.quoted),
       pg_catalog.format(CASE WHEN k.confdeltype IN ('a', 'r')
           THEN 'ALTER TABLE %I.%I DROP CONSTRAINT %I, or keep it and remove its rows first when that is refused'
           ELSE 'ALTER TABLE %I.%I DROP CONSTRAINT %I, and add it again without an ON DELETE action' END,
           n.nspname, c.relname, k.conname)
  FROM ours
  JOIN pg_catalog.pg_constraint k ON k.confrelid = ours.oid
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype = 'f' AND k.conparentid = 0
   AND k.conrelid NOT IN (SELECT oid FROM ours)
UNION ALL
SELECT ours.name || '.' || p.polname,
       pg_catalog.format('restrictive policy %s on %s: it can keep the sync from rows and refuse records', p.polname, ours.quoted),
       pg_catalog.format('DROP POLICY %I ON %s, or make it PERMISSIVE', p.polname, ours.quoted)
  FROM ours
  JOIN pg_catalog.pg_policy p ON p.polrelid = ours.oid
 WHERE NOT p.polpermissive
UNION ALL
SELECT ours.name || '.row security',
       pg_catalog.format('row security is forced on %s: its owner, too, sees and writes only what policies allow', ours.quoted),
       pg_catalog.format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', ours.quoted)
  FROM ours
 WHERE ours.is_forced
 ORDER BY 1
