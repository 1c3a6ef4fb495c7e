-- Staging as the specification draws it, beside the production tables that gazelle-sync's own migrations made.
CREATE SCHEMA raw;

CREATE TABLE raw.staging_users (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    external_id   text NOT NULL,
    raw_data      jsonb NOT NULL,
    fetched_at    timestamptz NOT NULL DEFAULT now(),
    sync_status   text NOT NULL DEFAULT 'pending',
    error_message text,
    created_at    timestamptz DEFAULT now(),
    UNIQUE (external_id, fetched_at)
);

CREATE TABLE raw.staging_clients (LIKE raw.staging_users INCLUDING ALL);

CREATE TABLE raw.staging_pianos (LIKE raw.staging_users INCLUDING ALL);

CREATE TABLE raw.staging_appointments (LIKE raw.staging_users INCLUDING ALL);
