-- Faults of our relations' privileges ($1) in the catalog, one row each.
WITH ours AS (
    SELECT c.oid, c.relname::text AS name, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.reloptions, c.relacl
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = {schema_text} AND c.relname = ANY ($1::text[])
)
SELECT 'row security off' AS fault, name FROM ours WHERE relkind IN ('r', 'p') AND NOT relrowsecurity
UNION ALL
SELECT 'row security forced', name FROM ours WHERE relforcerowsecurity
UNION ALL
SELECT 'view with its owner''s rights', name FROM ours
 WHERE relkind = 'v' AND NOT coalesce(reloptions && ARRAY['security_invoker=true', 'security_invoker=on', 'security_invoker=1'], false)
UNION ALL
SELECT DISTINCT 'open to everybody', name
  FROM ours
 CROSS JOIN LATERAL (SELECT ours.relacl AS acl
                     UNION ALL
                     SELECT a.attacl FROM pg_catalog.pg_attribute a WHERE a.attrelid = ours.oid AND a.attacl IS NOT NULL) AS held
 CROSS JOIN LATERAL pg_catalog.aclexplode(held.acl) AS granted
 WHERE granted.grantee = 0
 ORDER BY 1, 2
