//! Requests a record with several queries, because the API accepts none with all its fields, and merges the
//! answers. `parts` plans the queries and `fields` splits the selection. The merged record is what one query
//! would have given: the same keys in the same order, each value with the bytes received. See
//! docs/decisions/0063.

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use serde_json::value::RawValue;

use super::budget::{MOST_REQUESTS, PartsBudget};
use super::object::{Object, ReadAs, raw_list, raw_text};
use crate::gazelle_to_staging::records::faults::concerns_all_records;
use crate::gazelle_to_staging::requests::fields;
use crate::gazelle_to_staging::requests::fields::Field;
use crate::gazelle_to_staging::requests::parts::{ById, ObjectsInside, PartPlan};
use crate::gazelle_to_staging::requests::sizes::Sizes;
use crate::source::{GazelleClient, GraphqlRequest, Lookup, NodeFault, SourceError};

/// A record merged from parts.
pub(crate) enum Gathered {
    Whole(String),
    /// The record without a field at which the API failed, with its error, or that we do not request (no
    /// error); and which field.
    Faulty {
        raw: String,
        fault: NodeFault,
        error: Option<SourceError>,
    },
    /// The record changed or vanished between the requests, as far as the answers show: where.
    Changed(NodeFault),
    /// The parts exceed the budget.
    TooLarge,
}

pub(crate) fn fault(field: impl Into<String>, message: impl Into<String>) -> NodeFault {
    NodeFault { field: field.into(), message: message.into(), is_not_text: false }
}

/// The answer to the query for one part.
enum PartResult {
    Read(String),
    Failed(Option<String>, NodeFault, SourceError),
    Absent,
}

/// What requesting and merging parts needs.
#[derive(Clone, Copy)]
pub(crate) struct PartsRequest<'g> {
    pub(crate) client: &'g GazelleClient,
    pub(crate) sizes: &'g Sizes,
    /// The bytes that the parts may take.
    pub(crate) budget: &'g PartsBudget,
}

/// The first fault of a record, with the API's error if it came from one.
type FirstFault = Option<(NodeFault, Option<SourceError>)>;

impl PartsRequest<'_> {
    /// Merges the parts that a list or a getter gave with those that are requested by the record's id.
    ///
    /// # Errors
    /// Those of the API that are not about this record, and that a query is too large.
    pub(crate) async fn record(
        &self,
        plan: &PartPlan,
        id: Option<&str>,
        given: Vec<String>,
        of_given: Option<(NodeFault, SourceError)>,
    ) -> Result<Gathered, SourceError> {
        let (mut parts, mut first_fault) = (given, of_given.map(|(fault, error)| (fault, Some(error))));
        match (&plan.of_record, id) {
            (Some((by_id, wanted)), Some(id)) => {
                for part in wanted {
                    let before = parts.len();
                    match self.part_of(by_id, part, id).await? {
                        PartResult::Read(raw) => parts.push(raw),
                        PartResult::Failed(raw, of_part, error) => {
                            parts.extend(raw);
                            first_fault.get_or_insert((of_part, Some(error)));
                        }
                        PartResult::Absent => return Ok(Gathered::Changed(fault("", absent_message(by_id)))),
                    }
                    if !self.budget.take(parts[before..].iter().map(String::len).sum()) {
                        return Ok(Gathered::TooLarge);
                    }
                }
            }
            (Some(_), None) if parts.iter().any(|part| part.starts_with('{')) => {
                first_fault.get_or_insert((fault("id", NO_ID), None));
            }
            _ => {}
        }
        let Some(raw) = merged(&plan.all, &parts) else {
            return Ok(Gathered::Changed(fault("", "the parts that it is asked for in do not agree")));
        };
        self.with_objects_inside(&plan.inside, raw, first_fault).await
    }

    /// Completes the record with the objects of the lists inside it that are requested by their own ids.
    async fn with_objects_inside(
        &self,
        lists: &[ObjectsInside],
        mut raw: String,
        mut first_fault: FirstFault,
    ) -> Result<Gathered, SourceError> {
        let mut requests = 0;
        for inside in lists {
            match self.objects_inside(inside, &raw, &mut requests).await? {
                ObjectsInsideResult::Untouched => {}
                ObjectsInsideResult::Completed(completed, of_inside) => {
                    (raw, first_fault) = (completed, first_fault.or(of_inside));
                }
                ObjectsInsideResult::Changed(at) => return Ok(Gathered::Changed(at)),
                ObjectsInsideResult::TooMany(at) => first_fault = first_fault.or(Some((at, None))),
                ObjectsInsideResult::TooLarge => return Ok(Gathered::TooLarge),
            }
        }
        Ok(gathered(raw, first_fault))
    }
}

