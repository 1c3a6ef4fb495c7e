//! Builds the requests of stage 1 from an entity's queries and the sizes that the API accepted.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::value::RawValue;
use serde_json::{Map, json};

use super::fields::{self, Field};
use super::parts;
use super::sizes::Sizes;
use super::window::PagePosition;
use crate::entities::{ApiList, Entity, Getter, Nested, UndatedEnd};
use crate::source::GraphqlRequest;

/// A query with its operation name, or the same for a part of the fields at the end of a path.
fn whole_or_part<'q>(
    (operation, query): (&'q str, &'q str),
    path: &[&str],
    part: Option<&[Field]>,
) -> (Cow<'q, str>, Cow<'q, str>) {
    match part {
        None => (operation.into(), query.into()),
        Some(part) => {
            let named = format!("{operation}Part");
            let query = fields::replace_fields(query, (operation, &named), path, part);
            (named.into(), query.into())
        }
    }
}

/// Requests one page of a window. `inner` limits the length of lists inside records while a length is tried
/// out; `part` selects some of the records' fields if the API refuses all of them in one query.
pub(crate) fn page(
    entity: &Entity,
    sizes: &Sizes,
    place: PagePosition<'_>,
    inner: Option<u32>,
    part: Option<&[Field]>,
) -> GraphqlRequest {
    let whole = (entity.walk.operation, &*entity.walk.page_query);
    let (operation, query) = whole_or_part(whole, &parts::path_of_records(entity), part);
    let query = sizes.with_list_limits(&query, inner);
    page_request(entity, &operation, query.into_owned(), place)
}

/// Where the selection of the records begins in a page query.
const NODES: &str = "nodes {";

/// Requests a page with the ids of its records alone, for a page on which the API fails at a record's other fields.
pub(crate) fn page_ids(entity: &Entity, place: PagePosition<'_>) -> GraphqlRequest {
    let operation = format!("{}Ids", entity.walk.operation);
    let query = &*entity.walk.page_query;
    let head = query.find(NODES).map_or(query, |at| &query[..at]);
    let query = format!("{head}nodes {{ id }} }} }}").replacen(entity.walk.operation, &operation, 1);
    page_request(entity, &operation, query, place)
}

/// Requests a page without its records, for the cursor after them.
pub(crate) fn page_cursor(entity: &Entity, place: PagePosition<'_>) -> GraphqlRequest {
    let operation = format!("{}Cursor", entity.walk.operation);
    let query = &*entity.walk.page_query;
    let head = query.find(NODES).map_or(query, |at| &query[..at]);
    let query = format!("{head}}} }}").replacen(entity.walk.operation, &operation, 1);
    page_request(entity, &operation, query, place)
}

/// The value of a record's field; none if it is null or absent.
pub(crate) fn field_of<'r>(record: &'r RawValue, field: &str) -> Option<&'r RawValue> {
    let mut fields: HashMap<&str, &'r RawValue> = serde_json::from_str(record.get()).ok()?;
    fields.remove(field).filter(|value| value.get() != "null")
}

fn page_request(entity: &Entity, operation: &str, query: String, place: PagePosition<'_>) -> GraphqlRequest {
    let PagePosition { window, after, first } = place;
    let mut variables = Map::new();
    let mut query = query;
    if let ApiList::Connection { .. } = entity.walk.shape {
        variables.insert("first".to_owned(), json!(first));
        variables.insert("after".to_owned(), json!(after));
        if let Some(filters) = &window.filters {
            variables.insert("filters".to_owned(), filters.clone());
        }
        match window.end {
            Some(UndatedEnd::First(sort)) => {
                variables.insert("sortBy".to_owned(), json!([sort]));
            }
            Some(UndatedEnd::Last(sort)) => {
                variables.insert("sortBy".to_owned(), json!([sort]));
                // From the end there is one page, without a cursor.
                variables.remove("after");
                query = query.replacen("$after: String, ", "", 1).replacen(
                    "first: $first, after: $after",
                    "last: $first",
                    1,
                );
            }
            None => {}
        }
    }
    GraphqlRequest::new(operation, query, variables.into())
}

/// Requests one record by its id.
pub(crate) fn record(getter: &Getter, sizes: &Sizes, id: &str, part: Option<&[Field]>) -> GraphqlRequest {
    let (operation, query) = whole_or_part((getter.operation, &*getter.query), getter.path, part);
    GraphqlRequest::new(operation, sizes.with_list_limits(&query, None), json!({ "id": id }))
}

/// Requests one page of a list inside a record.
pub(crate) fn nested_page(
    nested: &Nested,
    sizes: &Sizes,
    id: &str,
    after: Option<&str>,
    first: u32,
    part: Option<&[Field]>,
) -> GraphqlRequest {
    let variables = json!({ "id": id, "first": first, "after": after });
    let path = [nested.answer, &["nodes"]].concat();
    let (operation, query) = whole_or_part((nested.operation, &*nested.query), &path, part);
    GraphqlRequest::new(operation, sizes.with_list_limits(&query, None), variables)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::{appointments, clients, pianos};
    use crate::gazelle_to_staging::requests::window::Window;

    #[test]
    fn every_paged_query_has_a_form_with_ids_alone_and_one_from_the_end() {
        let window = Window::default();
        for entity in [&clients::ENTITY, &pianos::ENTITY, &appointments::ENTITY] {
            let request = page_ids(entity, window.first_page_of(7));
            assert!(request.query.contains("pageInfo { hasNextPage endCursor }"), "{}", request.query);
            assert!(request.query.ends_with("nodes { id } } }"), "{}", request.query);
            assert!(
                request.query.starts_with(&format!("query {}(", request.operation_name)),
                "{}",
                request.query
            );
            graphql_parser::parse_query::<&str>(&request.query).unwrap();
            let request = page_cursor(entity, window.first_page_of(1));
            assert!(
                request.query.ends_with("pageInfo { hasNextPage endCursor }\n    } }"),
                "{}",
                request.query
            );
            graphql_parser::parse_query::<&str>(&request.query).unwrap();

            let window = Window { end: Some(UndatedEnd::Last("X")), ..Window::default() };
            let request = page(entity, &Sizes::usual(100), window.first_page_of(7), None, None);
            assert!(request.query.contains("(last: $first,"), "{}", request.query);
            assert!(!request.query.contains("$after"), "{}", request.query);
            assert_eq!(request.variables.get("after"), None);
            graphql_parser::parse_query::<&str>(&request.query).unwrap();
        }
    }
}
