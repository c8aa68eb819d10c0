//! Puts nulls where fields failed, as the specification asks: the library leaves such fields out altogether.
//!
//! A field of a nullable type becomes null; otherwise its parent does, up to the whole answer.

use async_graphql::{
    Name, PathSegment, ServerError, Value,
    indexmap::IndexMap,
    parser::types::{BaseType, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet, Type},
};

use super::types::Types;

/// Completes the data of an operation by the paths of its errors.
pub fn complete(
    types: &Types,
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    root: &str,
    data: &mut Value,
    errors: &[ServerError],
) {
    let walk = Walk { types, document };
    errors.iter().for_each(|error| reopen(data, &error.path));
    for error in errors.iter().filter(|error| !error.path.is_empty()) {
        if walk.object(data, &[(&operation.selection_set.node, root)], &error.path) {
            *data = Value::Null;
        }
    }
}

/// Turns nulls on the way to a failed field back into objects: the library makes an object without fields a null.
fn reopen(value: &mut Value, path: &[PathSegment]) {
    match (value, path.split_first()) {
        (value @ Value::Null, Some((PathSegment::Field(_), _))) => *value = Value::Object(IndexMap::new()),
        (Value::Object(object), Some((PathSegment::Field(key), rest))) => {
            object.get_mut(key.as_str()).into_iter().for_each(|child| reopen(child, rest));
        }
        (Value::List(items), Some((PathSegment::Index(place), rest))) => {
            items.get_mut(*place).into_iter().for_each(|item| reopen(item, rest));
        }
        _ => {}
    }
}

/// A selection set with the type that it selects from.
type Selected<'a> = (&'a SelectionSet, &'a str);

struct Walk<'a> {
    types: &'a Types,
    document: &'a ExecutableDocument,
}

impl<'a> Walk<'a> {
    /// Follows a path into an object. True when the object itself must become null.
    fn object(&self, value: &mut Value, sets: &[Selected<'a>], path: &[PathSegment]) -> bool {
        let (Value::Object(object), Some((PathSegment::Field(key), rest))) = (value, path.split_first()) else {
            return false;
        };
        let mut found = Vec::new();
        for (set, on) in sets {
            self.find(set, on, key, &mut found);
        }
        let Some((_, ty)) = found.first() else { return false };
        let children: Vec<Selected> = found.iter().map(|(field, ty)| (&field.selection_set.node, named(ty))).collect();
        let must_be_null = match object.get_mut(key.as_str()) {
            Some(child) => self.value(child, ty, &children, rest),
            None => true,
        };
        if must_be_null && ty.nullable {
            object.insert(Name::new(key), Value::Null);
        }
        must_be_null && !ty.nullable
    }

    /// Follows a path into the value of a field. True when the value itself must become null.
    fn value(&self, value: &mut Value, ty: &Type, sets: &[Selected<'a>], path: &[PathSegment]) -> bool {
        match (value, &ty.base, path.split_first()) {
            (_, _, None) => true,
            (Value::List(items), BaseType::List(inner), Some((PathSegment::Index(place), rest))) => {
                let Some(item) = items.get_mut(*place) else { return false };
                let must_be_null = self.value(item, inner, sets, rest);
                if must_be_null && inner.nullable {
                    *item = Value::Null;
                }
                must_be_null && !inner.nullable
            }
            (value, _, Some(_)) => self.object(value, sets, path),
        }
    }

    /// Finds the fields that answer under a key, through fragments, each with its type.
    fn find(&self, set: &'a SelectionSet, on: &'a str, key: &str, found: &mut Vec<(&'a Field, &'a Type)>) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) if field.node.response_key().node == key => {
                    let known = self.types.field(on, &field.node.name.node);
                    found.extend(known.map(|known| (&field.node, &known.ty)));
                }
                Selection::Field(_) => {}
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.node.fragment_name.node) {
                        let on = fragment.node.type_condition.node.on.node.as_str();
                        self.find(&fragment.node.selection_set.node, on, key, found);
                    }
                }
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref();
                    let on = condition.map_or(on, |condition| condition.node.on.node.as_str());
                    self.find(&inline.node.selection_set.node, on, key, found);
                }
            }
        }
    }
}

fn named(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => named(inner),
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    const SCHEMA: &str = "type Query { a: A b: A! list: [A!]! loose: [A] } type A { some: Int must: Int! next: A }";

    fn completed(query: &str, data: serde_json::Value, path: serde_json::Value) -> serde_json::Value {
        let types = Types::from_sdl(SCHEMA).unwrap();
        let document = parse_query(query).unwrap();
        let operation = super::super::guard::operation(&document, None).unwrap();
        let path = path.as_array().unwrap().iter().map(|segment| match segment {
            serde_json::Value::String(key) => PathSegment::Field(key.clone()),
            place => PathSegment::Index(place.as_u64().unwrap() as usize),
        });
        let errors = [ServerError::new("", None).with_path(path.collect())];
        let mut data = Value::from_json(data).unwrap();
        complete(&types, &document, operation, "Query", &mut data, &errors);
        data.into_json().unwrap()
    }

    #[test]
    fn a_nullable_field_becomes_null() {
        assert_eq!(completed("{ a { some } }", json!({}), json!(["a"])), json!({ "a": null }));
        assert_eq!(
            completed("{ x: a { some } }", json!({ "x": {} }), json!(["x", "some"])),
            json!({ "x": { "some": null } })
        );
    }

    #[test]
    fn a_field_that_must_not_be_null_takes_its_parent_with_it() {
        assert_eq!(completed("{ a { must } }", json!({ "a": {} }), json!(["a", "must"])), json!({ "a": null }));
        assert_eq!(completed("{ b { must } }", json!({ "b": {} }), json!(["b", "must"])), json!(null));
        let nested = json!({ "b": { "next": { "some": 1 } } });
        assert_eq!(
            completed("{ b { next { some must } } }", nested, json!(["b", "next", "must"])),
            json!({ "b": { "next": null } })
        );
    }

    #[test]
    fn an_object_whose_fields_all_failed_is_an_object_or_takes_its_parent_with_it() {
        assert_eq!(completed("{ a { some } }", json!(null), json!(["a", "some"])), json!({ "a": null }));
        assert_eq!(
            completed("{ a { some } }", json!({ "a": null }), json!(["a", "some"])),
            json!({ "a": { "some": null } })
        );
        assert_eq!(completed("{ b { must } }", json!({ "b": null }), json!(["b", "must"])), json!(null));
    }

    #[test]
    fn lists_follow_the_nullability_of_their_items() {
        let data = json!({ "list": [{ "must": 1 }, {}] });
        assert_eq!(completed("{ list { must } }", data, json!(["list", 1, "must"])), json!(null));
        let data = json!({ "loose": [{ "must": 1 }, {}] });
        let expected = json!({ "loose": [{ "must": 1 }, null] });
        assert_eq!(completed("{ loose { must } }", data, json!(["loose", 1, "must"])), expected);
    }

    #[test]
    fn fields_are_found_through_fragments() {
        let query = "{ ...q } fragment q on Query { a { ... on A { must } } }";
        assert_eq!(completed(query, json!({ "a": {} }), json!(["a", "must"])), json!({ "a": null }));
    }
}
