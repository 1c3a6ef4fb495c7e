//! Connections: the requested page of a list, as `nodes` and `edges`, with `pageInfo` and `totalCount`.

use serde_json::{Value as Json, json};

use super::execute::{Execution, Node, NullPropagation, Written};
use super::paging::{Page, PageSizes, cursor, page};
use super::plan::{Plan, PlanField};
use super::tweak::AnswerChange;
use crate::shop::json::{items_of, quoted};
use crate::shop::kind::RecordKind;

/// Where the nodes of a connection come from.
pub(crate) enum Items<'s, 'l> {
    Rows { kind: RecordKind, places: &'l [u32] },
    Texts { items: &'l [&'s str], parent_id: &'s str },
}

impl Items<'_, '_> {
    fn len(&self) -> usize {
        match self {
            Items::Rows { places, .. } => places.len(),
            Items::Texts { items, .. } => items.len(),
        }
    }
}

/// The effects of faults on one connection.
#[derive(Default)]
struct ConnectionFaults {
    repeat_cursor: bool,
    overlaps_at: Option<usize>,
    most: Option<usize>,
    total_off: i64,
    null_nodes: usize,
    missing_nodes: usize,
    message: String,
}

impl<'s, 'p> Execution<'s, 'p> {
    /// A connection whose nodes are in the record's own JSON.
    pub(crate) fn stored_connection(&mut self, text: &'s str, field: &'p PlanField) -> Written {
        let items = items_of(text);
        let total = items.len();
        self.connection(Items::Texts { items: &items, parent_id: "" }, total, field, false)
    }

    /// A connection at the query root, to which faults apply; for a single record they apply to the connections
    /// inside it.
    pub(crate) fn root_connection(
        &mut self,
        kind: RecordKind,
        places: &[u32],
        total: usize,
        field: &'p PlanField,
    ) -> Written {
        self.in_root_connection = true;
        if self.active.contains(&&AnswerChange::EmptyList) {
            return self.connection(Items::Rows { kind, places: &[] }, 0, field, true);
        }
        self.connection(Items::Rows { kind, places }, total, field, true)
    }

    pub(crate) fn connection(
        &mut self,
        items: Items<'s, '_>,
        total: usize,
        field: &'p PlanField,
        is_root: bool,
    ) -> Written {
        let may_twist = is_root || !self.in_root_connection;
        let connection_faults =
            if may_twist { self.connection_faults() } else { ConnectionFaults::default() };
        let cap = connection_faults.most.unwrap_or(self.options.page_cap).min(self.options.page_cap);
        let sizes = PageSizes { cap, default: self.options.default_page_size };
        let page = match page(field, items.len(), sizes) {
            Ok(page) => page,
            Err(message) => {
                self.error(&message, json!({ "code": "invalidArgument" }));
                return Err(NullPropagation);
            }
        };
        let Some(plan) = &field.sub else {
            return Ok(false);
        };
        let mut told = false;
        self.members(plan, |this, member| match member.name.as_str() {
            "nodes" | "edges" => {
                let tell = !std::mem::replace(&mut told, true);
                this.rows_of_page(&items, page, member, &connection_faults, tell)
            }
            "pageInfo" => this.page_info(page, field, member, &connection_faults),
            // The schema has no other member; `totalCount` is the last.
            _ => {
                let total = i64::try_from(total)
                    .unwrap_or(i64::MAX)
                    .saturating_add(connection_faults.total_off)
                    .max(0);
                this.out.push_str(&total.to_string());
                Ok(())
            }
        })?;
        Ok(true)
    }

