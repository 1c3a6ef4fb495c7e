//! Writes the answer of a planned query, as JSON text, straight from the stored text of the records.
//!
//! Nulls follow the GraphQL rules: a null where the schema forbids one becomes an error and empties the nearest nullable place
//! around it. Broken records added on purpose are the exception: they are sent as they are.

use async_graphql::parser::types::{BaseType, Type};
use serde_json::{Map, Value as Json, json};

use super::plan::{Plan, PlanField, named_type};
use super::tweak::{RAW_BYTE, Tweak, What};
use crate::fault_choices::Takes;
use crate::options::SimOptions;
use crate::shop::Shop;
use crate::shop::json::{Fields, quoted};
use crate::shop::kind::Kind;
use crate::shop::row::Row;

/// A forbidden null on its way up to the nearest place that may be null.
pub(crate) struct Forbidden;

/// `Ok(false)` stands for null.
pub(crate) type Written = Result<bool, Forbidden>;

/// An object being written: its stored fields, and where they come from.
pub(crate) struct Node<'s> {
    pub fields: Fields<'s>,
    pub kind: Option<Kind>,
    pub id: &'s str,
    pub lenient: bool,
}

impl<'s> Node<'s> {
    pub(crate) fn of_row(kind: Kind, row: &'s Row) -> Self {
        Self { fields: Fields::parse(&row.json), kind: Some(kind), id: &row.id, lenient: row.traits.lenient }
    }

    pub(crate) fn of_text(text: &'s str) -> Self {
        Self { fields: Fields::parse(text), kind: None, id: "", lenient: false }
    }
}

#[derive(Clone)]
enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

/// The state of one execution.
pub(crate) struct Execution<'s, 'p> {
    pub shop: &'s Shop,
    pub options: &'s SimOptions,
    pub out: String,
    path: Vec<Step<'p>>,
    errors: Vec<Json>,
    tweaks: &'p [Tweak],
    /// The tweaks for the root field being written.
    pub active: Vec<&'p What>,
    /// Whether the root field being written is a connection: the ones inside its nodes are left alone.
    pub in_root_connection: bool,
    /// How often each `Value` tweak was used, beside `active`.
    used: Vec<usize>,
    /// What the fault of a record took along, when that is the whole answer.
    lost: Option<Takes>,
}

/// The whole answer to a plan: `{"data": …}`, with `errors` if there are any; none where the server fails over a record.
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
    fn root(&mut self, plan: &'p Plan) -> Result<(), Forbidden> {
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
        mut write: impl FnMut(&mut Self, &'p PlanField) -> Result<(), Forbidden>,
    ) -> Result<(), Forbidden> {
        self.out.push('{');
        for (number, field) in plan.fields.iter().enumerate() {
            if number > 0 {
                self.out.push(',');
            }
            self.out.push_str(&field.key_json);
            self.path.push(Step::Key(&field.key));
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

    /// Writes a value where null is allowed or not.
    pub(crate) fn place(
        &mut self,
        nullable: bool,
        field: &'p PlanField,
        write: impl FnOnce(&mut Self) -> Written,
    ) -> Result<(), Forbidden> {
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
        Err(Forbidden)
    }

    /// Writes a list item, with its index in the path of errors.
    pub(crate) fn item(
        &mut self,
        index: usize,
        nullable: bool,
        field: &'p PlanField,
        write: impl FnOnce(&mut Self) -> Written,
    ) -> Result<(), Forbidden> {
        if index > 0 {
            self.out.push(',');
        }
        self.path.push(Step::Index(index));
        let written = self.place(nullable, field, write);
        self.path.pop();
        written
    }

    /// Notes an error at the present path.
    pub(crate) fn error(&mut self, message: &str, extensions: Json) {
        let path: Vec<Json> = self
            .path
            .iter()
            .map(|step| match step {
                Step::Key(key) => (*key).into(),
                Step::Index(index) => (*index).into(),
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

    /// Writes an object of the shop or of a stored text.
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

    /// Whether this field fails and takes its record along, as one does that may not be null.
    fn takes_record(&self, node: &Node<'s>, name: &str) -> bool {
        node.kind.is_some()
            && self.active.iter().any(|what| {
                matches!(what, What::RecordFault { id, field, takes: Takes::Record, .. }
                    if id == node.id && field.as_deref() == Some(name))
            })
    }

    /// Notes the error of a record that fails, or of its field; says what it takes along.
    fn fails(&mut self, node: &Node<'s>, name: Option<&str>) -> Option<Takes> {
        let (message, extensions, takes) = self.active.iter().copied().find_map(|what| match what {
            What::RecordFault { id, field, message, takes } if id == node.id && field.as_deref() == name => {
                Some((message.as_str(), json!({}), *takes))
            }
            What::RecordRefused { id, code } if id == node.id && name.is_none() => {
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
                Some(Takes::Record) => return Err(Forbidden),
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
            // Nothing stored: an empty list or connection where null is forbidden, else null.
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
            |what| matches!(what, What::RawByte { id, field: name } if id == node.id && *name == field.name),
        )
    }

    /// Writes the value of a `Value` tweak in the place of the field's own.
    fn replaced(&mut self, plan: &Plan, field: &PlanField) -> bool {
        for (number, what) in self.active.iter().enumerate() {
            if let What::Value { type_name, field: name, json, times } = what
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

    /// Writes a stored JSON text as the type says: a leaf is copied, an object goes through the plan, a reference is followed.
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

    /// The record that a reference leads to, or what the reference itself says when it leads nowhere.
    pub(crate) fn follow(&self, text: &'s str, type_name: &str) -> Node<'s> {
        let own = Node::of_text(text);
        let Some(kind) = Kind::from_type_name(type_name) else {
            return own;
        };
        match own.fields.text("id").and_then(|id| self.shop.find(kind, &id)) {
            Some(row) => Node::of_row(kind, row),
            None => Node { lenient: true, ..own },
        }
    }

    /// Writes a row, or null when there is none.
    pub(crate) fn row(&mut self, kind: Kind, row: Option<&'s Row>, field: &'p PlanField) -> Written {
        match (row, &field.sub) {
            (Some(row), Some(plan)) if &*row.json != "null" => self.node(&Node::of_row(kind, row), plan),
            _ => Ok(false),
        }
    }
}
