//! The table `gazelle_pianos`.

use crate::entities::table::{Rule::*, Table, column};

/// Of a piano: its own row.
pub static TABLES: &[&Table] = &[&GAZELLE_PIANOS];

/// The pianos. The serial number is not unique: many have none, and some share one.
pub static GAZELLE_PIANOS: Table = Table {
    name: "gazelle_pianos",
    columns: &[
        column("external_id", Id, &["id"]).required(),
        column("client_external_id", Id, &["client.id", "client_id"]).parent("gazelle_clients"),
        column("make", Text, &["make"]),
        column("model", Text, &["model"]),
        column("serial_number", Text, &["serialNumber", "serial_number"]),
        column("piano_type", Text, &["type", "piano_type"]),
        column("manufacture_year", Integer, &["year", "manufacture_year"]),
        column("location_text", Text, &["location", "location_text"]),
        column("status", Text, &["status"]),
        column("tags", TextList, &["tags"]),
        column("notes", Text, &["notes"]),
        column("size", Text, &["size"]),
        column("use_type", Text, &["useType"]),
        column("case_color", Text, &["caseColor"]),
        column("case_finish", Text, &["caseFinish"]),
        column("reference_id", Text, &["referenceId"]),
        column("consignment", Boolean, &["consignment"]),
        column("rental", Boolean, &["rental"]),
        column("rental_contract_ends_on", Date, &["rentalContractEndsOn"]),
        column("has_ivory", Boolean, &["hasIvory"]),
        column("needs_repair_or_rebuilding", Boolean, &["needsRepairOrRebuilding"]),
        column("total_loss", Boolean, &["totalLoss"]),
        column("potential_performance_level", Integer, &["potentialPerformanceLevel"]),
        column("player_installed", Boolean, &["playerInstalled"]),
        column("player_make", Text, &["playerMake"]),
        column("player_model", Text, &["playerModel"]),
        column("player_serial_number", Text, &["playerSerialNumber"]),
        column("dampp_chaser_installed", Boolean, &["damppChaserInstalled"]),
        column("dampp_chaser_humidistat_model", Text, &["damppChaserHumidistatModel"]),
        column("dampp_chaser_mfg_date", Date, &["damppChaserMfgDate"]),
        column("service_interval_months", Integer, &["serviceIntervalMonths"]),
        column("calculated_last_service", Date, &["calculatedLastService"]),
        column("calculated_next_service", Date, &["calculatedNextService"]),
        column("event_last_service", Date, &["eventLastService"]),
        column("manual_last_service", Date, &["manualLastService"]),
        column("next_service_override", Date, &["nextServiceOverride"]),
        column("lifecycle_state", Text, &["lifecycleState"]),
        column("source_created_at", Instant, &["createdAt"]),
        column("source_updated_at", Instant, &["updatedAt"]),
    ],
    ..Table::OF_RECORDS
};
