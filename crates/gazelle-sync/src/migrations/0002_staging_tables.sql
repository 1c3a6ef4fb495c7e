-- One table of this shape an entity. Rows are versions of records: appended, never edited but for their
-- outcome. Half of each page stays free, and no index mentions the outcome, so that noting an outcome
-- rewrites no index and little WAL.
CREATE TABLE {schema}.{staging_table} (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    external_id   text NOT NULL,
    raw_data      jsonb NOT NULL,
    fetched_at    timestamptz NOT NULL DEFAULT now(),
    sync_status   text NOT NULL DEFAULT 'pending' CHECK (sync_status IN ('pending', 'processed', 'error')),
    error_message text,
    error_stack   text,
    created_at    timestamptz DEFAULT now(),
    operation     text NOT NULL DEFAULT 'upsert' CHECK (operation IN ('upsert', 'delete')),
    content_hash  bytea,
    raw_bytes     bytea,
    run_id        uuid,
    error_code    text,
    error_field   text,
    attempts      integer NOT NULL DEFAULT 0,
    processed_at  timestamptz,
    withdrawn_by  uuid,
    UNIQUE (external_id, fetched_at)
) WITH (fillfactor = 50);

COMMENT ON COLUMN {schema}.{staging_table}.fetched_at IS
    'When this version was seen; of two versions of an id the later one is the newer.';

COMMENT ON COLUMN {schema}.{staging_table}.raw_bytes IS
    'The record as received, only where raw_data cannot hold it exactly (U+0000, repeated keys, …).';

COMMENT ON COLUMN {schema}.{staging_table}.withdrawn_by IS
    'The undo that withdrew this version: it stays here and counts no more.';

-- lz4 packs long records several times faster than the default; a server built without it keeps the default.
DO $$
BEGIN
    ALTER TABLE {schema}.{staging_table} ALTER COLUMN raw_data SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported OR invalid_parameter_value THEN
    NULL;
END
$$;
