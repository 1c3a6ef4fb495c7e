-- Runs that somebody asked for. A row is all it takes: INSERT INTO sync_wanted_runs (mode) VALUES ('full').
CREATE TABLE {schema}.sync_wanted_runs (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    mode         text NOT NULL DEFAULT 'incremental' CHECK (mode IN ('incremental', 'full')),
    entities     text[],
    requested_by text NOT NULL DEFAULT current_user,
    requested_at timestamptz NOT NULL DEFAULT now(),
    taken_at     timestamptz,
    times_taken  integer NOT NULL DEFAULT 0,
    run_id       uuid,
    outcome      text,
    reason       text,
    ended_at     timestamptz
);

CREATE INDEX sync_wanted_runs_open ON {schema}.sync_wanted_runs (requested_at) WHERE outcome IS NULL;

COMMENT ON COLUMN {schema}.sync_wanted_runs.entities IS 'Which entities; all when absent.';

COMMENT ON COLUMN {schema}.sync_wanted_runs.outcome IS
    'Absent while it waits or runs; then the status of its run, or refused.';

-- As for all bookkeeping: not for Supabase's public roles.
DO $$
DECLARE
    role text;
BEGIN
    EXECUTE 'ALTER TABLE {schema}.sync_wanted_runs ENABLE ROW LEVEL SECURITY';
    FOR role IN SELECT quote_ident(rolname) FROM pg_roles WHERE rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE 'REVOKE ALL ON {schema}.sync_wanted_runs FROM ' || role;
    END LOOP;
    EXECUTE 'REVOKE ALL ON {schema}.sync_wanted_runs FROM PUBLIC';
END
$$;
