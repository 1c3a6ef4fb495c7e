COMMENT ON COLUMN {schema}.sync_run_entities.unlisted IS
    'Records held that a walk of all did not see, and that are not known to be gone: each was asked for by id, or waits for its turn to be.';
