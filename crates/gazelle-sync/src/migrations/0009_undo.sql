-- Runs that were undone: their versions stay in staging and count no more, until the undo is lifted.
CREATE TABLE {schema}.sync_undos (
    undo_id   uuid PRIMARY KEY,
    run_id    uuid NOT NULL,
    undone_at timestamptz NOT NULL,
    versions  bigint NOT NULL,
    records   bigint NOT NULL,
    lifted_at timestamptz,
    lifted_by uuid
);

COMMENT ON COLUMN {schema}.sync_undos.undo_id IS
    'The run that did it; staging names it in withdrawn_by.';

-- A run is undone once, or not at all.
CREATE UNIQUE INDEX sync_undos_in_force ON {schema}.sync_undos (run_id) WHERE lifted_at IS NULL;

-- A deletion whose run was undone is kept like one that a person dismissed; lifting the undo gives it back its state.
ALTER TABLE {schema}.sync_deletions ADD COLUMN undone_by uuid;

ALTER TABLE {schema}.sync_deletions ADD COLUMN state_before_undo text;

-- How a fault ended is told more exactly: by a newer reconciler, or with its run.
ALTER TABLE {schema}.sync_quarantine DROP CONSTRAINT IF EXISTS sync_quarantine_state_check;

ALTER TABLE {schema}.sync_quarantine ADD CONSTRAINT sync_quarantine_state_check
    CHECK (state IN ('open', 'waiting', 'released', 'reread', 'superseded', 'withdrawn', 'dismissed'));

ALTER TABLE {schema}.sync_quarantine ADD COLUMN reconciler_version integer;

COMMENT ON COLUMN {schema}.sync_quarantine.reconciler_version IS
    'The version of the reconciler that could not read it last.';

DO $$
DECLARE
    role text;
BEGIN
    EXECUTE 'ALTER TABLE {schema}.sync_undos ENABLE ROW LEVEL SECURITY';
    FOR role IN SELECT quote_ident(rolname) FROM pg_roles WHERE rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE 'REVOKE ALL ON {schema}.sync_undos FROM ' || role;
    END LOOP;
    EXECUTE 'REVOKE ALL ON {schema}.sync_undos FROM PUBLIC';
END
$$;
