//! Any bytes as a file with a portfolio; what can be read of it is checked by the service.
#![no_main]

use itkatalog::portfolios::file::{File, Format};
use itkatalog_fuzz::{Cost, Service};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const MUTATION: &str = "mutation($input: RegisterPortfolioInput!) { registerPortfolio(input: $input) {
    report { total rejected rows { outcome errors { code path message nextStep } } } errors { code message } } }";

fuzz_target!(init: { Service::get(); }, |input: &[u8]| {
    let Some((mode, rest)) = input.split_first() else { return };
    let format = [Format::Csv, Format::Json, Format::JsonLines][usize::from(*mode) % 3];
    let _cost = Cost::new();
    let Ok(file) = File::read(rest, format) else { return };
    let service = Service::get();
    let rows = file.rows.len();
    let input = json!({ "provider": "itkr", "count": rows, "products": file.rows, "dryRun": true, "idempotencyKey": "fuzz" });
    let body = json!({ "query": MUTATION, "variables": { "input": input } }).to_string().into_bytes();
    let (_, answer) = service.ask(Some(service.signed_in()), body);
    let report = &answer["data"]["registerPortfolio"]["report"];
    let errors = [&answer["errors"], &answer["data"]["registerPortfolio"]["errors"]];
    let is_refused = errors.iter().any(|errors| errors.as_array().is_some_and(|errors| !errors.is_empty()));
    assert!(report["total"] == rows || is_refused, "{answer}");
});
