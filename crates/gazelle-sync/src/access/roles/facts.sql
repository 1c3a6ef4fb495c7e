-- Facts about the relations $2 of the schema $1, as lines of subject and fact: owners, row security, policies, and
-- the privileges of the roles $3, of PUBLIC and of Supabase's public roles $4. Of other roles, only the privileges
-- that `migrate` revokes (TRIGGER, REFERENCES, TRUNCATE).
WITH named AS (
    SELECT oid, rolname::text AS name FROM pg_catalog.pg_roles
     WHERE rolname = ANY ($3::text[]) OR rolname = ANY ($4::text[])
    UNION ALL
    SELECT 0, 'PUBLIC'
), ours AS (
    SELECT c.oid, c.relname::text AS name, c.relowner, c.relrowsecurity, c.relacl
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = ANY ($2::text[])
)
SELECT 'role ' || r.rolname AS subject,
       CASE WHEN r.rolcanlogin THEN 'there, may log in' ELSE 'there, may not log in' END AS fact
  FROM pg_catalog.pg_roles r
 WHERE r.rolname = ANY ($3::text[])
UNION ALL
SELECT 'role ' || r.rolname, 'has member ' || m.rolname
  FROM pg_catalog.pg_auth_members a
  JOIN pg_catalog.pg_roles r ON r.oid = a.roleid
  JOIN pg_catalog.pg_roles m ON m.oid = a.member
 WHERE r.rolname = ANY ($3::text[])
UNION ALL
SELECT 'schema ' || n.nspname, named.name || ' may ' || string_agg(DISTINCT held.privilege_type, ', ' ORDER BY held.privilege_type)
  FROM pg_catalog.pg_namespace n
 CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) AS held
  JOIN named ON named.oid = held.grantee
 WHERE n.nspname = $1
 GROUP BY n.nspname, named.name
UNION ALL
SELECT ours.name, 'owner ' || r.rolname
  FROM ours JOIN pg_catalog.pg_roles r ON r.oid = ours.relowner
UNION ALL
SELECT ours.name, 'row security on'
  FROM ours WHERE ours.relrowsecurity
UNION ALL
SELECT ours.name, named.name || ' may ' || string_agg(DISTINCT held.privilege_type, ', ' ORDER BY held.privilege_type)
  FROM ours
 CROSS JOIN LATERAL pg_catalog.aclexplode(ours.relacl) AS held
  JOIN named ON named.oid = held.grantee
 WHERE held.grantee <> ours.relowner
 GROUP BY ours.name, named.name
UNION ALL
SELECT ours.name, named.name || ' may ' || string_agg(DISTINCT held.privilege_type || ' (' || a.attname || ')', ', ')
  FROM ours
  JOIN pg_catalog.pg_attribute a ON a.attrelid = ours.oid
 CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) AS held
  JOIN named ON named.oid = held.grantee
 GROUP BY ours.name, named.name
UNION ALL
SELECT ours.name, 'policy ' || p.polname || ' for ' || named.name
  FROM ours
  JOIN pg_catalog.pg_policy p ON p.polrelid = ours.oid
  JOIN named ON named.oid = ANY (p.polroles)
UNION ALL
SELECT ours.name, r.rolname || ' may ' || string_agg(DISTINCT held.privilege_type, ', ' ORDER BY held.privilege_type)
  FROM ours
 CROSS JOIN LATERAL (SELECT ours.relacl AS acl
                     UNION ALL
                     SELECT a.attacl FROM pg_catalog.pg_attribute a WHERE a.attrelid = ours.oid AND a.attacl IS NOT NULL) AS any_of
 CROSS JOIN LATERAL pg_catalog.aclexplode(any_of.acl) AS held
  JOIN pg_catalog.pg_roles r ON r.oid = held.grantee
 WHERE held.grantee <> ours.relowner AND NOT r.rolsuper AND held.grantee NOT IN (SELECT oid FROM named)
   AND held.privilege_type IN ('TRIGGER', 'REFERENCES', 'TRUNCATE')
 GROUP BY ours.name, r.rolname
 ORDER BY 1, 2
