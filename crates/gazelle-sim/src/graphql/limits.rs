//! Measures a query and checks its limits.

use async_graphql::parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet};
use async_graphql_value::Value;
use serde_json::{Map, Value as Json};

use crate::faults::FaultKind;

/// The measures of a query.
#[derive(Default)]
struct Size {
    fields: u64,
    depth: u64,
    aliases: u64,
    largest_page: u64,
}

/// The error message for a query that exceeds a limit; `None` if it does not.
pub(crate) fn refusal(
    limit: &FaultKind,
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Map<String, Json>,
) -> Option<String> {
    let FaultKind::QueryLimit { complexity, per_record, depth, aliases, page_size, .. } = limit else {
        return None;
    };
    let measuring = Measuring { document, variables, per_record: *per_record };
    let size = measuring.set(&operation.selection_set.node, 0);
    let exceeds = |measure: u64, most: &Option<u64>| most.filter(|most| measure > *most);
    if let Some(most) = exceeds(size.fields, complexity) {
        let fields = size.fields;
        return Some(format!("Query has complexity of {fields}, which exceeds max complexity of {most}"));
    }
    if let Some(most) = exceeds(size.depth, depth) {
        return Some(format!("Query has depth of {}, which exceeds max depth of {most}", size.depth));
    }
    if let Some(most) = exceeds(size.aliases, aliases) {
        return Some(format!("Syntax Error: Aliases limit of {most} exceeded, found {}.", size.aliases));
    }
    let most = exceeds(size.largest_page, page_size)?;
    Some(format!("Requesting {} records exceeds the `first` limit of {most} records.", size.largest_page))
}

struct Measuring<'d> {
    document: &'d ExecutableDocument,
    variables: &'d Map<String, Json>,
    per_record: bool,
}

impl Measuring<'_> {
    /// The depth limit also ends recursive fragments.
    fn set(&self, set: &SelectionSet, depth: u64) -> Size {
        let mut size = Size::default();
        if depth > 50 {
            return size;
        }
        for item in &set.items {
            let of_item = match &item.node {
                Selection::Field(field) => self.field(&field.node, depth),
                Selection::InlineFragment(fragment) => self.set(&fragment.node.selection_set.node, depth + 1),
                Selection::FragmentSpread(spread) => {
                    match self.document.fragments.get(&spread.node.fragment_name.node) {
                        Some(fragment) => self.set(&fragment.node.selection_set.node, depth + 1),
                        None => Size::default(),
                    }
                }
            };
            size.fields = size.fields.saturating_add(of_item.fields);
            size.depth = size.depth.max(of_item.depth);
            size.aliases += of_item.aliases;
            size.largest_page = size.largest_page.max(of_item.largest_page);
        }
        size
    }

    fn field(&self, field: &Field, depth: u64) -> Size {
        let inside = self.set(&field.selection_set.node, depth + 1);
        let page =
            field.arguments.iter().find(|(name, _)| name.node == "first").map(|(_, value)| {
                match &value.node {
                    Value::Variable(name) => {
                        self.variables.get(name.as_str()).and_then(Json::as_u64).unwrap_or_default()
                    }
                    Value::Number(number) => number.as_u64().unwrap_or_default(),
                    _ => 0,
                }
            });
        let times = if self.per_record { page.unwrap_or(1) } else { 1 };
        Size {
            fields: inside.fields.saturating_mul(times).saturating_add(1),
            depth: inside.depth + 1,
            aliases: inside.aliases + u64::from(field.alias.is_some()),
            largest_page: inside.largest_page.max(page.unwrap_or_default()),
        }
    }
}
