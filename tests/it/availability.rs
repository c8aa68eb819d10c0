//! What a municipality can have, on which day, at which price.

use ::entity::{catalogue_state, phase};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde_json::{Value, json};

use crate::support::{TestApp, nodes};

const AACHEN: &str = "05334002";
const DUESSELDORF: &str = "05111000";
const KREIS_KLEVE: &str = "05154000";
const KLEVE: &str = "05154036";

const QUERY: &str = "query($ags: AGS!, $on: Date, $provider: String!, $name: String!) {
  availableProducts(municipality: {ags: $ags}, on: $on, first: 100, includeUnavailable: true,
                    where: {provider: {eq: $provider}, name: {contains: $name}}) {
    edges { node {
      status availableFrom reason { code message } product { externalId name lifecycle }
      priceEstimate { perYear { amount currency } oneOff { amount } basis sample reason { code }
                      lines { quantity assumed price { unit customerGroup { key } } } }
    } } } }";

/// One product as one municipality sees it.
async fn seen(app: &TestApp, ags: &str, on: Option<&str>, provider: &str, name: &str) -> Value {
    let variables = json!({ "ags": ags, "on": on, "provider": provider, "name": name });
    let found = nodes(&app.data(QUERY, variables).await["availableProducts"]);
    assert_eq!(found.len(), 1, "{provider} {name}");
    found[0].clone()
}

/// Puts another phase in charge, as another process would.
async fn enter(app: &TestApp, key: phase::Key) {
    let db = app.server.database().connection();
    let upcoming = phase::Entity::update_many().col_expr(phase::Column::State, Expr::value(phase::State::Upcoming));
    upcoming.exec(db).await.unwrap();
    let row = phase::Entity::find().filter(phase::Column::Key.eq(key)).one(db).await.unwrap().unwrap();
    let mut row: phase::ActiveModel = row.into();
    row.state = Set(phase::State::Current);
    row.update(db).await.unwrap();
    raise_version(app).await;
    app.server.live().refresh().await;
}

async fn raise_version(app: &TestApp) {
    let raised = Expr::col(catalogue_state::Column::Version).add(1);
    let update = catalogue_state::Entity::update_many().col_expr(catalogue_state::Column::Version, raised);
    update.exec(app.server.database().connection()).await.unwrap();
}