fn gathered(raw: String, first_fault: FirstFault) -> Gathered {
    match first_fault {
        Some((fault, error)) => Gathered::Faulty { raw, fault, error },
        None => Gathered::Whole(raw),
    }
}

const NO_ID: &str = "it has no id, by which the rest of it could be asked for";

fn absent_message(by_id: &ById) -> String {
    format!("the list has it, its getter `{}` answers null", by_id.name)
}

impl PartsRequest<'_> {
    /// Requests one part of an object by its id.
    async fn part_of(&self, by_id: &ById, part: &[Field], id: &str) -> Result<PartResult, SourceError> {
        let ById { root, name, operation } = by_id;
        let query = format!("query {operation}($id: String!) {{ {root} {{ {} }} }}", fields::to_text(part));
        let request = GraphqlRequest::new(
            operation.as_str(),
            self.sizes.with_list_limits(&query, None),
            json!({ "id": id }),
        );
        let error = match self.client.post(&request).await.map_err(SourceError::of_one_record) {
            Ok(answer) => {
                return Ok(match answer.lookup(&[name])? {
                    Lookup::There(raw) => PartResult::Read(raw.get().to_owned()),
                    Lookup::Gone | Lookup::Unclear => PartResult::Absent,
                });
            }
            Err(error) => error,
        };
        if concerns_all_records(&error) || error.is_over_limit() {
            return Err(error);
        }
        let whole = NodeFault { field: String::new(), message: error.to_string(), is_not_text: false };
        let partial = error.partial().map(|partial| partial.object(&[name]));
        let (raw, of_part) = partial.map_or((None, None), |(raw, faults)| {
            (raw.map(|raw| raw.get().to_owned()), faults.into_iter().next())
        });
        // Without the answer's body, because the error is kept while the other parts are requested.
        Ok(PartResult::Failed(raw, of_part.unwrap_or(whole), error.without_answer()))
    }
}

/// The result of requesting the objects inside a record.
enum ObjectsInsideResult {
    /// There is no list of objects: the record keeps its bytes.
    Untouched,
    /// The record with its objects, and the fault of the first one that is not whole.
    Completed(String, FirstFault),
    /// An object vanished or changed between the requests.
    Changed(NodeFault),
    /// The objects would take too many requests.
    TooMany(NodeFault),
    /// The parts exceed the budget.
    TooLarge,
}

/// The result of requesting one object inside a record.
enum ObjectInsideResult {
    Node(Box<RawValue>, FirstFault),
    Changed(NodeFault),
    TooLarge,
}

/// Objects of one record that are requested at the same time.
const AT_ONCE: usize = 4;

impl PartsRequest<'_> {
    /// Completes the objects of a list inside the record, each by its own id. `made` counts the requests for the
    /// objects of all lists of the record.
    async fn objects_inside(
        &self,
        inside: &ObjectsInside,
        raw: &str,
        made: &mut usize,
    ) -> Result<ObjectsInsideResult, SourceError> {
        let Ok(mut record) = serde_json::from_str::<Object>(raw) else {
            return Ok(ObjectsInsideResult::Untouched);
        };
        let connection = record.get(inside.list).and_then(|raw| raw.read_as::<Object>());
        let nodes = connection.as_ref().and_then(|list| list.get("nodes")?.read_as::<Vec<Box<RawValue>>>());
        let (Some(mut connection), Some(nodes)) = (connection, nodes) else {
            return Ok(ObjectsInsideResult::Untouched);
        };
        let objects = nodes.iter().filter(|node| node.get().starts_with('{')).count();
        let requests = objects.saturating_mul(inside.parts.len());
        *made = made.saturating_add(requests);
        if *made > MOST_REQUESTS {
            let said = format!(
                "its {objects} entries would take {requests} requests, and {MOST_REQUESTS} are made for a record at most"
            );
            return Ok(ObjectsInsideResult::TooMany(fault(format!("{}.nodes", inside.list), said)));
        }
        let mut asked = stream::iter(nodes.into_iter().enumerate())
            .map(|(index, node)| self.one_inside(inside, index, node))
            .buffered(AT_ONCE);
        let (mut nodes, mut first_fault) = (Vec::new(), None);
        while let Some(one) = asked.try_next().await? {
            match one {
                ObjectInsideResult::Node(node, of_node) => {
                    nodes.push(node);
                    first_fault = first_fault.or(of_node);
                }
                ObjectInsideResult::Changed(at) => return Ok(ObjectsInsideResult::Changed(at)),
                ObjectInsideResult::TooLarge => return Ok(ObjectsInsideResult::TooLarge),
            }
        }
        drop(asked);
        connection.set("nodes", raw_list(&nodes));
        let Ok(connection) = serde_json::to_string(&connection) else {
            return Ok(ObjectsInsideResult::Untouched);
        };
        record.set(inside.list, raw_text(connection));
        let Ok(record) = serde_json::to_string(&record) else { return Ok(ObjectsInsideResult::Untouched) };
        Ok(ObjectsInsideResult::Completed(record, first_fault))
    }
}

