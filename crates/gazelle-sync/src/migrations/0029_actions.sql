-- What people ask for on the pages of the dashboard, and what became of it. The service takes each row under its lease;
-- the transaction that changes the data sets applied_at, so that nothing is done twice.
CREATE TABLE {schema}.sync_actions (
    id          uuid PRIMARY KEY,
    kind        text NOT NULL,
    arguments   jsonb NOT NULL,
    digest      bytea NOT NULL,
    based_on    uuid,
    asked_by    uuid,
    asked_at    timestamptz NOT NULL,
    taken_at    timestamptz,
    times_taken integer NOT NULL DEFAULT 0,
    applied_at  timestamptz,
    run_id      uuid,
    outcome     text,
    reason      text,
    report      jsonb,
    ended_at    timestamptz
);

COMMENT ON TABLE {schema}.sync_actions IS 'What people asked for in the dashboard, by whom, and what became of it.';

COMMENT ON COLUMN {schema}.sync_actions.digest IS 'Hash of kind and arguments (BLAKE3): of the same request, one is open at a time.';

COMMENT ON COLUMN {schema}.sync_actions.based_on IS 'The dry run whose numbers were seen: no more is changed than it showed.';

COMMENT ON COLUMN {schema}.sync_actions.asked_by IS 'The person; NULL in the demonstration, where nobody signs in.';

COMMENT ON COLUMN {schema}.sync_actions.applied_at IS 'Set by the transaction that changed the data.';

COMMENT ON COLUMN {schema}.sync_actions.outcome IS 'Null while the action is queued or running; then done, partial, failed or refused.';

CREATE UNIQUE INDEX sync_actions_open ON {schema}.sync_actions (digest) WHERE outcome IS NULL;

CREATE INDEX sync_actions_waiting ON {schema}.sync_actions (id) WHERE outcome IS NULL;

CREATE INDEX sync_actions_verified ON {schema}.sync_actions (ended_at DESC) WHERE kind = 'verify';

CREATE INDEX sync_actions_ended ON {schema}.sync_actions (ended_at);
