-- Relations $2 of the schema $1 whose owner is not trusted; and, on the table $3, whose content is used before
-- anything else is known, whatever runs another role's code or lets another role write. `acting` are the roles that
-- can act as the owner, or the owner itself if no role should log in as it; `has_rights` tells whether we have the
-- owner's rights. Only catalogues are read, which runs no code of others.
--
-- A role is trusted if it could do the same without owning the table. A superuser trusts only itself and other
-- superusers: what an owner has put on a table runs with a superuser's rights, also after all roles that acted as the
-- owner are gone. The owner of the schema must be a superuser too, because it can drop what is in the schema and
-- create something else in its place. A session that has set a lesser role, or can set a superuser's, counts as a
-- superuser, since any code that runs in it can do the same. A role that may read or write files of the server or run
-- its programs counts as a superuser itself (rolsuper), and uses no more than one does; but what it owns is not a
-- superuser's, because a role that could act as it before it got that right could not do what a superuser can.
--
-- Other roles trust themselves, superusers, roles with CREATEROLE, the owner of the database, and roles as which only
-- those can act. For tables that others created ($4) they also trust the owner of the schema, the owner's role by its
-- name ($5) or its comment and, if they could not have created the tables themselves, the role that created them for them; but none
-- of the roles $6. What is executed as it stands (not $4) must belong to a trusted role itself, because a role as
-- which nobody acts any more may have been used by anybody before.
--
-- Up to Postgres 15, a role with CREATEROLE can grant itself the server's own roles and so become a superuser
-- (makes_roles). It trusts itself, superusers, roles with CREATEROLE, and roles as which only those can act, also as
-- owner of the schema. Roles that acted as an owner in the past are not detected; only a superuser is protected from
-- them, since otherwise a role that ran `migrate --roles` would have no tables.
--
-- Having the rights of a role proves nothing: others may have them too, and up to Postgres 15 a session that logged
-- in as a role can make any role a member of it.
--
-- The owner's role may have another name. What an owner writes on its own table, such as the policies of `migrate
-- --roles`, proves nothing about it, since any owner can write it. The proof is a comment of the role, which names the database and which
-- `migrate --roles` gives a role that it creates: only roles with CREATEROLE can comment on a role, and no role on
-- itself.
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
           AND (r.oid IN ({trusted_makers})
                OR NOT me.makes_roles
                   AND r.oid = (SELECT d.datdba FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
), marked AS (
    SELECT o.oid FROM pg_catalog.pg_roles o
     WHERE o.oid IN (SELECT relowner FROM relations)
       AND (o.rolname = $5 OR o.oid IN ({marked}))
), acting AS (
    -- Who may act as an owner. On Citus the owner's role may log in, without a password, for moves between nodes. Only who may make
    -- roles can give a role the name $5, or give another the comment and say that no password of it is ever valid.
    SELECT o.oid AS owner, m.rolname::text AS name, m.oid = o.oid AS is_owner,
           -- The membership nearest to him; none of the owner of the database in pg_database_owner.
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
       ARRAY(SELECT DISTINCT acting.ended_by FROM acting
              WHERE acting.owner = owners.oid AND NOT acting.is_owner AND acting.ended_by IS NOT NULL ORDER BY 1)
           AS ended_by,
       -- To an administrator $7 that is made for it.
       owners.oid IN (SELECT oid FROM marked) AND owners.oid NOT IN ({ungrantable})
       AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles r WHERE r.rolname = $7) AS may_be_granted
  FROM relations JOIN owners ON owners.oid = relations.relowner
UNION ALL
SELECT 'schema', $1, o.rolname::text, 'n', '{}', false, false, '{}', false
  FROM keeper
 CROSS JOIN me
  JOIN pg_catalog.pg_roles o ON o.oid = keeper.oid
 WHERE o.oid NOT IN (SELECT oid FROM trusted)
   AND (me.rolsuper
        OR me.makes_roles
           AND EXISTS (SELECT 1 FROM pg_catalog.pg_roles m
                        WHERE m.rolcanlogin AND m.oid NOT IN (SELECT oid FROM trusted) AND pg_catalog.pg_has_role(m.oid, o.oid, 'MEMBER')))
UNION ALL
SELECT 'trigger', relations.name, t.tgname::text, relations.relkind::text, '{}', false, false, '{}', false
  FROM relations JOIN pg_catalog.pg_trigger t ON t.tgrelid = relations.oid
 WHERE relations.name = $3 AND NOT t.tgisinternal
UNION ALL
SELECT 'rule', relations.name, r.rulename::text, relations.relkind::text, '{}', false, false, '{}', false
  FROM relations JOIN pg_catalog.pg_rewrite r ON r.ev_class = relations.oid
 WHERE relations.name = $3 AND relations.relkind IN ('r', 'p')
UNION ALL
-- One that shows every row to somebody runs nothing, and lets nobody write. To print an expression takes a lock of its table, so only
-- those of this table are printed (CASE): others may be held locked by anybody.
SELECT 'policy', relations.name, p.polname::text, relations.relkind::text, '{}', false, false, '{}', false
  FROM relations JOIN pg_catalog.pg_policy p ON p.polrelid = relations.oid
 WHERE relations.name = $3
   AND NOT coalesce(CASE WHEN p.polrelid = relations.oid AND p.polcmd = 'r' AND p.polpermissive
                         THEN pg_catalog.pg_get_expr(p.polqual, relations.oid) = 'true' END, false)
 ORDER BY 1, 2, 3
