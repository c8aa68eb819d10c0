//! The schema is the manual: checked in, described in every place, in a stable order. The lint of `tests/clients` reads it too.

use std::collections::BTreeSet;

use async_graphql::{
    Positioned, Value,
    parser::{
        parse_schema,
        types::{
            ConstDirective, DirectiveDefinition, FieldDefinition, InputValueDefinition, ServiceDocument,
            TypeDefinition, TypeKind, TypeSystemDefinition,
        },
    },
};
use chrono::NaiveDate;
use itkatalog::graphql::{schema, sdl};

/// The scalars that clients are promised.
const SCALARS: [&str; 8] = ["AGS", "ARS", "Date", "DateTime", "Decimal", "EmailAddress", "JSON", "Url"];

/// One place of the schema that can be described and deprecated.
struct Place<'s> {
    name: String,
    description: Option<&'s str>,
    directives: &'s [Positioned<ConstDirective>],
}

fn document() -> ServiceDocument {
    parse_schema(sdl(&schema())).unwrap()
}

fn types(document: &ServiceDocument) -> impl Iterator<Item = &TypeDefinition> {
    document.definitions.iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(definition) => Some(&definition.node),
        _ => None,
    })
}

fn directives(document: &ServiceDocument) -> impl Iterator<Item = &DirectiveDefinition> {
    document.definitions.iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Directive(definition) => Some(&definition.node),
        _ => None,
    })
}

fn text(description: Option<&Positioned<String>>) -> Option<&str> {
    description.map(|description| description.node.trim())
}

fn inputs<'s>(owner: &str, values: &'s [Positioned<InputValueDefinition>], places: &mut Vec<Place<'s>>) {
    places.extend(values.iter().map(|value| Place {
        name: format!("{owner}.{}", value.node.name.node),
        description: text(value.node.description.as_ref()),
        directives: &value.node.directives,
    }));
}

fn fields<'s>(owner: &str, fields: &'s [Positioned<FieldDefinition>], places: &mut Vec<Place<'s>>) {
    for field in fields {
        let name = format!("{owner}.{}", field.node.name.node);
        inputs(&name, &field.node.arguments, places);
        let description = text(field.node.description.as_ref());
        places.push(Place { name, description, directives: &field.node.directives });
    }
}

/// Every type, field, argument, input field and enum value.
fn places(document: &ServiceDocument) -> Vec<Place<'_>> {
    let mut places = Vec::new();
    for definition in types(document) {
        let name = definition.name.node.as_str();
        let description = text(definition.description.as_ref());
        places.push(Place { name: name.to_owned(), description, directives: &definition.directives });
        match &definition.kind {
            TypeKind::Object(object) => fields(name, &object.fields, &mut places),
            TypeKind::Interface(interface) => fields(name, &interface.fields, &mut places),
            TypeKind::InputObject(input) => inputs(name, &input.fields, &mut places),
            TypeKind::Enum(values) => places.extend(values.values.iter().map(|value| Place {
                name: format!("{name}.{}", value.node.value.node),
                description: text(value.node.description.as_ref()),
                directives: &value.node.directives,
            })),
            TypeKind::Union(_) | TypeKind::Scalar => {}
        }
    }
    places
}

/// What a directive's argument says.
fn argument(directives: &[Positioned<ConstDirective>], name: &str, argument: &str) -> Option<String> {
    let directive = directives.iter().find(|directive| directive.node.name.node == name)?;
    match directive.node.get_argument(argument).map(|value| &value.node) {
        Some(Value::String(text)) => Some(text.clone()),
        _ => Some(String::new()),
    }
}

/// What a deprecation lacks: it tells what to use instead, and ends with the day from which it may be gone.
fn lack(reason: &str) -> Option<&'static str> {
    let Some((instead, day)) = reason.trim_end().rsplit_once(" Removed from ") else { return Some("no day") };
    let is_day = day.strip_suffix('.').is_some_and(|day| day.parse::<NaiveDate>().is_ok() && day.len() == 10);
    match (instead.trim().len() >= 10, is_day) {
        (_, false) => Some("no day"),
        (false, _) => Some("no reason"),
        _ => None,
    }
}

