-- Which of the roles $2, and whether PUBLIC, may create objects in the schema $1, and which role (holder) they have
-- this right from.
WITH place AS (
    SELECT n.nspowner, coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner)) AS acl
      FROM pg_catalog.pg_namespace n
     WHERE n.nspname = $1
), holders AS (
    SELECT granted.grantee AS oid, false AS owns
      FROM place CROSS JOIN LATERAL pg_catalog.aclexplode(place.acl) AS granted
     WHERE granted.privilege_type = 'CREATE' AND granted.grantee <> place.nspowner
    UNION ALL
    -- Who owns it grants itself whatever it has not.
    SELECT place.nspowner, true FROM place
)
SELECT 'PUBLIC' AS who, 'PUBLIC' AS holder, false AS owns, true AS is_public FROM holders WHERE holders.oid = 0
UNION ALL
SELECT r.rolname::text, h.rolname::text, holders.owns, false
  FROM holders
  JOIN pg_catalog.pg_roles h ON h.oid = holders.oid
  JOIN pg_catalog.pg_roles r ON r.rolname = ANY ($2::text[]) AND pg_catalog.pg_has_role(r.oid, h.oid, 'MEMBER')
 ORDER BY 1, 2
