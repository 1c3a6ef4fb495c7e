-- To whom the schema $1 is open, of everybody (whose role is NULL), the roles $2, and whatever those are members of.
SELECT DISTINCT coalesce(r.rolname::text, 'PUBLIC') AS shown, r.rolname::text AS role,
       pg_catalog.pg_get_userbyid(n.nspowner)::text AS owner, pg_catalog.pg_has_role(n.nspowner, 'USAGE') AS is_ours
  FROM pg_catalog.pg_namespace n
 CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) AS held
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = held.grantee
 WHERE n.nspname = $1 AND held.grantee <> n.nspowner
   AND (held.grantee = 0
        OR EXISTS (SELECT 1 FROM pg_catalog.pg_roles p
                    WHERE p.rolname = ANY ($2::text[]) AND NOT p.rolsuper
                      AND pg_catalog.pg_has_role(p.oid, r.oid, 'MEMBER')))
 ORDER BY shown
