//! The schema text, parsed once: the type of each field.

use std::collections::HashMap;
use std::sync::OnceLock;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{ServiceDocument, Type, TypeKind, TypeSystemDefinition};

const SDL: &str = include_str!("../../gazelle-api.graphql");

/// The root type of every query.
pub(crate) const QUERY_TYPE: &str = "PrivateQuery";

/// The object types of the schema, by name, each with its fields' types.
pub(crate) struct Sdl {
    pub document: ServiceDocument,
    objects: HashMap<String, HashMap<String, Type>>,
}

impl Sdl {
    /// The schema of the embedded text.
    pub(crate) fn get() -> &'static Sdl {
        static SDL_READ: OnceLock<Sdl> = OnceLock::new();
        SDL_READ.get_or_init(|| {
            #[allow(clippy::expect_used, reason = "the text is part of this program, and a test reads it")]
            let document = parse_schema(SDL).expect("the embedded schema is valid SDL");
            let objects = document
                .definitions
                .iter()
                .filter_map(|definition| match definition {
                    TypeSystemDefinition::Type(ty) => Some(&ty.node),
                    _ => None,
                })
                .filter_map(|ty| match &ty.kind {
                    TypeKind::Object(object) => {
                        let fields = object
                            .fields
                            .iter()
                            .map(|field| (field.node.name.node.to_string(), field.node.ty.node.clone()));
                        Some((ty.name.node.to_string(), fields.collect()))
                    }
                    _ => None,
                })
                .collect();
            Sdl { document, objects }
        })
    }

    /// The type of a field of an object type.
    pub(crate) fn field(&self, object: &str, field: &str) -> Option<&Type> {
        self.objects.get(object)?.get(field)
    }

    pub(crate) fn is_object(&self, name: &str) -> bool {
        self.objects.contains_key(name)
    }
}
