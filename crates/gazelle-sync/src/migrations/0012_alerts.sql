-- What is wrong, as long as it is, and what was said of it.
CREATE TABLE {schema}.sync_alerts (
    id        uuid PRIMARY KEY,
    kind      text NOT NULL,
    facts     jsonb NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz
);

-- Two watchers at once cannot open the same twice.
CREATE UNIQUE INDEX sync_alerts_open ON {schema}.sync_alerts (kind) WHERE closed_at IS NULL;

CREATE INDEX sync_alerts_closed ON {schema}.sync_alerts (closed_at) WHERE closed_at IS NOT NULL;

-- The outbox: written together with what it tells of, emptied by whoever claims a message.
CREATE TABLE {schema}.sync_alert_messages (
    id            uuid PRIMARY KEY,
    alert_id      uuid NOT NULL REFERENCES {schema}.sync_alerts (id) ON DELETE CASCADE,
    channel       text NOT NULL,
    -- 0 the first word, then the reminders, 1000000 the last: their order, and none of them twice.
    position      integer NOT NULL,
    occasion      text NOT NULL CHECK (occasion IN ('started', 'reminder', 'over')),
    title         text NOT NULL,
    body          text NOT NULL,
    created_at    timestamptz NOT NULL,
    due_at        timestamptz NOT NULL,
    claimed_until timestamptz,
    attempts      integer NOT NULL DEFAULT 0,
    last_error    text,
    sent_at       timestamptz,
    given_up_at   timestamptz,
    UNIQUE (alert_id, channel, position)
);

CREATE INDEX sync_alert_messages_waiting ON {schema}.sync_alert_messages (due_at)
    WHERE sent_at IS NULL AND given_up_at IS NULL;

COMMENT ON COLUMN {schema}.sync_alert_messages.channel IS
    'slack, webhook, or email: and a hash of the receiver''s address, which itself is in the settings alone.';

-- The one row that a watcher locks while it compares what is wrong with what was said.
CREATE TABLE {schema}.sync_alert_watch (
    name      text PRIMARY KEY,
    looked_at timestamptz NOT NULL
);

INSERT INTO {schema}.sync_alert_watch (name, looked_at) VALUES ('watch', 'epoch');

-- As for all bookkeeping: not for Supabase's public roles.
DO $$
DECLARE
    ours text;
    role text;
BEGIN
    FOREACH ours IN ARRAY ARRAY['{schema}.sync_alerts', '{schema}.sync_alert_messages', '{schema}.sync_alert_watch']
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
