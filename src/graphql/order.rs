//! Puts the fields of an answer into the order of the document.
//!
//! The library puts them in as they are resolved; those that waited for the database come late. An answer that never asked
//! the database is in order already and needs no walk.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned, Value,
    indexmap::IndexMap,
    parser::types::{FragmentDefinition, Selection, SelectionSet},
};

/// The fragments of a document.
type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Arranges what was selected by a set. Parts that are written already stay as they are.
pub fn arrange(fragments: &Fragments, set: &SelectionSet, selected: &mut Value) {
    Shape::of(fragments, &[set]).arrange(selected);
}

/// What an object of the answer looks like: its keys in the order of the document, each with the shape of what stands there. Made
/// once for all rows of a list.
struct Shape<'d>(Vec<(&'d str, Self)>);

impl<'d> Shape<'d> {
    fn of(fragments: &'d Fragments, sets: &[&'d SelectionSet]) -> Self {
        let mut keys: IndexMap<&str, Vec<&SelectionSet>> = IndexMap::new();
        sets.iter().for_each(|set| collect(fragments, set, &mut keys));
        Self(keys.into_iter().map(|(key, children)| (key, Self::of(fragments, &children))).collect())
    }

    fn arrange(&self, value: &mut Value) {
        match value {
            // Scalars, and objects of the scalar JSON, which are selected whole.
            _ if self.0.is_empty() => {}
            Value::List(items) => items.iter_mut().for_each(|item| self.arrange(item)),
            Value::Object(object) => self.arrange_object(object),
            _ => {}
        }
    }

    fn arrange_object(&self, object: &mut IndexMap<Name, Value>) {
        if self.arrange_children(object) {
            return;
        }
        let mut found = std::mem::take(object);
        object.extend(self.0.iter().filter_map(|(key, _)| found.swap_remove_entry(*key)));
        self.arrange_children(object);
    }

    /// Arranges what stands in an object, up to where its keys are in another order: whether there is no such place. Of objects
    /// of other types some keys are missing.
    fn arrange_children(&self, object: &mut IndexMap<Name, Value>) -> bool {
        let mut shapes = self.0.iter();
        object.iter_mut().all(|(name, child)| {
            let shape = shapes.find(|(key, _)| is_same(key, name));
            shape.map(|(_, shape)| shape.arrange(child)).is_some()
        })
    }
}

/// Whether two names are the same; those of one document mostly are one and the same.
fn is_same(key: &str, name: &Name) -> bool {
    std::ptr::eq(key, name.as_str()) || key == name.as_str()
}

/// Response keys in the order of their first appearance, each with everything that is selected below it.
fn collect<'d>(fragments: &'d Fragments, set: &'d SelectionSet, keys: &mut IndexMap<&'d str, Vec<&'d SelectionSet>>) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => {
                let key = field.node.response_key().node.as_str();
                keys.entry(key).or_default().push(&field.node.selection_set.node);
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = fragments.get(&spread.node.fragment_name.node) {
                    collect(fragments, &fragment.node.selection_set.node, keys);
                }
            }
            Selection::InlineFragment(inline) => collect(fragments, &inline.node.selection_set.node, keys),
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn arranged(query: &str, data: &str) -> String {
        let document = parse_query(query).unwrap();
        let operation = super::super::guard::operation(&document, None).unwrap();
        let mut data: Value = serde_json::from_str(data).unwrap();
        arrange(&document.fragments, &operation.selection_set.node, &mut data);
        serde_json::to_string(&data).unwrap()
    }

    #[test]
    fn fields_stand_as_in_the_document() {
        let data = r#"{"b":[{"d":1,"c":2},null],"a":{"x":1}}"#;
        assert_eq!(arranged("{ a { x } b { c d } }", data), r#"{"a":{"x":1},"b":[{"c":2,"d":1},null]}"#);
        let query = "{ ...f a { y } } fragment f on Query { b { c } a { x } ... on Query { b { d } } }";
        let data = r#"{"a":{"y":1,"x":2},"b":{"d":1,"c":2}}"#;
        assert_eq!(arranged(query, data), r#"{"b":{"c":2,"d":1},"a":{"x":2,"y":1}}"#);
    }
}
