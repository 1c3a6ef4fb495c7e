//! Reads an incomplete answer: which of its records are complete, and what is wrong with the others.
//!
//! Reached only through the error of a request, so that no caller reads an incomplete answer by mistake.

use std::fmt;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{
    answer::Answer,
    graphql_error::GraphqlError,
    page::{ListShape, Page, read_page},
    pick::{Picked, pick},
};

/// At most this many positions of invalid bytes are recorded; more are still an error.
const MOST_NOTED: usize = 1_000;

/// The content of an incomplete answer. `Debug` shows counts, never a message or a body.
#[derive(Clone, Default)]
pub(in crate::source) struct IncompleteContent {
    pub errors: Vec<GraphqlError>,
    /// The body as received, if it is not UTF-8; the answer's body then has `?` for each invalid byte.
    pub original: Option<Bytes>,
    /// The positions of the invalid bytes.
    pub not_text: Vec<usize>,
    /// The answer; set by the client, which knows its times.
    pub answer: Option<Answer>,
}

impl fmt::Debug for IncompleteContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remains")
            .field("errors", &self.errors.len())
            .field("not_text", &self.not_text.len())
            .finish_non_exhaustive()
    }
}

/// The body with `?` for each byte that is not UTF-8, and their positions. All other positions stay the same.
pub(super) fn as_text(body: &Bytes) -> (Bytes, Vec<usize>) {
    let mut text = Vec::with_capacity(body.len());
    let mut not_text = Vec::new();
    for chunk in body.utf8_chunks() {
        text.extend_from_slice(chunk.valid().as_bytes());
        for _ in chunk.invalid() {
            if not_text.len() < MOST_NOTED {
                not_text.push(text.len());
            }
            text.push(b'?');
        }
    }
    (text.into(), not_text)
}

/// What is wrong with one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFault {
    /// The path of the field within the record: `allContacts.nodes.1.lastName`. Empty: the record itself.
    pub field: String,
    /// The API's message, on one line; may contain personal data. For invalid bytes, which bytes they are.
    pub message: String,
    /// Whether it is about bytes that are not UTF-8.
    pub is_not_text: bool,
}

/// An incomplete answer.
#[derive(Debug, Clone, Copy)]
pub struct Partial<'e> {
    answer: &'e Answer,
    remains: &'e IncompleteContent,
}

impl<'e> Partial<'e> {
    pub(super) fn new(answer: &'e Answer, remains: &'e IncompleteContent) -> Self {
        Self { answer, remains }
    }

