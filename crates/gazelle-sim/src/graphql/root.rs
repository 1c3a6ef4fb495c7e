//! The fields of the query root: lists, connections and getters.

use serde_json::{Value as Json, json};

use super::execute::{Execution, Node, NullPropagation, Written};
use super::filters::list_query;
use super::plan::PlanField;
use super::tweak::AnswerChange;
use crate::shop::kind::RecordKind;

/// The company behind the shop: a made-up one.
pub(crate) const COMPANY: &str = concat!(
    r#"{"id":"com_0000000000000001","name":"Atelier fictif de pianos","countryCode":"CA","countryName":"Canada","#,
    r#""email":"atelier@example.com","municipality":"Montréal","region":"QC","isGdprRequired":false,"isParked":false,"#,
    r#""isOverBillablePianoLimit":false,"isSmartRoutesEnabled":false,"areAllRemindersPaused":false,"#,
    r#""parkedReason":"NOT_PARKED","subscriptionLevel":1,"gazelleStripeTransactionFee":0,"#,
    r#""createdAt":"2017-01-02T15:00:00Z","settings":{"general":{"timezone":"America/Toronto","#,
    r#""distanceUnit":"KILOMETERS","capitalizeNames":false,"clientCustom1Label":"Étage"},"#,
    r#""pianos":{"defaultServiceIntervalMonths":12},"client":{"defaultRegion":"QC","defaultWantsText":false}}}"#
);

impl<'s, 'p> Execution<'s, 'p> {
    pub(crate) fn root_field(&mut self, field: &'p PlanField) -> Written {
        match field.name.as_str() {
            "allClients" => self.root_list(RecordKind::Client, field),
            "allPianos" => self.root_list(RecordKind::Piano, field),
            "allEventsBatched" => self.root_list(RecordKind::Event, field),
            "allInvoices" => self.root_list(RecordKind::Invoice, field),
            "allEstimates" => self.root_list(RecordKind::Estimate, field),
            "allTimelineEntries" => self.root_list(RecordKind::Timeline, field),
            "allUsers" => self.plain_list(RecordKind::User, field),
            "allEvents" => self.plain_list(RecordKind::Event, field),
            "client" => self.getter(RecordKind::Client, &["clientId", "id"], field),
            "contact" => self.getter(RecordKind::Contact, &["id"], field),
            "piano" => self.getter(RecordKind::Piano, &["pianoId", "id"], field),
            "event" => self.getter(RecordKind::Event, &["eventId"], field),
            "invoice" => self.getter(RecordKind::Invoice, &["id"], field),
            "estimate" => self.getter(RecordKind::Estimate, &["id"], field),
            "user" => {
                let owner = self.shop.table(RecordKind::User).rows().map(|(_, row)| row).next();
                self.row(RecordKind::User, owner, field)
            }
            "company" => self.company(field),
            // Types that are not simulated have no rows: an empty connection or list.
            name if name.starts_with("all") && field.sub.is_some() && is_connection(field) => {
                self.root_connection(RecordKind::Event, &[], 0, field)
            }
            name if name.starts_with("all") => {
                self.out.push_str("[]");
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    pub(crate) fn company(&mut self, field: &'p PlanField) -> Written {
        match &field.sub {
            Some(plan) => self.node(&Node::of_text(COMPANY), plan),
            None => Ok(false),
        }
    }

    fn root_list(&mut self, kind: RecordKind, field: &'p PlanField) -> Written {
        let mut query = list_query(kind, field, self.options, self.shop.zone())
            .map_err(|message| self.refuse(&message))?;
        for what in &self.active {
            if let AnswerChange::Undated(order) = what {
                query.undated = *order;
            }
        }
        let list = self.shop.list(&query);
        self.root_connection(kind, &list.places, list.total, field)
    }

    fn plain_list(&mut self, kind: RecordKind, field: &'p PlanField) -> Written {
        let query = list_query(kind, field, self.options, self.shop.zone())
            .map_err(|message| self.refuse(&message))?;
        let list = self.shop.list(&query);
        let empty = self.active.contains(&&AnswerChange::EmptyList);
        let places = if empty { &[][..] } else { &list.places };
        self.out.push('[');
        for (index, place) in places.iter().enumerate() {
            let row = self.shop.row(kind, *place);
            self.item(index, false, field, |this| this.row(kind, row, field))?;
        }
        self.out.push(']');
        Ok(true)
    }

    fn getter(&mut self, kind: RecordKind, names: &[&str], field: &'p PlanField) -> Written {
        let Some(id) = names.iter().find_map(|name| field.argument(name)).and_then(Json::as_str) else {
            return Err(self.refuse(&format!("{} needs an id", field.name)));
        };
        let row = self.shop.find(kind, id);
        if row.is_none() && self.options.missing_is_error {
            self.error(&format!("{} not found", kind.name()), json!({ "code": "NOT_FOUND" }));
        }
        self.row(kind, row, field)
    }

    fn refuse(&mut self, message: &str) -> NullPropagation {
        self.error(message, json!({ "code": "notSimulated" }));
        NullPropagation
    }
}

fn is_connection(field: &PlanField) -> bool {
    field.sub.as_ref().is_some_and(|plan| plan.type_name.ends_with("Connection"))
}
