//! The schema's types by name, for the checks that run before the library sees a document.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::{
    parse_schema,
    types::{BaseType, InputValueDefinition, Type, TypeKind, TypeSystemDefinition},
};

/// What the checks know of the schema.
#[derive(Debug, Default)]
pub struct Types {
    fields: HashMap<String, HashMap<String, Field>>,
    objects: HashSet<String>,
    inputs: HashMap<String, Input>,
}

/// A field of an object or interface.
#[derive(Debug)]
pub struct Field {
    /// Its type.
    pub ty: Type,
    /// Name of its type without lists and marks.
    pub type_name: String,
    /// Whether it is a list.
    pub is_list: bool,
    /// Whether it takes `first` and `last`.
    pub is_paged: bool,
}

/// A type that values come in as.
#[derive(Debug)]
pub enum Input {
    /// One of these names.
    Enum(Vec<String>),
    /// An object with these fields, and whether exactly one of them is to be given.
    Object {
        /// The fields with their types, and whether one may be left out.
        fields: HashMap<String, InputField>,
        /// `@oneOf`.
        is_one_of: bool,
    },
}

/// A field of an input object.
#[derive(Debug)]
pub struct InputField {
    /// Its type.
    pub ty: Type,
    /// Whether it has a default.
    pub has_default: bool,
}

impl Types {
    /// Reads the schema's own text.
    pub fn from_sdl(sdl: &str) -> Result<Self, async_graphql::parser::Error> {
        let mut types = Self::default();
        for definition in parse_schema(sdl)?.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let name = definition.node.name.node.to_string();
            let is_one_of = definition.node.directives.iter().any(|directive| directive.node.name.node == "oneOf");
            match definition.node.kind {
                TypeKind::Object(object) => {
                    types.objects.insert(name.clone());
                    types.add_fields(name, &object.fields);
                }
                TypeKind::Interface(interface) => types.add_fields(name, &interface.fields),
                TypeKind::Enum(values) => {
                    let names = values.values.iter().map(|value| value.node.value.node.to_string());
                    types.inputs.insert(name, Input::Enum(names.collect()));
                }
                TypeKind::InputObject(input) => {
                    let fields = input.fields.into_iter().map(|field| input_field(field.node)).collect();
                    types.inputs.insert(name, Input::Object { fields, is_one_of });
                }
                TypeKind::Scalar | TypeKind::Union(_) => {}
            }
        }
        Ok(types)
    }

    /// A field of an object or interface.
    pub fn field(&self, type_name: &str, field: &str) -> Option<&Field> {
        self.fields.get(type_name)?.get(field)
    }

    /// Whether a type is that of an object, so that no object of another type is of it too.
    pub fn is_object(&self, type_name: &str) -> bool {
        self.objects.contains(type_name)
    }

    /// A type that values come in as; none for scalars.
    pub fn input(&self, type_name: &str) -> Option<&Input> {
        self.inputs.get(type_name)
    }

    fn add_fields(
        &mut self,
        name: String,
        fields: &[async_graphql::Positioned<async_graphql::parser::types::FieldDefinition>],
    ) {
        let fields = fields.iter().map(|field| {
            let field = &field.node;
            let is_paged = field.arguments.iter().any(|argument| argument.node.name.node == "first");
            let (type_name, is_list) = innermost(&field.ty.node);
            (field.name.node.to_string(), Field { ty: field.ty.node.clone(), type_name, is_list, is_paged })
        });
        self.fields.insert(name, fields.collect());
    }
}

fn input_field(field: InputValueDefinition) -> (String, InputField) {
    let has_default = field.default_value.is_some();
    (field.name.node.to_string(), InputField { ty: field.ty.node, has_default })
}

fn innermost(ty: &Type) -> (String, bool) {
    match &ty.base {
        BaseType::Named(name) => (name.to_string(), false),
        BaseType::List(inner) => (innermost(inner).0, true),
    }
}
