-- OAuth tokens, sealed with a key that the database never sees. One row, there from the beginning: who refreshes
-- locks it, so that of two processes one refreshes and the other finds it done.
CREATE TABLE {schema}.sync_tokens (
    name     text PRIMARY KEY,
    sealed   bytea,
    -- Which key, by a hash: a wrong one can be told from a damaged row.
    key_name text,
    saved_at timestamptz
);

INSERT INTO {schema}.sync_tokens (name) VALUES ('gazelle');

-- As for all bookkeeping: not for Supabase's public roles.
DO $$
DECLARE
    role text;
BEGIN
    EXECUTE 'ALTER TABLE {schema}.sync_tokens ENABLE ROW LEVEL SECURITY';
    FOR role IN SELECT quote_ident(rolname) FROM pg_roles WHERE rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE 'REVOKE ALL ON {schema}.sync_tokens FROM ' || role;
    END LOOP;
    EXECUTE 'REVOKE ALL ON {schema}.sync_tokens FROM PUBLIC';
END
$$;
