-- Links by which a calendar reads the visits of a technician. Of a link only the BLAKE3 hash is kept: nothing here opens it.
CREATE TABLE {schema}.sync_feeds (
    id                     uuid PRIMARY KEY,
    hash                   bytea NOT NULL UNIQUE,
    technician_external_id text NOT NULL,
    language               text NOT NULL,
    made_by                uuid,
    made_at                timestamptz NOT NULL,
    revoked_by             uuid,
    revoked_at             timestamptz
);

COMMENT ON TABLE {schema}.sync_feeds IS 'Links by which a calendar reads the visits of a technician.';

COMMENT ON COLUMN {schema}.sync_feeds.hash IS 'Hash of the secret in the link (BLAKE3).';

COMMENT ON COLUMN {schema}.sync_feeds.made_by IS 'The person who made the link; NULL: the demonstration, in which nobody signs in.';

COMMENT ON COLUMN {schema}.sync_feeds.revoked_at IS 'Since when the link opens nothing any more; NULL: it is in use.';

CREATE INDEX sync_feeds_technician ON {schema}.sync_feeds (technician_external_id, made_at);
