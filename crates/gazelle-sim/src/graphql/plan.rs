//! Converts a valid document to a plan: fragments expanded, directives evaluated, arguments and variables filled
//! in, fields with the same response key merged. Executing a plan then costs little per record.

use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet, Type,
};
use async_graphql::{Name, Positioned};
use async_graphql_value::{ConstValue, Value};
use serde_json::{Map, Value as Json, json};

use super::sdl::{QUERY_TYPE, Sdl};
use crate::shop::json::quoted;

/// The fields to write for one object type.
#[derive(Debug)]
pub(crate) struct Plan {
    pub type_name: String,
    pub fields: Vec<PlanField>,
}

#[derive(Debug)]
pub(crate) struct PlanField {
    /// The alias, or the name.
    pub key: String,
    /// `"key":`, as it is written.
    pub key_json: String,
    pub name: String,
    pub ty: Type,
    pub arguments: Map<String, Json>,
    /// For fields of an object type.
    pub sub: Option<Plan>,
}

impl PlanField {
    /// The value of an argument; null counts as missing.
    pub(crate) fn argument(&self, name: &str) -> Option<&Json> {
        self.arguments.get(name).filter(|value| !value.is_null())
    }
}

/// Finds the operation to execute.
pub(crate) fn operation<'d>(
    document: &'d ExecutableDocument,
    name: Option<&str>,
) -> Result<&'d OperationDefinition, Json> {
    let operations: Vec<_> = document.operations.iter().collect();
    let found = match name {
        Some(name) => operations.iter().find(|(known, _)| known.is_some_and(|known| known.as_str() == name)),
        None if operations.len() == 1 => operations.first(),
        None => None,
    };
    match found {
        Some((_, operation)) if operation.node.ty == OperationType::Query => Ok(&operation.node),
        Some(_) => Err(json!({ "message": "The simulator answers queries only" })),
        None => Err(json!({ "message": "An operation name is required" })),
    }
}

/// The names of the operation's root fields, introspection included, each once.
pub(crate) fn root_fields(document: &ExecutableDocument, operation: &OperationDefinition) -> Vec<String> {
    let mut fields = Vec::new();
    let mut sets = vec![&operation.selection_set.node];
    // Fragment cycles are found only by validation, so the loop is bounded.
    let mut left = 1_000;
    while let Some(set) = sets.pop() {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    let name = field.node.name.node.to_string();
                    if !fields.contains(&name) {
                        fields.push(name);
                    }
                }
                Selection::InlineFragment(fragment) => sets.push(&fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) if left > 0 => {
                    left -= 1;
                    sets.extend(
                        document
                            .fragments
                            .get(&spread.node.fragment_name.node)
                            .map(|fragment| &fragment.node.selection_set.node),
                    );
                }
                Selection::FragmentSpread(_) => {}
            }
        }
    }
    fields
}

/// Plans an operation of a validated document.
pub(crate) fn plan(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Map<String, Json>,
) -> Result<Plan, Json> {
    let planner = Planner { document, variables: given_variables(operation, variables)? };
    planner.plan(QUERY_TYPE, &[&operation.selection_set.node])
}

/// The variables with their defaults; a missing required variable is an error.
fn given_variables(
    operation: &OperationDefinition,
    given: &Map<String, Json>,
) -> Result<Map<String, Json>, Json> {
    let mut variables = Map::new();
    for definition in &operation.variable_definitions {
        let definition = &definition.node;
        let name = definition.name.node.as_str();
        let default = definition.default_value().and_then(|value| value.clone().into_json().ok());
        let value = given.get(name).cloned().or(default);
        let ty = &definition.var_type.node;
        if !ty.nullable && value.as_ref().is_none_or(Json::is_null) {
            return Err(json!({
                "message": format!("Variable ${name} of type {ty} was provided invalid value"),
                "extensions": { "value": null, "problems": [{ "path": [], "explanation": "Expected value to not be null" }] },
            }));
        }
        if let Some(value) = value {
            variables.insert(name.to_owned(), value);
        }
    }
    Ok(variables)
}

