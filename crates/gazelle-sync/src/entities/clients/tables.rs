//! The tables `gazelle_clients`, `gazelle_contacts` and `gazelle_locations`.

use super::warnings::{DUPLICATE_CONTACT, DUPLICATE_LOCATION, LOCATION_WITHOUT_ID};
use crate::entities::Query;
use crate::entities::table::{Heading, Nested, Rule::*, Table, Unnamed, column};

/// Of a client: its own row, those of its contacts, and those of their locations.
pub static TABLES: &[&Table] = &[&GAZELLE_CLIENTS, &GAZELLE_CONTACTS, &GAZELLE_LOCATIONS];

/// The clients, who are billed. Names, phones and addresses are in contacts and locations.
pub static GAZELLE_CLIENTS: Table = Table {
    name: "gazelle_clients",
    columns: &[
        column("external_id", Id, &["id"]).required(),
        column("company_name", Text, &["companyName", "company_name"]),
        column("status", Text, &["status"]),
        column("client_type", Text, &["clientType", "client_type"]),
        column("tags", TextList, &["tags"]),
        column("region", Text, &["region"]),
        column("reference_id", Text, &["referenceId"]),
        column("locale", Text, &["defaultClientLocalization.locale", "locale"]),
        // No foreign key: a preferred technician who has left must not keep the client out of production.
        column("preferred_technician_external_id", Id, &["preferredTechnicianId", "preferredTechnician.id"]),
        column("no_contact_until", Date, &["noContactUntil"]),
        column("no_contact_reason", Text, &["noContactReason"]),
        column("reason_inactive", Text, &["reasonInactiveCode"]),
        column("reason_inactive_details", Text, &["reasonInactiveDetails"]),
        column("preference_notes", Text, &["preferenceNotes"]),
        column("personal_notes", Text, &["personalNotes"]),
        column("last_result_notes", Text, &["lastResultNotes"]),
        column("lifecycle_state", Text, &["lifecycleState"]),
        column("referred_by", Text, &["referredBy"]),
        column("referred_by_notes", Text, &["referredByNotes"]),
        column("custom1", Text, &["custom1"]),
        column("custom2", Text, &["custom2"]),
        column("custom3", Text, &["custom3"]),
        column("custom4", Text, &["custom4"]),
        column("custom5", Text, &["custom5"]),
        column("custom6", Text, &["custom6"]),
        column("custom7", Text, &["custom7"]),
        column("custom8", Text, &["custom8"]),
        column("custom9", Text, &["custom9"]),
        column("custom10", Text, &["custom10"]),
        // Computed by the reconciler, which checks it against the record's own contacts and locations.
        column("default_contact_external_id", Id, &[]).made(
            &["defaultContact.id"],
            "the defaultContact, if it is one of allContacts; without one, the first contact with isDefault",
        ),
        column("default_location_external_id", Id, &[]).made(
            &["defaultContact.defaultLocation.id"],
            "the default contact's defaultLocation, if it is one of its allLocations",
        ),
        column("source_created_at", Instant, &["createdAt"]),
        column("source_updated_at", Instant, &["updatedAt"]),
    ],
    ..Table::OF_RECORDS
};

/// The contacts of clients.
pub static GAZELLE_CONTACTS: Table = Table {
    name: "gazelle_contacts",
    heading: Some(Heading { en: "Contacts", fr: "Contacts" }),
    owner: Some("client_external_id"),
    list: Some(Nested {
        path: &["allContacts"],
        query: Query::new(concat!(include_str!("more_contacts.graphql"), include_str!("fields.graphql"))),
        operation: "ClientMoreContacts",
        answer: &["client", "allContacts"],
        doubled: DUPLICATE_CONTACT,
    }),
    columns: &[
        column("external_id", Id, &["id"]).required(),
        column("client_external_id", Id, &[])
            .made(&["^id"], "the id of the client")
            .held_by("gazelle_clients"),
        column("title", Text, &["title"]),
        column("first_name", Text, &["firstName"]),
        column("middle_name", Text, &["middleName"]),
        column("last_name", Text, &["lastName"]),
        column("suffix", Text, &["suffix"]),
        column("role", Text, &["role"]),
        column("email", Text, &["defaultEmail.email", "email"]),
        column(
            "phone",
            Text,
            &["defaultPhone.phoneNumber", "defaultConfirmedMobilePhone.phoneNumber", "phone"],
        ),
        column("mobile_phone", Text, &["defaultConfirmedMobilePhone.phoneNumber"]),
        column("wants_email", Boolean, &["wantsEmail"]),
        column("wants_phone", Boolean, &["wantsPhone"]),
        column("wants_text", Boolean, &["wantsText"]),
        column("is_default", Boolean, &["isDefault"]),
        column("is_billing_default", Boolean, &["isBillingDefault"]),
        column("archived", Boolean, &["archived"]),
        column("sort_order", Integer, &["sortOrder"]),
        column("source_created_at", Instant, &["createdAt"]),
        column("source_updated_at", Instant, &["updatedAt"]),
    ],
    ..Table::OF_RECORDS
};

/// The locations of contacts: where to visit, write to, or bill.
pub static GAZELLE_LOCATIONS: Table = Table {
    name: "gazelle_locations",
    heading: Some(Heading { en: "Addresses", fr: "Adresses" }),
    owner: Some("client_external_id"),
    list: Some(Nested {
        path: &["allContacts", "allLocations"],
        query: Query::new(concat!(include_str!("more_locations.graphql"), include_str!("fields.graphql"))),
        operation: "ContactMoreLocations",
        answer: &["contact", "allLocations"],
        doubled: DUPLICATE_LOCATION,
    }),
    unnamed: Some(Unnamed { word: "location", warning: LOCATION_WITHOUT_ID }),
    columns: &[
        column("external_id", Id, &["id"]),
        column("contact_external_id", Id, &[])
            .made(&["^id"], "the id of the contact whose list it is in")
            .held_by("gazelle_contacts"),
        column("client_external_id", Id, &[])
            .made(&["^^id"], "the id of the client")
            .held_by("gazelle_clients"),
        column("usage_type", Text, &["usageType"]),
        column("location_type", Text, &["locationType"]),
        column("address_line1", Text, &["street1"]),
        column("address_line2", Text, &["street2"]),
        column("city", Text, &["municipality"]),
        column("province", Text, &["region"]),
        column("postal_code", Text, &["postalCode"]),
        column("country_code", Text, &["countryCode"]),
        column("latitude", Text, &["latitude"]),
        column("longitude", Text, &["longitude"]),
        column("what3words", Text, &["what3words"]),
        column("geocode_type", Text, &["geocodeType"]),
        column("is_bad_address", Boolean, &["isBadAddress"]),
        column("is_default", Boolean, &[])
            .made(&["^defaultLocation.id"], "whether it is its contact's defaultLocation"),
        column("source_created_at", Instant, &["createdAt"]),
        column("source_updated_at", Instant, &["updatedAt"]),
    ],
    ..Table::OF_RECORDS
};