on_both_databases! {
    async fn a_planned_product_is_available_from_its_day_on(app: TestApp) {
        let today = seen(app, AACHEN, None, "zentral-nrw", "Langzeitarchiv").await;
        assert_eq!((&today["status"], &today["reason"]["code"]), (&json!("PLANNED"), &json!("NOT_YET_AVAILABLE")));
        assert_eq!(today["availableFrom"], "2027-07-01");
        let before = seen(app, AACHEN, Some("2027-06-30"), "zentral-nrw", "Langzeitarchiv").await;
        assert_eq!(before["status"], "PLANNED");
        let then = seen(app, AACHEN, Some("2027-07-01"), "zentral-nrw", "Langzeitarchiv").await;
        assert_eq!((&then["status"], &then["reason"]), (&json!("AVAILABLE"), &Value::Null));
        assert_eq!(then["availableFrom"], "2027-07-01");
    }

    async fn a_day_in_the_past_is_refused(app: TestApp) {
        let query = "query($on: Date) { availableProducts(municipality: {ags: \"05334002\"}, on: $on, first: 1) { totalCount } }";
        for day in ["2026-11-22", "1900-01-01"] {
            let (code, field, _) = app.error(query, json!({ "on": day })).await;
            assert_eq!((code.as_str(), field), ("BAD_USER_INPUT", json!("on")), "{day}");
        }
        app.data(query, json!({ "on": "2026-11-23" })).await;
    }

    async fn a_price_is_the_one_that_is_valid_on_the_day(app: TestApp) {
        let name = "Mein Unternehmenskonto-Anbindung";
        let price = async |day| seen(app, AACHEN, Some(day), "zentral-nrw", name).await["priceEstimate"]["perYear"]["amount"].clone();
        assert_eq!(price("2027-12-31").await, "900.00");
        assert_eq!(price("2028-01-01").await, "927.00");
    }

    async fn a_band_of_the_own_customer_group_goes_before_the_price_for_all(app: TestApp) {
        let estimate = seen(app, DUESSELDORF, None, "zentral-nrw", "Mein Unternehmenskonto-Anbindung").await["priceEstimate"].clone();
        assert_eq!(estimate["perYear"]["amount"], "810.00");
        assert_eq!(estimate["lines"][0]["price"]["customerGroup"]["key"], "kgst-st-1");
    }

    async fn an_estimate_multiplies_by_the_population_and_says_so(app: TestApp) {
        let estimate = seen(app, AACHEN, None, "zentral-nrw", "Formularserver").await["priceEstimate"].clone();
        // 0.12 EUR for each of 262,670 inhabitants.
        assert_eq!(estimate["perYear"], json!({ "amount": "31520.40", "currency": "EUR" }));
        let basis = estimate["basis"].as_str().unwrap();
        assert!(basis.contains("262.670 Einwohner (Stand 31.12.2024)") && basis.contains("0,12 €"), "{basis}");
        assert_eq!(estimate["sample"], true);
        assert_eq!(estimate["lines"][0]["assumed"], false);
    }

    async fn an_assumed_quantity_is_told_as_our_assumption(app: TestApp) {
        let estimate = seen(app, AACHEN, None, "zentral-nrw", "Videokonferenz").await["priceEstimate"].clone();
        // 1,100 workplaces per 100,000 inhabitants: 2,889.37, rounded; 3.50 EUR a month each.
        let lines = estimate["lines"].as_array().unwrap();
        let line = lines.iter().find(|line| line["price"]["unit"] == "WORKPLACE").unwrap();
        assert_eq!(*line, json!({ "quantity": 2889, "assumed": true, "price": { "unit": "WORKPLACE", "customerGroup": null } }));
        assert_eq!(estimate["perYear"]["amount"], "121338.00");
        assert!(estimate["basis"].as_str().unwrap().contains("eigene Annahme: 1.100 IT-Arbeitsplätze"), "{estimate}");
    }

    async fn what_can_not_be_estimated_is_null_with_a_reason(app: TestApp) {
        let estimate = seen(app, AACHEN, None, "zentral-nrw", "Signatur- und Siegelservice").await["priceEstimate"].clone();
        assert_eq!((&estimate["perYear"], &estimate["reason"]["code"]), (&Value::Null, &json!("USAGE_UNKNOWN")));
        let estimate = seen(app, AACHEN, None, "zentral-nrw", "Container-Plattform").await["priceEstimate"].clone();
        assert_eq!((&estimate["perYear"], &estimate["reason"]["code"]), (&Value::Null, &json!("QUANTITY_UNKNOWN")));
    }

    async fn in_foundation_products_of_providers_that_have_not_joined_invite_interest_only(app: TestApp) {
        let query = "query($ags: AGS!, $provider: String!) { availableProducts(municipality: {ags: $ags}, first: 100,
            where: {provider: {eq: $provider}, lifecycle: {eq: AVAILABLE}}) { edges { node { status reason { code } } } } }";
        let of = async |ags: &str, provider: &str| {
            nodes(&app.data(query, json!({ "ags": ags, "provider": provider })).await["availableProducts"])
        };
        // ITK Rheinland has not joined in the sample, regio iT has.
        let not_joined = of(DUESSELDORF, "itkr").await;
        assert!(not_joined.len() > 40);
        let interest = json!({ "status": "INTEREST_ONLY", "reason": { "code": "PROVIDER_NOT_JOINED" } });
        assert!(not_joined.iter().all(|product| *product == interest));
        let joined = of(AACHEN, "regioit").await;
        assert!(joined.len() > 40);
        let available = json!({ "status": "AVAILABLE", "reason": null });
        assert_eq!(joined.iter().find(|product| **product != available), None);
    }

    async fn the_phase_decides_what_is_open(app: TestApp) {
        enter(app, phase::Key::Preparation).await;
        let initial = seen(app, AACHEN, None, "zentral-nrw", "Formularserver").await;
        assert_eq!((&initial["status"], &initial["reason"]["code"]), (&json!("INTEREST_ONLY"), &json!("PHASE_TOO_EARLY")));
        enter(app, phase::Key::SteadyState).await;
        let query = "{ availableProducts(municipality: {ags: \"05111000\"}, first: 1, where: {provider: {eq: \"itkr\"}, lifecycle: {eq: AVAILABLE}}) { totalCount } }";
        assert_eq!(app.data(query, json!({})).await["availableProducts"]["totalCount"], 0);
    }

    async fn what_is_not_offered_here_is_left_out_unless_asked_for(app: TestApp) {
        let query = "query($all: Boolean) { availableProducts(municipality: {ags: \"05111000\"}, first: 100, includeUnavailable: $all,
            where: {provider: {eq: \"krzn\"}, lifecycle: {eq: AVAILABLE}}) { edges { node { status reason { code } } } } }";
        assert_eq!(nodes(&app.data(query, json!({ "all": false })).await["availableProducts"]), Vec::<Value>::new());
        let all = nodes(&app.data(query, json!({ "all": true })).await["availableProducts"]);
        let unavailable = json!({ "status": "UNAVAILABLE", "reason": { "code": "NOT_OFFERED_HERE" } });
        assert!(!all.is_empty() && all.iter().all(|product| *product == unavailable));
    }

    async fn products_for_kreise_are_not_for_towns_within_them(app: TestApp) {
        let query = "query($ags: AGS!) { availableProducts(municipality: {ags: $ags}, first: 100, includeUnavailable: true,
            search: \"ALKIS\") { edges { node { status reason { code } product { provider { key } } } } } }";
        let of = async |ags: &str| nodes(&app.data(query, json!({ "ags": ags })).await["availableProducts"]);
        let stated = |products: Vec<Value>| products.into_iter().find(|node| node["product"]["provider"]["key"] == "dnrw");
        let (town, kreis, aachen) = (stated(of(KLEVE).await), stated(of(KREIS_KLEVE).await), stated(of(AACHEN).await));
        if let (Some(town), Some(kreis), Some(aachen)) = (town, kreis, aachen) {
            assert_eq!(town["reason"]["code"], "NOT_ELIGIBLE");
            // Aachen has the rights of a kreisfreie Stadt.
            assert_ne!(kreis["reason"]["code"], "NOT_ELIGIBLE");
            assert_ne!(aachen["reason"]["code"], "NOT_ELIGIBLE");
        } else {
            panic!("the sample of d-NRW holds no ALKIS");
        }
    }

    async fn a_product_that_is_phased_out_or_gone_is_unavailable_with_its_reason(app: TestApp) {
        let query = "query($state: Lifecycle!) { availableProducts(municipality: {ags: \"05334002\"}, first: 100, includeUnavailable: true,
            where: {lifecycle: {eq: $state}}) { edges { node { status reason { code } } } } }";
        for (state, reason) in [("PHASE_OUT", "PHASE_OUT"), ("RETIRED", "RETIRED")] {
            let found = nodes(&app.data(query, json!({ "state": state })).await["availableProducts"]);
            let expected = json!({ "status": "UNAVAILABLE", "reason": { "code": reason } });
            assert!(!found.is_empty() && found.iter().all(|product| *product == expected), "{state}");
        }
    }

    async fn available_ones_come_first_then_the_initial_portfolio_then_the_name(app: TestApp) {
        let query = "{ availableProducts(municipality: {ags: \"05334002\"}, first: 100, includeUnavailable: true)
            { edges { node { status product { initialPortfolio name } } } } }";
        let found = nodes(&app.data(query, json!({})).await["availableProducts"]);
        let rank = |node: &Value| {
            let name = itkatalog::text::fold(node["product"]["name"].as_str().unwrap());
            (node["status"] != "AVAILABLE", node["product"]["initialPortfolio"] == false, name)
        };
        assert!(found.is_sorted_by_key(rank));
        assert_eq!(found[0]["product"]["initialPortfolio"], true);
    }

    async fn messages_come_in_the_language_of_the_caller(app: TestApp) {
        let query = "{ availableProducts(municipality: {ags: \"05111000\"}, first: 1, where: {provider: {eq: \"itkr\"}, lifecycle: {eq: AVAILABLE}})
            { edges { node { reason { message } } } } }";
        let body = json!({ "query": query }).to_string();
        let ask = async |language: &str| {
            let answer = app.send(crate::support::post().header("accept-language", language), body.clone()).await;
            assert_eq!(answer.headers["content-language"], language);
            nodes(&answer.body["data"]["availableProducts"])[0]["reason"]["message"].as_str().unwrap().to_owned()
        };
        assert!(ask("de").await.starts_with("Der Anbieter"));
        assert!(ask("en").await.starts_with("The provider"));
    }
}
