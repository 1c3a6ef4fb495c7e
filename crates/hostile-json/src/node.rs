//! JSON as a tree that can hold what no JSON library would make: repeated keys, any literal.

use serde_json::Value;

#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// Text of JSON as it will be written.
    Raw(String),
    List(Vec<Node>),
    /// Keys are text of JSON, with their quotes.
    Object(Vec<(String, Node)>),
}

impl From<&Value> for Node {
    fn from(value: &Value) -> Node {
        match value {
            Value::Array(items) => Node::List(items.iter().map(Node::from).collect()),
            Value::Object(members) => Node::Object(
                members
                    .iter()
                    .map(|(key, value)| (Value::from(key.as_str()).to_string(), value.into()))
                    .collect(),
            ),
            leaf => Node::Raw(leaf.to_string()),
        }
    }
}

impl Node {
    /// The node itself and all below it.
    pub(crate) fn count(&self) -> usize {
        1 + match self {
            Node::Raw(_) => 0,
            Node::List(items) => items.iter().map(Node::count).sum(),
            Node::Object(members) => members.iter().map(|(_, node)| node.count()).sum(),
        }
    }

    /// The node at a position in the order of [`Node::count`], itself at 0.
    pub(crate) fn nth(&mut self, place: usize) -> Option<&mut Node> {
        if place == 0 {
            return Some(self);
        }
        let mut left = place - 1;
        let inner: Box<dyn Iterator<Item = &mut Node>> = match self {
            Node::Raw(_) => return None,
            Node::List(items) => Box::new(items.iter_mut()),
            Node::Object(members) => Box::new(members.iter_mut().map(|(_, node)| node)),
        };
        for node in inner {
            let count = node.count();
            if left < count {
                return node.nth(left);
            }
            left -= count;
        }
        None
    }

    pub(crate) fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Node::Raw(text) => out.push_str(text),
            Node::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Node::Object(members) => {
                out.push('{');
                for (index, (key, node)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    out.push_str(key);
                    out.push(':');
                    node.write(out);
                }
                out.push('}');
            }
        }
    }
}
