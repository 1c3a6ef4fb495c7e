-- What makes the administrator $6, who makes no roles, and has the relations $2 of the schema $1 kept by the owner's role, where our own makes
-- roles and is as good as a superuser for that: statements in their order, for our own role. Of relations that belong to another role already
-- only that it gets that role; $3, $4 and $5 are the owner, the sync and the readers, $7 is the register. Nothing but plain statements, which
-- call no function.
--
-- No rows where a role of such a name is there and could be anybody's, or is more than it should be: nobody is made a member of it then, and
-- it gets nothing. Only of a role that these statements make, its administrator may make others a member.
WITH us AS (
    SELECT r.oid, r.rolname FROM pg_catalog.pg_roles r WHERE r.rolname = session_user
), register AS (
    SELECT o.rolname
      FROM us
      JOIN pg_catalog.pg_namespace n ON n.nspname = $1
      JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = $7
      JOIN pg_catalog.pg_roles o ON o.oid = c.relowner AND o.oid <> us.oid
), keeper AS (
    SELECT coalesce((SELECT register.rolname::text FROM register), $3) AS name, NOT EXISTS (SELECT 1 FROM register) AS is_new
), wanted AS (
    SELECT named.at, named.name, named.how, named.rights, there.oid
      FROM keeper
     CROSS JOIN LATERAL (VALUES (1, keeper.name, 'NOLOGIN', 'USAGE, CREATE'), (3, $4, 'LOGIN', 'USAGE'), (4, $5, 'NOLOGIN', 'USAGE'),
                                (5, $6, 'LOGIN', NULL)) AS named (at, name, how, rights)
      LEFT JOIN pg_catalog.pg_roles there ON there.rolname = named.name
), unsafe AS (
    -- A keeper of others' tables, and a role that is there already under the name of the owner.
    SELECT wanted.oid
      FROM wanted
     WHERE wanted.at = 1 AND wanted.oid IN ({ungrantable})
    UNION ALL
    -- As the role under the name of the owner nobody may act yet, nor as the administrator, the sync or the readers, and they are
    -- members of nothing but the keeper; the administrator makes no roles.
    SELECT wanted.oid
      FROM us
     CROSS JOIN keeper
     CROSS JOIN wanted
      JOIN pg_catalog.pg_auth_members a ON a.roleid = wanted.oid OR a.member = wanted.oid
      JOIN pg_catalog.pg_roles role ON role.oid = a.roleid
     WHERE (wanted.at = 5 OR keeper.is_new AND wanted.at IN (1, 3))
       AND NOT (a.roleid = wanted.oid AND a.member = us.oid)
       AND NOT (wanted.at = 5 AND a.member = wanted.oid AND role.rolname = keeper.name)
    UNION ALL
    SELECT wanted.oid
      FROM wanted
     WHERE wanted.at IN (3, 4, 5)
       AND (wanted.oid IN ({makers})
            OR wanted.oid IN (SELECT s.oid FROM pg_catalog.pg_roles s WHERE s.rolsuper OR s.rolbypassrls OR s.rolreplication))
    UNION ALL
    -- Who keeps another database is not to administer this one.
    SELECT wanted.oid
      FROM wanted
     WHERE wanted.at = 5 AND wanted.oid IN ({elsewhere})
)
SELECT statement
  FROM (
    SELECT wanted.at, wanted.name, pg_catalog.format('CREATE ROLE %I %s', wanted.name, wanted.how) AS statement
      FROM keeper CROSS JOIN wanted
     WHERE wanted.oid IS NULL AND (keeper.is_new OR wanted.at = 5)
    UNION ALL
    SELECT 2, '', pg_catalog.format('COMMENT ON ROLE %I IS %L', wanted.name, {mark})
      FROM wanted
     WHERE wanted.at = 1 AND wanted.oid IS NULL
    UNION ALL
    SELECT 6, '', pg_catalog.format('GRANT %I TO %I%s', wanted.name, $6, CASE WHEN wanted.oid IS NULL THEN ' WITH ADMIN OPTION' END)
      FROM wanted
     WHERE wanted.at = 1
    UNION ALL
    SELECT 7, '', pg_catalog.format('GRANT %I TO %I', keeper.name, us.rolname)
      FROM keeper CROSS JOIN us
     WHERE keeper.is_new
    UNION ALL
    SELECT 8, wanted.name, pg_catalog.format('GRANT %s ON SCHEMA %I TO %I', wanted.rights, $1, wanted.name)
      FROM keeper CROSS JOIN wanted
     WHERE wanted.rights IS NOT NULL AND keeper.is_new
    UNION ALL
    SELECT 9, c.relname::text, pg_catalog.format('ALTER TABLE %I.%I OWNER TO %I', $1, c.relname, keeper.name)
      FROM keeper
     CROSS JOIN us
      JOIN pg_catalog.pg_namespace n ON n.nspname = $1
      JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = ANY ($2::text[]) AND c.relowner = us.oid
                                AND c.relkind IN ('r', 'p', 'v')
  ) AS handed_over
 WHERE NOT EXISTS (SELECT 1 FROM unsafe)
 ORDER BY at, name
