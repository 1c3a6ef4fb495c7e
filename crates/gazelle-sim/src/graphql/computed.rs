//! Fields that are computed from other records or from other fields of the same record.

use serde_json::Value as Json;

use super::connection::Items;
use super::execute::{Execution, Node, Written};
use super::plan::PlanField;
use crate::shop::json::{Fields, items_of, quoted};
use crate::shop::kind::RecordKind;
use crate::shop::row::key_of;

/// A localization with all that the schema requires of one.
macro_rules! localization {
    ($id:literal, $locale:literal, $currency:literal, $number:literal) => {
        concat!(
            r#"{"id":""#,
            $id,
            r#"","locale":""#,
            $locale,
            r#"","currencyFormat":""#,
            $currency,
            r#"","numberFormat":""#,
            $number,
            r#"","dateFormatLocale":""#,
            $locale,
            r#"","timeFormatLocale":""#,
            $locale,
            r#"","firstDayOfWeek":"SUN","isClientDefault":true,"isUserDefault":true,"#,
            r#""dateFormat":{"dateTimeSeparator":" ","#,
            r#""date":{"moment":"YYYY-MM-DD","ruby":"%Y-%m-%d","unicode":"yyyy-MM-dd"},"#,
            r#""monthYear":{"moment":"YYYY-MM","ruby":"%Y-%m","unicode":"yyyy-MM"},"#,
            r#""weekdayDate":{"moment":"ddd YYYY-MM-DD","ruby":"%a %Y-%m-%d","unicode":"EEE yyyy-MM-dd"}},"#,
            r#""timeFormat":{"dateTimeSeparator":" ","#,
            r#""time":{"moment":"HH:mm","ruby":"%H:%M","unicode":"HH:mm"},"#,
            r#""timezoneTime":{"moment":"HH:mm z","ruby":"%H:%M %Z","unicode":"HH:mm z"}}}"#
        )
    };
}
const FRENCH: &str = localization!("lcl_0000000000000001", "fr_CA", "AFTER", "SPACE_COMMA_THREE");
const ENGLISH: &str = localization!("lcl_0000000000000002", "en_CA", "BEFORE", "COMMA_DECIMAL_THREE");

impl<'s, 'p> Execution<'s, 'p> {
    /// `None` if the field is a stored one.
    pub(crate) fn computed(&mut self, node: &Node<'s>, field: &'p PlanField) -> Option<Written> {
        let name = field.name.as_str();
        Some(match (node.kind, name) {
            (Some(RecordKind::Client), "allContacts") => self.children(RecordKind::Contact, node, field),
            (Some(RecordKind::Client), "allPianos") => self.children(RecordKind::Piano, node, field),
            (Some(RecordKind::Client), "defaultContact") => {
                self.contact_where(node, field, |row| row.is_default)
            }
            (Some(RecordKind::Client), "defaultBillingContact") => {
                self.contact_where(node, field, |row| row.is_billing_default)
            }
            (Some(RecordKind::Client), "preferredTechnicianId") => {
                match node.fields.reference("preferredTechnician") {
                    Some(id) => {
                        self.out.push_str(&quoted(&id));
                        Ok(true)
                    }
                    None => Ok(false),
                }
            }
            (
                _,
                "localization"
                | "defaultClientLocalization"
                | "defaultUserLocalization"
                | "clientLocalization",
            ) => self.localization(node, field),
            (Some(_), "company") => self.company(field),
            (Some(RecordKind::Contact), "defaultEmail") => {
                self.item_where(node, "allEmails", field, is_default)
            }
            (Some(RecordKind::Contact), "defaultPhone") => {
                self.item_where(node, "allPhones", field, is_default)
            }
            (Some(RecordKind::Contact), "defaultConfirmedMobilePhone") => {
                self.item_where(node, "allPhones", field, |phone| {
                    phone.text("confirmedClass").as_deref() == Some("MOBILE")
                        && phone.get("confirmedAt").is_some()
                })
            }
            (Some(RecordKind::Contact), "defaultLocation") => self.location(node, "STREET", field),
            (Some(RecordKind::Contact), "defaultMailingLocation") => self.location(node, "MAILING", field),
            (Some(RecordKind::Contact), "defaultBillingLocation") => self.location(node, "BILLING", field),
            (Some(RecordKind::Event), "allEventPianos")
            | (Some(RecordKind::Invoice), "allInvoiceItems" | "allInvoicePayments") => {
                let items = node.fields.get(name).map(items_of).unwrap_or_default();
                let total = items.len();
                self.connection(Items::Texts { items: &items, parent_id: node.id }, total, field, false)
            }
            (None, "event") => {
                let event = self.shop.find(RecordKind::Event, node.id);
                self.row(RecordKind::Event, event, field)
            }
            (None, "phoneNumber") => self.phone_number(node, field),
            _ => return None,
        })
    }

