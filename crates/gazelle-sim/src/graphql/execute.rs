//! Writes the answer of a planned query as JSON text, directly from the stored JSON of the records.
//!
//! Nulls follow the GraphQL rules: a null in a non-null position is an error, and the nearest nullable parent
//! becomes null. Records that were deliberately added broken are sent unchanged.

use async_graphql::parser::types::{BaseType, Type};
use serde_json::{Map, Value as Json, json};

use super::plan::{Plan, PlanField, named_type};
use super::tweak::{AnswerChange, RAW_BYTE, Tweak};
use crate::fault_choices::Takes;
use crate::options::SimOptions;
use crate::shop::Shop;
use crate::shop::json::{Fields, quoted};
use crate::shop::kind::RecordKind;
use crate::shop::row::Row;

/// A null in a non-null position, which propagates to the nearest nullable parent.
pub(crate) struct NullPropagation;

/// `Ok(false)` means null.
pub(crate) type Written = Result<bool, NullPropagation>;

/// An object to write: its stored fields, and its kind and id.
pub(crate) struct Node<'s> {
    pub fields: Fields<'s>,
    pub kind: Option<RecordKind>,
    pub id: &'s str,
    pub lenient: bool,
}

impl<'s> Node<'s> {
    pub(crate) fn of_row(kind: RecordKind, row: &'s Row) -> Self {
        Self { fields: Fields::parse(&row.json), kind: Some(kind), id: &row.id, lenient: row.traits.lenient }
    }

    pub(crate) fn of_text(text: &'s str) -> Self {
        Self { fields: Fields::parse(text), kind: None, id: "", lenient: false }
    }
}

#[derive(Clone)]
enum PathStep<'p> {
    Key(&'p str),
    Index(usize),
}

/// The state of one execution.
pub(crate) struct Execution<'s, 'p> {
    pub shop: &'s Shop,
    pub options: &'s SimOptions,
    pub out: String,
    path: Vec<PathStep<'p>>,
    errors: Vec<Json>,
    tweaks: &'p [Tweak],
    /// The tweaks that apply to the current root field.
    pub active: Vec<&'p AnswerChange>,
    /// Whether the current root field is a connection: the connections inside its nodes are then not changed.
    pub in_root_connection: bool,
    /// How often each `Value` tweak was applied, parallel to `active`.
    used: Vec<usize>,
    /// The extent of a record's fault, if it is the whole answer.
    lost: Option<Takes>,
}

/// The whole answer to a plan: `{"data": …}`, with `errors` if there are any; `None` if the server fails because of
/// a record.
pub(crate) fn execute(shop: &Shop, options: &SimOptions, plan: &Plan, tweaks: &[Tweak]) -> Option<String> {
    let mut execution = Execution {
        shop,
        options,
        out: String::with_capacity(64 * 1024),
        path: Vec::new(),
        errors: Vec::new(),
        tweaks,
        active: Vec::new(),
        in_root_connection: false,
        used: Vec::new(),
        lost: None,
    };
    execution.out.push_str("{\"data\":");
    let start = execution.out.len();
    let is_empty = execution.root(plan).is_err();
    if execution.lost == Some(Takes::Server) {
        return None;
    }
    if is_empty || execution.lost.is_some() {
        execution.out.truncate(start);
        execution.out.push_str("null");
    }
    if !execution.errors.is_empty() {
        execution.out.push_str(",\"errors\":");
        let errors = Json::from(std::mem::take(&mut execution.errors)).to_string();
        execution.out.push_str(&errors);
    }
    execution.out.push('}');
    Some(execution.out)
}

impl<'s, 'p> Execution<'s, 'p> {
    fn root(&mut self, plan: &'p Plan) -> Result<(), NullPropagation> {
        self.members(plan, |this, field| {
            this.active = this
                .tweaks
                .iter()
                .filter(|tweak| tweak.root_field.as_ref().is_none_or(|name| *name == field.name))
                .map(|tweak| &tweak.what)
                .collect();
            this.used = vec![0; this.active.len()];
            this.in_root_connection = false;
            this.place(field.ty.nullable, field, |this| this.root_field(field))
        })
    }

