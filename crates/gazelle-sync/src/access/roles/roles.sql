-- The roles. No password is set: give {sync} one yourself (psql: \password {sync}).
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = '{owner}') THEN
        CREATE ROLE "{owner}" NOLOGIN;
        EXECUTE format('COMMENT ON ROLE "{owner}" IS %L', {mark});
    END IF;
    IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = '{sync}') THEN
        CREATE ROLE "{sync}" LOGIN;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = '{reader}') THEN
        CREATE ROLE "{reader}" NOLOGIN;
    END IF;
    -- The role that runs this may migrate later. One that already can needs no grant, and may lack the right to give one.
    IF NOT pg_has_role('{owner}', 'USAGE') THEN
        EXECUTE format('GRANT "{owner}" TO %I', current_user);
    END IF;
    IF NOT has_database_privilege('{sync}', current_database(), 'CONNECT') THEN
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO "{sync}"', current_database());
    END IF;
    IF NOT has_database_privilege('{reader}', current_database(), 'CONNECT') THEN
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO "{reader}"', current_database());
    END IF;
END
$$;
-- CREATE is for migrations. A role that may create in a schema can put functions there, and the address of the sync is in
-- the environment of a service: it creates nothing but temporary tables. What both may create by another's right, such as
-- everybody's, is not taken here from those: `migrate --roles` refuses it.
GRANT USAGE, CREATE ON SCHEMA {schema} TO "{owner}";
GRANT USAGE ON SCHEMA {schema} TO "{sync}", "{reader}";
REVOKE CREATE ON SCHEMA {schema} FROM "{sync}", "{reader}";
