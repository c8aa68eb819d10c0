//! Any bytes as a token, and any claims in a token that is signed well.
#![no_main]

use itkatalog_fuzz::{Cost, Service};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(init: { Service::get(); }, |input: &[u8]| {
    let Some((mode, rest)) = input.split_first() else { return };
    let service = Service::get();
    let body = json!({ "query": "{ viewer { subject roles } }" }).to_string().into_bytes();
    if mode & 1 == 0 {
        let _cost = Cost::new();
        let (status, answer) = service.ask(Some(rest), body);
        let is_empty = rest.iter().all(u8::is_ascii_whitespace);
        assert!(is_empty || status == 401 || status == 400, "{status}: {answer}");
        assert!(answer["data"]["viewer"]["subject"].is_null(), "{answer}");
        return;
    }
    let Ok(serde_json::Value::Object(claims)) = serde_json::from_slice(rest) else { return };
    let token = service.token(claims);
    let _cost = Cost::new();
    let (status, answer) = service.ask(Some(token.as_bytes()), body);
    assert!(status == 200 || status == 401, "{status}: {answer}");
});
