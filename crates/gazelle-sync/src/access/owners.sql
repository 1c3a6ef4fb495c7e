-- Of the relations $2 of the schema $1: those whose owner we do not trust, and what on the table $3, which is believed
-- before anything else is known, runs code of somebody's or lets somebody write. As (what, relation, name, kind of the
-- relation). Catalogues alone: nothing of theirs is run by looking.
--
-- Trusted is whoever could do it anyway: we ourselves, a superuser, who may make roles, the owner of the database, a role
-- whose rights we have (a superuser has everybody's, which says nothing), and a role that only those can act as. Where we
-- come to tables that others have made ($4), also the owner of the schema, the owner's role by its own name ($5), and,
-- where we could not have made the tables ourselves, whoever made them for us; none of the roles $6.
WITH place AS (
    SELECT n.oid, n.nspowner, pg_catalog.has_schema_privilege(n.oid, 'CREATE') AS may_create
      FROM pg_catalog.pg_namespace n
     WHERE n.nspname = $1
), relations AS (
    SELECT c.oid, c.relname::text AS name, c.relkind, c.relowner
      FROM pg_catalog.pg_class c JOIN place ON place.oid = c.relnamespace
     WHERE c.relname = ANY ($2::text[])
), trusted AS (
    SELECT r.oid
      FROM pg_catalog.pg_roles r
     WHERE r.rolsuper
        OR r.rolcreaterole
        OR r.rolname = current_user
        OR r.oid = (SELECT d.datdba FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
), owners AS (
    SELECT o.oid, o.rolname::text AS name
      FROM pg_catalog.pg_roles o
     CROSS JOIN place
      JOIN pg_catalog.pg_roles me ON me.rolname = current_user
     WHERE o.oid IN (SELECT relowner FROM relations)
       AND o.oid NOT IN (SELECT oid FROM trusted)
       AND (me.rolsuper OR NOT pg_catalog.pg_has_role(me.oid, o.oid, 'USAGE'))
       AND (o.rolname = ANY ($6::text[])
            OR NOT ($4 AND (o.oid = place.nspowner OR o.rolname = $5 OR NOT place.may_create))
               AND (o.rolcanlogin
                    OR EXISTS (SELECT 1 FROM pg_catalog.pg_roles m
                                WHERE m.rolcanlogin AND m.oid NOT IN (SELECT oid FROM trusted)
                                  AND pg_catalog.pg_has_role(m.oid, o.oid, 'MEMBER'))))
)
SELECT 'owner', relations.name, owners.name, relations.relkind::text
  FROM relations JOIN owners ON owners.oid = relations.relowner
UNION ALL
SELECT 'trigger', relations.name, t.tgname::text, relations.relkind::text
  FROM relations JOIN pg_catalog.pg_trigger t ON t.tgrelid = relations.oid
 WHERE relations.name = $3 AND NOT t.tgisinternal
UNION ALL
SELECT 'rule', relations.name, r.rulename::text, relations.relkind::text
  FROM relations JOIN pg_catalog.pg_rewrite r ON r.ev_class = relations.oid
 WHERE relations.name = $3 AND relations.relkind IN ('r', 'p')
UNION ALL
-- One that shows every row to somebody runs nothing, and lets nobody write.
SELECT 'policy', relations.name, p.polname::text, relations.relkind::text
  FROM relations JOIN pg_catalog.pg_policy p ON p.polrelid = relations.oid
 WHERE relations.name = $3
   AND NOT (p.polcmd = 'r' AND p.polpermissive
            AND coalesce(pg_catalog.pg_get_expr(p.polqual, p.polrelid) = 'true', false))
 ORDER BY 1, 2, 3
