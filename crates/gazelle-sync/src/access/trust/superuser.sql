-- What prevents a superuser from using our relations $2 of the schema $1, although they and the schema belong to
-- superusers (owners.sql checks that): one row each with the object, what is wrong with it, the statement that
-- removes it, and its kind; and the tables to lock. No row for other roles; owners.sql says who counts as a
-- superuser. Only catalogues are read, which runs no code of others.
--
-- Defaults, checks, rules, views, policies and types are created by owners, who are superusers. Another role can have
-- left two things on a superuser's table: a trigger, if it held TRIGGER, and a foreign key of a table of its own, if
-- it held REFERENCES.
--
-- So no other role may hold either. The function of each trigger must belong to a superuser, and must not get
-- arguments, which many functions execute as SQL, unless it is one of the server's. The condition of a trigger must
-- consist of parts that can be read and call nothing but the server's immutable operators and casts, and
-- pg_trigger_depth, which companies use there: other functions of the server open the object whose number or name
-- they are given and run what its owner has put there (satisfies_hash_partition). Functions of others leave a
-- dependency; those of the server are read from the condition.
--
-- A table that refers to ours or inherits from them must belong to a superuser too. If its rows are written with
-- ours, all of this applies to it as well. If they are not, its foreign key is still checked with its owner's rights
-- and through the owner's casts, and what that defers to the end of the transaction (a deferred trigger) runs with
-- the rights of the role that began it, up to Postgres 17.
WITH RECURSIVE session AS (
    {session}
), superusers AS (
    SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolsuper
    UNION
    -- What we are ourselves does no more than we can.
    SELECT session.login FROM session
    UNION
    -- Of who makes roles, up to version 15: the others who do, and owners as whom nobody else acts.
    SELECT r.oid
      FROM session
      JOIN pg_catalog.pg_roles r
        ON r.oid IN ({trusted_makers})
        OR r.oid IN (SELECT p.proowner FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
                     UNION
                     SELECT c.relowner FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p'))
     WHERE session.makes_roles AND NOT session.rolsuper
       AND (r.oid IN ({trusted_makers})
            OR NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles m
                            WHERE m.rolcanlogin AND NOT m.rolsuper AND m.oid NOT IN ({trusted_makers}) AND m.oid <> session.login
                              AND pg_catalog.pg_has_role(m.oid, r.oid, 'MEMBER')))
), me AS (
    SELECT session.login AS oid FROM session WHERE session.rolsuper OR session.makes_roles
), account AS (
    SELECT c.oid
      FROM me
      JOIN pg_catalog.pg_namespace n ON n.nspname = $1
      JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = ANY ($2::text[])
), leads AS (
    SELECT i.inhparent AS above, i.inhrelid AS below, true AS is_written FROM pg_catalog.pg_inherits i
    UNION ALL
    SELECT k.confrelid, k.conrelid, k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd')
      FROM pg_catalog.pg_constraint k
     WHERE k.contype = 'f'
), found (oid, is_written) AS (
    SELECT account.oid, true FROM account
    UNION
    SELECT leads.below, leads.is_written FROM found JOIN leads ON leads.above = found.oid AND found.is_written
), used AS (
    SELECT c.oid, c.relkind, c.relacl, c.relowner, n.nspname AS space, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
           c.oid IN (SELECT account.oid FROM account) AS is_ours, bool_or(found.is_written) AS is_written
      FROM found
      JOIN pg_catalog.pg_class c ON c.oid = found.oid
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     GROUP BY c.oid, c.relkind, c.relacl, c.relowner, n.nspname, c.relname
), triggers AS (
    SELECT t.oid, t.tgrelid, t.tgfoid, t.tgnargs > 0 AND NOT t.tgisinternal AS has_arguments, t.tgqual::text AS condition,
           pg_catalog.format('the trigger %I of %s', t.tgname, used.name) AS what,
           pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, used.name) AS away
      FROM used JOIN pg_catalog.pg_trigger t ON t.tgrelid = used.oid
     WHERE used.is_written
), held AS (
    SELECT used.name, used.space, used.is_ours, used.relowner, e.grantee, e.privilege_type
      FROM used CROSS JOIN LATERAL pg_catalog.aclexplode(used.relacl) AS e
     WHERE used.is_written
    UNION
    SELECT used.name, used.space, used.is_ours, used.relowner, e.grantee, e.privilege_type
      FROM used
      JOIN pg_catalog.pg_attribute a ON a.attrelid = used.oid
     CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) AS e
     WHERE used.is_written
)
SELECT pg_catalog.format('the table %s', used.name) AS what,
       pg_catalog.format('refers to one of ours by a foreign key, or is a part or a child of one, and belongs to %I', r.rolname) AS wrong,
       pg_catalog.format(E'the constraint away (psql: \\d %s), or DROP TABLE %s', used.name, used.name) AS fix, 'table' AS kind
  FROM used JOIN pg_catalog.pg_roles r ON r.oid = used.relowner
 WHERE NOT used.is_ours AND used.relowner NOT IN (SELECT oid FROM superusers)
