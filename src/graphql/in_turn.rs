//! Objects whose fields are resolved one after the other.
//!
//! The library makes a task of each field, so that fields that wait do so at the same time. Below a row of a list hardly any field
//! waits, and the tasks are most of what the row costs.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, Name, ObjectType, OutputType, Positioned, ServerResult, Value,
    indexmap::{IndexMap, map::Entry},
    parser::types::{Field, Selection, SelectionSet},
    registry::Registry,
};

/// An object whose fields are resolved one after the other, in the order of the document. Whoever asks sees no difference.
#[derive(Clone, Copy, Debug)]
pub struct InTurn<T>(pub T);

impl<T: ObjectType> OutputType for InTurn<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, context: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        // On the heap: objects lie within objects of the same type.
        Ok(Box::pin(resolve_fields(context, &self.0)).await)
    }
}

/// Rows that are resolved one after the other too: what they wait for is read for all of them together.
#[derive(Clone, Copy, Debug)]
pub struct RowsInTurn<'r, T>(pub &'r [T]);

impl<T: OutputType> OutputType for RowsInTurn<'_, T> {
    fn type_name() -> Cow<'static, str> {
        <&[T]>::type_name()
    }

    fn qualified_type_name() -> String {
        <&[T]>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <&[T]>::create_type_info(registry)
    }

    async fn resolve(&self, context: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let mut values = Vec::with_capacity(self.0.len());
        for (place, row) in self.0.iter().enumerate() {
            let context = context.with_index(place);
            values.push(row.resolve(&context, field).await.map_err(|error| context.set_error_path(error))?);
        }
        Ok(Value::List(values))
    }
}

async fn resolve_fields<T: ObjectType>(context: &ContextSelectionSet<'_>, object: &T) -> Value {
    let set = &context.item.node;
    let mut fields = Vec::with_capacity(set.items.len());
    collect::<T>(context, set, &mut fields);
    let mut values = IndexMap::with_capacity(fields.len());
    for field in fields {
        let value = if field.node.name.node == "__typename" {
            Ok(Some(Value::String(T::type_name().into_owned())))
        } else {
            object.resolve_field(&context.with_field(field)).await
        };
        match value {
            Ok(value) => add(&mut values, field.node.response_key().node.clone(), value.unwrap_or_default()),
            Err(error) => context.add_error(error),
        }
    }
    // As the library does.
    if values.is_empty() { Value::Null } else { Value::Object(values) }
}

/// The fields that are selected of a `T`, those of fragments too.
// INVARIANT: the library has taken out what `@skip` and `@include` leave out, and the schema has no other directives for fields.
fn collect<'s, T: ObjectType>(
    context: &ContextSelectionSet<'s>,
    set: &'s SelectionSet,
    fields: &mut Vec<&'s Positioned<Field>>,
) {
    for item in &set.items {
        let (condition, set) = match &item.node {
            Selection::Field(field) => {
                fields.push(field);
                continue;
            }
            Selection::InlineFragment(inline) => (inline.node.type_condition.as_ref(), &inline.node.selection_set),
            Selection::FragmentSpread(spread) => {
                // INVARIANT: the document is valid, so the fragment is there.
                let Some(fragment) = context.query_env.fragments.get(&spread.node.fragment_name.node) else { continue };
                (Some(&fragment.node.type_condition), &fragment.node.selection_set)
            }
        };
        if condition.is_none_or(|condition| is::<T>(context, condition.node.on.node.as_str())) {
            collect::<T>(context, &set.node, fields);
        }
    }
}

/// Whether a `T` is one of these: of the type itself, or of an interface.
fn is<T: ObjectType>(context: &ContextSelectionSet<'_>, condition: &str) -> bool {
    let name = T::type_name();
    let implements = || context.schema_env.registry.implements.get(&*name);
    name == condition || implements().is_some_and(|interfaces| interfaces.contains(condition))
}

/// Adds a field; what is selected of the same field at another place of the document is added to what is there.
fn add(object: &mut IndexMap<Name, Value>, name: Name, value: Value) {
    match object.entry(name) {
        Entry::Vacant(place) => {
            place.insert(value);
        }
        Entry::Occupied(mut there) => merge(there.get_mut(), value),
    }
}

fn merge(there: &mut Value, value: Value) {
    match (there, value) {
        (Value::Object(there), Value::Object(object)) => {
            object.into_iter().for_each(|(name, value)| add(there, name, value));
        }
        (Value::List(there), Value::List(list)) => {
            there.iter_mut().zip(list).for_each(|(there, value)| merge(there, value));
        }
        _ => {}
    }
}
