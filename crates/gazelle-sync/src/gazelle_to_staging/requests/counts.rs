//! The API's counts of parts of an entity, in as few requests as it bears.

use serde_json::{Map, Value, json};

use super::queries;
use super::sizes::Sizes;
use super::window::{Window, filters};
use crate::entities::{Entity, Shape};
use crate::gazelle_to_staging::{Fetch, Scope};
use crate::source::{Answer, ErrorClass, GazelleClient, GraphqlRequest, ListShape, SourceError};

/// A query of counts, one alias a filter.
pub fn count_request(entity: &Entity, scopes: &[Scope]) -> Option<GraphqlRequest> {
    let Shape::Connection { filter_type, dates, .. } = &entity.walk.shape else { return None };
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

/// Counts scopes; also returns the answer, for its time.
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

/// The count of all of an entity; none where the API does not count. One that refuses counts under aliases tells it with a
/// page.
pub async fn count_whole(client: &GazelleClient, entity: &Entity) -> Result<Option<u64>, SourceError> {
    let shape = match entity.walk.shape {
        Shape::Connection { .. } => match count(client, entity, &[Scope::WHOLE]).await {
            Ok((counts, _)) => return Ok(counts.first().copied()),
            Err(error) if error.concerns_any_request() => return Err(error),
            Err(_) => ListShape::Connection,
        },
        Shape::PlainList => ListShape::Plain,
    };
    let window = Window::default();
    Ok(match shape {
        ListShape::Plain => {
            let request = queries::page(entity, &Sizes::usual(1), window.page_of(1), None, None);
            let answer = client.post(&request).await?;
            Some(answer.page(entity.walk.root, shape)?.nodes.len() as u64)
        }
        ListShape::Connection => {
            let answer = client.post(&queries::cursor(entity, window.page_of(1))).await?;
            let count = answer.object_path(&[entity.walk.root, "totalCount"]).ok().flatten();
            count.and_then(|count| count.get().parse().ok())
        }
    })
}

/// More requests than this are not made to count: it would cost more than it spares.
const COUNTING_REQUESTS: usize = 16;

/// Counts scopes in as many requests as the API wants, fewer counts in each where it refuses. Also returns the first answer,
/// for its time. None where it does not count: then the walk goes on without. What is remembered for later runs is only what
/// answers tell about the size of a request.
///
/// Errors: those that would meet any request.
pub(crate) async fn count_in_steps(
    fetch: &Fetch,
    entity: &Entity,
    scopes: &[Scope],
) -> Result<Option<(Vec<u64>, Answer)>, SourceError> {
    let sizes = fetch.sizes.of(entity);
    let mut client = fetch.client.clone();
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
            // Whether it is the counting that is refused, or everything, the first page tells.
            Err(error) if matches!(error.class(), ErrorClass::Unauthorized) => return Ok(None),
            Err(error) if error.concerns_any_request() => return Err(error),
            Err(error) => {
                // What a request fails with that is only tried out counts as another attempt of the one before.
                let failed = failed.get_or_insert_with(|| error.clone());
                let is_about_size = error.is_about_size() || failed.is_about_size() && failed.is_like(&error);
                sizes.fewer_counts(u32::try_from(chunk.len()).unwrap_or(u32::MAX), &error, is_about_size);
                if error.class().is_retried() {
                    client = fetch.client.trying(1);
                }
            }
        }
    }
    Ok(first.map(|answer| (counted, answer)))
}
