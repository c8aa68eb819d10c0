//! Any bytes as a file with a portfolio; what can be read of it is checked by the service.
#![no_main]

use itkatalog::portfolios::file::{File, Format};
use itkatalog_fuzz::Service;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, json};

const MUTATION: &str = "mutation($input: RegisterPortfolioInput!) { registerPortfolio(input: $input) {
    report { total rejected rows { outcome errors { code path message nextStep } } } errors { code message } } }";

fuzz_target!(|input: &[u8]| {
    let Some((mode, rest)) = input.split_first() else { return };
    let format = [Format::Csv, Format::Json, Format::JsonLines][usize::from(*mode) % 3];
    let Ok(file) = File::read(rest, format) else { return };
    let service = Service::get();
    let rows = file.rows.len();
    let input = json!({ "provider": "itkr", "count": rows, "products": file.rows, "dryRun": true, "idempotencyKey": "fuzz" });
    let body = json!({ "query": MUTATION, "variables": { "input": input } }).to_string().into_bytes();
    let (_, answer) = service.ask(Some(service.token(Map::new()).as_bytes()), body);
    let report = &answer["data"]["registerPortfolio"]["report"];
    assert!(report["total"] == rows || !answer["errors"].is_null() || !answer["data"]["registerPortfolio"]["errors"].is_null(), "{answer}");
});
