//! The validating schema: every type of the SDL. It validates queries and answers introspection; `execute.rs`
//! provides the values.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_graphql::async_trait::async_trait;
use async_graphql::dynamic::{
    Enum, EnumItem, Field, FieldFuture, InputObject, InputValue, Object, Scalar, Schema, SchemaError, TypeRef,
};
use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute};
use async_graphql::parser::types::{
    BaseType, ExecutableDocument, InputValueDefinition, Type, TypeKind, TypeSystemDefinition,
};
use async_graphql::{Request, Response, Value, Variables};
use serde_json::Value as Json;

use super::error_codes::graphql_error;
use super::sdl::{QUERY_TYPE, Sdl};
use crate::faults::FaultKind;

/// How the schema differs from the SDL.
pub(crate) type Edits = BTreeSet<Edit>;

/// One difference from the SDL. Types are written as there: `[Int!]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Edit {
    FieldGone { type_name: String, field: String },
    FieldNew { type_name: String, field: String, field_type: String },
    TypeChanged { type_name: String, field: String, field_type: String },
    EnumValueNew { type_name: String, value: String },
}

impl Edit {
    /// The change that a fault makes to the schema, if it makes one.
    pub(crate) fn of(fault: &FaultKind) -> Option<Edit> {
        Some(match fault.clone() {
            FaultKind::FieldGone { type_name, field } => Edit::FieldGone { type_name, field },
            FaultKind::FieldNew { type_name, field, field_type } => {
                Edit::FieldNew { type_name, field, field_type }
            }
            FaultKind::TypeChanged { type_name, field, field_type } => {
                Edit::TypeChanged { type_name, field, field_type }
            }
            FaultKind::EnumValueNew { type_name, value } => Edit::EnumValueNew { type_name, value },
            _ => return None,
        })
    }
}

/// Two schemas of the same types: one stops after validation, the other continues to answer introspection.
pub(crate) struct Validator {
    checking: Schema,
    introspecting: Schema,
}

impl Validator {
    /// Registers the types of the SDL with these differences.
    pub(crate) fn new(edits: &Edits, introspection: bool) -> Result<Self, SchemaError> {
        Ok(Self {
            checking: build(edits, introspection, true)?,
            introspecting: build(edits, introspection, false)?,
        })
    }

    /// The validation errors of a document, with the API's texts; empty if it is valid.
    pub(crate) async fn check(
        &self,
        document: &ExecutableDocument,
        operation: Option<&str>,
        variables: &Json,
    ) -> Vec<Json> {
        let answer = self.checking.execute(request(document, operation, variables)).await;
        answer.errors.iter().map(graphql_error).collect()
    }

    /// Answers a query for `__schema` or `__type`.
    pub(crate) async fn introspect(
        &self,
        document: &ExecutableDocument,
        operation: Option<&str>,
        variables: &Json,
    ) -> Json {
        let answer = self.introspecting.execute(request(document, operation, variables)).await;
        if answer.errors.is_empty() {
            serde_json::json!({ "data": answer.data })
        } else {
            let errors: Vec<Json> = answer.errors.iter().map(graphql_error).collect();
            serde_json::json!({ "errors": errors })
        }
    }
}

fn request(document: &ExecutableDocument, operation: Option<&str>, variables: &Json) -> Request {
    let mut request = Request::new("").variables(Variables::from_json(variables.clone()));
    request.operation_name = operation.map(str::to_owned);
    request.set_parsed_query(document.clone());
    request
}

