//! Merges two clients: one is deleted and its children get the other as their parent.

use super::Shop;
use super::change::ChangeError;
use super::kind::RecordKind;
use super::moments::utc_text;
use super::row::Row;

impl Shop {
    pub(super) fn merge_clients(
        &mut self,
        from: String,
        into: String,
        now: i64,
    ) -> Result<Vec<String>, ChangeError> {
        let old = self.need(RecordKind::Client, &from)?;
        let kept = self.need(RecordKind::Client, &into)?;
        if from == into {
            return Err(ChangeError::Refused("a client cannot be merged with itself".to_owned()));
        }
        let (mut has_default, mut has_billing_default) = (false, false);
        for (_, contact) in self.of_client(RecordKind::Contact, &into) {
            has_default |= contact.is_default;
            has_billing_default |= contact.is_billing_default;
        }
        self.table_mut(RecordKind::Client).remove(old);
        // In the JSON text an id is always a whole string: in other text, quotes around it would be escaped.
        let (old_text, new_text) = (format!("\"{from}\""), format!("\"{into}\""));
        for kind in RecordKind::ALL {
            let holders: Vec<u32> = self
                .table(kind)
                .rows()
                .filter(|(_, row)| row.json.contains(&old_text))
                .map(|(place, _)| place)
                .collect();
            for place in holders {
                let Some(row) = self.row(kind, place) else {
                    continue;
                };
                let moved = Row::new(row.json.replace(&old_text, &new_text), row.traits);
                self.table_mut(kind).replace(place, moved);
                self.rewrite(kind, place, |record| {
                    record.insert("updatedAt".to_owned(), utc_text(now).into());
                    if kind == RecordKind::Contact && has_default {
                        record.insert("isDefault".to_owned(), false.into());
                    }
                    if kind == RecordKind::Contact && has_billing_default {
                        record.insert("isBillingDefault".to_owned(), false.into());
                    }
                });
            }
        }
        self.rewrite(RecordKind::Client, kept, |record| {
            record.insert("updatedAt".to_owned(), utc_text(now).into());
        });
        Ok(vec![into])
    }
}
