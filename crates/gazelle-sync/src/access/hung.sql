-- What a superuser would run by using our relations $2 of the schema $1, and no superuser answers for. As (what it is, what of
-- it does harm, whose that is, what ends it, of which kind it is). No row where we are no superuser; owners.sql says who counts as
-- one. Catalogues alone: nothing is run by looking.
--
-- Who hung it does not count, nor who owns the table: an owner may have been left by all who acted as it. What counts is
-- whose the function, type, table or view is, since he wrote it and may change it. Policies do not bind a superuser, and no other
-- role is put in force in its session.
--
-- The server's own functions leave no dependency, and some of them run any text: so each that stands in an expression must be one
-- that runs nothing but itself. Those that never change (immutable) do, and those that are fixed within a statement (stable), but for
-- the ones that read tables by their names, or make a value of a type that a number or a text names (its domain may call
-- anything). Of the rest (volatile) a few that are known do.
WITH RECURSIVE superusers AS (
    SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolsuper
    UNION
    -- What we are ourselves does no more than we can.
    SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = session_user
), me AS (
    SELECT login.rolname AS name
      FROM pg_catalog.pg_roles login
     WHERE login.rolname = session_user
       AND EXISTS (SELECT 1 FROM pg_catalog.pg_roles s
                    WHERE s.rolsuper AND (s.rolname = current_user OR pg_catalog.pg_has_role(login.oid, s.oid, 'MEMBER')))
), account AS (
    SELECT c.oid, c.relowner
      FROM me
      JOIN pg_catalog.pg_namespace n ON n.nspname = $1
      JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = ANY ($2::text[])
), owned AS (
    SELECT account.oid FROM account
    UNION
    -- Tables of another account that has the same owner: what hangs there may act as it.
    SELECT c.oid
      FROM me
      JOIN pg_catalog.pg_class c ON c.relname = ANY ($2::text[]) AND c.relkind IN ('r', 'p', 'v')
     WHERE c.relowner NOT IN (SELECT oid FROM superusers)
       AND (c.relowner IN (SELECT account.relowner FROM account)
            OR c.relowner = (SELECT n.nspowner FROM pg_catalog.pg_namespace n WHERE n.nspname = $1))
), leads AS (
    -- What is written to a table may be written to its partitions, and read from what inherits from it; and what is deleted or
    -- changed is followed by tables whose keys say so. That is done as their owner, but what hangs there for afterwards (AFTER) is
    -- run as who began, up to Postgres 17.
    SELECT i.inhparent AS above, i.inhrelid AS below FROM pg_catalog.pg_inherits i
    UNION ALL
    SELECT k.confrelid, k.conrelid
      FROM pg_catalog.pg_constraint k
     WHERE k.contype = 'f' AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))
), found (oid) AS (
    SELECT owned.oid FROM owned
    UNION
    SELECT leads.below FROM found JOIN leads ON leads.above = found.oid
), ours AS (
    SELECT c.oid, c.relkind, c.relacl, c.relowner, n.nspname AS space, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
           c.oid IN (SELECT owned.oid FROM owned) AS is_ours
      FROM found
      JOIN pg_catalog.pg_class c ON c.oid = found.oid
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
), callers AS (
    SELECT 'pg_catalog.pg_trigger'::regclass AS classid, t.oid, pg_catalog.format('the trigger %I of %s', t.tgname, ours.name) AS what,
           t.tgqual::text AS expression, pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, ours.name) AS away
      FROM ours JOIN pg_catalog.pg_trigger t ON t.tgrelid = ours.oid
     WHERE NOT t.tgisinternal
    UNION ALL
    SELECT 'pg_catalog.pg_attrdef'::regclass, d.oid,
           pg_catalog.format('the %s of %s.%I', CASE a.attgenerated WHEN '' THEN 'default' ELSE 'expression' END, ours.name, a.attname),
           d.adbin::text,
           pg_catalog.format('ALTER TABLE %s ALTER COLUMN %I DROP %s', ours.name, a.attname,
                             CASE a.attgenerated WHEN '' THEN 'DEFAULT' ELSE 'EXPRESSION' END)
      FROM ours
      JOIN pg_catalog.pg_attrdef d ON d.adrelid = ours.oid
      JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    UNION ALL
    SELECT 'pg_catalog.pg_constraint'::regclass, k.oid, pg_catalog.format('the constraint %I of %s', k.conname, ours.name),
           k.conbin::text, pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I', ours.name, k.conname)
      FROM ours JOIN pg_catalog.pg_constraint k ON k.conrelid = ours.oid
     WHERE k.contype <> 'f'
    UNION ALL
    SELECT 'pg_catalog.pg_class'::regclass, i.indexrelid, pg_catalog.format('the index %s', i.indexrelid::regclass),
           pg_catalog.concat(i.indexprs::text, i.indpred::text), pg_catalog.format('DROP INDEX %s', i.indexrelid::regclass)
      FROM ours JOIN pg_catalog.pg_index i ON i.indrelid = ours.oid
    UNION ALL
    SELECT 'pg_catalog.pg_rewrite'::regclass, r.oid,
           CASE WHEN r.rulename = '_RETURN' THEN pg_catalog.format('the view %s', ours.name)
                ELSE pg_catalog.format('the rule %I of %s', r.rulename, ours.name) END,
           pg_catalog.concat(r.ev_qual::text, r.ev_action::text),
           CASE WHEN r.rulename = '_RETURN' THEN pg_catalog.format('CREATE OR REPLACE VIEW %s, as the migration that made it says', ours.name)
                ELSE pg_catalog.format('DROP RULE %I ON %s', r.rulename, ours.name) END
      FROM ours JOIN pg_catalog.pg_rewrite r ON r.ev_class = ours.oid
), bound AS (
    SELECT callers.what, callers.away, callers.classid, d.refclassid, d.refobjid
      FROM callers JOIN pg_catalog.pg_depend d ON d.classid = callers.classid AND d.objid = callers.oid
), called AS (
    SELECT DISTINCT callers.what, callers.away, named.number[1]::oid AS oid
      FROM callers
     CROSS JOIN LATERAL pg_catalog.regexp_matches(callers.expression, ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)', 'g')
                     AS named (number)
), types (what, oid) AS (
    SELECT pg_catalog.format('the column %I of %s', a.attname, ours.name), a.atttypid
      FROM ours
      JOIN pg_catalog.pg_attribute a ON a.attrelid = ours.oid AND a.attnum > 0 AND NOT a.attisdropped
    UNION
    SELECT bound.what, bound.refobjid FROM bound WHERE bound.refclassid = 'pg_catalog.pg_type'::regclass
    UNION
    -- What a type is made of: elements of a list, what a domain stands on, fields of a composite, ends of a range.
    SELECT types.what, part.oid
      FROM types
      JOIN pg_catalog.pg_type t ON t.oid = types.oid AND t.typnamespace <> 'pg_catalog'::regnamespace
     CROSS JOIN LATERAL (SELECT t.typelem AS oid
                         UNION ALL SELECT t.typbasetype
                         UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0
                         UNION ALL SELECT g.rngsubtype FROM pg_catalog.pg_range g WHERE t.oid IN (g.rngtypid, g.rngmultitypid)) AS part
     WHERE part.oid <> 0
), theirs AS (
    SELECT bound.what, pg_catalog.format('calls the function %s', p.oid::regprocedure) AS bound_to, p.proowner AS owner,
           pg_catalog.format('ALTER FUNCTION %s OWNER TO ', p.oid::regprocedure) AS take
      FROM bound JOIN pg_catalog.pg_proc p ON bound.refclassid = 'pg_catalog.pg_proc'::regclass AND p.oid = bound.refobjid
    UNION ALL
    SELECT bound.what, pg_catalog.format('calls the operator %s', o.oid::regoperator), p.proowner,
           pg_catalog.format('ALTER FUNCTION %s OWNER TO ', p.oid::regprocedure)
      FROM bound
      JOIN pg_catalog.pg_operator o ON bound.refclassid = 'pg_catalog.pg_operator'::regclass AND o.oid = bound.refobjid
      JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode
    UNION ALL
    SELECT types.what, pg_catalog.format('is of the %s %s', CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, t.oid::regtype),
           t.typowner,
           pg_catalog.format('ALTER %s %s OWNER TO ', CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, t.oid::regtype)
      FROM types
      JOIN pg_catalog.pg_type t ON t.oid = types.oid AND t.typnamespace <> 'pg_catalog'::regnamespace
                               AND NOT (t.typrelid <> 0 AND t.typrelid IN (SELECT owned.oid FROM owned)) AND t.typcategory <> 'A'
    UNION ALL
    -- What a rule writes to, or a view reads, runs what hangs there.
    SELECT bound.what, pg_catalog.format('uses %s', c.oid::regclass), c.relowner,
           pg_catalog.format('ALTER TABLE %s OWNER TO ', c.oid::regclass)
      FROM bound
      JOIN pg_catalog.pg_class c
        ON bound.classid = 'pg_catalog.pg_rewrite'::regclass AND bound.refclassid = 'pg_catalog.pg_class'::regclass
           AND c.oid = bound.refobjid
     WHERE c.oid NOT IN (SELECT owned.oid FROM owned)
    UNION ALL
    SELECT pg_catalog.format('the table %s', ours.name),
           'is a part or a child of one of ours, or its rows go or change with those of one (a foreign key), and it is',
           ours.relowner, pg_catalog.format('ALTER TABLE %s OWNER TO ', ours.name)
      FROM ours
     WHERE NOT ours.is_ours
), runs_text AS (
    SELECT called.what, pg_catalog.format('calls %s, which can run any code', p.oid::regprocedure) AS bound_to, called.away
      FROM called JOIN pg_catalog.pg_proc p ON p.oid = called.oid AND p.pronamespace = 'pg_catalog'::regnamespace
     WHERE NOT (p.provolatile = 'i'
                OR p.provolatile = 's' AND p.proname !~ '(_to_xml|_in$|_recv$|^pg_input_)'
                OR p.proname IN ('nextval', 'currval', 'lastval', 'random', 'random_normal', 'pg_sleep', 'gen_random_uuid', 'uuidv4', 'uuidv7', 'clock_timestamp',
                                 'timeofday'))
    UNION ALL
    -- Views and rules of ours call none but the server's. Some that extensions bring run any text too.
    SELECT bound.what, pg_catalog.format('calls %s, which is none of the server''s', p.oid::regprocedure), bound.away
      FROM bound JOIN pg_catalog.pg_proc p ON bound.refclassid = 'pg_catalog.pg_proc'::regclass AND p.oid = bound.refobjid
     WHERE bound.classid = 'pg_catalog.pg_rewrite'::regclass AND p.proowner IN (SELECT oid FROM superusers)
), holders AS (
    -- Who may hang a trigger there, or have a table's rows go with ours, does so between this look and the next row.
    SELECT CASE WHEN ours.is_ours THEN pg_catalog.format('tables of ours in the schema %I', ours.space) ELSE ours.name END AS place,
           CASE WHEN ours.is_ours AND ours.space = $1 THEN 'gazelle-sync migrate'
                ELSE pg_catalog.format('REVOKE TRIGGER, REFERENCES ON %s FROM ', ours.name) END AS away,
           -- A migration of this account takes those on its own tables.
           CASE WHEN NOT ours.is_ours THEN 'other right' WHEN ours.space = $1 THEN 'right' ELSE 'right elsewhere' END AS kind,
           held.grantee
      FROM ours
     CROSS JOIN LATERAL (SELECT e.grantee, e.privilege_type FROM pg_catalog.aclexplode(ours.relacl) AS e
                         UNION ALL
                         SELECT e.grantee, e.privilege_type
                           FROM pg_catalog.pg_attribute a CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) AS e
                          WHERE a.attrelid = ours.oid) AS held
     WHERE ours.relkind IN ('r', 'p') AND held.privilege_type IN ('TRIGGER', 'REFERENCES')
       AND held.grantee <> ours.relowner AND held.grantee NOT IN (SELECT oid FROM superusers)
)
SELECT theirs.what, theirs.bound_to, r.rolname::text AS whose, theirs.take || pg_catalog.quote_ident(me.name) AS cure,
       'owner' AS kind
  FROM theirs CROSS JOIN me JOIN pg_catalog.pg_roles r ON r.oid = theirs.owner
 WHERE theirs.owner NOT IN (SELECT oid FROM superusers)
UNION
SELECT runs_text.what, runs_text.bound_to, '', runs_text.away, 'text' FROM runs_text
UNION
SELECT coalesce(r.rolname::text, 'PUBLIC'), pg_catalog.format('may hang triggers on, or have foreign keys refer to, %s', holders.place), '',
       CASE WHEN holders.kind = 'right' THEN holders.away
            ELSE pg_catalog.concat(holders.away, coalesce(pg_catalog.quote_ident(r.rolname), 'PUBLIC'), ' CASCADE') END,
       holders.kind
  FROM holders LEFT JOIN pg_catalog.pg_roles r ON r.oid = holders.grantee
 WHERE holders.grantee = 0
    OR EXISTS (SELECT 1 FROM pg_catalog.pg_roles m
                WHERE m.rolcanlogin AND m.oid NOT IN (SELECT oid FROM superusers) AND pg_catalog.pg_has_role(m.oid, holders.grantee, 'MEMBER'))
 ORDER BY 1, 2