fn build(edits: &Edits, introspection: bool, only_check: bool) -> Result<Schema, SchemaError> {
    let mut builder = Schema::build(QUERY_TYPE, None, None);
    if !introspection {
        builder = builder.disable_introspection();
    }
    if only_check {
        builder = builder.extension(OnlyCheck);
    }
    for definition in &Sdl::get().document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else {
            continue;
        };
        let name = definition.node.name.node.as_str();
        builder = match &definition.node.kind {
            TypeKind::Scalar => builder.register(scalar(name)),
            TypeKind::Enum(values) => {
                let values = values.values.iter().map(|value| value.node.value.node.as_str());
                let new = edits.iter().filter_map(|edit| match edit {
                    Edit::EnumValueNew { type_name, value } if type_name == name => Some(value.as_str()),
                    _ => None,
                });
                builder.register(Enum::new(name).items(values.chain(new).map(EnumItem::new)))
            }
            TypeKind::InputObject(input) => {
                let fields = input.fields.iter().map(|field| input_value(&field.node));
                builder.register(fields.fold(InputObject::new(name), InputObject::field))
            }
            TypeKind::Object(object) => {
                let fields = object
                    .fields
                    .iter()
                    .map(|field| &field.node)
                    .filter(|field| !is_gone(edits, name, field.name.node.as_str()));
                let made = fields.fold(Object::new(name), |object, field| {
                    let made = Field::new(
                        field.name.node.as_str(),
                        changed_type(edits, name, field.name.node.as_str())
                            .unwrap_or_else(|| type_ref(&field.ty.node)),
                        |_| FieldFuture::from_value(None),
                    );
                    let arguments = field.arguments.iter().map(|argument| input_value(&argument.node));
                    object.field(arguments.fold(made, Field::argument))
                });
                let new = edits.iter().filter_map(|edit| match edit {
                    Edit::FieldNew { type_name, field, field_type } if type_name == name => {
                        Some(Field::new(field, written_type(field_type), |_| FieldFuture::from_value(None)))
                    }
                    _ => None,
                });
                builder.register(new.fold(made, Object::field))
            }
            // The SDL has no interfaces and no unions; a test checks that.
            TypeKind::Interface(_) | TypeKind::Union(_) => builder,
        };
    }
    builder.finish()
}

fn is_gone(edits: &Edits, object: &str, name: &str) -> bool {
    edits.iter().any(
        |edit| matches!(edit, Edit::FieldGone { type_name, field } if type_name == object && field == name),
    )
}

fn changed_type(edits: &Edits, object: &str, name: &str) -> Option<TypeRef> {
    edits.iter().find_map(|edit| match edit {
        Edit::TypeChanged { type_name, field, field_type } if type_name == object && field == name => {
            Some(written_type(field_type))
        }
        _ => None,
    })
}

/// A type in SDL notation; anything else is taken as a type name, which the schema then lacks.
fn written_type(text: &str) -> TypeRef {
    Type::new(text).map_or_else(|| TypeRef::named(text), |ty| type_ref(&ty))
}

fn scalar(name: &str) -> Scalar {
    let made = Scalar::new(name);
    match name {
        "CoreDate" => {
            made.validator(|value| is_text(value, |text| text.parse::<jiff::civil::Date>().is_ok()))
        }
        "CoreDateTime" => {
            made.validator(|value| is_text(value, |text| text.parse::<jiff::Timestamp>().is_ok()))
        }
        _ => made,
    }
}

fn is_text(value: &Value, check: impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => check(text),
        Value::Null => true,
        _ => false,
    }
}

fn input_value(definition: &InputValueDefinition) -> InputValue {
    let made = InputValue::new(definition.name.node.as_str(), type_ref(&definition.ty.node));
    match &definition.default_value {
        Some(default) => made.default_value(default.node.clone()),
        None => made,
    }
}

fn type_ref(ty: &Type) -> TypeRef {
    let inner = match &ty.base {
        BaseType::Named(name) => TypeRef::named(name.as_str()),
        BaseType::List(item) => TypeRef::List(Box::new(type_ref(item))),
    };
    if ty.nullable { inner } else { TypeRef::NonNull(Box::new(inner)) }
}

/// Stops each valid request before anything is resolved.
struct OnlyCheck;

impl ExtensionFactory for OnlyCheck {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(OnlyCheck)
    }
}

#[async_trait]
impl Extension for OnlyCheck {
    async fn execute(&self, _: &ExtensionContext<'_>, _: Option<&str>, _: NextExecute<'_>) -> Response {
        Response::new(Value::Null)
    }
}
