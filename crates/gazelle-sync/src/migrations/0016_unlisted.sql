ALTER TABLE {schema}.sync_run_entities
    ADD COLUMN unlisted bigint NOT NULL DEFAULT 0,
    ADD COLUMN found_by_id bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN {schema}.sync_run_entities.unlisted IS
    'Records held that a walk of all did not see, and that exist: each was asked for by id.';
COMMENT ON COLUMN {schema}.sync_run_entities.found_by_id IS
    'Records that others name and no walk had brought, found by id: created during the run, or in no list.';
