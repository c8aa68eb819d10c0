//! Objects that are written as JSON as soon as they are resolved.
//!
//! A page of an answer has thousands of values. Kept as values until the end they take ten times the room of their text, and are
//! walked through, written and dropped when the processor has long forgotten them.
//!
//! INVARIANT: what is written is never looked into, but to read it back: the parts of an object that a document selects at
//! several places could not be put together any more, so such documents are answered in values (see [`repeats`]).

use std::io;

use async_graphql::{
    Value,
    indexmap::{IndexMap, map::Entry},
    parser::types::{ExecutableDocument, Selection, SelectionSet},
};
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::{guard, types::Types};

/// Room that is made for each field of an object, in bytes.
const USUAL_FIELD: usize = 32;
/// Room that is made for what stands around the parts that were written before, in bytes.
const ROOM_AROUND: usize = 512;

/// In the data of an execution: objects may be written as they are resolved. Whoever runs it writes the answer with [`to_json`].
#[derive(Clone, Copy, Debug)]
pub struct AsResolved;

/// The JSON of an answer, with the parts that were written before as they are. Room is made for `room` bytes and some more.
pub fn to_json(answer: &impl Serialize, room: usize) -> serde_json::Result<Vec<u8>> {
    let mut json = Vec::with_capacity(room + ROOM_AROUND);
    write(&mut json, answer)?;
    Ok(json)
}

/// Bytes of what was written of a value before.
pub fn room(value: &Value) -> usize {
    match value {
        Value::Binary(json) => json.len(),
        Value::List(items) => items.iter().map(|item| room(item) + 1).sum(),
        Value::Object(object) => object.values().map(room).sum(),
        _ => 0,
    }
}

fn write(json: &mut Vec<u8>, value: &impl Serialize) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(json, AsWritten))
}

/// Writes JSON; bytes, which no field of the schema has, are JSON already.
struct AsWritten;

impl Formatter for AsWritten {
    fn write_byte_array<W: ?Sized + io::Write>(&mut self, json: &mut W, written: &[u8]) -> io::Result<()> {
        json.write_all(written)
    }
}

/// An object that is being written.
pub struct Object(Vec<u8>);

impl Object {
    /// Without fields yet; about so many will come.
    pub fn new(fields: usize) -> Self {
        let mut json = Vec::with_capacity(fields * USUAL_FIELD);
        json.push(b'{');
        Self(json)
    }

    /// Adds a field. Its key is a name, in which nothing is escaped.
    pub fn add(&mut self, key: &str, value: &Value) -> serde_json::Result<()> {
        self.0.reserve(key.len() + room(value) + USUAL_FIELD);
        self.0.extend_from_slice(if self.0.len() > 1 { b",\"" } else { b"\"" });
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(b"\":");
        write(&mut self.0, value)
    }

    /// The object; without fields nothing, as the library does.
    pub fn finish(mut self) -> Value {
        if self.0.len() == 1 {
            return Value::Null;
        }
        self.0.push(b'}');
        Value::Binary(self.0.into())
    }
}

/// A list whose rows were written.
pub fn list(rows: Vec<Value>) -> serde_json::Result<Value> {
    let rows = Value::List(rows);
    to_json(&rows, room(&rows)).map(|json| Value::Binary(json.into()))
}

/// Reads what was written back into values, for who has to change something of it.
pub fn read_back(value: &mut Value) -> serde_json::Result<()> {
    match value {
        Value::Binary(json) => *value = serde_json::from_slice(json)?,
        Value::List(items) => items.iter_mut().try_for_each(read_back)?,
        Value::Object(object) => object.values_mut().try_for_each(read_back)?,
        _ => {}
    }
    Ok(())
}

/// Whether a document may select the same key of an object at several places. For documents that the guard has let pass: their
/// fragments end somewhere.
pub fn repeats(types: &Types, document: &ExecutableDocument) -> bool {
    let walk = Walk { types, document };
    let mut operations = document.operations.iter();
    operations.any(|(_, operation)| walk.object(&operation.node.selection_set.node, guard::root(&operation.node)))
}

struct Walk<'d> {
    types: &'d Types,
    document: &'d ExecutableDocument,
}

impl<'d> Walk<'d> {
    /// Whether a key of an object, or of one below it, is selected several times.
    fn object(&self, set: &'d SelectionSet, on: &'d str) -> bool {
        self.set(set, on, &mut IndexMap::new())
    }

