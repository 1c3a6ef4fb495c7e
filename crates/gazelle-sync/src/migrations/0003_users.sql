CREATE TABLE {schema}.gazelle_users (
    external_id            text PRIMARY KEY,
    first_name             text,
    last_name              text,
    email                  text,
    status                 text,
    timezone               text,
    access_level           text,
    color                  text,
    region                 text,
    is_schedulable         boolean,
    has_limited_access     boolean,
    source_created_at      timestamptz,
    source_updated_at      timestamptz,
    staging_id             uuid NOT NULL,
    reconciler_version     integer NOT NULL,
    synced_from_gazelle_at timestamptz NOT NULL,
    deleted_at             timestamptz
);
