//! The JSON of a user without timestamps.

use super::COMPANY_ZONE;
use super::json::ObjectWriter;

/// The fields of a user; few of them are nullable in the schema.
pub(super) fn user_json(id: &str, first: &str, last: &str, number: usize) -> ObjectWriter {
    ObjectWriter::new()
        .text("id", id)
        .text("firstName", first)
        .text("lastName", last)
        .text("fullName", &format!("{first} {last}"))
        .text("email", &format!("technicien{number}@example.com"))
        .text("timezone", COMPANY_ZONE)
        .text("accessLevel", if number == 0 { "ADMIN" } else { "TECHNICIAN" })
        .text("color", ["#3366cc", "#dc3912", "#ff9900", "#109618"][number % 4])
        .bool("isSchedulable", true)
        .int("defaultBuffer", 15)
        .text("region", "QC")
}
