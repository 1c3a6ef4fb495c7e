//! Reading an answer that is not whole: which of its records are, and what is wrong with the others.
//!
//! Nobody comes here by accident: a request with such an answer fails, and only its error leads to what remains of it.

use std::fmt;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{
    answer::Answer,
    graphql_error::GraphqlError,
    page::{ListShape, Page, read_page},
    pick::{Found, pick},
};

/// Bytes that are no text are noted up to this number; more of them are one fault all the same.
const MOST_NOTED: usize = 1_000;

/// What an answer leaves to be read. Debug shows counts, never a message or a body.
#[derive(Clone, Default)]
pub(in crate::source) struct Remains {
    pub errors: Vec<GraphqlError>,
    /// The body as received where it is no UTF-8; the answer's own has `?` in place of each byte that is none.
    pub original: Option<Bytes>,
    /// Where those bytes are in it.
    pub not_text: Vec<usize>,
    /// The answer; set by the client, which knows the rest of it.
    pub answer: Option<Answer>,
}

impl fmt::Debug for Remains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remains")
            .field("errors", &self.errors.len())
            .field("not_text", &self.not_text.len())
            .finish_non_exhaustive()
    }
}

/// The body with `?` for each byte that is no UTF-8, and where those are: every place stays what it was.
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

/// What is wrong with one record of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFault {
    /// The field, as a path from the record: `allContacts.nodes.1.lastName`. Empty: the record as such.
    pub field: String,
    /// What the API said of it, as one line; it may hold personal data. Of bytes that are no text, what they are.
    pub message: String,
    /// Whether it is about bytes that are no UTF-8.
    pub is_not_text: bool,
}

/// An answer that is not whole.
#[derive(Debug, Clone, Copy)]
pub struct Partial<'e> {
    answer: &'e Answer,
    remains: &'e Remains,
}

impl<'e> Partial<'e> {
    pub(super) fn new(answer: &'e Answer, remains: &'e Remains) -> Self {
        Self { answer, remains }
    }

    /// The answer: its number, times and bytes.
    pub fn answer(&self) -> &'e Answer {
        self.answer
    }

    /// The page that the root field holds, with what is wrong with each of its records; an empty list where nothing is. None
    /// where a fault is of no record, so that nobody can say which ones are whole.
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

    /// The one object at a path, such as a getter's, with what is wrong with it: at least one thing. None for the object
    /// where nothing came of it.
    pub fn object(&self, path: &[&str]) -> (Option<&'e RawValue>, Vec<NodeFault>) {
        let found = self.answer.data().and_then(|data| pick::<&RawValue>(data, path).ok());
        let object = match found {
            Some(Found::Value(object)) => Some(object),
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

    /// The bytes of a record of this answer as received.
    pub fn received(&self, node: &RawValue) -> Bytes {
        match &self.remains.original {
            Some(original) => original.slice(self.range_of(node)),
            None => self.answer.body.slice_ref(node.get().as_bytes()),
        }
    }

    /// Whether nothing but bytes that are no text is wrong with the answer.
    pub fn is_whole_but_for_text(&self) -> bool {
        self.remains.errors.is_empty() && !self.remains.not_text.is_empty()
    }

    fn range_of(&self, node: &RawValue) -> std::ops::Range<usize> {
        let body = self.answer.body.as_ptr() as usize;
        let start = (node.get().as_ptr() as usize).saturating_sub(body);
        start..start + node.get().len()
    }

    /// One fault for each field of a record that holds bytes that are no text, at its first such byte.
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

/// The path of the value, or of the key, that holds a byte of a JSON text. Its grammar was checked before.
fn field_at(json: &str, wanted: usize) -> String {
    let bytes = json.as_bytes();
    // Of each open object the key that was read last, of each open list the index.
    let mut path: Vec<Step> = Vec::new();
    let (mut at, mut expects_key) = (0, false);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                let start = at + 1;
                at = start;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += 1 + usize::from(bytes[at] == b'\\');
                }
                let is_key = expects_key && matches!(path.last(), Some(Step::Key(_)));
                if let (true, Some(Step::Key(key))) = (is_key, path.last_mut()) {
                    *key = json.get(start..at.min(json.len())).unwrap_or_default().to_owned();
                    expects_key = false;
                }
                if wanted <= at {
                    break;
                }
            }
            b'{' => {
                path.push(Step::Key(String::new()));
                expects_key = true;
            }
            b'[' => {
                path.push(Step::Index(0));
                expects_key = false;
            }
            b'}' | b']' => {
                path.pop();
            }
            b',' => match path.last_mut() {
                Some(Step::Index(index)) => *index += 1,
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
            Step::Key(key) => {
                key.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect()
            }
            Step::Index(index) => index.to_string(),
        })
        .collect();
    steps.join(".")
}

enum Step {
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