impl PartsRequest<'_> {
    /// Completes one object of the list. An entry that is no object stays as received.
    async fn one_inside(
        &self,
        inside: &ObjectsInside,
        index: usize,
        node: Box<RawValue>,
    ) -> Result<ObjectInsideResult, SourceError> {
        let Some(object) = node.read_as::<Object>() else { return Ok(ObjectInsideResult::Node(node, None)) };
        let place = format!("{}.nodes.{index}", inside.list);
        let Some(id) = object.get("id").and_then(|raw| raw.read_as::<String>()) else {
            return Ok(ObjectInsideResult::Node(node, Some((fault(place, NO_ID), None))));
        };
        let mut first_fault = None;
        let mut parts = vec![node.get().to_owned()];
        for part in &inside.parts {
            let before = parts.len();
            match self.part_of(&inside.by_id, part, &id).await? {
                PartResult::Read(raw) => parts.push(raw),
                PartResult::Failed(raw, of_part, error) => {
                    parts.extend(raw);
                    let field = format!("{place}.{}", of_part.field);
                    let field = field.trim_end_matches('.').to_owned();
                    first_fault.get_or_insert((NodeFault { field, ..of_part }, Some(error)));
                }
                PartResult::Absent => {
                    return Ok(ObjectInsideResult::Changed(fault(place, absent_message(&inside.by_id))));
                }
            }
            if !self.budget.take(parts[before..].iter().map(String::len).sum()) {
                return Ok(ObjectInsideResult::TooLarge);
            }
        }
        Ok(match merged(&inside.all, &parts) {
            Some(whole) => ObjectInsideResult::Node(raw_text(whole), first_fault),
            None => {
                ObjectInsideResult::Changed(fault(place, "the parts that it is asked for in do not agree"))
            }
        })
    }
}

/// Merges the parts of one record; none if they do not agree, because the record changed between the requests.
pub(crate) fn merged<T: AsRef<str>>(all: &[Field], parts: &[T]) -> Option<String> {
    let parts: Option<Vec<&RawValue>> =
        parts.iter().map(|part| serde_json::from_str(part.as_ref()).ok()).collect();
    Some(merged_objects(all, &parts?)?.get().to_owned())
}

fn merged_objects(all: &[Field], parts: &[&RawValue]) -> Option<Box<RawValue>> {
    if let [one] = parts {
        return Some((*one).to_owned());
    }
    if let Some(same) = if_all_equal(parts) {
        return Some(same);
    }
    let objects: Vec<Object> = parts.iter().map(|part| part.read_as()).collect::<Option<_>>()?;
    let mut whole = Object::default();
    for field in all {
        let values: Vec<&RawValue> = objects.iter().filter_map(|object| object.get(&field.name)).collect();
        let value = match values.as_slice() {
            [] => continue,
            [one] => (*one).to_owned(),
            values if field.is_leaf() => if_all_equal(values)?,
            _ if field.name == "nodes" => merged_lists(&field.inside, &values)?,
            _ => merged_objects(&field.inside, &values)?,
        };
        whole.set(&field.name, value);
    }
    Some(raw_text(serde_json::to_string(&whole).ok()?))
}

/// The value that all parts have in common, whatever it is, such as null instead of a list; none if they differ.
fn if_all_equal(parts: &[&RawValue]) -> Option<Box<RawValue>> {
    let (first, rest) = parts.split_first()?;
    rest.iter().all(|part| part.get() == first.get()).then(|| (*first).to_owned())
}

fn merged_lists(all: &[Field], parts: &[&RawValue]) -> Option<Box<RawValue>> {
    if let Some(same) = if_all_equal(parts) {
        return Some(same);
    }
    let lists: Vec<Vec<&RawValue>> = parts.iter().map(|part| part.read_as()).collect::<Option<_>>()?;
    let length = lists.first()?.len();
    if lists.iter().any(|list| list.len() != length) {
        return None;
    }
    let whole = (0..length).map(|index| {
        let entries: Vec<&RawValue> = lists.iter().map(|list| list[index]).collect();
        merged_objects(all, &entries)
    });
    Some(raw_list(&whole.collect::<Option<Vec<_>>>()?))
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
