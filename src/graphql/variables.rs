//! Checks variables against their declared types before anything runs, so that the error names the place.
//!
//! What a scalar of ours means is told by the scalar itself.

use async_graphql::{
    Value, Variables,
    parser::types::{BaseType, OperationDefinition, Type},
};

use super::{
    scalars,
    types::{Input, Types},
};
use crate::error::{Error, Result};

/// Refuses variables that do not fit their declarations, and gives those that are left out their defaults.
pub fn check(types: &Types, operation: &OperationDefinition, variables: &mut Variables) -> Result<()> {
    for definition in &operation.variable_definitions {
        let definition = &definition.node;
        let name = definition.name.node.clone();
        if let (None, Some(default)) = (variables.get(&name), &definition.default_value) {
            variables.insert(name, default.node.clone());
            continue;
        }
        let path = format!("${name}");
        match variables.get(&name) {
            Some(value) => check_value(types, &path, &definition.var_type.node, value)?,
            None if definition.var_type.node.nullable => {}
            None => return Err(missing(&path)),
        }
    }
    Ok(())
}

/// Whether every variable has a value that is not null. For variables that were checked: only nulls can still be in a place that
/// takes none.
pub fn are_given(operation: &OperationDefinition, variables: &Variables) -> bool {
    let mut names = operation.variable_definitions.iter().map(|definition| &definition.node.name.node);
    names.all(|name| variables.get(name).is_some_and(|value| *value != Value::Null))
}

/// Refuses a value that does not fit a type.
pub fn check_value(types: &Types, path: &str, ty: &Type, value: &Value) -> Result<()> {
    if matches!(value, Value::Null) {
        return if ty.nullable { Ok(()) } else { Err(missing(path)) };
    }
    match (&ty.base, value) {
        (BaseType::List(inner), Value::List(items)) => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(place, item)| check_value(types, &format!("{path}[{place}]"), inner, item))
        }
        // A single value stands for a list of one.
        (BaseType::List(inner), single) => check_value(types, path, inner, single),
        (BaseType::Named(name), value) => check_named(types, path, name, value),
    }
}

fn check_named(types: &Types, path: &str, name: &str, value: &Value) -> Result<()> {
    match (types.input(name), value) {
        (Some(Input::Enum(names)), value) => {
            let given = match value {
                Value::String(text) => text.as_str(),
                Value::Enum(name) => name.as_str(),
                _ => "",
            };
            if names.iter().any(|name| name == given) {
                return Ok(());
            }
            let names = names.join(", ");
            Err(Error::bad_input(
                path,
                format!("{path} ist kein Wert von {name}. Möglich sind: {names}."),
                format!("{path} is no value of {name}. Possible are: {names}."),
            ))
        }
        (Some(Input::Object { fields, is_one_of }), Value::Object(given)) => {
            for (key, value) in given {
                let at = format!("{path}.{key}");
                let Some(field) = fields.get(key.as_str()) else { return Err(unknown(&at, fields.keys())) };
                check_value(types, &at, &field.ty, value)?;
            }
            let left_out = fields
                .iter()
                .find(|(key, field)| !field.ty.nullable && !field.has_default && !given.contains_key(key.as_str()));
            match left_out {
                Some((key, _)) => Err(missing(&format!("{path}.{key}"))),
                None if *is_one_of && (given.len() != 1 || given.values().any(|value| *value == Value::Null)) => {
                    Err(not_one(path, fields.keys()))
                }
                None => Ok(()),
            }
        }
        (Some(Input::Object { .. }), _) => Err(wrong_type(path, name)),
        (None, value) => check_scalar(path, name, value),
    }
}

fn check_scalar(path: &str, name: &str, value: &Value) -> Result<()> {
    let fits = match (name, value) {
        ("Int", Value::Number(number)) => number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        ("Float", Value::Number(_)) | ("String", Value::String(_)) | ("Boolean", Value::Boolean(_)) => true,
        ("ID", Value::String(_)) => true,
        ("ID", Value::Number(number)) => number.is_i64(),
        ("Int" | "Float" | "String" | "Boolean" | "ID", _) => false,
        _ => return scalars::check(path, name, value),
    };
    if fits { Ok(()) } else { Err(wrong_type(path, name)) }
}

fn missing(path: &str) -> Error {
    Error::bad_input(
        path,
        format!("{path} fehlt. Bitte einen Wert angeben."),
        format!("{path} is missing. Please give a value."),
    )
}

fn wrong_type(path: &str, name: &str) -> Error {
    Error::bad_input(
        path,
        format!("{path} ist nicht vom Typ {name}. Bitte einen Wert dieses Typs angeben."),
        format!("{path} is not of type {name}. Please give a value of this type."),
    )
}

fn unknown<'k>(path: &str, known: impl Iterator<Item = &'k String>) -> Error {
    let known = sorted(known);
    Error::bad_input(
        path,
        format!("{path} gibt es nicht. Möglich sind: {known}."),
        format!("{path} does not exist. Possible are: {known}."),
    )
}

fn not_one<'k>(path: &str, known: impl Iterator<Item = &'k String>) -> Error {
    let known = sorted(known);
    Error::bad_input(
        path,
        format!("{path} braucht genau eines von: {known}."),
        format!("{path} needs exactly one of: {known}."),
    )
}

fn sorted<'k>(names: impl Iterator<Item = &'k String>) -> String {
    let mut names: Vec<&str> = names.map(String::as_str).collect();
    names.sort_unstable();
    names.join(", ")
}