    /// The answer with its number, times and bytes.
    pub fn answer(&self) -> &'e Answer {
        self.answer
    }

    /// The page at the root field, with the faults of each of its records (an empty list for a complete one).
    /// `None` if a fault belongs to no record, because any of them may then be affected.
    pub fn page(&self, root: &str, shape: ListShape) -> Option<(Page<'e>, Vec<Vec<NodeFault>>)> {
        let page = read_page(self.answer.data()?, &[root], shape).ok()?;
        let mut faults: Vec<Vec<NodeFault>> = vec![Vec::new(); page.nodes.len()];
        for error in &self.remains.errors {
            let steps: Vec<&str> = error.path.iter().map(String::as_str).collect();
            let (index, inside) = match (shape, steps.as_slice()) {
                (ListShape::Connection, [of, "nodes", index, inside @ ..])
                | (ListShape::Connection, [of, "edges", index, "node", inside @ ..])
                | (ListShape::Plain, [of, index, inside @ ..])
                    if *of == root =>
                {
                    (index.parse::<usize>().ok()?, inside)
                }
                _ => return None,
            };
            let message = error.message.clone();
            let fault = NodeFault { field: inside.join("."), message, is_not_text: false };
            faults.get_mut(index)?.push(fault);
        }
        let mut unplaced = self.remains.not_text.clone();
        for (node, of_node) in page.nodes.iter().zip(&mut faults) {
            let Some(node) = node else { continue };
            let found = self.not_text_in(node);
            unplaced.retain(|at| !self.range_of(node).contains(at));
            of_node.extend(found);
        }
        unplaced.is_empty().then_some((page, faults))
    }

    /// The object at a path, such as that of a getter, with its faults, at least one. The object is `None` if the
    /// answer does not contain it.
    pub fn object(&self, path: &[&str]) -> (Option<&'e RawValue>, Vec<NodeFault>) {
        let found = self.answer.data().and_then(|data| pick::<&RawValue>(data, path).ok());
        let object = match found {
            Some(Picked::Value(object)) => Some(object),
            _ => None,
        };
        let mut faults: Vec<NodeFault> = self
            .remains
            .errors
            .iter()
            .map(|error| {
                let inside = match error.path.iter().map(String::as_str).zip(path).all(|(a, b)| a == *b) {
                    true => error.path.get(path.len()..).unwrap_or_default().join("."),
                    false => error.path.join("."),
                };
                NodeFault { field: inside, message: error.message.clone(), is_not_text: false }
            })
            .collect();
        if let Some(object) = object {
            faults.extend(self.not_text_in(object));
        }
        (object, faults)
    }

    /// The bytes of a record as received.
    pub fn received(&self, node: &RawValue) -> Bytes {
        match &self.remains.original {
            Some(original) => original.slice(self.range_of(node)),
            None => self.answer.body.slice_ref(node.get().as_bytes()),
        }
    }

    /// Whether the only fault is bytes that are not UTF-8.
    pub fn is_whole_but_for_text(&self) -> bool {
        self.remains.errors.is_empty() && !self.remains.not_text.is_empty()
    }

    fn range_of(&self, node: &RawValue) -> std::ops::Range<usize> {
        let body = self.answer.body.as_ptr() as usize;
        let start = (node.get().as_ptr() as usize).saturating_sub(body);
        start..start + node.get().len()
    }

    /// One fault for each field of a record with invalid bytes, at the first such byte.
    fn not_text_in(&self, node: &RawValue) -> Vec<NodeFault> {
        let range = self.range_of(node);
        let mut faults: Vec<NodeFault> = Vec::new();
        for at in self.remains.not_text.iter().filter(|at| range.contains(at)) {
            let field = field_at(node.get(), at - range.start);
            if faults.iter().any(|fault| fault.field == field) {
                continue;
            }
            let byte = self.remains.original.as_ref().and_then(|original| original.get(*at)).copied();
            let message = format!(
                "byte {} of the record, 0x{:02X}, is not UTF-8",
                at - range.start,
                byte.unwrap_or_default()
            );
            faults.push(NodeFault { field, message, is_not_text: true });
        }
        faults
    }
}

/// The path of the value, or of the key, at a byte position of valid JSON.
fn field_at(json: &str, wanted: usize) -> String {
    let bytes = json.as_bytes();
    // For each open object the last key, for each open list the index.
    let mut path: Vec<PathStep> = Vec::new();
    let (mut at, mut expects_key) = (0, false);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                let start = at + 1;
                at = start;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += 1 + usize::from(bytes[at] == b'\\');
                }
                let is_key = expects_key && matches!(path.last(), Some(PathStep::Key(_)));
                if let (true, Some(PathStep::Key(key))) = (is_key, path.last_mut()) {
                    *key = json.get(start..at.min(json.len())).unwrap_or_default().to_owned();
                    expects_key = false;
                }
                if wanted <= at {
                    break;
                }
            }
            b'{' => {
                path.push(PathStep::Key(String::new()));
                expects_key = true;
            }
            b'[' => {
                path.push(PathStep::Index(0));
                expects_key = false;
            }
            b'}' | b']' => {
                path.pop();
            }
            b',' => match path.last_mut() {
                Some(PathStep::Index(index)) => *index += 1,
                _ => expects_key = true,
            },
            _ => {}
        }
        if wanted <= at {
            break;
        }
        at += 1;
    }
    let steps: Vec<String> = path
        .into_iter()
        .map(|step| match step {
            PathStep::Key(key) => {
                key.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect()
            }
            PathStep::Index(index) => index.to_string(),
        })
        .collect();
    steps.join(".")
}

enum PathStep {
    Key(String),
    Index(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_that_holds_a_byte_is_named_by_its_path() {
        let json = r#"{"id":"evt_1","title":"a \"? b","list":[{"x":"y"},{"name":"?"}],"?key":1,"n":2}"#;
        let places: Vec<usize> = json.match_indices('?').map(|(at, _)| at).collect();
        let fields: Vec<String> = places.iter().map(|at| field_at(json, *at)).collect();
        assert_eq!(fields, ["title", "list.1.name", "key"]);
        assert_eq!(field_at("\"?\"", 1), "");
    }

    #[test]
    fn text_keeps_every_place() {
        let body = Bytes::from_static(b"{\"a\":\"caf\xe9\",\"b\":\"\xf0\x9f\x8e\"}");
        let (text, not_text) = as_text(&body);
        assert_eq!(&text[..], b"{\"a\":\"caf?\",\"b\":\"???\"}");
        assert_eq!(not_text, [9, 17, 18, 19]);
    }
}
