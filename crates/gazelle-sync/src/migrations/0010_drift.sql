-- The API's schema as far as our queries touch it, each that was ever seen; the last seen is compared with the next.
CREATE TABLE {schema}.sync_source_schemas (
    schema_hash   text PRIMARY KEY,
    schema        jsonb NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    run_id        uuid NOT NULL
);

COMMENT ON COLUMN {schema}.sync_source_schemas.last_seen_at IS
    'When a run last found this schema where it had seen another one before.';

-- What is worth knowing about a run as a whole, and is no reason against its success.
CREATE TABLE {schema}.sync_run_warnings (
    run_id  uuid NOT NULL REFERENCES {schema}.sync_runs (run_id) ON DELETE CASCADE,
    code    text NOT NULL,
    subject text NOT NULL,
    message text NOT NULL,
    PRIMARY KEY (run_id, code, subject)
);

ALTER TABLE {schema}.sync_run_entities ADD COLUMN dropped bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN {schema}.sync_run_entities.dropped IS
    'Versions that the run removed from staging, by the setting retention.';

-- As for all bookkeeping: not for Supabase's public roles.
DO $$
DECLARE
    ours text;
    role text;
BEGIN
    FOREACH ours IN ARRAY ARRAY['{schema}.sync_source_schemas', '{schema}.sync_run_warnings']
    LOOP
        EXECUTE 'ALTER TABLE ' || ours || ' ENABLE ROW LEVEL SECURITY';
        FOR role IN SELECT quote_ident(rolname) FROM pg_roles WHERE rolname IN ('anon', 'authenticated')
        LOOP
            EXECUTE 'REVOKE ALL ON ' || ours || ' FROM ' || role;
        END LOOP;
        EXECUTE 'REVOKE ALL ON ' || ours || ' FROM PUBLIC';
    END LOOP;
END
$$;