    fn connection_faults(&self) -> ConnectionFaults {
        let mut connection_faults = ConnectionFaults::default();
        for what in &self.active {
            match what {
                AnswerChange::RepeatCursor => connection_faults.repeat_cursor = true,
                AnswerChange::OverlappingPages { at } => connection_faults.overlaps_at = Some(*at),
                AnswerChange::ShortPage { most } => connection_faults.most = Some(*most),
                AnswerChange::TotalOff { by } => connection_faults.total_off += by,
                AnswerChange::Partial { message, null_nodes, missing_nodes } => {
                    connection_faults.message.clone_from(message);
                    connection_faults.null_nodes = *null_nodes;
                    connection_faults.missing_nodes = *missing_nodes;
                }
                AnswerChange::EmptyList
                | AnswerChange::Value { .. }
                | AnswerChange::RecordFault { .. }
                | AnswerChange::RecordRefused { .. }
                | AnswerChange::RawByte { .. }
                | AnswerChange::Undated(_) => {}
            }
        }
        connection_faults
    }

    fn rows_of_page(
        &mut self,
        items: &Items<'s, '_>,
        page: Page,
        member: &'p PlanField,
        connection_faults: &ConnectionFaults,
        tell: bool,
    ) -> Result<(), NullPropagation> {
        if tell && !connection_faults.message.is_empty() {
            self.error(&connection_faults.message, json!({ "code": "partial" }));
        }
        let until = page.until.saturating_sub(connection_faults.missing_nodes).max(page.from);
        self.out.push('[');
        for (index, offset) in (page.from..until).enumerate() {
            let offset = match connection_faults.overlaps_at {
                Some(at) if at == index && page.from > at => page.from - 1 - at,
                _ => offset,
            };
            self.item(index, true, member, |this| {
                let Some(plan) = &member.sub else {
                    return Ok(false);
                };
                if index < connection_faults.null_nodes {
                    return Ok(false);
                }
                if member.name == "nodes" {
                    return this.one(items, offset, member);
                }
                this.edge(items, offset, plan)?;
                Ok(true)
            })?;
        }
        self.out.push(']');
        Ok(())
    }

    fn edge(&mut self, items: &Items<'s, '_>, offset: usize, plan: &'p Plan) -> Result<(), NullPropagation> {
        self.members(plan, |this, field| {
            if field.name == "cursor" {
                this.out.push_str(&quoted(&cursor(offset)));
                return Ok(());
            }
            this.place(true, field, |this| this.one(items, offset, field))
        })
    }

    fn one(&mut self, items: &Items<'s, '_>, offset: usize, field: &'p PlanField) -> Written {
        match items {
            Items::Rows { kind, places } => {
                let row = places.get(offset).and_then(|place| self.shop.row(*kind, *place));
                self.row(*kind, row, field)
            }
            Items::Texts { items, parent_id } => match (items.get(offset), &field.sub) {
                (Some(text), Some(plan)) if *text != "null" => {
                    let node = self.follow(text, &plan.type_name);
                    self.node(&Node { id: parent_id, ..node }, plan)
                }
                _ => Ok(false),
            },
        }
    }

    fn page_info(
        &mut self,
        page: Page,
        field: &PlanField,
        member: &'p PlanField,
        connection_faults: &ConnectionFaults,
    ) -> Result<(), NullPropagation> {
        let Some(plan) = &member.sub else {
            return Ok(());
        };
        let filled = page.until > page.from;
        let cursor_json = |offset: usize| {
            if filled { quoted(&cursor(offset)) } else { "null".to_owned() }
        };
        self.members(plan, |this, member| {
            let text = match member.name.as_str() {
                "hasNextPage" => (page.has_next || connection_faults.repeat_cursor).to_string(),
                "hasPreviousPage" => page.has_previous.to_string(),
                "startCursor" => cursor_json(page.from),
                _ if connection_faults.repeat_cursor => {
                    match field.argument("after").and_then(Json::as_str) {
                        Some(after) => quoted(after),
                        None => cursor_json(page.until.saturating_sub(1)),
                    }
                }
                _ => cursor_json(page.until.saturating_sub(1)),
            };
            this.out.push_str(&text);
            Ok(())
        })
    }
}
