//! The API's schema from introspection, reduced to names and types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Longer names are truncated, because they appear in messages. In characters.
const LONGEST_NAME: usize = 100;

/// Types by name.
pub type Types = BTreeMap<String, SchemaType>;

/// The schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// The name of the query root type.
    pub query_type: String,
    /// Every type.
    pub types: Types,
}

/// A type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SchemaType {
    /// `OBJECT`, `INPUT_OBJECT`, `ENUM`, `SCALAR`, …
    pub kind: String,
    /// Fields and input fields with their types in SDL notation, arguments as `field(argument)`, enum values with
    /// an empty type. Types with a default value are marked.
    pub members: BTreeMap<String, String>,
}

impl SchemaType {
    /// Whether a query must select subfields of it.
    pub fn has_fields(&self) -> bool {
        matches!(self.kind.as_str(), "OBJECT" | "INTERFACE" | "UNION")
    }

    /// The required arguments of a field.
    pub fn required_arguments(&self, field: &str) -> impl Iterator<Item = &str> {
        let prefix = format!("{field}(");
        self.members.iter().filter(|(_, ty)| ty.ends_with('!')).filter_map(move |(name, _)| {
            name.strip_prefix(&prefix).and_then(|argument| argument.strip_suffix(')'))
        })
    }
}

/// The named type: `[PrivateEvent!]!` → `PrivateEvent`.
pub fn named_type(ty: &str) -> &str {
    let bare = ty.split(' ').next().unwrap_or_default();
    bare.trim_matches(['[', ']', '!'])
}

impl Schema {
    /// Parses the value of the root field `__schema`.
    ///
    /// # Errors
    /// The shape is not that of an introspection result.
    pub fn read(json: &str) -> Result<Schema, serde_json::Error> {
        let answer: Answer = serde_json::from_str(json)?;
        let types = answer.types.into_iter().map(|ty| (name(&ty.name), kind(ty))).collect();
        Ok(Schema { query_type: name(&answer.query_type.name), types })
    }
}

fn kind(ty: TypeAnswer) -> SchemaType {
    let mut members = BTreeMap::new();
    for field in ty.fields.unwrap_or_default() {
        let of = name(&field.name);
        for argument in field.args {
            members.insert(format!("{of}({})", name(&argument.name)), argument.in_sdl());
        }
        members.insert(of, field.ty.in_sdl());
    }
    for field in ty.input_fields.unwrap_or_default() {
        members.insert(name(&field.name), field.in_sdl());
    }
    for value in ty.enum_values.unwrap_or_default() {
        members.insert(name(&value.name), String::new());
    }
    SchemaType { kind: name(&ty.kind), members }
}

/// A valid GraphQL name from any text.
fn name(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(LONGEST_NAME).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    query_type: Named,
    types: Vec<TypeAnswer>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeAnswer {
    name: String,
    kind: String,
    fields: Option<Vec<FieldAnswer>>,
    input_fields: Option<Vec<ValueAnswer>>,
    enum_values: Option<Vec<Named>>,
}

#[derive(Deserialize)]
struct FieldAnswer {
    name: String,
    #[serde(rename = "type")]
    ty: TypeRef,
    args: Vec<ValueAnswer>,
}

/// An argument or an input field.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ValueAnswer {
    name: String,
    default_value: Option<String>,
    #[serde(rename = "type")]
    ty: TypeRef,
}

impl ValueAnswer {
    fn in_sdl(&self) -> String {
        let with_default = if self.default_value.is_some() { " with a default" } else { "" };
        format!("{}{with_default}", self.ty.in_sdl())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeRef {
    kind: String,
    name: Option<String>,
    of_type: Option<Box<TypeRef>>,
}

impl TypeRef {
    /// In SDL notation. Types nested deeper than the query requests end in `…`.
    fn in_sdl(&self) -> String {
        let inner = || self.of_type.as_deref().map_or_else(|| "…".to_owned(), TypeRef::in_sdl);
        match self.kind.as_str() {
            "NON_NULL" => format!("{}!", inner()),
            "LIST" => format!("[{}]", inner()),
            _ => name(self.name.as_deref().unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_written_as_the_sdl_writes_them() {
        let schema = Schema::read(
            r#"{"queryType":{"name":"Q"},"types":[{"name":"Q","kind":"OBJECT","inputFields":null,"enumValues":null,
                "fields":[{"name":"all","type":{"kind":"NON_NULL","name":null,"ofType":{"kind":"LIST","name":null,
                    "ofType":{"kind":"OBJECT","name":"Event"}}},
                  "args":[{"name":"first","defaultValue":"5","type":{"kind":"SCALAR","name":"Int"}},
                          {"name":"id","defaultValue":null,"type":{"kind":"NON_NULL","name":null,
                           "ofType":{"kind":"SCALAR","name":"ID"}}}]}]}]}"#,
        )
        .unwrap();
        let of = &schema.types["Q"];
        assert_eq!(of.members["all"], "[Event]!");
        assert_eq!(of.members["all(first)"], "Int with a default");
        assert_eq!(named_type(&of.members["all"]), "Event");
        assert_eq!(named_type(&of.members["all(first)"]), "Int");
        assert_eq!(of.required_arguments("all").collect::<Vec<_>>(), ["id"]);
    }
}