struct Planner<'d> {
    document: &'d ExecutableDocument,
    variables: Map<String, Json>,
}

impl<'d> Planner<'d> {
    fn plan(&self, type_name: &str, sets: &[&'d SelectionSet]) -> Result<Plan, Json> {
        let mut merged: Vec<(&str, Vec<&'d Field>)> = Vec::new();
        for set in sets {
            self.collect(type_name, set, &mut merged)?;
        }
        let mut fields = Vec::with_capacity(merged.len());
        for (key, same) in merged {
            fields.push(self.field(type_name, key, &same)?);
        }
        Ok(Plan { type_name: type_name.to_owned(), fields })
    }

    fn collect(
        &self,
        type_name: &str,
        set: &'d SelectionSet,
        merged: &mut Vec<(&'d str, Vec<&'d Field>)>,
    ) -> Result<(), Json> {
        for item in &set.items {
            if !self.wanted(&item.node)? {
                continue;
            }
            match &item.node {
                Selection::Field(field) => {
                    let key = field.node.response_key().node.as_str();
                    match merged.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, same)) => same.push(&field.node),
                        None => merged.push((key, vec![&field.node])),
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref().map(|on| on.node.on.node.as_str());
                    if on.is_none_or(|on| on == type_name) {
                        self.collect(type_name, &fragment.node.selection_set.node, merged)?;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = self.document.fragments.get(&spread.node.fragment_name.node);
                    if let Some(fragment) = fragment
                        && fragment.node.type_condition.node.on.node.as_str() == type_name
                    {
                        self.collect(type_name, &fragment.node.selection_set.node, merged)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn field(&self, type_name: &str, key: &str, same: &[&'d Field]) -> Result<PlanField, Json> {
        let name = same[0].name.node.as_str();
        let ty = match Sdl::get().field(type_name, name) {
            Some(ty) => ty.clone(),
            None if name == "__typename" => {
                Type { base: BaseType::Named(Name::new("String")), nullable: false }
            }
            None => {
                return Err(
                    json!({ "message": format!("The simulator cannot mix {name} with other fields") }),
                );
            }
        };
        let named = named_type(&ty);
        let sub = if Sdl::get().is_object(named) {
            let sets: Vec<&SelectionSet> = same.iter().map(|field| &field.selection_set.node).collect();
            Some(self.plan(named, &sets)?)
        } else {
            None
        };
        let mut arguments = Map::new();
        for (argument, value) in &same[0].arguments {
            if let Some(value) = self.value(value)? {
                arguments.insert(argument.node.to_string(), value);
            }
        }
        Ok(PlanField {
            key: key.to_owned(),
            key_json: format!("{}:", quoted(key)),
            name: name.to_owned(),
            ty,
            arguments,
            sub,
        })
    }

    /// The result of `@skip` and `@include`.
    fn wanted(&self, selection: &Selection) -> Result<bool, Json> {
        for directive in selection.directives() {
            let condition = match directive.node.get_argument("if") {
                Some(value) => self.value(value)?.and_then(|value| value.as_bool()),
                None => None,
            };
            match directive.node.name.node.as_str() {
                "skip" if condition == Some(true) => return Ok(false),
                "include" if condition == Some(false) => return Ok(false),
                _ => {}
            }
        }
        Ok(true)
    }

    /// A literal or variable as JSON; an argument with a missing variable is omitted.
    fn value(&self, value: &Positioned<Value>) -> Result<Option<Json>, Json> {
        if let Value::Variable(name) = &value.node {
            return Ok(self.variables.get(name.as_str()).cloned());
        }
        let constant = value.node.clone().into_const_with(|name| {
            let given = self.variables.get(name.as_str()).cloned().unwrap_or(Json::Null);
            ConstValue::from_json(given)
        });
        constant
            .and_then(ConstValue::into_json)
            .map(Some)
            .map_err(|error| json!({ "message": error.to_string() }))
    }
}

/// The name of a type without lists and exclamation marks.
pub(crate) fn named_type(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name.as_str(),
        BaseType::List(item) => named_type(item),
    }
}
