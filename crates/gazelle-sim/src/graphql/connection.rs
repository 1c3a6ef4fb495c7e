//! Connections: the part of a list that was asked for, as `nodes` and `edges`, with `pageInfo` and `totalCount`.

use serde_json::{Value as Json, json};

use super::execute::{Execution, Forbidden, Node, Written};
use super::paging::{Page, PageSizes, cursor, page};
use super::plan::{Plan, PlanField};
use super::tweak::What;
use crate::shop::json::{items_of, quoted};
use crate::shop::kind::Kind;

/// Where the nodes of a connection come from.
pub(crate) enum Items<'s, 'l> {
    Rows { kind: Kind, places: &'l [u32] },
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

/// What faults make of one connection.
#[derive(Default)]
struct Twist {
    repeat_cursor: bool,
    overlaps_at: Option<usize>,
    most: Option<usize>,
    total_off: i64,
    null_nodes: usize,
    missing_nodes: usize,
    message: String,
}

impl<'s, 'p> Execution<'s, 'p> {
    /// A connection whose nodes stand in the record's own text.
    pub(crate) fn stored_connection(&mut self, text: &'s str, field: &'p PlanField) -> Written {
        let items = items_of(text);
        let total = items.len();
        self.connection(Items::Texts { items: &items, parent_id: "" }, total, field, false)
    }

    /// A connection of the query itself, which faults may twist; of a single record they twist those inside.
    pub(crate) fn root_connection(
        &mut self,
        kind: Kind,
        places: &[u32],
        total: usize,
        field: &'p PlanField,
    ) -> Written {
        self.in_root_connection = true;
        if self.active.contains(&&What::EmptyList) {
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
        let twist = if may_twist { self.twist() } else { Twist::default() };
        let cap = twist.most.unwrap_or(self.options.page_cap).min(self.options.page_cap);
        let sizes = PageSizes { cap, default: self.options.default_page_size };
        let page = match page(field, items.len(), sizes) {
            Ok(page) => page,
            Err(message) => {
                self.error(&message, json!({ "code": "invalidArgument" }));
                return Err(Forbidden);
            }
        };
        let Some(plan) = &field.sub else {
            return Ok(false);
        };
        let mut told = false;
        self.members(plan, |this, member| match member.name.as_str() {
            "nodes" | "edges" => {
                let tell = !std::mem::replace(&mut told, true);
                this.rows_of_page(&items, page, member, &twist, tell)
            }
            "pageInfo" => this.page_info(page, field, member, &twist),
            // The schema has no other member; `totalCount` is the last.
            _ => {
                let total = i64::try_from(total).unwrap_or(i64::MAX).saturating_add(twist.total_off).max(0);
                this.out.push_str(&total.to_string());
                Ok(())
            }
        })?;
        Ok(true)
    }

    fn twist(&self) -> Twist {
        let mut twist = Twist::default();
        for what in &self.active {
            match what {
                What::RepeatCursor => twist.repeat_cursor = true,
                What::OverlappingPages { at } => twist.overlaps_at = Some(*at),
                What::ShortPage { most } => twist.most = Some(*most),
                What::TotalOff { by } => twist.total_off += by,
                What::Partial { message, null_nodes, missing_nodes } => {
                    twist.message.clone_from(message);
                    twist.null_nodes = *null_nodes;
                    twist.missing_nodes = *missing_nodes;
                }
                What::EmptyList
                | What::Value { .. }
                | What::RecordFault { .. }
                | What::RecordRefused { .. }
                | What::RawByte { .. }
                | What::Undated(_) => {}
            }
        }
        twist
    }

    fn rows_of_page(
        &mut self,
        items: &Items<'s, '_>,
        page: Page,
        member: &'p PlanField,
        twist: &Twist,
        tell: bool,
    ) -> Result<(), Forbidden> {
        if tell && !twist.message.is_empty() {
            self.error(&twist.message, json!({ "code": "partial" }));
        }
        let until = page.until.saturating_sub(twist.missing_nodes).max(page.from);
        self.out.push('[');
        for (index, offset) in (page.from..until).enumerate() {
            let offset = match twist.overlaps_at {
                Some(at) if at == index && page.from > at => page.from - 1 - at,
                _ => offset,
            };
            self.item(index, true, member, |this| {
                let Some(plan) = &member.sub else {
                    return Ok(false);
                };
                if index < twist.null_nodes {
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

    fn edge(&mut self, items: &Items<'s, '_>, offset: usize, plan: &'p Plan) -> Result<(), Forbidden> {
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
        twist: &Twist,
    ) -> Result<(), Forbidden> {
        let Some(plan) = &member.sub else {
            return Ok(());
        };
        let filled = page.until > page.from;
        let cursor_json = |offset: usize| {
            if filled { quoted(&cursor(offset)) } else { "null".to_owned() }
        };
        self.members(plan, |this, member| {
            let text = match member.name.as_str() {
                "hasNextPage" => (page.has_next || twist.repeat_cursor).to_string(),
                "hasPreviousPage" => page.has_previous.to_string(),
                "startCursor" => cursor_json(page.from),
                _ if twist.repeat_cursor => match field.argument("after").and_then(Json::as_str) {
                    Some(after) => quoted(after),
                    None => cursor_json(page.until.saturating_sub(1)),
                },
                _ => cursor_json(page.until.saturating_sub(1)),
            };
            this.out.push_str(&text);
            Ok(())
        })
    }
}
