//! The schema is the manual: checked in, described in every place, in a stable order.

use async_graphql::{
    Positioned,
    parser::{
        parse_schema,
        types::{InputValueDefinition, TypeKind, TypeSystemDefinition},
    },
};
use itkatalog::graphql::{schema, sdl};

#[test]
fn the_schema_that_is_checked_in_is_the_one_that_is_served() {
    let stale = "schema.graphql is stale: run `cargo run -- schema > schema.graphql`";
    assert!(sdl(&schema()) == include_str!("../../schema.graphql"), "{stale}");
}

#[test]
fn every_type_field_argument_and_value_is_described() {
    let mut missing = Vec::new();
    let mut check = |place: String, description: &Option<Positioned<String>>| {
        if description.as_ref().is_none_or(|description| description.node.trim().len() < 4) {
            missing.push(place);
        }
    };
    for definition in parse_schema(sdl(&schema())).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let definition = definition.node;
        let name = definition.name.node.to_string();
        check(name.clone(), &definition.description);
        let mut inputs = |place: &str, values: &[Positioned<InputValueDefinition>]| {
            values.iter().for_each(|value| check(format!("{place}.{}", value.node.name.node), &value.node.description));
        };
        match definition.kind {
            TypeKind::Object(object) => {
                object
                    .fields
                    .iter()
                    .for_each(|field| inputs(&format!("{name}.{}", field.node.name.node), &field.node.arguments));
                object
                    .fields
                    .iter()
                    .for_each(|field| check(format!("{name}.{}", field.node.name.node), &field.node.description));
            }
            TypeKind::Interface(interface) => {
                interface
                    .fields
                    .iter()
                    .for_each(|field| check(format!("{name}.{}", field.node.name.node), &field.node.description));
            }
            TypeKind::InputObject(input) => inputs(&name, &input.fields),
            TypeKind::Enum(values) => {
                values
                    .values
                    .iter()
                    .for_each(|value| check(format!("{name}.{}", value.node.value.node), &value.node.description));
            }
            TypeKind::Union(_) | TypeKind::Scalar => {}
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_scalar_says_where_it_is_specified() {
    let sdl = sdl(&schema());
    let scalars: Vec<&str> = sdl.lines().filter(|line| line.starts_with("scalar ")).collect();
    assert!(scalars.len() >= 7, "{scalars:?}");
    assert!(scalars.iter().all(|scalar| scalar.contains("@specifiedBy(url: \"https://")), "{scalars:?}");
}

#[test]
fn lookups_take_exactly_one_key() {
    let sdl = sdl(&schema());
    for input in ["MunicipalityBy", "ProviderBy", "ProductBy"] {
        assert!(sdl.contains(&format!("input {input} @oneOf")), "{input}");
    }
}

#[test]
fn every_mutation_says_who_may() {
    let mut silent = Vec::new();
    let mut mutations = 0;
    for definition in parse_schema(sdl(&schema())).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let TypeKind::Object(object) = &definition.node.kind else { continue };
        if definition.node.name.node != "Mutation" {
            continue;
        }
        for field in &object.fields {
            mutations += 1;
            let description = field.node.description.as_ref().map(|text| text.node.as_str()).unwrap_or_default();
            let paragraph = description.split_once("\n\nWho may, as delivered").map(|(_, lines)| lines);
            if !paragraph.is_some_and(|lines| lines.contains("\n* ")) {
                silent.push(field.node.name.node.to_string());
            }
        }
    }
    assert!(mutations >= 15, "{mutations}");
    assert_eq!(silent, Vec::<String>::new());
}
