//! The API's record counts (`totalCount`) for parts of an entity, in as few requests as the API accepts.

use serde_json::{Map, Value, json};

use super::queries;
use super::sizes::Sizes;
use super::window::{Window, filters};
use crate::entities::{ApiList, Entity};
use crate::gazelle_to_staging::{Fetch, Scope};
use crate::source::{Answer, ErrorClass, GazelleClient, GraphqlRequest, ListShape, SourceError};

/// A query that counts several scopes, one alias per scope; none for an entity whose list has no pages.
pub fn count_request(entity: &Entity, scopes: &[Scope]) -> Option<GraphqlRequest> {
    let ApiList::Connection { filter_type, dates, .. } = &entity.walk.shape else { return None };
    let root = entity.walk.root;
    let operation = format!("{}Counts", entity.walk.operation.trim_end_matches("Page"));
    let mut variables = Map::new();
    let (mut declared, mut body) = (Vec::new(), Vec::new());
    for (index, scope) in scopes.iter().enumerate() {
        declared.push(format!("$f{index}: {filter_type}"));
        body.push(format!("c{index}: {root}(first: 1, filters: $f{index}) {{ totalCount }}"));
        variables.insert(format!("f{index}"), filters(dates, *scope).unwrap_or(Value::Null));
    }
    let query = format!("query {operation}({}) {{ {} }}", declared.join(", "), body.join(" "));
    Some(GraphqlRequest::new(operation, query, Value::Object(variables)))
}

/// Counts scopes. Also returns the answer, without its body, because callers read the API's clock from it.
///
/// # Errors
/// If the request fails or the answer holds no counts.
pub async fn count(
    client: &GazelleClient,
    entity: &Entity,
    scopes: &[Scope],
) -> Result<(Vec<u64>, Answer), SourceError> {
    let request = count_request(entity, scopes)
        .unwrap_or_else(|| GraphqlRequest::new(entity.walk.operation, &*entity.walk.page_query, json!({})));
    let answer = client.post(&request).await?;
    let counts = answer.counts()?;
    let counts =
        (0..scopes.len()).map(|i| counts.get(&format!("c{i}")).copied().unwrap_or_default()).collect();
    Ok((counts, answer.without_body()))
}

/// The number of records of an entity; none if the API lists records and does not count them. An API that refuses
/// counts under aliases still gives `totalCount` with a page, and a page without an end cursor is an empty list.
///
/// # Errors
/// Errors of the API, unless they are only about counting.
pub async fn count_whole(client: &GazelleClient, entity: &Entity) -> Result<Option<u64>, SourceError> {
    let shape = match entity.walk.shape {
        ApiList::Connection { .. } => match count(client, entity, &[Scope::WHOLE]).await {
            Ok((counts, _)) => return Ok(counts.first().copied()),
            Err(error) if error.concerns_any_request() => return Err(error),
            Err(_) => ListShape::Connection,
        },
        ApiList::PlainList => ListShape::Plain,
    };
    let window = Window::default();
    Ok(match shape {
        ListShape::Plain => {
            let request = queries::page(entity, &Sizes::usual(1), window.first_page_of(1), None, None);
            let answer = client.post(&request).await?;
            Some(answer.page(entity.walk.root, shape)?.nodes.len() as u64)
        }
        ListShape::Connection => {
            let answer = client.post(&queries::page_cursor(entity, window.first_page_of(1))).await?;
            let count = answer.object_path(&[entity.walk.root, "totalCount"]).ok().flatten();
            match count.and_then(|count| count.get().parse().ok()) {
                Some(count) => Some(count),
                None => {
                    let page_info = |field| answer.object_path(&[entity.walk.root, "pageInfo", field]);
                    let (more, end) = (page_info("hasNextPage")?, page_info("endCursor")?);
                    let is_empty = more.is_some_and(|more| more.get() == "false")
                        && end.is_none_or(|end| end.get() == "null");
                    is_empty.then_some(0)
                }
            }
        }
    })
}

/// Counting is given up when it would need more requests than this, because it would cost more than it saves.
const COUNTING_REQUESTS: usize = 16;

/// Counts scopes, several per request, fewer per request after each refusal. Also returns the first answer,
/// because the walk starts at its time. Returns none if the API does not count; the walk then goes on without
/// counts. Only answers about the size of a request change the size that is stored for later runs.
///
/// # Errors
/// Those that any request would meet.
pub(crate) async fn count_in_steps(
    fetch: &Fetch,
    entity: &Entity,
    scopes: &[Scope],
) -> Result<Option<(Vec<u64>, Answer)>, SourceError> {
    let sizes = fetch.sizes.for_entity(entity);
    let mut client = fetch.api.client.clone();
    let mut counted: Vec<u64> = Vec::with_capacity(scopes.len());
    let mut first = None;
    let mut failed: Option<SourceError> = None;
    while counted.len() < scopes.len() {
        let left = &scopes[counted.len()..];
        let most = usize::try_from(sizes.counts()).unwrap_or(usize::MAX);
        if most == 0 || left.len().div_ceil(most) > COUNTING_REQUESTS {
            return Ok(None);
        }
        let chunk = &left[..left.len().min(most)];
        match count(&client, entity, chunk).await {
            Ok((counts, answer)) => {
                counted.extend(counts);
                first.get_or_insert(answer);
            }
            // The first page shows whether only counting is refused, or everything.
            Err(error) if matches!(error.class(), ErrorClass::Unauthorized) => return Ok(None),
            Err(error) if error.concerns_any_request() => return Err(error),
            Err(error) => {
                // After a failure, requests are sent without retries: this error counts as a retry of the first
                // one.
                let failed = failed.get_or_insert_with(|| error.clone());
                let is_about_size = error.is_about_size() || failed.is_about_size() && failed.is_like(&error);
                sizes.fewer_counts(u32::try_from(chunk.len()).unwrap_or(u32::MAX), &error, is_about_size);
                if error.class().is_retried() {
                    client = fetch.api.client.with_attempts(1);
                }
            }
        }
    }
    Ok(first.map(|answer| (counted, answer)))
}
