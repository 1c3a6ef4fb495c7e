-- What an administrator has to run before our role can apply `migrate --roles` to the schema $1, with the owner $2, the sync $3 and the
-- readers $4, as statements in their order; $5 says that our role is to lose CREATEROLE first. No rows where it lacks nothing; none either
-- where it is one of the roles, or where the register of migrations $6 is a role's for which it may not act: that is refused with other words.
-- Where rights on the schema or the database are lacking, the administrator makes the roles too, also those that ours could make: it can
-- grant them nothing before they are there. `is_unsafe` says of a statement that it would make our role a member of one that is not to be granted.
WITH us AS (
    SELECT r.oid, r.rolname, r.rolsuper, r.rolcreaterole AND NOT $5 AS makes_roles
      FROM pg_catalog.pg_roles r
     WHERE r.rolname = current_user AND r.rolname NOT IN ($2, $3, $4)
       AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                        WHERE n.nspname = $1 AND c.relname = $6 AND NOT pg_catalog.pg_has_role(r.oid, c.relowner, 'USAGE'))
), wanted AS (
    SELECT named.at, named.name, named.how, named.rights, there.oid
      FROM (VALUES (1, $2, 'NOLOGIN', 'USAGE, CREATE'), (3, $3, 'LOGIN', 'USAGE'), (4, $4, 'NOLOGIN', 'USAGE')) AS named (at, name, how, rights)
      LEFT JOIN pg_catalog.pg_roles there ON there.rolname = named.name
), grants AS (
    -- A schema that is not there yet will be ours.
    SELECT 5 + wanted.at AS at, pg_catalog.format('GRANT %s ON SCHEMA %I TO %I', wanted.rights, n.nspname, wanted.name) AS statement
      FROM us CROSS JOIN wanted JOIN pg_catalog.pg_namespace n ON n.nspname = $1
     CROSS JOIN LATERAL unnest(pg_catalog.string_to_array(wanted.rights, ', ')) AS kind (name)
     WHERE NOT coalesce(pg_catalog.has_schema_privilege(wanted.oid, n.oid, kind.name),
                        pg_catalog.has_schema_privilege('public', n.oid, kind.name))
       AND NOT pg_catalog.has_schema_privilege(us.oid, n.oid, pg_catalog.concat(kind.name, ' WITH GRANT OPTION'))
     GROUP BY wanted.at, wanted.rights, n.nspname, wanted.name
    UNION ALL
    SELECT 10 + wanted.at, pg_catalog.format('GRANT CONNECT ON DATABASE %I TO %I', d.datname, wanted.name)
      FROM us CROSS JOIN wanted JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
     WHERE wanted.at > 1
       AND NOT coalesce(pg_catalog.has_database_privilege(wanted.oid, d.oid, 'CONNECT'),
                        pg_catalog.has_database_privilege('public', d.oid, 'CONNECT'))
       AND NOT pg_catalog.has_database_privilege(us.oid, d.oid, 'CONNECT WITH GRANT OPTION')
), made AS (
    -- The roles that the administrator makes, where ours does not make them itself.
    SELECT wanted.at, wanted.name, wanted.how
      FROM us CROSS JOIN wanted
     WHERE wanted.oid IS NULL AND NOT us.rolsuper AND (NOT us.makes_roles OR EXISTS (SELECT 1 FROM grants))
)
SELECT statement, is_unsafe
  FROM (
    SELECT made.at, pg_catalog.format('CREATE ROLE %I %s', made.name, made.how) AS statement, false AS is_unsafe FROM made
    UNION ALL
    SELECT 2, pg_catalog.format('COMMENT ON ROLE %I IS %L', made.name, {mark}), false FROM made WHERE made.at = 1
    UNION ALL
    -- Who makes the role may grant it to itself; up to version 15 also where another made it. ADMIN OPTION only of one that is made here:
    -- acting_members.sql tells administrators by it.
    SELECT 5,
           pg_catalog.format('GRANT %I TO %I%s', wanted.name, us.rolname, CASE WHEN wanted.oid IS NULL THEN ' WITH ADMIN OPTION' END),
           coalesce(wanted.oid IN ({ungrantable}), false)
      FROM us CROSS JOIN wanted
     WHERE wanted.at = 1 AND NOT us.rolsuper
       AND CASE WHEN wanted.oid IS NULL THEN EXISTS (SELECT 1 FROM made WHERE made.at = 1)
                ELSE NOT pg_catalog.pg_has_role(us.oid, wanted.oid, 'USAGE')
                     AND NOT pg_catalog.pg_has_role(us.oid, wanted.oid, 'MEMBER WITH ADMIN OPTION')
                     AND NOT (us.makes_roles AND pg_catalog.current_setting('server_version_num')::int < 160000) END
    UNION ALL
    SELECT grants.at, grants.statement, false FROM grants
  ) AS needed
 ORDER BY at
