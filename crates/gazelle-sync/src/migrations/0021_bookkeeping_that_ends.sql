ALTER TABLE {schema}.sync_notes ADD COLUMN noted_at timestamptz;

COMMENT ON COLUMN {schema}.sync_notes.noted_at IS 'The value, of a note that is an instant.';

UPDATE {schema}.sync_notes
   SET noted_at = (SELECT whole.value::timestamptz FROM {schema}.sync_notes whole WHERE whole.key = 'staging_whole_since')
 WHERE key = 'staging_whole_since';

ALTER TABLE {schema}.sync_run_entities ADD COLUMN walk_settled boolean NOT NULL DEFAULT false;

ALTER TABLE {schema}.sync_run_entities ADD COLUMN short_by bigint;

COMMENT ON COLUMN {schema}.sync_run_entities.short_by IS
    'By how much the API counts more records than the walk saw, though it read every page.';

COMMENT ON COLUMN {schema}.sync_run_entities.walk_settled IS
    'The walk was incomplete by the same difference as those before: the schedule counts it, and goes on.';

CREATE TABLE {schema}.sync_missing_parents (
    parent_table  text NOT NULL,
    external_id   text NOT NULL,
    asks          integer NOT NULL,
    last_asked_at timestamptz NOT NULL,
    next_ask_at   timestamptz NOT NULL,
    PRIMARY KEY (parent_table, external_id)
);

COMMENT ON TABLE {schema}.sync_missing_parents IS
    'Parents that records wait for and that Gazelle did not give when asked: when they are asked for again.';