fn lacking(document: &ServiceDocument) -> Vec<String> {
    let found = places(document).into_iter().filter_map(|place| {
        let reason = argument(place.directives, "deprecated", "reason")?;
        lack(&reason).map(|lack| format!("{}: {lack}", place.name))
    });
    found.collect()
}

#[test]
fn the_schema_that_is_checked_in_is_the_one_that_is_served() {
    let stale = "schema.graphql is stale: run `cargo run -- schema > schema.graphql`";
    assert!(sdl(&schema()) == include_str!("../../schema.graphql"), "{stale}");
}

#[test]
fn every_type_field_argument_value_and_directive_is_described() {
    let document = document();
    let is_missing = |description: Option<&str>| description.is_none_or(|description| description.len() < 4);
    let mut missing: Vec<String> =
        places(&document).into_iter().filter(|place| is_missing(place.description)).map(|place| place.name).collect();
    let described = directives(&document).filter(|directive| is_missing(text(directive.description.as_ref())));
    missing.extend(described.map(|directive| format!("@{}", directive.name.node)));
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_scalar_says_where_it_is_specified() {
    let document = document();
    let scalars = types(&document).filter(|definition| matches!(definition.kind, TypeKind::Scalar));
    let mut named = BTreeSet::new();
    for scalar in scalars {
        let name = scalar.name.node.as_str();
        let address = argument(&scalar.directives, "specifiedBy", "url").unwrap_or_default();
        assert!(url::Url::parse(&address).is_ok_and(|url| url.scheme() == "https"), "{name}: {address:?}");
        named.insert(name);
    }
    assert_eq!(named, BTreeSet::from(SCALARS));
}

#[test]
fn lookups_take_exactly_one_key() {
    let document = document();
    let is_lookup = |definition: &&TypeDefinition| {
        matches!(definition.kind, TypeKind::InputObject(_)) && definition.name.node.ends_with("By")
    };
    let mut lookups = 0;
    for lookup in types(&document).filter(is_lookup) {
        lookups += 1;
        assert!(argument(&lookup.directives, "oneOf", "").is_some(), "{}", lookup.name.node);
    }
    assert!(lookups >= 4, "{lookups}");
}

#[test]
fn the_order_of_the_schema_does_not_depend_on_the_build() {
    let document = document();
    let types: Vec<&str> = types(&document).map(|definition| definition.name.node.as_str()).collect();
    let directives: Vec<&str> = directives(&document).map(|directive| directive.name.node.as_str()).collect();
    assert!(types.is_sorted() && directives.is_sorted());
    assert!(sdl(&schema()) == sdl(&schema()));
}

#[test]
fn a_deprecation_tells_what_to_use_instead_and_the_day_it_may_be_gone() {
    assert_eq!(lacking(&document()), Vec::<String>::new());
    let broken = r#"
        type T {
            right: Int @deprecated(reason: "Use `left` instead. Removed from 2028-01-01.")
            silent: Int @deprecated
            undated: Int @deprecated(reason: "Use `left` instead.")
            curt: Int @deprecated(reason: "Old. Removed from 2028-01-01.")
            never(a: Int @deprecated(reason: "Use `left` instead. Removed from 2028-02-30.")): Int
        }
        enum E { A @deprecated(reason: "Use `B` instead. Removed from soon.") }
        input I { a: Int @deprecated(reason: "Use `b` instead. Removed from 2028-1-1.") }"#;
    let expected = [
        "T.silent: no day",
        "T.undated: no day",
        "T.curt: no reason",
        "T.never.a: no day",
        "E.A: no day",
        "I.a: no day",
    ];
    assert_eq!(lacking(&parse_schema(broken).unwrap()), expected);
}

#[test]
fn every_mutation_says_who_may() {
    let document = document();
    let mutations: Vec<Place> = places(&document)
        .into_iter()
        .filter(|place| place.name.split('.').count() == 2 && place.name.starts_with("Mutation."))
        .collect();
    let is_silent = |place: &&Place| {
        let paragraph = place.description.and_then(|text| text.split_once("\n\nWho may, as delivered"));
        !paragraph.is_some_and(|(_, lines)| lines.contains("\n* "))
    };
    assert!(mutations.len() >= 15, "{}", mutations.len());
    assert_eq!(mutations.iter().filter(is_silent).map(|place| &place.name).collect::<Vec<_>>(), Vec::<&String>::new());
}