    /// The same of a part of what is selected of an object; `keys` has the types for which each key was selected before.
    fn set(&self, set: &'d SelectionSet, on: &'d str, keys: &mut IndexMap<&'d str, Vec<&'d str>>) -> bool {
        set.items.iter().any(|item| match &item.node {
            Selection::Field(field) => {
                let key = field.node.response_key().node.as_str();
                let is_repeated = match keys.entry(key) {
                    Entry::Occupied(mut before) => {
                        let is_repeated = before.get().iter().any(|other| self.can_be_one(on, other));
                        before.get_mut().push(on);
                        is_repeated
                    }
                    Entry::Vacant(place) => {
                        place.insert(vec![on]);
                        false
                    }
                };
                let ty = self.types.field(on, &field.node.name.node).map_or("", |field| field.type_name.as_str());
                is_repeated || self.object(&field.node.selection_set.node, ty)
            }
            Selection::InlineFragment(inline) => {
                let condition = inline.node.type_condition.as_ref();
                let on = condition.map_or(on, |condition| condition.node.on.node.as_str());
                self.set(&inline.node.selection_set.node, on, keys)
            }
            Selection::FragmentSpread(spread) => {
                let fragment = self.document.fragments.get(&spread.node.fragment_name.node);
                fragment.is_some_and(|fragment| {
                    let on = fragment.node.type_condition.node.on.node.as_str();
                    self.set(&fragment.node.selection_set.node, on, keys)
                })
            }
        })
    }

    /// Whether an object can be of both types: not, if both are types of objects.
    fn can_be_one(&self, one: &str, other: &str) -> bool {
        one == other || !(self.types.is_object(one) && self.types.is_object(other))
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{Name, Number, parser::parse_query};
    use serde_json::json;

    use super::*;

    fn object(fields: &[(&str, Value)]) -> Value {
        let mut object = Object::new(fields.len());
        fields.iter().for_each(|(key, value)| object.add(key, value).unwrap());
        object.finish()
    }

    #[test]
    fn what_was_written_is_told_as_it_is_and_read_back_as_it_was() {
        let leaves = [
            ("text", Value::String("\"Straße\"\n\u{1}/\\ 🎈".into())),
            ("name", Value::Enum(Name::new("ACTIVE"))),
            ("number", Value::Number(Number::from(i64::MIN))),
            ("share", Value::Number(Number::from_f64(0.1).unwrap())),
            ("flag", Value::Boolean(true)),
            ("none", Value::Null),
        ];
        let inner = object(&leaves);
        let rows = list(vec![inner.clone(), Value::Null, object(&[])]).unwrap();
        let mut answer = Value::List(vec![object(&[("rows", rows), ("more", Value::List(vec![inner]))])]);
        let expected = json!({ "text": "\"Straße\"\n\u{1}/\\ 🎈", "name": "ACTIVE", "number": i64::MIN, "share": 0.1, "flag": true, "none": null });
        let expected = json!([{ "rows": [expected, null, null], "more": [expected] }]).to_string();
        let told = |answer: &Value| {
            serde_json::from_slice::<serde_json::Value>(&to_json(answer, 0).unwrap()).unwrap().to_string()
        };
        assert_eq!(told(&answer), expected);
        let text = to_json(&answer, room(&answer)).unwrap();
        read_back(&mut answer).unwrap();
        assert!(matches!(&answer, Value::List(items) if matches!(items[0], Value::Object(_))));
        assert_eq!(serde_json::to_vec(&answer).unwrap(), text);
    }

    #[test]
    fn keys_repeat_where_one_object_can_have_them_twice() {
        let types = Types::from_sdl(&crate::graphql::sdl(&crate::graphql::schema())).unwrap();
        let repeats = |text: &str| repeats(&types, &parse_query(text).unwrap());
        for once in [
            "{ phase { key } }",
            "{ a: phase { key } b: phase { key } }",
            "{ phase { ...P } } fragment P on Phase { key }",
            "{ subscriptions { edges { node { subscriber { ... on Municipality { name } ... on Provider { name } } } } } }",
            "query A { phase { key } } query B { phase { key } }",
        ] {
            assert!(!repeats(once), "{once}");
        }
        for twice in [
            "{ phase { key } phase { key } }",
            "{ phase { key key } }",
            "{ phase { key ... { key } } }",
            "{ phase { ...P ...P } } fragment P on Phase { key }",
            "{ phase { ... on Phase { key } ... on Node { key: id } } }",
            "query A { phase { key } } query B { phase { key key } }",
            "{ subscriptions { edges { node { subscriber { ... on Municipality { name name } } } } } }",
            "{ nothing { a a } }",
        ] {
            assert!(repeats(twice), "{twice}");
        }
    }
}
