-- Date and time are UTC. start_at and end_at are generated, so that they can never disagree with them.
CREATE TABLE {schema}.gazelle_appointments (
    external_id            text PRIMARY KEY,
    appointment_date       date,
    appointment_time       time,
    start_at               timestamptz GENERATED ALWAYS AS
                               ((appointment_date + appointment_time) AT TIME ZONE 'UTC') STORED,
    duration_minutes       integer,
    end_at                 timestamptz GENERATED ALWAYS AS
                               ((appointment_date + appointment_time + duration_minutes * interval '1 minute')
                                AT TIME ZONE 'UTC') STORED,
    buffer_minutes         integer,
    is_all_day             boolean,
    title                  text,
    description            text,
    notes                  text,
    status                 text,
    event_type             text,
    client_external_id     text REFERENCES {schema}.gazelle_clients (external_id),
    contact_external_id    text REFERENCES {schema}.gazelle_contacts (external_id),
    location_external_id   text REFERENCES {schema}.gazelle_locations (external_id),
    technician_external_id text REFERENCES {schema}.gazelle_users (external_id),
    confirmed_by_client    boolean,
    confirmed_at           timestamptz,
    confirmation_warning   text,
    lifecycle_state        text,
    source                 text,
    event_timezone         text,
    travel_mode            text,
    address_line           text,
    latitude               double precision,
    longitude              double precision,
    recurrence_id          text,
    recurrence_type        text,
    recurrence_interval    integer,
    recurrence_ending_date date,
    created_by_external_id text,
    source_created_at      timestamptz,
    source_updated_at      timestamptz,
    staging_id             uuid NOT NULL,
    reconciler_version     integer NOT NULL,
    synced_from_gazelle_at timestamptz NOT NULL,
    deleted_at             timestamptz
);

CREATE INDEX gazelle_appointments_start ON {schema}.gazelle_appointments (start_at);

CREATE INDEX gazelle_appointments_client ON {schema}.gazelle_appointments (client_external_id);

CREATE TABLE {schema}.gazelle_appointment_pianos (
    appointment_external_id text REFERENCES {schema}.gazelle_appointments (external_id) ON DELETE CASCADE,
    piano_external_id       text REFERENCES {schema}.gazelle_pianos (external_id),
    is_tuning               boolean,
    source_updated_at       timestamptz,
    staging_id              uuid NOT NULL,
    reconciler_version      integer NOT NULL,
    synced_from_gazelle_at  timestamptz NOT NULL,
    deleted_at              timestamptz,
    PRIMARY KEY (appointment_external_id, piano_external_id)
);

CREATE INDEX gazelle_appointment_pianos_piano ON {schema}.gazelle_appointment_pianos (piano_external_id);
