//! Any bytes as the body of a request, or as the document in one: without a token, or with one.
#![no_main]

use itkatalog_fuzz::{Cost, Service};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(init: { Service::get(); }, |input: &[u8]| {
    let Some((mode, rest)) = input.split_first() else { return };
    let service = Service::get();
    let body = match (mode & 2, std::str::from_utf8(rest)) {
        (0, _) => rest.to_vec(),
        (_, Ok(document)) => json!({ "query": document }).to_string().into_bytes(),
        (_, Err(_)) => return,
    };
    let token = (mode & 1 == 1).then(|| service.signed_in());
    let _cost = Cost::new();
    service.ask(token, body);
});
