//! Puts the fields of an answer into the order of the document.
//!
//! The library puts them in as they are resolved; those that waited for the database come late. An answer that never asked
//! the database is in order already and needs no walk.

use async_graphql::{
    Value,
    indexmap::IndexMap,
    parser::types::{ExecutableDocument, OperationDefinition, Selection, SelectionSet},
};

/// Arranges the data of an operation.
pub fn arrange(document: &ExecutableDocument, operation: &OperationDefinition, data: &mut Value) {
    arrange_value(document, data, &[&operation.selection_set.node]);
}

fn arrange_value(document: &ExecutableDocument, value: &mut Value, sets: &[&SelectionSet]) {
    match value {
        Value::List(items) => items.iter_mut().for_each(|item| arrange_value(document, item, sets)),
        Value::Object(object) => {
            let mut keys: IndexMap<&str, Vec<&SelectionSet>> = IndexMap::new();
            sets.iter().for_each(|set| collect(document, set, &mut keys));
            let mut found = std::mem::take(object);
            for (key, children) in keys {
                if let Some((name, mut child)) = found.swap_remove_entry(key) {
                    arrange_value(document, &mut child, &children);
                    object.insert(name, child);
                }
            }
            // Objects of the scalar JSON are selected whole.
            object.extend(found);
        }
        _ => {}
    }
}

/// Response keys in the order of their first appearance, each with everything that is selected below it.
fn collect<'d>(
    document: &'d ExecutableDocument,
    set: &'d SelectionSet,
    keys: &mut IndexMap<&'d str, Vec<&'d SelectionSet>>,
) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => {
                let key = field.node.response_key().node.as_str();
                keys.entry(key).or_default().push(&field.node.selection_set.node);
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    collect(document, &fragment.node.selection_set.node, keys);
                }
            }
            Selection::InlineFragment(inline) => collect(document, &inline.node.selection_set.node, keys),
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
        arrange(&document, operation, &mut data);
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
