ALTER TABLE {schema}.sync_quality_warnings ADD COLUMN column_name text;

ALTER TABLE {schema}.sync_quality_warnings ADD COLUMN shape text;

COMMENT ON COLUMN {schema}.sync_quality_warnings.column_name IS
    'Of an unreadable field: the columns that are NULL because of it.';

COMMENT ON COLUMN {schema}.sync_quality_warnings.shape IS
    'Of an unreadable field: the shape of the value, never the value.';

ALTER TABLE {schema}.sync_quarantine ADD COLUMN run_id uuid;

COMMENT ON COLUMN {schema}.sync_quarantine.run_id IS
    'The run that opened the case; absent where a program before this column did.';

ALTER TABLE {schema}.sync_run_entities ADD COLUMN quarantined bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN {schema}.sync_run_entities.quarantined IS
    'Records newly in quarantine at the end of the run.';

ALTER TABLE {schema}.sync_run_entities ADD COLUMN unreadable_fields bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN {schema}.sync_run_entities.unreadable_fields IS
    'Fields that the run could not read, and that are NULL in production.';
