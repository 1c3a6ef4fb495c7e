-- Expressions of the relations $2 of the schema $1 that call a function or operator with the name of one of the
-- server's, if it belongs to a role that is not trusted and to no extension of an administrator (any role may install
-- some extensions and add functions to them). `fix` is the statement after which the expression calls the server's
-- own or the function belongs to the relation's owner; `is_ours` tells what a migration created. Checks not named in
-- $3 are users' own, and so are policies.
--
-- Expressions are printed with the schema of every name outside pg_catalog. Trusted are superusers and roles with the
-- rights of the relation's owner. Roles that are not superusers also trust themselves, roles with CREATEROLE, the
-- owners of the database and of the schema, and roles that only those can act as, but none of $4 (as in owners.sql).
WITH ours AS (
    SELECT c.oid, c.relowner, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = ANY ($2::text[])
), alike AS (
    SELECT 'pg_catalog.pg_proc'::regclass AS classid, p.oid, p.proowner AS owner, p.proowner AS maker,
           pg_catalog.format('the function %s', p.oid::regprocedure) AS name,
           pg_catalog.format('%I.%I(', n.nspname, p.proname) AS called, pg_catalog.format('pg_catalog.%I(', p.proname) AS instead,
           pg_catalog.format('ALTER FUNCTION %s OWNER TO ', p.oid::regprocedure) AS take
      FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname <> 'pg_catalog'
       AND EXISTS (SELECT 1 FROM pg_catalog.pg_proc own
                    WHERE own.proname = p.proname AND own.pronamespace = 'pg_catalog'::regnamespace)
    UNION ALL
    SELECT 'pg_catalog.pg_operator'::regclass, o.oid, o.oprowner, f.proowner,
           pg_catalog.format('the operator %s', o.oid::regoperator),
           pg_catalog.format('OPERATOR(%I.%s)', n.nspname, o.oprname), pg_catalog.format('OPERATOR(pg_catalog.%s)', o.oprname),
           pg_catalog.format('ALTER OPERATOR %s OWNER TO ', o.oid::regoperator)
      FROM pg_catalog.pg_operator o
      JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
      JOIN pg_catalog.pg_proc f ON f.oid = o.oprcode
     WHERE n.nspname <> 'pg_catalog'
       AND EXISTS (SELECT 1 FROM pg_catalog.pg_operator own
                    WHERE own.oprname = o.oprname AND own.oprnamespace = 'pg_catalog'::regnamespace)
), callers AS (
    SELECT 1 AS rank, 'pg_catalog.pg_attrdef'::regclass AS classid, d.oid, ours.oid AS relation, ours.name AS of, ours.relowner,
           pg_catalog.format('the %s of %s.%I', CASE a.attgenerated WHEN '' THEN 'default' ELSE 'expression' END, ours.name, a.attname)
               AS what,
           true AS is_ours
      FROM ours
      JOIN pg_catalog.pg_attrdef d ON d.adrelid = ours.oid
      JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    UNION ALL
    SELECT 2, 'pg_catalog.pg_constraint'::regclass, k.oid, ours.oid, ours.name, ours.relowner,
           pg_catalog.format('the constraint %I of %s', k.conname, ours.name), k.contype <> 'c' OR k.conname = ANY ($3::text[])
      FROM ours JOIN pg_catalog.pg_constraint k ON k.conrelid = ours.oid
    UNION ALL
    SELECT 3, 'pg_catalog.pg_class'::regclass, i.indexrelid, ours.oid, ours.name, ours.relowner,
           pg_catalog.format('the index %s', i.indexrelid::regclass), true
      FROM ours JOIN pg_catalog.pg_index i ON i.indrelid = ours.oid
    UNION ALL
    SELECT 4, 'pg_catalog.pg_policy'::regclass, p.oid, ours.oid, ours.name, ours.relowner,
           pg_catalog.format('the policy %I of %s', p.polname, ours.name), false
      FROM ours JOIN pg_catalog.pg_policy p ON p.polrelid = ours.oid
    UNION ALL
    SELECT 5, 'pg_catalog.pg_rewrite'::regclass, r.oid, ours.oid, ours.name, ours.relowner,
           pg_catalog.format('the view %s', ours.name), true
      FROM ours JOIN pg_catalog.pg_rewrite r ON r.ev_class = ours.oid
), me AS (
    {session}
), administrators AS (
    SELECT r.oid
      FROM pg_catalog.pg_roles r
     CROSS JOIN me
     WHERE r.rolsuper
        OR r.oid = CASE WHEN me.rolsuper OR me.makes_roles THEN me.login ELSE me.oid END
        OR NOT me.rolsuper
           AND (r.oid IN ({trusted_makers})
                OR NOT me.makes_roles
                   AND r.oid = (SELECT d.datdba FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
), found AS MATERIALIZED (
    SELECT DISTINCT callers.rank, callers.oid, callers.relation, callers.of, callers.relowner, callers.what, callers.is_ours,
           alike.name, alike.called, alike.instead, alike.take, maker.oid AS maker, maker.rolname::text AS maker_name
      FROM callers
      JOIN pg_catalog.pg_depend d ON d.classid = callers.classid AND d.objid = callers.oid
      JOIN alike ON alike.classid = d.refclassid AND alike.oid = d.refobjid
      JOIN pg_catalog.pg_roles maker ON maker.oid IN (alike.owner, alike.maker)
     WHERE maker.oid NOT IN (SELECT oid FROM administrators)
       AND NOT pg_catalog.pg_has_role(maker.oid, callers.relowner, 'MEMBER')
       AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend e
                         JOIN pg_catalog.pg_extension x ON x.oid = e.refobjid
                        WHERE e.classid = alike.classid AND e.objid = alike.oid AND e.deptype = 'e'
                          AND x.extowner IN (SELECT oid FROM administrators))
)
SELECT found.rank, found.what, found.name AS called, found.maker_name AS maker,
       -- Only of what was found: to print a view takes locks of the tables that it reads, and an expression one of its own.
       coalesce(pg_catalog.replace(
           CASE WHEN NOT found.is_ours THEN NULL
                WHEN found.rank = 1 THEN
                    -- A generated column cannot get another expression.
                    (SELECT pg_catalog.format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT ', found.of, a.attname)
                            || pg_catalog.pg_get_expr(d.adbin, d.adrelid)
                       FROM pg_catalog.pg_attrdef d
                       JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
                      WHERE d.oid = found.oid AND a.attgenerated = '')
                WHEN found.rank = 2 THEN
                    (SELECT pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I; ALTER TABLE %s ADD CONSTRAINT %I ', found.of,
                                              k.conname, found.of, k.conname) || pg_catalog.pg_get_constraintdef(k.oid)
                       FROM pg_catalog.pg_constraint k
                      WHERE k.oid = found.oid)
                WHEN found.rank = 3 THEN
                    pg_catalog.format('DROP INDEX %s; ', found.oid::regclass) || pg_catalog.pg_get_indexdef(found.oid)
                WHEN found.rank = 5 THEN
                    pg_catalog.format('CREATE OR REPLACE VIEW %s WITH (security_invoker = true) AS ', found.of)
                    || pg_catalog.pg_get_viewdef(found.relation)
           END, found.called, found.instead),
           found.take || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(found.relowner))) AS fix,
       found.is_ours
  FROM found
 CROSS JOIN me
 WHERE me.rolsuper
    OR found.maker_name = ANY ($4::text[])
    OR NOT (NOT me.makes_roles
            AND EXISTS (SELECT 1 FROM pg_catalog.pg_namespace n WHERE n.nspname = $1 AND n.nspowner = found.maker)
            OR NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles m
                            WHERE m.rolcanlogin AND m.oid NOT IN (SELECT oid FROM administrators)
                              AND pg_catalog.pg_has_role(m.oid, found.maker, 'MEMBER')))
 ORDER BY 1, 2, 3
