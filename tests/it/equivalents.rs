//! Other providers' offers of the same standard product, side by side for one municipality.

use serde_json::{Value, json};

use crate::support::{
    acts::{AACHEN, OTHER, STANDARD},
    nodes,
};

const EQUIVALENTS: &str = "query($provider: String!, $key: String!, $ags: AGS!, $on: Date) {
    product(by: {externalId: {provider: $provider, externalId: $key}}) { standardProduct { key }
        equivalents(municipality: {ags: $ags}, on: $on) { status availableFrom reason { code } product { id name lifecycle provider { key } standardProduct { key } }
            priceEstimate { perYear { amount } oneOff { amount } basis } } } }";
const AVAILABLE: &str = "query($ags: AGS!, $key: String!, $on: Date) { availableProducts(first: 100, includeUnavailable: true, on: $on, municipality: {ags: $ags}, where: {standardProduct: {eq: $key}}) {
    edges { node { status availableFrom reason { code } product { id name lifecycle provider { key } standardProduct { key } } priceEstimate { perYear { amount } oneOff { amount } basis } } } } }";

fn variables((provider, key): (&str, &str), ags: &str, on: Value) -> Value {
    json!({ "provider": provider, "key": key, "ags": ags, "on": on })
}

fn cents(offer: &Value) -> Option<i64> {
    Some(offer["priceEstimate"]["perYear"]["amount"].as_str()?.replace('.', "").parse().unwrap())
}

on_both_databases! {
    async fn offers_of_others_stand_by_their_yearly_price_as_available_products_tells_it(app: TestApp) {
        for on in [Value::Null, json!("2027-06-01")] {
            let product = app.data(EQUIVALENTS, variables(STANDARD, AACHEN, on.clone())).await["product"].clone();
            let key = product["standardProduct"]["key"].clone();
            let offers = product["equivalents"].as_array().unwrap().clone();
            assert!(offers.len() > 3, "{offers:?}");
            let available = app.data(AVAILABLE, json!({ "ags": AACHEN, "key": key, "on": on })).await;
            let is_gone = |node: &Value| ["RETIRED", "PROVIDER_MERGED"].contains(&node["reason"]["code"].as_str().unwrap_or_default());
            let mut expected = nodes(&available["availableProducts"]);
            expected.retain(|node| node["product"]["provider"]["key"] != STANDARD.0 && !is_gone(node));
            assert_eq!(offers.len(), expected.len());
            assert!(offers.iter().all(|offer| expected.contains(offer)), "the same prices and states");
            assert!(offers.is_sorted_by_key(|offer| (cents(offer).is_none(), cents(offer))));
            assert!(offers.iter().any(|offer| offer["status"] == "AVAILABLE") && offers.iter().any(|offer| offer["status"] != "AVAILABLE"));
        }
    }

    async fn offers_without_an_estimate_stand_last(app: TestApp) {
        let without = app.product_like(STANDARD, "krzn", |row| row.name = "AAA ohne Preis".to_owned()).await;
        let product = app.data(EQUIVALENTS, variables(STANDARD, AACHEN, Value::Null)).await["product"].clone();
        let offers = product["equivalents"].as_array().unwrap();
        let place = offers.iter().position(|offer| offer["product"]["name"] == "AAA ohne Preis").unwrap();
        assert!(offers[..place].iter().any(|offer| cents(offer).is_some()));
        assert!(offers[place..].iter().all(|offer| cents(offer).is_none()), "{without:?}");
    }

    async fn a_product_without_a_standard_product_has_no_equivalents(app: TestApp) {
        let product = app.data(EQUIVALENTS, variables(OTHER, AACHEN, Value::Null)).await["product"].clone();
        assert_eq!(product, json!({ "standardProduct": null, "equivalents": [] }));
    }

    async fn a_wrong_municipality_or_day_is_told(app: TestApp) {
        let answer = app.ask(EQUIVALENTS, variables(STANDARD, "05999999", Value::Null)).await;
        assert_eq!(answer.body["errors"][0]["extensions"]["code"], "NOT_FOUND");
        assert_eq!(answer.body["data"]["product"]["equivalents"], Value::Null);
        assert!(answer.body["data"]["product"]["standardProduct"].is_object());
        let (code, field, _) = app.error(EQUIVALENTS, variables(STANDARD, AACHEN, json!("2026-11-22"))).await;
        assert_eq!((code.as_str(), field), ("BAD_USER_INPUT", json!("on")));
    }
}
