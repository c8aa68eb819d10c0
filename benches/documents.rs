//! What a document costs before and after it runs: parsing, measuring, writing the answer. `cargo bench --bench documents`.
#![allow(missing_docs, clippy::unwrap_used)]

use async_graphql::{Name, Value, Variables, indexmap::IndexMap, parser::parse_query};
use itkatalog::{
    config::{Config, Flags},
    graphql::{guard, schema, sdl, types::Types},
};

const DOCUMENT: &str = include_str!("../tests/it/contract/01-portal-available-products.graphql");

fn main() {
    divan::main();
}

/// The text of a portal's page becomes a document: once per text.
#[divan::bench]
fn a_document_is_parsed() {
    divan::black_box(parse_query(divan::black_box(DOCUMENT)).unwrap());
}

/// Nesting, fields, aliases and cost are counted: with every request that is run.
#[divan::bench]
fn a_document_is_measured(bencher: divan::Bencher) {
    let types = Types::from_sdl(&sdl(&schema())).unwrap();
    let (document, limits) = (parse_query(DOCUMENT).unwrap(), Config::load(&Flags::default()).unwrap().limits);
    let variables = Variables::from_json(serde_json::json!({ "ags": "05334002" }));
    bencher.bench_local(|| {
        let operation = guard::operation(&document, None).unwrap();
        guard::check(&types, &document, operation, &variables, &limits).unwrap()
    });
}

/// An answer of 20 products with ten fields each is written as JSON.
#[divan::bench]
fn an_answer_is_written(bencher: divan::Bencher) {
    let field = |place: usize| (Name::new(format!("field{place}")), Value::from("Elektronische Aktenführung"));
    let row = || Value::Object((0..10).map(field).collect::<IndexMap<_, _>>());
    let answer = Value::List((0..20).map(|_| row()).collect());
    bencher.bench_local(|| serde_json::to_vec(divan::black_box(&answer)).unwrap());
}
