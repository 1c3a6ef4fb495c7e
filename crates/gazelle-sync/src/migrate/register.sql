-- Creates the register of applied migrations.
CREATE TABLE {schema}.sync_migrations (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL
)