UNION
SELECT triggers.what, pg_catalog.format('calls %s of %I', p.oid::regprocedure, r.rolname), triggers.away, 'trigger'
  FROM triggers JOIN pg_catalog.pg_proc p ON p.oid = triggers.tgfoid JOIN pg_catalog.pg_roles r ON r.oid = p.proowner
 WHERE p.proowner NOT IN (SELECT oid FROM superusers)
UNION
SELECT triggers.what,
       pg_catalog.format('hands arguments to %s of %I, which may run them as SQL', p.oid::regprocedure, pg_catalog.pg_get_userbyid(p.proowner)),
       triggers.away, 'trigger'
  FROM triggers JOIN pg_catalog.pg_proc p ON p.oid = triggers.tgfoid
 WHERE triggers.has_arguments AND p.pronamespace <> 'pg_catalog'::regnamespace
UNION
SELECT triggers.what,
       pg_catalog.concat('has a condition (WHEN) that calls ', p.oid::regprocedure, ' of ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.proowner))),
       triggers.away, 'condition'
  FROM triggers
 CROSS JOIN LATERAL pg_catalog.regexp_matches(triggers.condition, ':(?:funcid|opfuncid) ([0-9]+)', 'g') AS named (number)
  LEFT JOIN pg_catalog.pg_proc p ON p.oid = named.number[1]::oid
 WHERE NOT coalesce(p.pronamespace = 'pg_catalog'::regnamespace AND p.proowner IN (SELECT oid FROM superusers)
                    AND (p.oid = 'pg_catalog.pg_trigger_depth()'::regprocedure
                         OR p.provolatile = 'i'
                            AND (EXISTS (SELECT 1 FROM pg_catalog.pg_operator o
                                          WHERE o.oprcode = p.oid AND o.oprnamespace = 'pg_catalog'::regnamespace)
                                 OR EXISTS (SELECT 1 FROM pg_catalog.pg_cast c WHERE c.castfunc = p.oid))
                            AND NOT EXISTS (SELECT 1 FROM unnest(p.proargtypes) AS argument (type)
                                             WHERE argument.type = 'pg_catalog."any"'::regtype
                                                OR argument.type IN (SELECT y.oid FROM pg_catalog.pg_type y
                                                                      WHERE y.typname = 'oid' OR y.typname LIKE 'reg%'))), false)
UNION
-- The parts that are known to call nothing but what the above reads. Anything else is refused, whatever it is.
SELECT triggers.what, pg_catalog.concat('has a condition (WHEN) that uses what is no plain operator, value or cast: ', part.tag[1]),
       triggers.away, 'condition'
  FROM triggers
 CROSS JOIN LATERAL pg_catalog.regexp_matches(triggers.condition, '[{]([^ }]*)', 'g') AS part (tag)
 WHERE NOT coalesce(part.tag[1] IN ('OPEXPR', 'DISTINCTEXPR', 'NULLIFEXPR', 'SCALARARRAYOPEXPR', 'FUNCEXPR', 'BOOLEXPR', 'NULLTEST',
                                    'BOOLEANTEST', 'VAR', 'CONST', 'RELABELTYPE', 'COERCEVIAIO', 'ARRAYCOERCEEXPR', 'CASETESTEXPR',
                                    -- Up to Postgres 15 by their shorter names.
                                    'CASE', 'WHEN', 'COALESCE', 'ARRAY', 'CASEEXPR', 'CASEWHEN', 'COALESCEEXPR', 'ARRAYEXPR'), false)
UNION
SELECT triggers.what, 'has a condition (WHEN) that cannot be read', triggers.away, 'condition'
  FROM triggers
 WHERE triggers.condition IS NOT NULL
   AND (pg_catalog.starts_with(triggers.condition, '{') IS NOT TRUE
        OR pg_catalog.regexp_count(triggers.condition, '[{](?:OPEXPR|DISTINCTEXPR|NULLIFEXPR|SCALARARRAYOPEXPR|FUNCEXPR) ')
           <> pg_catalog.regexp_count(triggers.condition, ':(?:funcid|opfuncid) [0-9]+ '))
UNION
SELECT triggers.what, pg_catalog.concat('has a condition (WHEN) that uses the ', pg_catalog.pg_describe_object(d.refclassid, d.refobjid, 0)),
       triggers.away, 'condition'
  FROM triggers
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_trigger'::regclass AND d.objid = triggers.oid
 WHERE triggers.condition IS NOT NULL
   AND NOT (d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = triggers.tgrelid)
   AND NOT (d.refclassid = 'pg_catalog.pg_proc'::regclass AND d.refobjid = triggers.tgfoid)
   AND d.refclassid NOT IN ('pg_catalog.pg_trigger'::regclass, 'pg_catalog.pg_constraint'::regclass, 'pg_catalog.pg_extension'::regclass)
UNION
-- A role with TRIGGER or REFERENCES could use it between this check and the next row. A migration revokes both on our tables.
SELECT coalesce(pg_catalog.quote_ident(r.rolname), 'PUBLIC'),
       pg_catalog.format('may add triggers to, or foreign keys that refer to, %s',
                         CASE WHEN held.is_ours THEN pg_catalog.format('tables of ours in the schema %I', held.space) ELSE held.name END),
       CASE WHEN held.is_ours THEN 'gazelle-sync migrate'
            ELSE pg_catalog.format('REVOKE TRIGGER, REFERENCES ON %s FROM %s CASCADE', held.name,
                                   coalesce(pg_catalog.quote_ident(r.rolname), 'PUBLIC')) END,
       CASE WHEN held.is_ours THEN 'right' ELSE 'right elsewhere' END
  FROM held LEFT JOIN pg_catalog.pg_roles r ON r.oid = held.grantee
 WHERE held.privilege_type IN ('TRIGGER', 'REFERENCES') AND held.grantee <> held.relowner
   AND held.grantee NOT IN (SELECT oid FROM superusers)
UNION
-- Not in the way: the tables whose rows are written, and the lock with which a trigger or a key conflicts that somebody has created in
-- a transaction that is still open. Once it is granted, a second look sees what there is.
SELECT used.name,
       -- LOCK TABLE asks for one of these rights. On a table of others, what gives it; on ours, who lacks it is no administrator.
       CASE WHEN pg_catalog.has_table_privilege(used.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') THEN ''
            WHEN used.is_ours THEN 'may not be locked'
            ELSE pg_catalog.format('GRANT INSERT ON %s TO %I', used.name, session_user) END,
       pg_catalog.format('LOCK TABLE %s IN ROW EXCLUSIVE MODE', used.name), 'written'
  FROM used
 WHERE used.is_written AND used.relkind IN ('r', 'p')
 ORDER BY 1, 2
