-- Who holds which rights on the relations $2 of the schema $1 and on the sequences of their columns: a row for each item
-- of their access lists, in the order of the catalogue, and one for a relation whose list is empty. Closed to are PUBLIC,
-- the roles $3, and whatever those are members of. $4 is the name of our policy.
WITH closed AS (
    SELECT 0::oid AS oid
    UNION
    SELECT r.oid
      FROM pg_catalog.pg_roles r
     WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_roles p
                    WHERE p.rolname = ANY ($3::text[]) AND NOT p.rolsuper
                      AND pg_catalog.pg_has_role(p.oid, r.oid, 'MEMBER'))
), named AS (
    SELECT c.oid, c.relname::text AS name, c.relname::text AS of_table, c.relkind, c.relowner, c.relacl,
           c.relrowsecurity, c.relforcerowsecurity
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = ANY ($2::text[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
), relations AS (
    SELECT * FROM named
    UNION ALL
    SELECT s.oid, s.relname::text, named.name, s.relkind, s.relowner, s.relacl, false, false
      FROM named
      JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = named.oid
                                 AND d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i')
      JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
), lists AS (
    SELECT oid, 0 AS attnum, NULL::text AS column_name, relacl AS acl FROM relations
    UNION ALL
    SELECT a.attrelid, a.attnum, a.attname::text, a.attacl
      FROM relations
      JOIN pg_catalog.pg_attribute a ON a.attrelid = relations.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped
), held AS (
    SELECT lists.oid, lists.attnum, lists.column_name, item.at, given.grantee, given.grantor,
           coalesce(array_agg(given.privilege_type::text ORDER BY given.privilege_type)
                        FILTER (WHERE NOT given.is_grantable), '{}') AS plain,
           coalesce(array_agg(given.privilege_type::text ORDER BY given.privilege_type)
                        FILTER (WHERE given.is_grantable), '{}') AS grantable
      FROM lists
     CROSS JOIN LATERAL pg_catalog.unnest(lists.acl) WITH ORDINALITY AS item (one, at)
     CROSS JOIN LATERAL pg_catalog.aclexplode(ARRAY[item.one]) AS given
     GROUP BY 1, 2, 3, 4, 5, 6
)
SELECT relations.name, relations.of_table, relations.relkind IN ('r', 'p') AS is_table, relations.relkind = 'S' AS is_sequence,
       relations.relrowsecurity AS is_secured,
       EXISTS (SELECT 1 FROM pg_catalog.pg_policy p WHERE p.polrelid = relations.oid AND p.polname = $4) AS has_policy,
       owner.rolname::text AS owner, pg_catalog.pg_has_role(owner.oid, 'USAGE') AS is_ours,
       held.oid IS NOT NULL AS is_item, held.column_name, grantee.rolname::text AS grantee,
       held.grantee = relations.relowner AS is_owners,
       held.grantee IN (SELECT oid FROM closed) AND held.grantee <> relations.relowner AS is_closed,
       CASE WHEN held.grantor <> relations.relowner THEN grantor.rolname::text END AS given_by,
       held.grantor <> relations.relowner AND held.grantor IN (SELECT oid FROM closed) AS given_by_closed,
       -- Row security binds the owner only where it is forced.
       NOT (grantee.rolsuper OR grantee.rolbypassrls) AND (held.grantee <> relations.relowner OR relations.relforcerowsecurity)
           AS is_bound,
       held.plain, held.grantable
  FROM relations
  JOIN pg_catalog.pg_roles owner ON owner.oid = relations.relowner
  LEFT JOIN held ON held.oid = relations.oid
  LEFT JOIN pg_catalog.pg_roles grantee ON grantee.oid = held.grantee
  LEFT JOIN pg_catalog.pg_roles grantor ON grantor.oid = held.grantor
 ORDER BY relations.of_table, relations.name, held.attnum, held.at
