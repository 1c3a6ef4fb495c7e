-- Of the relations $2 of the schema $1: those whose owner we do not trust, and what on the table $3, which is believed
-- before anything else is known, runs code of somebody's or lets somebody write. Those who act are who may act as the owner,
-- itself where nobody should log in as it; has_rights says whether we have the owner's rights. Catalogues alone: nothing of
-- theirs is run by looking.
--
-- Trusted is whoever could do it anyway. For a superuser that is itself and other superusers, nobody else: what an owner has put on
-- a table runs as the superuser, also when the owner has been left by all who acted as it. The owner of the schema, who may drop what
-- stands in it and put something else there, has to be one too. A superuser is also who has put a lesser role in force, or may put a
-- superuser in force: so may any code that runs in its session. As good as a superuser is who may read or write files of the server
-- or run its programs (rolsuper), so that it uses no more than a superuser; but what it owns is no superuser's: whoever could act as
-- it before it got that right could not.
--
-- For others it is they themselves, a superuser, who may make roles, the owner of the database, and a role that only those can act as.
-- Where they come to tables that others have made ($4), also the owner of the schema, the owner's role by its own name ($5) or its comment ($7), and, where
-- they could not have made the tables themselves, whoever made them for them; none of the roles $6. What is run as it stands (not $4) is
-- a trusted role's own, since a role that nobody acts as any more may have been left by anybody.
--
-- Up to version 15 who may make roles may give itself the server's own too, and so become a superuser (makes_roles). For such a role it
-- is itself, a superuser, who may make roles, and a role that only those can act as, also as owner of the schema. An owner that others
-- acted as before is not seen; that is for a superuser alone, since whoever ran `migrate --roles` would have no tables else.
--
-- To have the rights of a role proves nothing: others may have them too, and up to version 15 whoever logs in as a role can
-- make anybody a member of it.
--
-- The owner's role may go by another name. What an owner writes on his own table, such as the policies of `migrate --roles`, proves nothing
-- of him: anybody writes them. So the proof is a comment of the role itself ($7), which `migrate --roles` gives a role that it makes: a
-- comment of a role is given by who may make roles, and by no role to itself.
WITH RECURSIVE place AS (
    SELECT n.oid, n.nspowner, n.nspacl, pg_catalog.has_schema_privilege(n.oid, 'CREATE') AS may_create
      FROM pg_catalog.pg_namespace n
     WHERE n.nspname = $1
), relations AS (
    SELECT c.oid, c.relname::text AS name, c.relkind, c.relowner
      FROM pg_catalog.pg_class c JOIN place ON place.oid = c.relnamespace
     WHERE c.relname = ANY ($2::text[])
), me AS (
    {session}
), keeper AS (
    SELECT CASE WHEN o.rolname = 'pg_database_owner' THEN d.datdba ELSE o.oid END AS oid
      FROM place
      JOIN pg_catalog.pg_roles o ON o.oid = place.nspowner
      JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
), trusted AS (
    SELECT r.oid
      FROM pg_catalog.pg_roles r
     CROSS JOIN me
     WHERE r.rolsuper
        OR r.oid = CASE WHEN me.rolsuper OR me.makes_roles THEN me.login ELSE me.oid END
        OR NOT me.rolsuper
           AND (r.oid IN ({makers})
                OR NOT me.makes_roles
                   AND r.oid = (SELECT d.datdba FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
), marked AS (
    SELECT o.oid FROM pg_catalog.pg_roles o
     WHERE o.oid IN (SELECT relowner FROM relations)
       AND (o.rolname = $5 OR pg_catalog.shobj_description(o.oid, 'pg_authid') = $7)
), acting AS (
    -- Who may act as an owner. On Citus the owner's role may log in, without a password, for moves between nodes. Only who may make
    -- roles can give a role the name $5, or give another the comment $7 and say that no password of it is ever valid.
    SELECT o.oid AS owner, m.rolname::text AS name, m.oid = o.oid AS is_owner,
           -- The membership nearest to him.
           (SELECT pg_catalog.format('REVOKE %I FROM %I', o.rolname, by.rolname)
              FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles by ON by.oid = a.member
             WHERE a.roleid = o.oid AND pg_catalog.pg_has_role(m.oid, by.oid, 'MEMBER')
             ORDER BY by.oid = m.oid DESC, by.rolname
             LIMIT 1) AS ended_by
      FROM pg_catalog.pg_roles o
      JOIN pg_catalog.pg_roles m
        ON m.rolcanlogin AND m.oid NOT IN (SELECT oid FROM trusted) AND pg_catalog.pg_has_role(m.oid, o.oid, 'MEMBER')
     WHERE o.oid IN (SELECT relowner FROM relations)
       AND NOT (m.oid = o.oid
                AND (o.rolname = $5 OR coalesce(m.rolvaliduntil = '-infinity', false) AND o.oid IN (SELECT oid FROM marked))
                AND EXISTS (SELECT 1 FROM pg_catalog.pg_extension e WHERE e.extname = 'citus'))
), besides AS (
    -- What we are without an owner whose rights we have: by memberships that do not lead through it.
    SELECT o.oid AS owner, me.oid AS role
      FROM me JOIN pg_catalog.pg_roles o ON o.oid IN (SELECT relowner FROM relations) AND o.oid <> me.oid
     WHERE NOT me.rolsuper AND pg_catalog.pg_has_role(me.oid, o.oid, 'USAGE')
    UNION
    SELECT besides.owner, a.roleid
      FROM besides JOIN pg_catalog.pg_auth_members a ON a.member = besides.role AND a.roleid <> besides.owner
), makers AS (
    -- Who may create in the schema, everybody being 0.
    SELECT CASE WHEN granted.grantee = place.nspowner THEN keeper.oid ELSE granted.grantee END AS oid
      FROM place
     CROSS JOIN keeper
     CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(place.nspacl, pg_catalog.acldefault('n', place.nspowner))) AS granted
     WHERE granted.privilege_type = 'CREATE'
    UNION
    SELECT keeper.oid FROM keeper
), owners AS (
    SELECT o.oid, o.rolname::text AS name, NOT me.rolsuper AND pg_catalog.pg_has_role(me.oid, o.oid, 'USAGE') AS has_rights
      FROM pg_catalog.pg_roles o
     CROSS JOIN place
     CROSS JOIN me
     WHERE o.oid IN (SELECT relowner FROM relations)
       AND o.oid NOT IN (SELECT oid FROM trusted)
       AND (me.rolsuper
            OR o.rolname = ANY ($6::text[])
            OR NOT $4
            OR o.oid IN (SELECT acting.owner FROM acting)
               AND (me.makes_roles
                    OR NOT (o.oid = place.nspowner OR o.oid IN (SELECT oid FROM marked) OR NOT place.may_create
                        -- Made for a member of its own, that may create here by it alone.
                        OR EXISTS (SELECT 1 FROM besides WHERE besides.owner = o.oid)
                           AND NOT EXISTS (SELECT 1 FROM besides JOIN makers ON makers.oid IN (0, besides.role)
                                            WHERE besides.owner = o.oid)
                           AND NOT EXISTS (SELECT 1 FROM acting WHERE acting.owner = o.oid AND NOT acting.is_owner))))
)
SELECT 'owner' AS what, relations.name AS relation, owners.name AS name, relations.relkind::text AS kind,
       ARRAY(SELECT acting.name FROM acting
              WHERE acting.owner = owners.oid
                AND (NOT acting.is_owner OR owners.has_rights OR owners.oid IN (SELECT oid FROM marked))
              ORDER BY 1) AS acting,
       owners.has_rights,
       owners.oid IN (SELECT oid FROM marked) AS is_of_roles,
       ARRAY(SELECT DISTINCT acting.ended_by FROM acting WHERE acting.owner = owners.oid AND NOT acting.is_owner ORDER BY 1) AS ended_by
  FROM relations JOIN owners ON owners.oid = relations.relowner
UNION ALL
SELECT 'schema', $1, o.rolname::text, 'n', '{}', false, false, '{}'
  FROM keeper
 CROSS JOIN me
  JOIN pg_catalog.pg_roles o ON o.oid = keeper.oid
 WHERE o.oid NOT IN (SELECT oid FROM trusted)
   AND (me.rolsuper
        OR me.makes_roles
           AND EXISTS (SELECT 1 FROM pg_catalog.pg_roles m
                        WHERE m.rolcanlogin AND m.oid NOT IN (SELECT oid FROM trusted) AND pg_catalog.pg_has_role(m.oid, o.oid, 'MEMBER')))
UNION ALL
SELECT 'trigger', relations.name, t.tgname::text, relations.relkind::text, '{}', false, false, '{}'
  FROM relations JOIN pg_catalog.pg_trigger t ON t.tgrelid = relations.oid
 WHERE relations.name = $3 AND NOT t.tgisinternal
UNION ALL
SELECT 'rule', relations.name, r.rulename::text, relations.relkind::text, '{}', false, false, '{}'
  FROM relations JOIN pg_catalog.pg_rewrite r ON r.ev_class = relations.oid
 WHERE relations.name = $3 AND relations.relkind IN ('r', 'p')
UNION ALL
-- One that shows every row to somebody runs nothing, and lets nobody write. To print an expression takes a lock of its table, so only
-- those of this table are printed (CASE): others may be held locked by anybody.
SELECT 'policy', relations.name, p.polname::text, relations.relkind::text, '{}', false, false, '{}'
  FROM relations JOIN pg_catalog.pg_policy p ON p.polrelid = relations.oid
 WHERE relations.name = $3
   AND NOT coalesce(CASE WHEN p.polrelid = relations.oid AND p.polcmd = 'r' AND p.polpermissive
                         THEN pg_catalog.pg_get_expr(p.polqual, relations.oid) = 'true' END, false)
 ORDER BY 1, 2, 3