    fn children(&mut self, kind: RecordKind, node: &Node<'s>, field: &'p PlanField) -> Written {
        let archived_too = kind != RecordKind::Contact
            || field.argument("includeArchived").and_then(Json::as_bool) == Some(true);
        let statuses: Option<Vec<u64>> = field.argument("status").map(|value| {
            let one = std::slice::from_ref(value);
            let list = value.as_array().map_or(one, Vec::as_slice);
            list.iter().filter_map(Json::as_str).map(key_of).collect()
        });
        let places: Vec<u32> = self
            .shop
            .of_client(kind, node.id)
            .filter(|(_, row)| row.times_listed() > 0)
            .filter(|(_, row)| archived_too || !row.archived)
            .filter(|(_, row)| statuses.as_ref().is_none_or(|keys| keys.contains(&row.status_key)))
            .map(|(place, _)| place)
            .collect();
        let total = places.len();
        self.connection(Items::Rows { kind, places: &places }, total, field, false)
    }

    fn contact_where(
        &mut self,
        node: &Node<'s>,
        field: &'p PlanField,
        wanted: impl Fn(&crate::shop::row::Row) -> bool,
    ) -> Written {
        let contact =
            self.shop.of_client(RecordKind::Contact, node.id).map(|(_, row)| row).find(|row| wanted(row));
        self.row(RecordKind::Contact, contact, field)
    }

    /// The first matching item of a stored list.
    fn item_where(
        &mut self,
        node: &Node<'s>,
        list: &str,
        field: &'p PlanField,
        wanted: impl Fn(&Fields<'_>) -> bool,
    ) -> Written {
        let items = node.fields.get(list).map(items_of).unwrap_or_default();
        let found = items.into_iter().find(|item| wanted(&Fields::parse(item)));
        match (found, &field.sub) {
            (Some(text), Some(plan)) => self.node(&Node::of_text(text), plan),
            _ => Ok(false),
        }
    }

    /// The contact's location with the id in `defaultLocationId`, if an edit set one; otherwise the first of this
    /// usage.
    fn location(&mut self, node: &Node<'s>, usage: &str, field: &'p PlanField) -> Written {
        let chosen = node.fields.text("defaultLocationId").filter(|_| usage == "STREET");
        self.item_where(node, "allLocations", field, |location| match &chosen {
            Some(id) => location.text("id").as_ref() == Some(id),
            None => location.text("usageType").as_deref() == Some(usage),
        })
    }

    fn localization(&mut self, node: &Node<'s>, field: &'p PlanField) -> Written {
        let text = match node.fields.text("locale").as_deref() {
            Some("en_CA") => ENGLISH,
            Some(_) => FRENCH,
            // The company's localization always exists; a client's own may be missing.
            None if field.name == "localization" => return Ok(false),
            None => FRENCH,
        };
        match &field.sub {
            Some(plan) => self.node(&Node::of_text(text), plan),
            None => Ok(false),
        }
    }

    /// Stored as `514-555-0123`.
    fn phone_number(&mut self, node: &Node<'s>, field: &'p PlanField) -> Written {
        let Some(stored) = node.fields.text("phoneNumber") else {
            return Ok(false);
        };
        let digits: String = stored.chars().filter(char::is_ascii_digit).collect();
        let text = match field.argument("format").and_then(Json::as_str) {
            Some("E164") if digits.len() == 10 => format!("+1{digits}"),
            Some("INTERNATIONAL") => format!("+1 {stored}"),
            _ => stored.into_owned(),
        };
        self.out.push_str(&quoted(&text));
        Ok(true)
    }
}

fn is_default(item: &Fields<'_>) -> bool {
    item.is_true("isDefault")
}
