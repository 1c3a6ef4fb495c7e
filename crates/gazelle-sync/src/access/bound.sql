-- What of our relations $2 of the schema $1 calls a function or an operator that is called like one of the server's, is none
-- of an extension, and belongs to somebody who has not the rights of the relation's owner. As (what it is, what it calls,
-- whose that is, the statements after which it calls the server's own). Expressions are printed with the schema of every name
-- outside pg_catalog.
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
    SELECT 1 AS rank, 'pg_catalog.pg_attrdef'::regclass AS classid, d.oid, ours.name AS of, ours.relowner,
           pg_catalog.format('the %s of %s.%I', CASE a.attgenerated WHEN '' THEN 'default' ELSE 'expression' END, ours.name, a.attname)
               AS what,
           -- A generated column cannot get another expression.
           CASE a.attgenerated WHEN '' THEN
               pg_catalog.format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT ', ours.name, a.attname)
               || pg_catalog.pg_get_expr(d.adbin, d.adrelid) END AS made_anew
      FROM ours
      JOIN pg_catalog.pg_attrdef d ON d.adrelid = ours.oid
      JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    UNION ALL
    SELECT 2, 'pg_catalog.pg_constraint'::regclass, k.oid, ours.name, ours.relowner,
           pg_catalog.format('the constraint %I of %s', k.conname, ours.name),
           pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I; ALTER TABLE %s ADD CONSTRAINT %I ', ours.name, k.conname,
                             ours.name, k.conname) || pg_catalog.pg_get_constraintdef(k.oid)
      FROM ours JOIN pg_catalog.pg_constraint k ON k.conrelid = ours.oid
    UNION ALL
    SELECT 3, 'pg_catalog.pg_class'::regclass, i.indexrelid, ours.name, ours.relowner,
           pg_catalog.format('the index %s', i.indexrelid::regclass),
           pg_catalog.format('DROP INDEX %s; ', i.indexrelid::regclass) || pg_catalog.pg_get_indexdef(i.indexrelid)
      FROM ours JOIN pg_catalog.pg_index i ON i.indrelid = ours.oid
    UNION ALL
    SELECT 4, 'pg_catalog.pg_policy'::regclass, p.oid, ours.name, ours.relowner,
           pg_catalog.format('the policy %I of %s', p.polname, ours.name), NULL
      FROM ours JOIN pg_catalog.pg_policy p ON p.polrelid = ours.oid
    UNION ALL
    SELECT 5, 'pg_catalog.pg_rewrite'::regclass, r.oid, ours.name, ours.relowner, pg_catalog.format('the view %s', ours.name),
           pg_catalog.format('CREATE OR REPLACE VIEW %s WITH (security_invoker = true) AS ', ours.name)
           || pg_catalog.pg_get_viewdef(ours.oid)
      FROM ours JOIN pg_catalog.pg_rewrite r ON r.ev_class = ours.oid
)
SELECT DISTINCT callers.rank, callers.what, alike.name, maker.rolname::text,
       coalesce(pg_catalog.replace(callers.made_anew, alike.called, alike.instead),
                alike.take || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(callers.relowner)))
  FROM callers
  JOIN pg_catalog.pg_depend d ON d.classid = callers.classid AND d.objid = callers.oid
  JOIN alike ON alike.classid = d.refclassid AND alike.oid = d.refobjid
  JOIN pg_catalog.pg_roles maker ON maker.oid IN (alike.owner, alike.maker)
 WHERE NOT maker.rolsuper
   AND NOT pg_catalog.pg_has_role(maker.oid, callers.relowner, 'MEMBER')
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend e
                    WHERE e.classid = alike.classid AND e.objid = alike.oid AND e.deptype = 'e')
 ORDER BY 1, 2, 3
