//! Records that are asked for with several queries, since the API bears none with all their fields: `parts` says which, `fields`
//! takes queries apart, and here the answers are put together. A record is then what one query would have given: the same
//! keys in the same order, each value with the bytes that came. See docs/decisions/0063.

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use serde_json::value::RawValue;

use super::budget::{MOST_REQUESTS, PartsBudget};
use super::object::{Object, Read, list, raw_text};
use crate::gazelle_to_staging::records::faults::is_about_all;
use crate::gazelle_to_staging::requests::fields;
use crate::gazelle_to_staging::requests::fields::Field;
use crate::gazelle_to_staging::requests::parts::{ById, Inside, PartPlan};
use crate::gazelle_to_staging::requests::sizes::Sizes;
use crate::source::{ErrorClass, GazelleClient, GraphqlRequest, Lookup, NodeFault, SourceError};

/// What came of a record.
pub(crate) enum Gathered {
    Whole(String),
    /// The API failed at a field of it, with this error, or we do not ask for all of it: all the rest, and where.
    Faulty {
        raw: String,
        fault: NodeFault,
        error: Option<SourceError>,
    },
    /// It changed or vanished while it was read, or so it seems: where.
    Changed(NodeFault),
    /// Its parts hold more than they may.
    TooLarge,
}

pub(crate) fn fault(field: impl Into<String>, message: impl Into<String>) -> NodeFault {
    NodeFault { field: field.into(), message: message.into(), is_not_text: false }
}

/// What came of one part.
enum PartResult {
    Read(String),
    Failed(Option<String>, NodeFault, SourceError),
    Absent,
}

/// What records are put together with.
#[derive(Clone, Copy)]
pub(crate) struct Gathering<'g> {
    pub(crate) client: &'g GazelleClient,
    pub(crate) sizes: &'g Sizes,
    /// What their parts may take.
    pub(crate) budget: &'g PartsBudget,
}

/// The first fault of a record, with the error of the API that told it.
type FirstFault = Option<(NodeFault, Option<SourceError>)>;

impl Gathering<'_> {
    /// Puts a record together of the parts that a list or a getter gave, and of those that are asked for by its id.
    ///
    /// Errors: the API's that say nothing of this record, those of a query that is too large among them.
    pub(crate) async fn record(
        &self,
        plan: &PartPlan,
        id: Option<&str>,
        given: Vec<String>,
        of_given: Option<(NodeFault, SourceError)>,
    ) -> Result<Gathered, SourceError> {
        let (mut parts, mut found) = (given, of_given.map(|(fault, error)| (fault, Some(error))));
        match (&plan.of_record, id) {
            (Some((by_id, wanted)), Some(id)) => {
                for part in wanted {
                    let before = parts.len();
                    match self.part_of(by_id, part, id).await? {
                        PartResult::Read(raw) => parts.push(raw),
                        PartResult::Failed(raw, of_part, error) => {
                            parts.extend(raw);
                            found.get_or_insert((of_part, Some(error)));
                        }
                        PartResult::Absent => return Ok(Gathered::Changed(fault("", absent(by_id)))),
                    }
                    if !self.budget.takes(parts[before..].iter().map(String::len).sum()) {
                        return Ok(Gathered::TooLarge);
                    }
                }
            }
            (Some(_), None) if parts.iter().any(|part| part.starts_with('{')) => {
                found.get_or_insert((fault("id", NO_ID), None));
            }
            _ => {}
        }
        let Some(raw) = merged(&plan.all, &parts) else {
            return Ok(Gathered::Changed(fault("", "the parts that it is asked for in do not agree")));
        };
        match &plan.inside {
            Some(inside) => self.with_objects_inside(inside, raw, found).await,
            None => Ok(gathered(raw, found)),
        }
    }

    /// The record with the objects of a list inside it that are asked for by their own ids.
    async fn with_objects_inside(
        &self,
        inside: &Inside,
        raw: String,
        found: FirstFault,
    ) -> Result<Gathered, SourceError> {
        Ok(match self.objects_inside(inside, &raw).await? {
            Inner::Untouched => gathered(raw, found),
            Inner::Completed(completed, of_inside) => gathered(completed, found.or(of_inside)),
            Inner::Changed(at) => Gathered::Changed(at),
            Inner::TooMany(at) => gathered(raw, found.or(Some((at, None)))),
            Inner::TooLarge => Gathered::TooLarge,
        })
    }
}

fn gathered(raw: String, found: FirstFault) -> Gathered {
    match found {
        Some((fault, error)) => Gathered::Faulty { raw, fault, error },
        None => Gathered::Whole(raw),
    }
}

const NO_ID: &str = "it has no id, by which the rest of it could be asked for";

fn absent(by_id: &ById) -> String {
    format!("the list has it, its getter `{}` answers null", by_id.name)
}

