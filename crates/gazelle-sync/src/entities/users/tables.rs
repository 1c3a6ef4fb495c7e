//! The table `gazelle_users`.

use crate::entities::table::{Rule::*, Table, column};

/// Of a user: its own row.
pub static TABLES: &[&Table] = &[&GAZELLE_USERS];

/// The technicians and office staff.
pub static GAZELLE_USERS: Table = Table {
    name: "gazelle_users",
    columns: &[
        column("external_id", Id, &["id"]).required(),
        column("first_name", Text, &["firstName"]),
        column("last_name", Text, &["lastName"]),
        column("email", Text, &["email"]),
        column("status", Text, &["status"]),
        column("timezone", Text, &["timezone"]),
        column("access_level", Text, &["accessLevel"]),
        column("color", Text, &["color"]),
        column("region", Text, &["region"]),
        column("is_schedulable", Boolean, &["isSchedulable"]),
        column("has_limited_access", Boolean, &["hasLimitedAccess"]),
        column("source_created_at", Instant, &["createdAt"]),
        column("source_updated_at", Instant, &["updatedAt"]),
    ],
    ..Table::OF_RECORDS
};
