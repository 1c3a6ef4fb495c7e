-- The relations $1 of our schema that lack row security, or on which PUBLIC or one of the roles $2 has a privilege. $3 are the
-- tables of production, $4 the views over it, which the policies of the appointments let readers into.
WITH ours AS (
    SELECT c.oid, c.relname::text AS name, c.relkind IN ('r', 'p') AS is_table, c.relrowsecurity, c.relowner, c.relacl,
           c.relname = ANY ($3::text[]) AS is_production,
           CASE WHEN c.relkind = 'v' AND c.relname = ANY ($4::text[])
                THEN (SELECT t.oid FROM pg_catalog.pg_class t
                       WHERE t.relnamespace = c.relnamespace AND t.relname = 'gazelle_appointments')
                WHEN c.relname = ANY ($3::text[]) THEN c.oid END AS policies_of
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = {schema_text} AND c.relname = ANY ($1::text[]) AND c.relkind IN ('r', 'p', 'v')
), held AS (
    SELECT ours.oid, granted.grantee
      FROM ours CROSS JOIN LATERAL pg_catalog.aclexplode(ours.relacl) AS granted
    UNION
    SELECT a.attrelid, granted.grantee
      FROM ours
      JOIN pg_catalog.pg_attribute a ON a.attrelid = ours.oid AND a.attacl IS NOT NULL
     CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) AS granted
), facts AS (
    SELECT ours.name, ours.is_table, ours.relrowsecurity,
           ARRAY(SELECT r.rolname::text
                   FROM held JOIN pg_catalog.pg_roles r ON r.oid = held.grantee
                  WHERE held.oid = ours.oid AND ours.is_production AND r.oid <> ours.relowner
                    AND NOT r.rolsuper AND NOT r.rolbypassrls AND r.rolname <> ALL ($2::text[])
                  ORDER BY 1) AS grantees,
           EXISTS (SELECT 1 FROM held WHERE held.oid = ours.oid AND held.grantee = 0) AS is_public,
           ARRAY(SELECT r.rolname::text
                   FROM held JOIN pg_catalog.pg_roles r ON r.oid = held.grantee
                  WHERE held.oid = ours.oid AND r.rolname = ANY ($2::text[])
                  ORDER BY 1) AS open_to,
           EXISTS (SELECT 1 FROM pg_catalog.pg_policy p
                    WHERE p.polrelid = ours.policies_of AND p.polcmd IN ('r', '*')
                      AND (0 = ANY (p.polroles)
                           OR (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = 'authenticated')
                              = ANY (p.polroles))) AS lets_in
      FROM ours
)
SELECT name, is_table, relrowsecurity, grantees, is_public, open_to, lets_in
  FROM facts
 WHERE (is_table AND NOT relrowsecurity) OR is_public OR open_to <> '{}'
 ORDER BY name