impl Gathering<'_> {
    /// One part of an object by its id.
    async fn part_of(&self, by_id: &ById, part: &[Field], id: &str) -> Result<PartResult, SourceError> {
        let ById { root, name, operation } = by_id;
        let query = format!("query {operation}($id: String!) {{ {root} {{ {} }} }}", fields::written(part));
        let request =
            GraphqlRequest::new(operation.as_str(), self.sizes.shaped(&query, None), json!({ "id": id }));
        let error = match self.client.post(&request).await.map_err(SourceError::of_one_record) {
            Ok(answer) => {
                return Ok(match answer.lookup(&[name])? {
                    Lookup::There(raw) => PartResult::Read(raw.get().to_owned()),
                    Lookup::Gone | Lookup::Unclear => PartResult::Absent,
                });
            }
            Err(error) => error,
        };
        if is_about_all(&error) || matches!(error.class(), ErrorClass::OverLimit { .. }) {
            return Err(error);
        }
        let whole = NodeFault { field: String::new(), message: error.to_string(), is_not_text: false };
        let found = error.partial().map(|partial| partial.object(&[name]));
        let (raw, of_part) = found.map_or((None, None), |(raw, faults)| {
            (raw.map(|raw| raw.get().to_owned()), faults.into_iter().next())
        });
        // Kept while the other parts are asked for.
        Ok(PartResult::Failed(raw, of_part.unwrap_or(whole), error.without_answer()))
    }
}

/// What came of the objects inside a record.
enum Inner {
    /// There are none, or no list of them: the record stays as it came, to the byte.
    Untouched,
    /// The record with them, and the first that is not whole.
    Completed(String, FirstFault),
    /// One vanished or changed meanwhile.
    Changed(NodeFault),
    /// They would take too many requests.
    TooMany(NodeFault),
    /// Their parts hold more than they may.
    TooLarge,
}

/// What came of one of them.
enum OneInside {
    Node(Box<RawValue>, FirstFault),
    Changed(NodeFault),
    TooLarge,
}

/// Objects inside one record that are asked for at once.
const AT_ONCE: usize = 4;

impl Gathering<'_> {
    /// The record with what its objects are asked for by their own ids.
    async fn objects_inside(&self, inside: &Inside, raw: &str) -> Result<Inner, SourceError> {
        let Ok(mut record) = serde_json::from_str::<Object>(raw) else { return Ok(Inner::Untouched) };
        let connection = record.get(inside.list).and_then(|raw| raw.read::<Object>());
        let nodes = connection.as_ref().and_then(|list| list.get("nodes")?.read::<Vec<Box<RawValue>>>());
        let (Some(mut connection), Some(nodes)) = (connection, nodes) else { return Ok(Inner::Untouched) };
        let objects = nodes.iter().filter(|node| node.get().starts_with('{')).count();
        let requests = objects.saturating_mul(inside.parts.len());
        if requests > MOST_REQUESTS {
            let said = format!(
                "its {objects} entries would take {requests} requests, and {MOST_REQUESTS} are made for a record at most"
            );
            return Ok(Inner::TooMany(fault(format!("{}.nodes", inside.list), said)));
        }
        let mut asked = stream::iter(nodes.into_iter().enumerate())
            .map(|(index, node)| self.one_inside(inside, index, node))
            .buffered(AT_ONCE);
        let (mut nodes, mut found) = (Vec::new(), None);
        while let Some(one) = asked.try_next().await? {
            match one {
                OneInside::Node(node, of_node) => {
                    nodes.push(node);
                    found = found.or(of_node);
                }
                OneInside::Changed(at) => return Ok(Inner::Changed(at)),
                OneInside::TooLarge => return Ok(Inner::TooLarge),
            }
        }
        drop(asked);
        connection.set("nodes", list(&nodes));
        let Ok(connection) = serde_json::to_string(&connection) else { return Ok(Inner::Untouched) };
        record.set(inside.list, raw_text(connection));
        let Ok(record) = serde_json::to_string(&record) else { return Ok(Inner::Untouched) };
        Ok(Inner::Completed(record, found))
    }
}

impl Gathering<'_> {
    /// One of them, which comes back as it was where it is no object.
    async fn one_inside(
        &self,
        inside: &Inside,
        index: usize,
        node: Box<RawValue>,
    ) -> Result<OneInside, SourceError> {
        let Some(object) = node.read::<Object>() else { return Ok(OneInside::Node(node, None)) };
        let place = format!("{}.nodes.{index}", inside.list);
        let Some(id) = object.get("id").and_then(|raw| raw.read::<String>()) else {
            return Ok(OneInside::Node(node, Some((fault(place, NO_ID), None))));
        };
        let mut found = None;
        let mut parts = vec![node.get().to_owned()];
        for part in &inside.parts {
            let before = parts.len();
            match self.part_of(&inside.by_id, part, &id).await? {
                PartResult::Read(raw) => parts.push(raw),
                PartResult::Failed(raw, of_part, error) => {
                    parts.extend(raw);
                    let field = format!("{place}.{}", of_part.field);
                    let field = field.trim_end_matches('.').to_owned();
                    found.get_or_insert((NodeFault { field, ..of_part }, Some(error)));
                }
                PartResult::Absent => return Ok(OneInside::Changed(fault(place, absent(&inside.by_id)))),
            }
            if !self.budget.takes(parts[before..].iter().map(String::len).sum()) {
                return Ok(OneInside::TooLarge);
            }
        }
        Ok(match merged(&inside.all, &parts) {
            Some(whole) => OneInside::Node(raw_text(whole), found),
            None => OneInside::Changed(fault(place, "the parts that it is asked for in do not agree")),
        })
    }
}

