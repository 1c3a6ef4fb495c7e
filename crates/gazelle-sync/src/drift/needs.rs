//! What our queries need from the API's schema: every field and argument in the `.graphql` files.

use std::collections::{BTreeMap, BTreeSet};

use graphql_parser::query::{Definition, Document, Field, OperationDefinition, Selection, SelectionSet};

use super::schema::{Schema, SchemaType, Types, named_type};
use crate::entities::{ApiList, ENTITIES, Entity, UndatedEnd};

/// The result of looking up all queries in a schema.
#[derive(Debug, Default)]
pub struct QueryNeeds {
    /// What is missing or cannot be requested as it is, with the queries that need it.
    pub missing: BTreeMap<String, BTreeSet<Query>>,
    /// The types that the queries use.
    touched: BTreeSet<String>,
    /// The fields of the query root that they use.
    roots: BTreeSet<String>,
}

/// A query: entity and operation name.
pub type Query = (&'static str, &'static str);

impl QueryNeeds {
    /// The part of a schema that the queries use; of the root type only the requested fields.
    pub fn known(&self, schema: &Schema) -> Types {
        let is_root_of_ours = |member: &str| {
            let field = member.split('(').next().unwrap_or_default();
            self.roots.contains(field)
        };
        self.touched
            .iter()
            .filter_map(|name| Some((name.clone(), schema.types.get(name)?.clone())))
            .map(|(name, mut kind)| {
                if name == schema.query_type {
                    kind.members.retain(|member, _| is_root_of_ours(member));
                }
                (name, kind)
            })
            .collect()
    }

    fn note_missing(&mut self, what: String, query: Query) {
        self.missing.entry(what).or_default().insert(query);
    }
}

/// Looks up what the queries of every entity use.
pub fn look_up_queries(schema: &Schema) -> QueryNeeds {
    let mut found = QueryNeeds::default();
    for entity in ENTITIES.iter().copied() {
        for (operation, text) in entity.queries() {
            // A test parses all of them.
            if let Ok(document) = graphql_parser::parse_query::<&str>(text) {
                look_up_query(schema, &document, (entity.name, operation), &mut found);
            }
        }
        look_up_filters(schema, entity, &mut found);
    }
    found
}

fn look_up_query<'q>(
    schema: &Schema,
    document: &Document<'q, &'q str>,
    query: Query,
    found: &mut QueryNeeds,
) {
    for definition in &document.definitions {
        let Definition::Operation(OperationDefinition::Query(operation)) = definition else { continue };
        for variable in &operation.variable_definitions {
            let ty = variable.var_type.to_string();
            let ty = named_type(&ty);
            match schema.types.contains_key(ty) {
                true => drop(found.touched.insert(ty.to_owned())),
                false => found.note_missing(format!("the type {ty} is gone"), query),
            }
        }
        found.roots.extend(fields(&operation.selection_set).map(|field| field.name.to_owned()));
        look_up_fields(schema, &schema.query_type, &operation.selection_set, query, found);
    }
}

/// The fields of a selection. Our queries have no fragments; a test checks that.
fn fields<'d, 'q>(selection: &'d SelectionSet<'q, &'q str>) -> impl Iterator<Item = &'d Field<'q, &'q str>> {
    selection.items.iter().filter_map(|item| match item {
        Selection::Field(field) => Some(field),
        _ => None,
    })
}

fn look_up_fields<'q>(
    schema: &Schema,
    on: &str,
    selection: &SelectionSet<'q, &'q str>,
    query: Query,
    found: &mut QueryNeeds,
) {
    let Some(kind) = schema.types.get(on) else {
        found.note_missing(format!("the type {on} is gone"), query);
        return;
    };
    found.touched.insert(on.to_owned());
    for field in fields(selection) {
        let name = field.name;
        let Some(ty) = kind.members.get(name) else {
            found.note_missing(format!("{on}.{name} is gone"), query);
            continue;
        };
        look_up_arguments(kind, on, field, query, found);
        let inner = named_type(ty);
        let Some(inner_kind) = schema.types.get(inner) else {
            found.note_missing(format!("the type {inner} of {on}.{name} is gone"), query);
            continue;
        };
        match (inner_kind.has_fields(), field.selection_set.items.is_empty()) {
            (true, false) => look_up_fields(schema, inner, &field.selection_set, query, found),
            (false, true) => drop(found.touched.insert(inner.to_owned())),
            (true, true) => found.note_missing(format!("{on}.{name} has become an object, {inner}"), query),
            (false, false) => {
                found.note_missing(format!("{on}.{name} is no object any more, but {inner}"), query)
            }
        }
    }
}

fn look_up_arguments<'q>(
    kind: &SchemaType,
    on: &str,
    field: &Field<'q, &'q str>,
    query: Query,
    found: &mut QueryNeeds,
) {
    let name = field.name;
    for (argument, _) in &field.arguments {
        if !kind.members.contains_key(&format!("{name}({argument})")) {
            found.note_missing(format!("{on}.{name} takes no argument {argument} any more"), query);
        }
    }
    for required in kind.required_arguments(name) {
        if !field.arguments.iter().any(|(argument, _)| *argument == required) {
            found.note_missing(format!("{on}.{name} now requires an argument {required}"), query);
        }
    }
}

/// The values of a list's `filters` and `sortBy` are variables and not part of its query.
fn look_up_filters(schema: &Schema, entity: &'static Entity, found: &mut QueryNeeds) {
    let ApiList::Connection { filter_type, dates, undated } = &entity.walk.shape else { return };
    let query = (entity.name, entity.walk.operation);
    if let Some(kind) = schema.types.get(*filter_type) {
        for filter in [dates.from, dates.until] {
            if !kind.members.contains_key(filter) {
                found.note_missing(format!("the filter {filter_type}.{filter} is gone"), query);
            }
        }
    }
    let argument = format!("{}(sortBy)", entity.walk.root);
    let sorts = schema
        .types
        .get(&schema.query_type)
        .and_then(|root| schema.types.get_key_value(named_type(root.members.get(&argument)?)));
    // Every full walk uses the likeliest end first; the others only if that one fails.
    let end = undated.as_ref().and_then(|undated| undated.ends.first());
    if let (Some(UndatedEnd::First(value) | UndatedEnd::Last(value)), Some((name, sorts))) = (end, sorts)
        && !sorts.members.contains_key(*value)
    {
        found.note_missing(format!("the order {name}.{value} is gone"), query);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_is_parsed_and_uses_nothing_that_is_not_looked_up() {
        for entity in ENTITIES.iter() {
            for (operation, text) in entity.queries() {
                let document = graphql_parser::parse_query::<&str>(text)
                    .unwrap_or_else(|error| panic!("{operation}: {error}"));
                assert!(
                    matches!(
                        document.definitions.as_slice(),
                        [Definition::Operation(OperationDefinition::Query(_))]
                    ),
                    "{operation}"
                );
                assert!(!text.contains("..."), "{operation} uses fragments");
            }
        }
    }
}
