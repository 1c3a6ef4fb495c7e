//! The warnings that only appointments can have.

use crate::entities::WarningCode;

/// An event of the type `APPOINTMENT` has no client.
pub const APPOINTMENT_WITHOUT_CLIENT: WarningCode =
    WarningCode::new("appointment_without_client", "appointment without a client");
/// A piano is listed twice.
pub const DUPLICATE_PIANO: WarningCode = WarningCode::new("duplicate_piano", "a piano listed twice");

/// All of them.
pub const ALL: &[WarningCode] = &[APPOINTMENT_WITHOUT_CLIENT, DUPLICATE_PIANO];