    /// Writes `{…}` with each field of the plan.
    pub(crate) fn members(
        &mut self,
        plan: &'p Plan,
        mut write: impl FnMut(&mut Self, &'p PlanField) -> Result<(), NullPropagation>,
    ) -> Result<(), NullPropagation> {
        self.out.push('{');
        for (number, field) in plan.fields.iter().enumerate() {
            if number > 0 {
                self.out.push(',');
            }
            self.out.push_str(&field.key_json);
            self.path.push(PathStep::Key(&field.key));
            let written = if field.name == "__typename" {
                self.out.push_str(&quoted(&plan.type_name));
                Ok(())
            } else {
                write(self, field)
            };
            self.path.pop();
            written?;
        }
        self.out.push('}');
        Ok(())
    }

    /// Writes a value in a nullable or non-null position.
    pub(crate) fn place(
        &mut self,
        nullable: bool,
        field: &'p PlanField,
        write: impl FnOnce(&mut Self) -> Written,
    ) -> Result<(), NullPropagation> {
        let start = self.out.len();
        let written = write(self);
        if matches!(written, Ok(true)) {
            return Ok(());
        }
        self.out.truncate(start);
        if nullable {
            self.out.push_str("null");
            return Ok(());
        }
        if written.is_ok() {
            self.error(&format!("Cannot return null for non-nullable field {}", field.name), json!({}));
        }
        Err(NullPropagation)
    }

    /// Writes a list item, with its index in the path of errors.
    pub(crate) fn item(
        &mut self,
        index: usize,
        nullable: bool,
        field: &'p PlanField,
        write: impl FnOnce(&mut Self) -> Written,
    ) -> Result<(), NullPropagation> {
        if index > 0 {
            self.out.push(',');
        }
        self.path.push(PathStep::Index(index));
        let written = self.place(nullable, field, write);
        self.path.pop();
        written
    }

    /// Adds an error at the current path.
    pub(crate) fn error(&mut self, message: &str, extensions: Json) {
        let path: Vec<Json> = self
            .path
            .iter()
            .map(|step| match step {
                PathStep::Key(key) => (*key).into(),
                PathStep::Index(index) => (*index).into(),
            })
            .collect();
        let mut error = Map::new();
        error.insert("message".to_owned(), message.into());
        error.insert("path".to_owned(), path.into());
        if extensions.as_object().is_some_and(|extensions| !extensions.is_empty()) {
            error.insert("extensions".to_owned(), extensions);
        }
        self.errors.push(Json::Object(error));
    }

    /// Writes an object of the shop or of stored JSON.
    pub(crate) fn node(&mut self, node: &Node<'s>, plan: &'p Plan) -> Written {
        if !self.active.is_empty() && node.kind.is_some() && self.fails(node, None).is_some() {
            return Ok(false);
        }
        self.members(plan, |this, field| {
            let nullable = (field.ty.nullable || node.lenient) && !this.takes_record(node, &field.name);
            this.place(nullable, field, |this| this.node_field(node, plan, field))
        })?;
        Ok(true)
    }

    /// Whether this field fails and makes its record null, as a non-null field does.
    fn takes_record(&self, node: &Node<'s>, name: &str) -> bool {
        node.kind.is_some()
            && self.active.iter().any(|what| {
                matches!(what, AnswerChange::RecordFault { id, field, takes: Takes::Record, .. }
                    if id == node.id && field.as_deref() == Some(name))
            })
    }

    /// Adds the error of a failing record or field; returns what becomes null.
    fn fails(&mut self, node: &Node<'s>, name: Option<&str>) -> Option<Takes> {
        let (message, extensions, takes) = self.active.iter().copied().find_map(|what| match what {
            AnswerChange::RecordFault { id, field, message, takes }
                if id == node.id && field.as_deref() == name =>
            {
                Some((message.as_str(), json!({}), *takes))
            }
            AnswerChange::RecordRefused { id, code } if id == node.id && name.is_none() => {
                Some(("not for this account", json!({ "code": code }), Takes::Record))
            }
            _ => None,
        })?;
        self.error(message, extensions);
        if matches!(takes, Takes::Answer | Takes::Server) {
            self.lost = Some(takes);
        }
        Some(takes)
    }

    fn node_field(&mut self, node: &Node<'s>, plan: &'p Plan, field: &'p PlanField) -> Written {
        if !self.active.is_empty() && node.kind.is_some() {
            match self.fails(node, Some(&field.name)) {
                Some(Takes::Record) => return Err(NullPropagation),
                Some(_) => return Ok(false),
                None => {}
            }
            if let Some(text) = node.fields.get(&field.name)
                && self.ends_in_a_raw_byte(node, field)
                && let Some(text) = text.strip_suffix('"')
            {
                self.out.push_str(text);
                self.out.push(RAW_BYTE);
                self.out.push('"');
                return Ok(true);
            }
        }
        if field.sub.is_none() && !self.active.is_empty() && self.replaced(plan, field) {
            return Ok(true);
        }
        if let Some(written) = self.computed(node, field) {
            return written;
        }
        match node.fields.get(&field.name) {
            Some(text) => self.stored(text, &field.ty, field),
            // No stored value: an empty list or connection in a non-null position, otherwise null.
            None if !field.ty.nullable && matches!(field.ty.base, BaseType::List(_)) => {
                self.out.push_str("[]");
                Ok(true)
            }
            None if named_type(&field.ty).ends_with("Connection") => self.stored_connection("[]", field),
            None => Ok(false),
        }
    }

    fn ends_in_a_raw_byte(&self, node: &Node<'s>, field: &PlanField) -> bool {
        self.active.iter().any(
            |what| matches!(what, AnswerChange::RawByte { id, field: name } if id == node.id && *name == field.name),
        )
    }

    /// Writes the value of a `Value` tweak instead of the field's own.
    fn replaced(&mut self, plan: &Plan, field: &PlanField) -> bool {
        for (number, what) in self.active.iter().enumerate() {
            if let AnswerChange::Value { type_name, field: name, json, times } = what
                && *name == field.name
                && type_name.as_ref().is_none_or(|name| *name == plan.type_name)
                && self.used[number] < *times
            {
                self.used[number] += 1;
                self.out.push_str(json);
                return true;
            }
        }
        false
    }

    /// Writes stored JSON by its type: a leaf is copied, an object is written by the plan, a reference is resolved.
    pub(crate) fn stored(&mut self, text: &'s str, ty: &'p Type, field: &'p PlanField) -> Written {
        if text == "null" {
            return Ok(false);
        }
        let Some(sub) = &field.sub else {
            self.out.push_str(text);
            return Ok(true);
        };
        if sub.type_name.ends_with("Connection") {
            return self.stored_connection(text, field);
        }
        match &ty.base {
            BaseType::List(item_type) => {
                self.out.push('[');
                for (index, item) in crate::shop::json::items_of(text).into_iter().enumerate() {
                    self.item(index, item_type.nullable, field, |this| this.stored(item, item_type, field))?;
                }
                self.out.push(']');
                Ok(true)
            }
            BaseType::Named(_) => {
                let node = self.follow(text, &sub.type_name);
                self.node(&node, sub)
            }
        }
    }

    /// The record of a reference, or the reference itself if the record does not exist.
    pub(crate) fn follow(&self, text: &'s str, type_name: &str) -> Node<'s> {
        let own = Node::of_text(text);
        let Some(kind) = RecordKind::from_type_name(type_name) else {
            return own;
        };
        match own.fields.text("id").and_then(|id| self.shop.find(kind, &id)) {
            Some(row) => Node::of_row(kind, row),
            None => Node { lenient: true, ..own },
        }
    }

    /// Writes a row, or null if there is none.
    pub(crate) fn row(&mut self, kind: RecordKind, row: Option<&'s Row>, field: &'p PlanField) -> Written {
        match (row, &field.sub) {
            (Some(row), Some(plan)) if &*row.json != "null" => self.node(&Node::of_row(kind, row), plan),
            _ => Ok(false),
        }
    }
}
