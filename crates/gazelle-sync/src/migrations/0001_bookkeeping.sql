CREATE TABLE {schema}.sync_runs (
    run_id        uuid PRIMARY KEY,
    command       text NOT NULL,
    mode          text,
    trigger       text NOT NULL,
    status        text NOT NULL CHECK (status IN ('running', 'success', 'partial', 'failed', 'interrupted')),
    reason        text,
    started_at    timestamptz NOT NULL,
    finished_at   timestamptz,
    fencing_token bigint,
    program       text NOT NULL
);

CREATE INDEX sync_runs_started ON {schema}.sync_runs (started_at);

CREATE TABLE {schema}.sync_run_entities (
    run_id            uuid NOT NULL REFERENCES {schema}.sync_runs (run_id) ON DELETE CASCADE,
    entity            text NOT NULL,
    walk              text,
    walk_complete     boolean,
    incomplete_reason text,
    source_total      bigint,
    seen              bigint,
    fetched           bigint NOT NULL DEFAULT 0,
    staged            bigint NOT NULL DEFAULT 0,
    unchanged         bigint NOT NULL DEFAULT 0,
    processed         bigint NOT NULL DEFAULT 0,
    errors            bigint NOT NULL DEFAULT 0,
    deleted           bigint NOT NULL DEFAULT 0,
    rows_written      bigint NOT NULL DEFAULT 0,
    in_staging        bigint,
    in_production     bigint,
    fetch_ms          bigint,
    reconcile_ms      bigint,
    PRIMARY KEY (run_id, entity)
);

CREATE TABLE {schema}.sync_run_requests (
    run_id      uuid NOT NULL REFERENCES {schema}.sync_runs (run_id) ON DELETE CASCADE,
    sequence    integer NOT NULL,
    operation   text NOT NULL,
    variables   jsonb NOT NULL,
    attempts    integer NOT NULL,
    http_status integer,
    outcome     text NOT NULL,
    latency_ms  bigint NOT NULL,
    bytes       bigint NOT NULL,
    started_at  timestamptz NOT NULL,
    PRIMARY KEY (run_id, sequence)
);

CREATE TABLE {schema}.sync_bookmarks (
    entity          text PRIMARY KEY,
    walk_started_at timestamptz NOT NULL,
    walk            text NOT NULL,
    run_id          uuid NOT NULL
);

COMMENT ON COLUMN {schema}.sync_bookmarks.walk_started_at IS
    'When the last complete walk started, by the clock of the API.';

CREATE TABLE {schema}.sync_lease (
    name       text PRIMARY KEY,
    holder     text NOT NULL,
    token      bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    -- Part of a key, so that taking the lease over waits for transactions that hold the row FOR KEY SHARE,
    -- and renewing it does not.
    UNIQUE (name, token)
);

CREATE TABLE {schema}.sync_quarantine (
    staging_id     uuid PRIMARY KEY,
    entity         text NOT NULL,
    external_id    text NOT NULL,
    error_code     text NOT NULL,
    error_field    text,
    waits_for      text,
    waits_for_id   text,
    state          text NOT NULL CHECK (state IN ('open', 'waiting', 'released', 'superseded', 'dismissed')),
    attempts       integer NOT NULL,
    first_seen_at  timestamptz NOT NULL,
    last_seen_at   timestamptz NOT NULL,
    closed_at      timestamptz,
    closed_reason  text
);

CREATE INDEX sync_quarantine_open ON {schema}.sync_quarantine (entity, external_id)
    WHERE state IN ('open', 'waiting');

CREATE TABLE {schema}.sync_quality_warnings (
    entity        text NOT NULL,
    external_id   text NOT NULL,
    code          text NOT NULL,
    field         text NOT NULL,
    staging_id    uuid,
    run_id        uuid,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    PRIMARY KEY (entity, external_id, code, field)
);

CREATE TABLE {schema}.sync_notes (
    key   text PRIMARY KEY,
    value text NOT NULL
);

CREATE TABLE {schema}.sync_reconcilers (
    entity  text PRIMARY KEY,
    version integer NOT NULL
);

CREATE TABLE {schema}.sync_deletions (
    run_id      uuid NOT NULL REFERENCES {schema}.sync_runs (run_id) ON DELETE CASCADE,
    entity      text NOT NULL,
    external_id text NOT NULL,
    state       text NOT NULL CHECK (state IN ('deleted', 'withheld', 'approved', 'dismissed', 'superseded')),
    evidence    jsonb NOT NULL,
    found_at    timestamptz NOT NULL,
    decided_at  timestamptz,
    PRIMARY KEY (run_id, entity, external_id)
);

CREATE INDEX sync_deletions_record ON {schema}.sync_deletions (entity, external_id);