/// The parts of one record as the record; none where they do not agree, since it changed between the requests.
pub(crate) fn merged<T: AsRef<str>>(all: &[Field], parts: &[T]) -> Option<String> {
    let parts: Option<Vec<&RawValue>> =
        parts.iter().map(|part| serde_json::from_str(part.as_ref()).ok()).collect();
    Some(merged_objects(all, &parts?)?.get().to_owned())
}

fn merged_objects(all: &[Field], parts: &[&RawValue]) -> Option<Box<RawValue>> {
    if let [one] = parts {
        return Some((*one).to_owned());
    }
    if let Some(same) = same(parts) {
        return Some(same);
    }
    let objects: Vec<Object> = parts.iter().map(|part| part.read()).collect::<Option<_>>()?;
    let mut whole = Object::default();
    for field in all {
        let values: Vec<&RawValue> = objects.iter().filter_map(|object| object.get(&field.name)).collect();
        let value = match values.as_slice() {
            [] => continue,
            [one] => (*one).to_owned(),
            values if field.is_one() => same(values)?,
            _ if field.name == "nodes" => merged_lists(&field.inside, &values)?,
            _ => merged_objects(&field.inside, &values)?,
        };
        whole.set(&field.name, value);
    }
    Some(raw_text(serde_json::to_string(&whole).ok()?))
}

/// What all parts have alike, whatever it is: null where a list is expected, too.
fn same(parts: &[&RawValue]) -> Option<Box<RawValue>> {
    let (first, rest) = parts.split_first()?;
    rest.iter().all(|part| part.get() == first.get()).then(|| (*first).to_owned())
}

fn merged_lists(all: &[Field], parts: &[&RawValue]) -> Option<Box<RawValue>> {
    if let Some(same) = same(parts) {
        return Some(same);
    }
    let lists: Vec<Vec<&RawValue>> = parts.iter().map(|part| part.read()).collect::<Option<_>>()?;
    let length = lists.first()?.len();
    if lists.iter().any(|list| list.len() != length) {
        return None;
    }
    let whole = (0..length).map(|index| {
        let entries: Vec<&RawValue> = lists.iter().map(|list| list[index]).collect();
        merged_objects(all, &entries)
    });
    Some(list(&whole.collect::<Option<Vec<_>>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_the_record_that_one_query_would_have_given() {
        let all =
            fields::of_query("query X { id a updatedAt list { totalCount nodes { id b c { d } } } e { f } }");
        let parts = [
            r#"{"id":"x","updatedAt":"1","e":{"f":1.50}}"#,
            r#"{"id":"x","updatedAt":"1","list":{"nodes":[{"id":"1","c":null},{"id":"2","c":{"d":[]}}]}}"#,
            r#"{"id":"x","a":"é","updatedAt":"1","list":{"totalCount":2,"nodes":[{"id":"1","b":1},{"id":"2","b":2}]}}"#,
        ];
        assert_eq!(
            merged(&all, &parts).unwrap(),
            r#"{"id":"x","a":"é","updatedAt":"1","list":{"totalCount":2,"nodes":[{"id":"1","b":1,"c":null},{"id":"2","b":2,"c":{"d":[]}}]},"e":{"f":1.50}}"#
        );
    }

    #[test]
    fn what_is_no_list_or_no_object_is_taken_where_all_parts_have_it_alike() {
        let all = fields::of_query("query X { id a list { totalCount nodes { id b c } } }");
        for nodes in ["null", r#"{"x":1}"#, "3", "[null]", r#"[null,"x",{"id":null}]"#] {
            let parts =
                ["", r#""totalCount":1,"#].map(|n| format!(r#"{{"id":"x","list":{{{n}"nodes":{nodes}}}}}"#));
            let expected = format!(r#"{{"id":"x","list":{{"totalCount":1,"nodes":{nodes}}}}}"#);
            assert_eq!(merged(&all, &parts).unwrap(), expected);
        }
    }

    #[test]
    fn parts_that_do_not_agree_make_no_record() {
        let all = fields::of_query("query X { id a updatedAt list { nodes { id b c } } }");
        for other in [
            r#"{"id":"y","updatedAt":"1","a":1}"#,
            r#"{"id":"x","updatedAt":"2","a":1}"#,
            r#"{"id":"x","updatedAt":"1","list":{"nodes":[{"id":"2","c":1}]}}"#,
            r#"{"id":"x","updatedAt":"1","list":{"nodes":[]}}"#,
            r#"{"id":"x","updatedAt":"1","list":null}"#,
            "null",
        ] {
            let one = r#"{"id":"x","updatedAt":"1","list":{"nodes":[{"id":"1","b":1}]}}"#;
            assert_eq!(merged(&all, &[one, other]), None, "{other}");
        }
    }
}
