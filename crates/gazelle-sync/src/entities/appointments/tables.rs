//! The tables `gazelle_appointments` and `gazelle_appointment_pianos`.

use super::warnings::DUPLICATE_PIANO;
use crate::entities::Query;
use crate::entities::table::{
    Derived, DerivedColumn, Generated, Heading, Nested, Rule::*, Table, View, column,
};

/// Of an event: its own row, and those of its pianos.
pub static TABLES: &[&Table] = &[&GAZELLE_APPOINTMENTS, &GAZELLE_APPOINTMENT_PIANOS];

/// The appointments: events of all types. Date and time are UTC; the database generates `start_at` and `end_at`
/// from them.
pub static GAZELLE_APPOINTMENTS: Table = Table {
    name: "gazelle_appointments",
    columns: &[
        column("external_id", Id, &["id"]).required(),
        column("appointment_date", UtcDate, &["start", "start_time"]).required(),
        column("appointment_time", UtcTime, &["start", "start_time"]).required(),
        column("duration_minutes", Integer, &["duration", "duration_minutes"]),
        column("buffer_minutes", Integer, &["buffer"]),
        column("is_all_day", Boolean, &["isAllDay", "is_all_day"]),
        column("title", Text, &["title"]),
        column("description", Text, &["description"]),
        column("notes", Text, &["notes"]),
        column("status", Text, &["status"]),
        column("event_type", Text, &["type", "event_type"]),
        column("client_external_id", Id, &["client.id", "client_id"]).parent("gazelle_clients"),
        column("technician_external_id", Id, &["user.id", "user_id", "technician_id"])
            .parent("gazelle_users"),
        column("confirmed_by_client", Boolean, &["confirmedByClient"]),
        column("confirmed_at", Instant, &["confirmedAt"]),
        column("confirmation_warning", Text, &["confirmationWarning"]),
        column("lifecycle_state", Text, &["lifecycleState"]),
        column("source", Text, &["source"]),
        column("event_timezone", Text, &["timezone"]),
        column("travel_mode", Text, &["travelMode"]),
        column("address_line", Text, &["addressLine"]),
        column("latitude", Float, &["lat"]),
        column("longitude", Float, &["lng"]),
        column("recurrence_id", Text, &["recurrenceId"]),
        column("recurrence_type", Text, &["recurrenceType"]),
        column("recurrence_interval", Integer, &["recurrenceInterval"]),
        column("recurrence_ending_date", Date, &["recurrenceEndingDate"]),
        column("created_by_external_id", Id, &["createdBy.id"]),
        column("source_created_at", Instant, &["createdAt"]),
        column("source_updated_at", Instant, &["updatedAt"]),
    ],
    derived: Some(Derived {
        table: "gazelle_clients",
        by: "client_external_id",
        columns: &[
            DerivedColumn {
                name: "contact_external_id",
                from: "default_contact_external_id",
                references: "gazelle_contacts",
            },
            DerivedColumn {
                name: "location_external_id",
                from: "default_location_external_id",
                references: "gazelle_locations",
            },
        ],
    }),
    generated: &[
        Generated {
            name: "start_at",
            sql_type: "timestamptz",
            expression: "(appointment_date + appointment_time) AT TIME ZONE 'UTC'",
        },
        Generated {
            name: "end_at",
            sql_type: "timestamptz",
            expression: "(appointment_date + appointment_time + duration_minutes * interval '1 minute') AT TIME ZONE 'UTC'",
        },
    ],
    shown_by: Some(View {
        name: "v_appointments_montreal",
        columns: &[
            ("date_montreal", "start_at"),
            ("time_montreal", "start_at"),
            ("last_date_montreal", "end_at"),
            ("end_time_montreal", "end_at"),
        ],
        follows_from: &["start_at", "end_at", "appointment_date", "appointment_time"],
        exception: "of an all-day event at midnight UTC its own date",
        summary: "{date_montreal} {time_montreal} to {last_date_montreal} {end_time_montreal}",
    }),
    ..Table::OF_RECORDS
};

/// The pianos of an appointment.
pub static GAZELLE_APPOINTMENT_PIANOS: Table = Table {
    name: "gazelle_appointment_pianos",
    heading: Some(Heading { en: "Pianos of the appointment", fr: "Pianos du rendez-vous" }),
    key: &["appointment_external_id", "piano_external_id"],
    owner: Some("appointment_external_id"),
    list: Some(Nested {
        path: &["allEventPianos"],
        query: Query::new(concat!(include_str!("more_pianos.graphql"), include_str!("fields.graphql"))),
        operation: "AppointmentMorePianos",
        answer: &["event", "allEventPianos"],
        doubled: DUPLICATE_PIANO,
    }),
    columns: &[
        column("appointment_external_id", Id, &[])
            .made(&["^id"], "the id of the event")
            .held_by("gazelle_appointments"),
        column("piano_external_id", Id, &["piano.id", "piano_id"]).required().parent("gazelle_pianos"),
        column("is_tuning", Boolean, &["isTuning"]),
        column("source_updated_at", Instant, &[]).made(&["^updatedAt"], "when the event was updated"),
    ],
    ..Table::OF_RECORDS
};
