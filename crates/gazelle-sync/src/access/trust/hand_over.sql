-- What makes the administrator $7, who makes no roles, and has the relations $2 of the schema $1 kept by the owner's role, where our own makes
-- roles and is as good as a superuser for that: statements in their order, for our own role. Of relations that belong to another role already
-- only that it gets that role; $3, $4 and $5 are the owner, the sync and the readers, $6 is the comment of the owner, $8 the register. Nothing
-- but plain statements, which call no function.
WITH us AS (
    SELECT r.oid, r.rolname FROM pg_catalog.pg_roles r WHERE r.rolname = session_user
), register AS (
    SELECT o.rolname
      FROM us
      JOIN pg_catalog.pg_namespace n ON n.nspname = $1
      JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = $8
      JOIN pg_catalog.pg_roles o ON o.oid = c.relowner AND o.oid <> us.oid
), keeper AS (
    SELECT coalesce((SELECT register.rolname::text FROM register), $3) AS name, NOT EXISTS (SELECT 1 FROM register) AS is_new
), wanted AS (
    SELECT named.at, named.name, named.how, named.rights, there.oid
      FROM keeper
     CROSS JOIN LATERAL (VALUES (1, keeper.name, 'NOLOGIN', 'USAGE, CREATE'), (3, $4, 'LOGIN', 'USAGE'), (4, $5, 'NOLOGIN', 'USAGE'),
                                (5, $7, 'LOGIN', NULL)) AS named (at, name, how, rights)
      LEFT JOIN pg_catalog.pg_roles there ON there.rolname = named.name
     WHERE keeper.is_new OR named.at = 5
)
SELECT statement
  FROM (
    SELECT wanted.at, wanted.name, pg_catalog.format('CREATE ROLE %I %s', wanted.name, wanted.how) AS statement
      FROM wanted
     WHERE wanted.oid IS NULL
    UNION ALL
    SELECT 2, '', pg_catalog.format('COMMENT ON ROLE %I IS %L', wanted.name, $6::text)
      FROM wanted
     WHERE wanted.at = 1 AND wanted.oid IS NULL
    UNION ALL
    SELECT 6, '', pg_catalog.format('GRANT %I TO %I WITH ADMIN OPTION', keeper.name, $7)
      FROM keeper
    UNION ALL
    SELECT 7, '', pg_catalog.format('GRANT %I TO %I', keeper.name, us.rolname)
      FROM keeper CROSS JOIN us
     WHERE keeper.is_new
    UNION ALL
    SELECT 8, wanted.name, pg_catalog.format('GRANT %s ON SCHEMA %I TO %I', wanted.rights, $1, wanted.name)
      FROM wanted
     WHERE wanted.rights IS NOT NULL
    UNION ALL
    SELECT 9, c.relname::text, pg_catalog.format('ALTER TABLE %I.%I OWNER TO %I', $1, c.relname, keeper.name)
      FROM keeper
     CROSS JOIN us
      JOIN pg_catalog.pg_namespace n ON n.nspname = $1
      JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = ANY ($2::text[]) AND c.relowner = us.oid
                                AND c.relkind IN ('r', 'p', 'v')
  ) AS handed_over
 ORDER BY at, name
