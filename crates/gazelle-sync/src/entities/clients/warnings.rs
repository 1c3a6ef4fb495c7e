//! The warnings that only clients can have.

use crate::entities::WarningCode;

/// A contact is listed twice.
pub const DUPLICATE_CONTACT: WarningCode = WarningCode::new("duplicate_contact", "a contact listed twice");
/// A location is listed twice.
pub const DUPLICATE_LOCATION: WarningCode = WarningCode::new("duplicate_location", "a location listed twice");
/// The default contact is not among the contacts.
pub const DEFAULT_CONTACT_NOT_LISTED: WarningCode =
    WarningCode::new("default_contact_not_listed", "default contact that is not listed");
/// A location has no id; it gets one.
pub const LOCATION_WITHOUT_ID: WarningCode =
    WarningCode::new("location_without_id", "location without an id");

/// All of them.
pub const ALL: &[WarningCode] =
    &[DUPLICATE_CONTACT, DUPLICATE_LOCATION, DEFAULT_CONTACT_NOT_LISTED, LOCATION_WITHOUT_ID];
