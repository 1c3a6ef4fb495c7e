//! The requests of stage 1, made from an entity's queries and what the API was found to bear.

use serde_json::{Map, json};

use super::plan::Window;
use super::sizes::Sizes;
use crate::entities::{Entity, Getter, Nested, Shape, UndatedEnd};
use crate::source::GraphqlRequest;

/// One page of a window, after a page cursor; with lists inside records of at most `inner`, where that is tried out.
pub(super) fn page(
    entity: &Entity,
    sizes: &Sizes,
    window: &Window,
    after: Option<&str>,
    first: u32,
    inner: Option<u32>,
) -> GraphqlRequest {
    let query = sizes.shaped(entity.walk.page_query, inner);
    of_window(entity, entity.walk.operation, query.into_owned(), window, after, first)
}

/// The same page with nothing of its records but their ids: what the API can give when it cannot give a record.
pub(super) fn ids(entity: &Entity, window: &Window, after: Option<&str>, first: u32) -> GraphqlRequest {
    const NODES: &str = "nodes {";
    let operation = format!("{}Ids", entity.walk.operation);
    let query = entity.walk.page_query;
    let head = query.find(NODES).map_or(query, |at| &query[..at]);
    let query = format!("{head}nodes {{ id }} }} }}").replacen(entity.walk.operation, &operation, 1);
    of_window(entity, &operation, query, window, after, first)
}

fn of_window(
    entity: &Entity,
    operation: &str,
    query: String,
    window: &Window,
    after: Option<&str>,
    first: u32,
) -> GraphqlRequest {
    let mut variables = Map::new();
    let mut query = query;
    if let Shape::Connection { .. } = entity.walk.shape {
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

/// One record by its id.
pub(super) fn record(getter: &Getter, sizes: &Sizes, id: &str) -> GraphqlRequest {
    GraphqlRequest::new(getter.operation, sizes.shaped(getter.query, None), json!({ "id": id }))
}

/// One page of a list inside a record.
pub(super) fn inner(
    nested: &Nested,
    sizes: &Sizes,
    id: &str,
    after: Option<&str>,
    first: u32,
) -> GraphqlRequest {
    let variables = json!({ "id": id, "first": first, "after": after });
    GraphqlRequest::new(nested.operation, sizes.shaped(nested.query, None), variables)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::{appointments, clients, pianos};

    #[test]
    fn every_paged_query_has_a_form_with_ids_alone_and_one_from_the_end() {
        let window = Window::default();
        for entity in [&clients::ENTITY, &pianos::ENTITY, &appointments::ENTITY] {
            let request = ids(entity, &window, None, 7);
            assert!(request.query.contains("pageInfo { hasNextPage endCursor }"), "{}", request.query);
            assert!(request.query.ends_with("nodes { id } } }"), "{}", request.query);
            assert!(
                request.query.starts_with(&format!("query {}(", request.operation_name)),
                "{}",
                request.query
            );
            graphql_parser::parse_query::<&str>(&request.query).unwrap();

            let window = Window { end: Some(UndatedEnd::Last("X")), ..Window::default() };
            let request = page(entity, &Sizes::usual(100), &window, None, 7, None);
            assert!(request.query.contains("(last: $first,"), "{}", request.query);
            assert!(!request.query.contains("$after"), "{}", request.query);
            assert_eq!(request.variables.get("after"), None);
            graphql_parser::parse_query::<&str>(&request.query).unwrap();
        }
    }
}
