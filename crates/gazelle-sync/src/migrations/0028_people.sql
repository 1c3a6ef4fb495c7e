-- The people who may see the dashboard. Passphrases are kept as argon2id hashes, one-time links and sessions as BLAKE3
-- hashes: nothing here lets anybody in.
CREATE TABLE {schema}.sync_people (
    id                     uuid PRIMARY KEY,
    name                   text NOT NULL,
    name_key               text NOT NULL UNIQUE,
    role                   text NOT NULL,
    technician_external_id text,
    language               text,
    passphrase             text,
    link_hash              bytea UNIQUE,
    link_expires_at        timestamptz,
    invited_by             uuid,
    created_at             timestamptz NOT NULL,
    signed_in_at           timestamptz,
    disabled_at            timestamptz,
    CHECK (role IN ('technician', 'office', 'operator')),
    CHECK (role <> 'technician' OR technician_external_id IS NOT NULL)
);

COMMENT ON TABLE {schema}.sync_people IS 'The people who may sign in to the dashboard.';

COMMENT ON COLUMN {schema}.sync_people.name_key IS 'The name as it is compared: in small letters, single spaces.';

COMMENT ON COLUMN {schema}.sync_people.passphrase IS 'Hash of the passphrase (argon2id); NULL until one is set.';

COMMENT ON COLUMN {schema}.sync_people.link_hash IS 'Hash of the one-time link (BLAKE3); NULL once it is used.';

COMMENT ON COLUMN {schema}.sync_people.invited_by IS 'The person who sent the last link; NULL: the command line.';

CREATE TABLE {schema}.sync_sessions (
    id        uuid PRIMARY KEY,
    hash      bytea NOT NULL UNIQUE,
    person_id uuid NOT NULL REFERENCES {schema}.sync_people (id),
    begun_at  timestamptz NOT NULL,
    ends_at   timestamptz NOT NULL
);

COMMENT ON TABLE {schema}.sync_sessions IS 'Who is signed in to the dashboard. A session that ended is kept for 30 days.';

COMMENT ON COLUMN {schema}.sync_sessions.hash IS 'Hash of the session id in the cookie (BLAKE3).';

CREATE INDEX sync_sessions_person ON {schema}.sync_sessions (person_id, ends_at);

CREATE INDEX sync_sessions_ended ON {schema}.sync_sessions (ends_at);
