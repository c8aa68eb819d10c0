//! Any text as a cursor of lists in memory, in SQL, and of the change feed: data, or an error that names the argument.
#![no_main]

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use itkatalog_fuzz::{Cost, Service};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const LISTS: [&str; 6] = [
    "products(first: 1, after: $c) { totalCount }",
    "products(last: 1, before: $c, search: \"akte\") { totalCount }",
    "availableProducts(municipality: {ags: \"05334002\"}, first: 1, after: $c) { totalCount }",
    "subscriptions(first: 1, after: $c) { edges { cursor } }",
    "auditEvents(last: 1, before: $c) { edges { cursor } }",
    "changes(first: 1, after: $c) { latestCursor }",
];

fuzz_target!(init: { Service::get(); }, |input: &[u8]| {
    let Some((mode, rest)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let service = Service::get();
    let cursor = match mode & 1 {
        0 => text.to_owned(),
        _ => BASE64_URL_SAFE_NO_PAD.encode(text.replace('@', service.installation())),
    };
    let list = LISTS[usize::from(mode >> 1) % LISTS.len()];
    let body = json!({ "query": format!("query($c: String) {{ {list} }}"), "variables": { "c": cursor } });
    let _cost = Cost::new();
    let (_, answer) = service.ask(Some(service.signed_in()), body.to_string().into_bytes());
    for error in answer["errors"].as_array().into_iter().flatten() {
        let code = error["extensions"]["code"].as_str();
        assert!(matches!(code, Some("BAD_USER_INPUT" | "CURSOR_EXPIRED")), "{answer}");
    }
});
