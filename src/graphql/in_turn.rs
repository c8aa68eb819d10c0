//! Objects whose fields are resolved one after the other.
//!
//! The library makes a task of each field, so that fields that wait do so at the same time. Below a row of a list hardly any field
//! waits, and the tasks are most of what the row costs.

use std::{
    borrow::Cow,
    future::{Future, poll_fn},
    marker::PhantomData,
    pin::pin,
    slice,
};

use async_graphql::{
    Context, ContextBase, ContextSelectionSet, Name, ObjectType, OutputType, Positioned, ServerError, ServerResult,
    Value,
    indexmap::{IndexMap, map::Entry},
    parser::types::{Field, Selection, SelectionSet},
    registry::Registry,
};

use super::{order, written};
use crate::error::Error;

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
        match context.data_opt::<written::AsResolved>() {
            Some(_) => written::list(values).map_err(|error| failed(context, field, error)),
            None => Ok(Value::List(values)),
        }
    }
}

/// What could not be written.
fn failed<T>(context: &ContextBase<'_, T>, field: &Positioned<Field>, error: serde_json::Error) -> ServerError {
    context.set_error_path(async_graphql::Error::from(Error::internal(error)).into_server_error(field.pos))
}

async fn resolve_fields<T: ObjectType>(context: &ContextSelectionSet<'_>, object: &T) -> Value {
    let mut resolved = Resolved::new(context);
    for field in Selected::<T>::of(context) {
        let context = context.with_field(field);
        if field.node.name.node == "__typename" {
            resolved.add(&context, Value::String(T::type_name().into_owned()), false);
            continue;
        }
        let mut resolving = pin!(object.resolve_field(&context));
        let mut has_waited = false;
        let value = poll_fn(|waker| {
            let polled = resolving.as_mut().poll(waker);
            has_waited |= polled.is_pending();
            polled
        });
        match value.await {
            Ok(value) => resolved.add(&context, value.unwrap_or_default(), has_waited),
            Err(error) => context.add_error(error),
        }
    }
    resolved.finish()
}

/// What was resolved of an object so far.
enum Resolved {
    Written(written::Object),
    Values(IndexMap<Name, Value>),
}

impl Resolved {
    fn new(context: &ContextSelectionSet<'_>) -> Self {
        let fields = context.item.node.items.len();
        match context.data_opt::<written::AsResolved>() {
            Some(_) => Self::Written(written::Object::new(fields)),
            None => Self::Values(IndexMap::with_capacity(fields)),
        }
    }

    fn add(&mut self, context: &Context<'_>, mut value: Value, has_waited: bool) {
        let field = &context.item.node;
        let key = &field.response_key().node;
        match self {
            Self::Values(values) => add(values, key.clone(), value),
            Self::Written(object) => {
                if has_waited {
                    order::arrange(&context.query_env.fragments, &field.selection_set.node, &mut value);
                }
                if let Err(error) = object.add(key, &value) {
                    context.add_error(failed(context, context.item, error));
                }
            }
        }
    }

    fn finish(self) -> Value {
        match self {
            Self::Written(object) => object.finish(),
            // As the library does.
            Self::Values(values) if values.is_empty() => Value::Null,
            Self::Values(values) => Value::Object(values),
        }
    }
}

/// The fields that are selected of a `T`, those of fragments too.
// INVARIANT: the library has taken out what `@skip` and `@include` leave out, and the schema has no other directives for fields.
struct Selected<'c, 's, T> {
    context: &'c ContextSelectionSet<'s>,
    items: slice::Iter<'s, Positioned<Selection>>,
    /// What is left of the sets around it.
    around: Vec<slice::Iter<'s, Positioned<Selection>>>,
    of: PhantomData<fn() -> T>,
}

impl<'c, 's, T: ObjectType> Selected<'c, 's, T> {
    fn of(context: &'c ContextSelectionSet<'s>) -> Self {
        Self { context, items: context.item.node.items.iter(), around: Vec::new(), of: PhantomData }
    }

    fn enter(&mut self, set: &'s SelectionSet) {
        self.around.push(std::mem::replace(&mut self.items, set.items.iter()));
    }
}

impl<'s, T: ObjectType> Iterator for Selected<'_, 's, T> {
    type Item = &'s Positioned<Field>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(item) = self.items.next() else {
                self.items = self.around.pop()?;
                continue;
            };
            let (condition, set) = match &item.node {
                Selection::Field(field) => return Some(field),
                Selection::InlineFragment(inline) => (inline.node.type_condition.as_ref(), &inline.node.selection_set),
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    // INVARIANT: the document is valid, so the fragment is there.
                    let Some(fragment) = self.context.query_env.fragments.get(name) else { continue };
                    (Some(&fragment.node.type_condition), &fragment.node.selection_set)
                }
            };
            if condition.is_none_or(|condition| is::<T>(self.context, condition.node.on.node.as_str())) {
                self.enter(&set.node);
            }
        }
    }
}

/// Whether a `T` is one of these: of the type itself, of an interface, or of a union.
fn is<T: ObjectType>(context: &ContextSelectionSet<'_>, condition: &str) -> bool {
    let name = T::type_name();
    let known = || context.schema_env.registry.types.get(condition);
    name == condition || known().is_some_and(|condition| condition.is_possible_type(&name))
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
