//! What production must hold, worked out from the shop alone.

use std::collections::BTreeMap;

use gazelle_sim::{RecordKind, SimControl};
use serde_json::{Map, Value, json};

use super::World;

/// What production must hold, worked out from the shop's own records with the rules of `gazelle-api.md`; shares nothing with the
/// engine. Table and key, then the columns.
pub type Expected = BTreeMap<(&'static str, String), Map<String, Value>>;

/// A record of the shop.
pub struct Record(pub Value);

impl Record {
    pub fn get(&self, name: &str) -> Value {
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// Text as Postgres holds it.
    pub fn text(&self, name: &str) -> Value {
        match self.get(name) {
            Value::String(text) => text.replace('\0', "").into(),
            other => other,
        }
    }

    pub fn instant(&self, name: &str) -> Value {
        match self.get(name) {
            Value::String(text) => text.replace('Z', "+00:00").into(),
            other => other,
        }
    }

    /// A date, also from a date and time; what is none is null.
    pub fn date(&self, name: &str) -> Value {
        match self.get(name) {
            Value::String(text) => {
                let day = text.get(..10).filter(|day| day.parse::<jiff::civil::Date>().is_ok());
                day.map_or(Value::Null, Value::from)
            }
            _ => Value::Null,
        }
    }

    /// A whole number, also written as text; what is none is null.
    pub fn whole(&self, name: &str) -> Value {
        match self.get(name) {
            Value::String(text) => text.parse::<i32>().map_or(Value::Null, Value::from),
            other => other,
        }
    }

    pub fn reference(&self, name: &str) -> Value {
        self.get(name).get("id").cloned().unwrap_or_default()
    }

    pub fn list(&self, name: &str) -> Vec<Record> {
        match self.get(name) {
            Value::Array(items) => items.into_iter().map(Record).collect(),
            Value::Object(object) => {
                object["nodes"].as_array().cloned().unwrap_or_default().into_iter().map(Record).collect()
            }
            _ => Vec::new(),
        }
    }

    /// A list of texts as Postgres holds it; none where it is null.
    pub fn texts(&self, name: &str) -> Value {
        let Value::Array(items) = self.get(name) else { return json!([]) };
        items.iter().map(|item| json!(item.as_str().map(|text| text.replace('\0', "")))).collect()
    }

    pub fn is(&self, name: &str) -> bool {
        self.get(name) == true
    }
}

fn columns(pairs: impl IntoIterator<Item = (&'static str, Value)>) -> Map<String, Value> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Every record of a kind.
pub fn all(control: &SimControl, kind: RecordKind) -> Vec<Record> {
    control.ids(kind).iter().map(|id| Record(control.record(kind, id).expect("listed"))).collect()
}

/// Every row that production must hold.
pub fn expected(control: &SimControl) -> Expected {
    let mut rows = Expected::new();
    let key = |value: Value| value.as_str().expect("an id").to_owned();
    for user in all(control, RecordKind::User) {
        rows.insert(
            ("gazelle_users", key(user.get("id"))),
            columns([
                ("first_name", user.text("firstName")),
                ("last_name", user.text("lastName")),
                ("email", user.text("email")),
                ("status", user.text("status")),
                ("timezone", user.text("timezone")),
                ("access_level", user.text("accessLevel")),
                ("color", user.text("color")),
                ("region", user.text("region")),
                ("is_schedulable", user.get("isSchedulable")),
                ("has_limited_access", user.get("hasLimitedAccess")),
                ("source_created_at", user.instant("createdAt")),
                ("source_updated_at", user.instant("updatedAt")),
            ]),
        );
    }

    // The first contact flagged as default, and its first street address: where a client is met.
    let mut met: BTreeMap<String, (Value, Value)> = BTreeMap::new();
    for contact in all(control, RecordKind::Contact) {
        let (id, client) = (contact.get("id"), contact.reference("client"));
        let default = |list: &str, value: &str| {
            contact
                .list(list)
                .iter()
                .find(|item| item.is("isDefault"))
                .map(|item| item.text(value))
                .unwrap_or_default()
        };
        let mobile = contact
            .list("allPhones")
            .iter()
            .find(|phone| phone.get("confirmedClass") == "MOBILE" && !phone.get("confirmedAt").is_null())
            .map(|phone| phone.text("phoneNumber"))
            .unwrap_or_default();
        let phone = default("allPhones", "phoneNumber");
        rows.insert(
            ("gazelle_contacts", key(id.clone())),
            columns([
                ("client_external_id", client.clone()),
                ("title", contact.text("title")),
                ("first_name", contact.text("firstName")),
                ("middle_name", contact.text("middleName")),
                ("last_name", contact.text("lastName")),
                ("suffix", contact.text("suffix")),
                ("role", contact.text("role")),
                ("email", default("allEmails", "email")),
                ("phone", if phone.is_null() { mobile.clone() } else { phone }),
                ("mobile_phone", mobile),
                ("wants_email", contact.get("wantsEmail")),
                ("wants_phone", contact.get("wantsPhone")),
                ("wants_text", contact.get("wantsText")),
                ("is_default", contact.get("isDefault")),
                ("is_billing_default", contact.get("isBillingDefault")),
                ("archived", contact.get("archived")),
                ("sort_order", contact.get("sortOrder")),
                ("source_created_at", contact.instant("createdAt")),
                ("source_updated_at", contact.instant("updatedAt")),
            ]),
        );
        let locations = contact.list("allLocations");
        let street = locations
            .iter()
            .find(|location| location.get("usageType") == "STREET")
            .map(|location| location.get("id"))
            .unwrap_or_default();
        for location in locations {
            let is_default = location.get("id") == street;
            rows.insert(
                ("gazelle_locations", key(location.get("id"))),
                columns([
                    ("contact_external_id", id.clone()),
                    ("client_external_id", client.clone()),
                    ("usage_type", location.text("usageType")),
                    ("location_type", location.text("locationType")),
                    ("address_line1", location.text("street1")),
                    ("address_line2", location.text("street2")),
                    ("city", location.text("municipality")),
                    ("province", location.text("region")),
                    ("postal_code", location.text("postalCode")),
                    ("country_code", location.text("countryCode")),
                    ("latitude", location.text("latitude")),
                    ("longitude", location.text("longitude")),
                    ("what3words", location.text("what3words")),
                    ("geocode_type", location.text("geocodeType")),
                    ("is_bad_address", location.get("isBadAddress")),
                    ("is_default", is_default.into()),
                    ("source_created_at", location.instant("createdAt")),
                    ("source_updated_at", location.instant("updatedAt")),
                ]),
            );
        }
        if contact.is("isDefault") {
            met.entry(key(client)).or_insert((id, street));
        }
    }

    for client in all(control, RecordKind::Client) {
        let id = key(client.get("id"));
        let (contact, location) = met.get(&id).cloned().unwrap_or_default();
        let mut row = columns([
            ("company_name", client.text("companyName")),
            ("status", client.text("status")),
            ("client_type", client.text("clientType")),
            ("tags", client.texts("tags")),
            ("region", client.text("region")),
            ("reference_id", client.text("referenceId")),
            // The company's own where a client has none.
            ("locale", if client.get("locale").is_null() { "fr_CA".into() } else { client.get("locale") }),
            ("preferred_technician_external_id", client.reference("preferredTechnician")),
            ("no_contact_until", client.date("noContactUntil")),
            ("no_contact_reason", client.text("noContactReason")),
            ("reason_inactive", client.text("reasonInactiveCode")),
            ("reason_inactive_details", client.text("reasonInactiveDetails")),
            ("preference_notes", client.text("preferenceNotes")),
            ("personal_notes", client.text("personalNotes")),
            ("last_result_notes", client.text("lastResultNotes")),
            ("lifecycle_state", client.text("lifecycleState")),
            ("referred_by", client.text("referredBy")),
            ("referred_by_notes", client.text("referredByNotes")),
            ("default_contact_external_id", contact),
            ("default_location_external_id", location),
            ("source_created_at", client.instant("createdAt")),
            ("source_updated_at", client.instant("updatedAt")),
        ]);
        for number in 1..=10 {
            row.insert(format!("custom{number}"), client.text(&format!("custom{number}")));
        }
        rows.insert(("gazelle_clients", id), row);
    }

    for piano in all(control, RecordKind::Piano) {
        rows.insert(
            ("gazelle_pianos", key(piano.get("id"))),
            columns([
                ("client_external_id", piano.reference("client")),
                ("make", piano.text("make")),
                ("model", piano.text("model")),
                ("serial_number", piano.text("serialNumber")),
                ("piano_type", piano.text("type")),
                ("manufacture_year", piano.whole("year")),
                ("location_text", piano.text("location")),
                ("status", piano.text("status")),
                ("tags", piano.texts("tags")),
                ("notes", piano.text("notes")),
                ("size", piano.text("size")),
                ("use_type", piano.text("useType")),
                ("case_color", piano.text("caseColor")),
                ("case_finish", piano.text("caseFinish")),
                ("reference_id", piano.text("referenceId")),
                ("consignment", piano.get("consignment")),
                ("rental", piano.get("rental")),
                ("has_ivory", piano.get("hasIvory")),
                ("total_loss", piano.get("totalLoss")),
                ("dampp_chaser_installed", piano.get("damppChaserInstalled")),
                ("dampp_chaser_humidistat_model", piano.text("damppChaserHumidistatModel")),
                ("dampp_chaser_mfg_date", piano.get("damppChaserMfgDate")),
                ("service_interval_months", piano.get("serviceIntervalMonths")),
                ("calculated_last_service", piano.date("calculatedLastService")),
                ("calculated_next_service", piano.get("calculatedNextService")),
                ("event_last_service", piano.get("eventLastService")),
                ("source_created_at", piano.instant("createdAt")),
                ("source_updated_at", piano.instant("updatedAt")),
            ]),
        );
    }

    for event in all(control, RecordKind::Event) {
        // Without a readable start it waits in quarantine.
        let Value::String(start) = event.get("start") else { continue };
        let id = key(event.get("id"));
        let client = event.reference("client");
        let (contact, location) =
            client.as_str().and_then(|client| met.get(client)).cloned().unwrap_or_default();
        let Some((date, time)) = start.trim_end_matches('Z').split_once('T') else { continue };
        rows.insert(
            ("gazelle_appointments", id.clone()),
            columns([
                ("appointment_date", date.into()),
                ("appointment_time", time.into()),
                ("start_at", format!("{date}T{time}+00:00").into()),
                ("duration_minutes", event.get("duration")),
                ("buffer_minutes", event.get("buffer")),
                ("is_all_day", event.get("isAllDay")),
                ("title", event.text("title")),
                ("description", Value::Null),
                ("notes", event.text("notes")),
                ("status", event.text("status")),
                ("event_type", event.text("type")),
                ("client_external_id", client),
                ("contact_external_id", contact),
                ("location_external_id", location),
                ("technician_external_id", event.reference("user")),
                ("confirmed_by_client", event.get("confirmedByClient")),
                ("confirmed_at", event.instant("confirmedAt")),
                ("event_timezone", event.text("timezone")),
                ("recurrence_id", event.text("recurrenceId")),
                ("recurrence_type", event.text("recurrenceType")),
                ("recurrence_interval", event.get("recurrenceInterval")),
                ("created_by_external_id", event.reference("createdBy")),
                ("source_created_at", event.instant("createdAt")),
                ("source_updated_at", event.instant("updatedAt")),
            ]),
        );
        for item in event.list("allEventPianos") {
            let piano = key(item.reference("piano"));
            rows.insert(
                ("gazelle_appointment_pianos", format!("{id} {piano}")),
                columns([
                    ("appointment_external_id", id.clone().into()),
                    ("piano_external_id", piano.into()),
                    ("is_tuning", item.get("isTuning")),
                ]),
            );
        }
    }
    rows
}

/// Compares every row that exists and every column with the shop. `gone` are rows that may be there still.
pub async fn assert_mirrors(world: &World, gone: &[String]) {
    let expected = expected(&world.control);
    let mut unseen: Vec<&(&str, String)> = expected.keys().collect();
    for table in super::production_tables() {
        for row in world.rows(&format!("SELECT * FROM {table} WHERE deleted_at IS NULL")).await {
            let id = match table {
                "gazelle_appointment_pianos" => format!(
                    "{} {}",
                    row["appointment_external_id"].as_str().unwrap(),
                    row["piano_external_id"].as_str().unwrap()
                ),
                _ => row["external_id"].as_str().unwrap().to_owned(),
            };
            if gone.contains(&id) {
                continue;
            }
            let Some(columns) = expected.get(&(table, id.clone())) else {
                panic!("{table} holds {id}, the shop does not")
            };
            for (column, value) in columns {
                assert_eq!(&row[column], value, "{table} {id} {column}");
            }
            unseen.retain(|(of, key)| (*of, key) != (table, &id));
        }
    }
    assert!(unseen.is_empty(), "not in production: {unseen:?}");
}
