-- What a superuser would run by using our relations $2 of the schema $1, and no superuser answers for. As (what it is, what of
-- somebody's it is bound to, whose that is, what ends it; whether only who is bound by row security runs it). No row where we
-- are no superuser. Catalogues alone: nothing is run by looking.
--
-- Who hung it does not count, nor who owns the table: an owner may have been left by all who acted as it. What counts is
-- whose the function, domain, table or view is, since he wrote it and may change it. Policies do not bind a superuser; `doctor`
-- asks for them before it reads as another role.
WITH RECURSIVE superusers AS (
    SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolsuper
), found (oid) AS (
    SELECT c.oid
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_roles me ON me.rolname = current_user AND me.rolsuper
     WHERE n.nspname = $1 AND c.relname = ANY ($2::text[])
    UNION
    -- What is written to a table may be written to its partitions, and read from what inherits from it.
    SELECT i.inhrelid FROM found JOIN pg_catalog.pg_inherits i ON i.inhparent = found.oid
), ours AS (
    SELECT c.oid, c.relkind, c.relacl, c.relowner, n.nspname AS space, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
      FROM found
      JOIN pg_catalog.pg_class c ON c.oid = found.oid
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
), callers AS (
    SELECT 'pg_catalog.pg_trigger'::regclass AS classid, t.oid, pg_catalog.format('the trigger %I of %s', t.tgname, ours.name) AS what
      FROM ours JOIN pg_catalog.pg_trigger t ON t.tgrelid = ours.oid
     WHERE NOT t.tgisinternal
    UNION ALL
    SELECT 'pg_catalog.pg_attrdef'::regclass, d.oid,
           pg_catalog.format('the %s of %s.%I', CASE a.attgenerated WHEN '' THEN 'default' ELSE 'expression' END, ours.name, a.attname)
      FROM ours
      JOIN pg_catalog.pg_attrdef d ON d.adrelid = ours.oid
      JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    UNION ALL
    -- Another table's foreign key, and its triggers, run as who owns that table.
    SELECT 'pg_catalog.pg_constraint'::regclass, k.oid, pg_catalog.format('the constraint %I of %s', k.conname, ours.name)
      FROM ours JOIN pg_catalog.pg_constraint k ON k.conrelid = ours.oid
     WHERE k.contype <> 'f'
    UNION ALL
    SELECT 'pg_catalog.pg_class'::regclass, i.indexrelid, pg_catalog.format('the index %s', i.indexrelid::regclass)
      FROM ours JOIN pg_catalog.pg_index i ON i.indrelid = ours.oid
    UNION ALL
    SELECT 'pg_catalog.pg_rewrite'::regclass, r.oid,
           CASE WHEN ours.relkind = 'v' AND r.rulename = '_RETURN' THEN pg_catalog.format('the view %s', ours.name)
                ELSE pg_catalog.format('the rule %I of %s', r.rulename, ours.name) END
      FROM ours JOIN pg_catalog.pg_rewrite r ON r.ev_class = ours.oid
    UNION ALL
    SELECT 'pg_catalog.pg_policy'::regclass, p.oid, pg_catalog.format('the policy %I of %s', p.polname, ours.name)
      FROM ours JOIN pg_catalog.pg_policy p ON p.polrelid = ours.oid
), bound AS (
    SELECT callers.what, callers.classid, d.refclassid, d.refobjid
      FROM callers JOIN pg_catalog.pg_depend d ON d.classid = callers.classid AND d.objid = callers.oid
), theirs AS (
    SELECT bound.what, bound.classid, pg_catalog.format('calls the function %s', p.oid::regprocedure) AS bound_to, p.proowner AS owner,
           pg_catalog.format('ALTER FUNCTION %s OWNER TO ', p.oid::regprocedure) AS take
      FROM bound JOIN pg_catalog.pg_proc p ON bound.refclassid = 'pg_catalog.pg_proc'::regclass AND p.oid = bound.refobjid
    UNION ALL
    SELECT bound.what, bound.classid, pg_catalog.format('calls the operator %s', o.oid::regoperator), p.proowner,
           pg_catalog.format('ALTER FUNCTION %s OWNER TO ', p.oid::regprocedure)
      FROM bound
      JOIN pg_catalog.pg_operator o ON bound.refclassid = 'pg_catalog.pg_operator'::regclass AND o.oid = bound.refobjid
      JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode
    UNION ALL
    SELECT bound.what, bound.classid, pg_catalog.format('uses the domain %s', t.oid::regtype), t.typowner,
           pg_catalog.format('ALTER DOMAIN %s OWNER TO ', t.oid::regtype)
      FROM bound
      JOIN pg_catalog.pg_type t ON bound.refclassid = 'pg_catalog.pg_type'::regclass AND t.oid = bound.refobjid AND t.typtype = 'd'
    UNION ALL
    -- What a rule writes to, or a view reads, runs what hangs there.
    SELECT bound.what, bound.classid, pg_catalog.format('uses %s', c.oid::regclass), c.relowner,
           pg_catalog.format('ALTER TABLE %s OWNER TO ', c.oid::regclass)
      FROM bound
      JOIN pg_catalog.pg_class c
        ON bound.classid = 'pg_catalog.pg_rewrite'::regclass AND bound.refclassid = 'pg_catalog.pg_class'::regclass
           AND c.oid = bound.refobjid
     WHERE c.oid NOT IN (SELECT oid FROM found)
    UNION ALL
    SELECT pg_catalog.format('the column %I of %s', a.attname, ours.name), 'pg_catalog.pg_class'::regclass,
           pg_catalog.format('is of the domain %s', t.oid::regtype), t.typowner,
           pg_catalog.format('ALTER DOMAIN %s OWNER TO ', t.oid::regtype)
      FROM ours
      JOIN pg_catalog.pg_attribute a ON a.attrelid = ours.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_catalog.pg_type own ON own.oid = a.atttypid
      JOIN pg_catalog.pg_type t ON t.oid IN (own.oid, own.typelem) AND t.typtype = 'd'
    UNION ALL
    SELECT pg_catalog.format('the table %s', ours.name), 'pg_catalog.pg_class'::regclass,
           pg_catalog.format('is a part or a child of one of ours, and belongs to %I', r.rolname), ours.relowner,
           pg_catalog.format('ALTER TABLE %s OWNER TO ', ours.name)
      FROM ours JOIN pg_catalog.pg_roles r ON r.oid = ours.relowner
     WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_inherits i WHERE i.inhrelid = ours.oid)
), holders AS (
    -- Who may hang a trigger there does so between this look and the next row.
    SELECT DISTINCT ours.space, held.grantee
      FROM ours CROSS JOIN LATERAL pg_catalog.aclexplode(ours.relacl) AS held
     WHERE ours.relkind IN ('r', 'p') AND held.privilege_type = 'TRIGGER'
       AND held.grantee <> ours.relowner AND held.grantee NOT IN (SELECT oid FROM superusers)
)
SELECT theirs.what, theirs.bound_to, r.rolname::text AS whose, theirs.take || pg_catalog.quote_ident(current_user) AS cure,
       theirs.classid = 'pg_catalog.pg_policy'::regclass AS is_policy
  FROM theirs JOIN pg_catalog.pg_roles r ON r.oid = theirs.owner
 WHERE theirs.owner NOT IN (SELECT oid FROM superusers)
UNION ALL
SELECT coalesce(r.rolname::text, 'PUBLIC'), pg_catalog.format('may hang triggers on tables of ours in the schema %I', holders.space),
       coalesce(r.rolname::text, 'everybody'),
       pg_catalog.format('REVOKE TRIGGER ON ALL TABLES IN SCHEMA %I FROM %s CASCADE', holders.space,
                         coalesce(pg_catalog.quote_ident(r.rolname), 'PUBLIC')),
       false
  FROM holders LEFT JOIN pg_catalog.pg_roles r ON r.oid = holders.grantee
 WHERE holders.grantee = 0
    OR EXISTS (SELECT 1 FROM pg_catalog.pg_roles m
                WHERE m.rolcanlogin AND NOT m.rolsuper AND pg_catalog.pg_has_role(m.oid, holders.grantee, 'MEMBER'))
 ORDER BY 1, 2
