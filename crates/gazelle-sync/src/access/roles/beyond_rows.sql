-- Privileges that reading and writing rows does not need (TRIGGER, REFERENCES, TRUNCATE, MAINTAIN) on the relations
-- $2 of the schema $1, held by roles other than their owner, superusers and $3. Returns relation, role (PUBLIC for
-- everybody), privileges, and whether the current role may revoke them.
WITH held AS (
    SELECT c.relname::text AS name, granted.grantee, granted.privilege_type, c.relowner
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS granted
     WHERE n.nspname = $1 AND c.relname = ANY ($2::text[]) AND c.relkind IN ('r', 'p', 'v')
    UNION
    SELECT c.relname::text, granted.grantee, granted.privilege_type, c.relowner
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL
     CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) AS granted
     WHERE n.nspname = $1 AND c.relname = ANY ($2::text[]) AND c.relkind IN ('r', 'p', 'v')
)
SELECT held.name AS relation, coalesce(r.rolname::text, 'PUBLIC') AS role,
       array_agg(DISTINCT held.privilege_type ORDER BY held.privilege_type) AS rights,
       pg_catalog.pg_has_role(held.relowner, 'USAGE') AS is_ours_to_take
  FROM held LEFT JOIN pg_catalog.pg_roles r ON r.oid = held.grantee
 WHERE held.grantee <> held.relowner AND (held.grantee = 0 OR NOT r.rolsuper AND r.rolname <> $3)
   AND held.privilege_type IN ('TRIGGER', 'REFERENCES', 'TRUNCATE', 'MAINTAIN')
 GROUP BY held.name, held.relowner, r.rolname
 ORDER BY 1, 2
