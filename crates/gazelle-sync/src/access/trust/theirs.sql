-- The statements that make the relations $2 of the schema $1, the schema (of `public`: the database) ours, where they belong to a role that
-- is no superuser, as (what, statement). None where our session is no superuser's own, or the server takes connections by the network.
WITH us AS (
    SELECT r.rolname
      FROM pg_catalog.pg_roles r
     WHERE r.rolname = current_user AND r.rolname = session_user AND r.rolsuper
       AND pg_catalog.current_setting('listen_addresses') = ''
)
SELECT pg_catalog.format('%I.%I of %s', n.nspname, c.relname, o.rolname) AS what,
       pg_catalog.format('ALTER %s %I.%I OWNER TO %I', CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, n.nspname, c.relname, us.rolname)
           AS statement
  FROM us
  JOIN pg_catalog.pg_namespace n ON n.nspname = $1
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = ANY ($2::text[]) AND c.relkind IN ('r', 'p', 'v')
  JOIN pg_catalog.pg_roles o ON o.oid = c.relowner AND NOT o.rolsuper
UNION ALL
SELECT pg_catalog.format('the schema %I of %s', n.nspname, o.rolname),
       pg_catalog.format('ALTER SCHEMA %I OWNER TO %I', n.nspname, us.rolname)
  FROM us
  JOIN pg_catalog.pg_namespace n ON n.nspname = $1
  JOIN pg_catalog.pg_roles o ON o.oid = n.nspowner AND NOT o.rolsuper AND o.rolname <> 'pg_database_owner'
UNION ALL
SELECT pg_catalog.format('the database %I of %s', d.datname, o.rolname),
       pg_catalog.format('ALTER DATABASE %I OWNER TO %I', d.datname, us.rolname)
  FROM us
  JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
  JOIN pg_catalog.pg_roles o ON o.oid = d.datdba AND NOT o.rolsuper
 ORDER BY 1
