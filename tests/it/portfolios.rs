//! A provider registers its whole portfolio in one act, and knows that nothing is missing.

use sea_orm::prelude::Uuid;
use serde_json::{Value, json};

use crate::support::{
    TestApp, account_manager,
    acts::{AACHEN, reason},
    auditor, land, municipality, nodes, post,
    program::{run, text},
    provider, steward, texts, transformation_office,
};

const CONTRACT: &str = include_str!("contract/12-register-portfolio.graphql");
const REGISTER: &str = "mutation($input: RegisterPortfolioInput!) { registerPortfolio(input: $input) {
    report { dryRun written total added changed unchanged missing rejected missingProducts
        rows { index externalId outcome changedFields product { id lifecycle requestedLifecycle version prices { amount { amount } validFrom validTo } } errors { code path message nextStep } } }
    errors { code path message nextStep } } }";
const REVIEW: &str = "mutation($input: ReviewProductsInput!) { reviewProducts(input: $input) {
    rows { index product { id lifecycle version returnReason } errors { code path } } errors { code path } } }";

pub fn row(key: &str) -> Value {
    json!({ "externalId": key, "name": format!("Leistung {key}"), "summary": "Ein Satz", "category": "fin", "lifecycle": "AVAILABLE",
        "deliveryMode": "REGIONAL", "prices": [{ "unit": "INHABITANT", "period": "YEAR", "amount": "0.35" }] })
}

pub fn changed(key: &str, more: Value) -> Value {
    let mut row = row(key);
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}

pub async fn register(app: &TestApp, rows: Vec<Value>, more: Value) -> Value {
    register_as(app, &provider("itkr"), "itkr", rows, more).await
}

async fn register_as(app: &TestApp, token: &str, key: &str, rows: Vec<Value>, more: Value) -> Value {
    let mut input =
        json!({ "provider": key, "count": rows.len(), "products": rows, "idempotencyKey": Uuid::new_v4().to_string() });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.data_as(token, REGISTER, json!({ "input": input })).await["registerPortfolio"].clone()
}

/// The counts of a report: added, changed, unchanged, missing, rejected.
fn counts(payload: &Value) -> [i64; 5] {
    assert_eq!(payload["errors"], json!([]), "{payload}");
    ["added", "changed", "unchanged", "missing", "rejected"].map(|name| payload["report"][name].as_i64().unwrap())
}

pub async fn review(app: &TestApp, token: &str, rows: Value) -> Value {
    let input = json!({ "rows": rows, "reason": reason("APPROVED"), "idempotencyKey": Uuid::new_v4().to_string() });
    app.data_as(token, REVIEW, json!({ "input": input })).await["reviewProducts"].clone()
}

/// Registers rows and lets the steward accept them all.
pub async fn published(app: &TestApp, rows: Vec<Value>) -> Value {
    let payload = register(app, rows, json!({})).await;
    let rows = payload["report"]["rows"].as_array().unwrap();
    let said: Vec<Value> = rows.iter().map(|row| json!({ "product": row["product"]["id"], "version": 1 })).collect();
    let reviewed = review(app, &steward(), json!(said)).await;
    assert!(
        reviewed["rows"].as_array().unwrap().iter().all(|row| row["product"]["lifecycle"] == "AVAILABLE"),
        "{reviewed}"
    );
    payload
}

async fn events(app: &TestApp, action: &str) -> usize {
    let query = "query($where: AuditFilter) { auditEvents(first: 100, where: $where) { edges { node { entity { id } before after } } } }";
    nodes(&app.data_as(&auditor(), query, json!({ "where": { "action": action } })).await["auditEvents"]).len()
}

/// The errors of each row as `itkatalog portfolio check` finds them by itself.
fn checked_offline(rows: &[Value]) -> Vec<Vec<Value>> {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("rows.json"), json!(rows).to_string()).unwrap();
    let arguments =
        ["portfolio", "check", "rows.json", "--provider", "itkr", "--lang", "de", "--report", "errors.jsonl"];
    let output = run(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let mut errors = vec![Vec::new(); rows.len()];
    for line in std::fs::read_to_string(folder.path().join("errors.jsonl")).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let told = ["code", "path", "message", "nextStep"].map(|name| (name.to_owned(), line[name].clone()));
        errors[usize::try_from(line["index"].as_u64().unwrap()).unwrap()]
            .push(Value::Object(told.into_iter().collect()));
    }
    errors
}

/// A fault, where it is told, and its code.
fn faults() -> Vec<(Value, &'static str, &'static str)> {
    vec![
        (json!({ "externalId": " " }), "externalId", "BAD_USER_INPUT"),
        (json!({ "externalId": "x".repeat(101) }), "externalId", "BAD_USER_INPUT"),
        (json!({ "name": "" }), "name", "BAD_USER_INPUT"),
        (json!({ "name": "a\u{0}b" }), "name", "BAD_USER_INPUT"),
        (json!({ "summary": "x".repeat(501) }), "summary", "BAD_USER_INPUT"),
        (json!({ "category": "nope" }), "category", "NOT_FOUND"),
        (json!({ "standardProduct": "nope" }), "standardProduct", "NOT_FOUND"),
        (json!({ "lifecycle": "SOON" }), "lifecycle", "BAD_USER_INPUT"),
        (json!({ "lifecycle": "PHASE_OUT" }), "lifecycle", "BAD_USER_INPUT"),
        (json!({ "deliveryMode": "pigeon" }), "deliveryMode", "BAD_USER_INPUT"),
        (json!({ "baseService": "maybe" }), "baseService", "BAD_USER_INPUT"),
        (json!({ "availableFrom": "2027-02-30" }), "availableFrom", "BAD_USER_INPUT"),
        (json!({ "availableFrom": "2027-03-01", "retiredFrom": "2027-01-01" }), "retiredFrom", "BAD_USER_INPUT"),
        (json!({ "serviceArea": "LISTED" }), "municipalities", "BAD_USER_INPUT"),
        (json!({ "serviceArea": "LISTED", "municipalities": ["05999999"] }), "municipalities 0", "NOT_FOUND"),
        (json!({ "customerGroups": ["nope"] }), "customerGroups 0", "NOT_FOUND"),
        (json!({ "noticeMonths": "-1" }), "noticeMonths", "BAD_USER_INPUT"),
        (json!({ "termMonths": "1.5" }), "termMonths", "BAD_USER_INPUT"),
        (json!({ "slaUrl": "javascript:alert(1)" }), "slaUrl", "BAD_USER_INPUT"),
        (json!({ "leikaKeys": ["123"] }), "leikaKeys 0", "NOT_FOUND"),
        (json!({ "prices": [{ "unit": "MILE", "period": "YEAR", "amount": "1" }] }), "prices 0 unit", "BAD_USER_INPUT"),
        (
            json!({ "prices": [{ "unit": "FLAT", "period": "YEAR", "amount": "1.234,50" }] }),
            "prices 0 amount",
            "BAD_USER_INPUT",
        ),
        (
            json!({ "prices": [{ "unit": "FLAT", "period": "YEAR", "amount": "-1" }] }),
            "prices 0 amount",
            "BAD_USER_INPUT",
        ),
        (json!({ "prices": [{ "unit": "FLAT", "period": "YEAR" }] }), "prices 0 amount", "BAD_USER_INPUT"),
        (
            json!({ "prices": [{ "unit": "FLAT", "period": "YEAR", "amount": "1", "validFrom": "2027-02-01", "validTo": "2027-01-01" }] }),
            "prices 0 validTo",
            "BAD_USER_INPUT",
        ),
        (
            json!({ "prices": [{ "unit": "FLAT", "period": "YEAR", "amount": "1" }, { "unit": "FLAT", "period": "YEAR", "amount": "2" }] }),
            "prices 1",
            "BAD_USER_INPUT",
        ),
    ]
}

on_both_databases! {
    async fn a_large_portfolio_is_read_row_by_row_and_told_the_same_as_a_small_one(app: TestApp) {
        /// Large enough that its rows are kept as they came.
        const LARGE: usize = 300;
        let wide = |number: usize| changed(&format!("L-{number}"), json!({ "description": "ä".repeat(1000) }));
        let input = |count: usize, spoil: &Value| {
            let mut rows: Vec<Value> = (0..count).map(wide).collect();
            rows[3].as_object_mut().unwrap().extend(spoil.as_object().unwrap().clone());
            json!({ "provider": "itkr", "count": count, "products": rows, "dryRun": true, "idempotencyKey": "large" })
        };
        assert!(input(LARGE, &json!({})).to_string().len() > 256 * 1024);
        let wrong = [json!({ "zzz": 1 }), json!({ "name": null }), json!({ "name": 7 }), json!({ "prices": [{ "unit": "FLAT" }] }), json!({ "category": "nope" })];
        for spoil in &wrong {
            let told = async |count| {
                let answer = app.ask_as(&provider("itkr"), REGISTER, json!({ "input": input(count, spoil) })).await.body;
                let report = &answer["data"]["registerPortfolio"]["report"];
                json!([answer["errors"][0]["message"], answer["errors"][0]["extensions"]["field"], report["rejected"], report["rows"][3]["errors"]])
            };
            let (small, large) = (told(5).await, told(LARGE).await);
            assert_eq!(small, large, "{spoil}");
            assert!(large[0].is_string() || large[2] == 1, "{large}");
        }
        let whole = app.data_as(&provider("itkr"), REGISTER, json!({ "input": input(LARGE, &json!({})) })).await;
        assert_eq!(whole["registerPortfolio"]["report"]["added"], LARGE);
        let body = json!({ "query": REGISTER, "variables": { "input": input(LARGE, &json!({ "name": "HALF" })) } }).to_string();
        let broken = app.send(post().header("authorization", format!("Bearer {}", provider("itkr"))), body.replace("HALF", "\\ud800")).await;
        assert_eq!(broken.body["errors"][0]["extensions"]["field"], "$input.products[3]", "{}", broken.body);
        let twice = REGISTER.replacen("registerPortfolio", "registerPortfolio(input: $input) { report { added } } again: registerPortfolio", 1);
        let twice = app.data_as(&provider("itkr"), &twice, json!({ "input": input(LARGE, &json!({})) })).await;
        assert_eq!((&twice["registerPortfolio"]["report"]["added"], &twice["again"]["report"]["added"]), (&json!(LARGE), &json!(LARGE)));
    }
}

on_both_databases! {
    async fn the_contract_document_holds_from_the_dry_run_to_the_second_time(app: TestApp) {
        let rows = vec![row("E-1"), row("E-2"), row("E-3")];
        let mut input = json!({ "provider": "itkr", "count": 3, "products": rows, "onError": "REJECT_ALL", "missing": "KEEP", "dryRun": true, "idempotencyKey": "p1" });
        let send = async |input: &Value| app.data_as(&provider("itkr"), CONTRACT, json!({ "input": input })).await["registerPortfolio"].clone();
        let rehearsed = send(&input).await;
        let before = counts(&rehearsed);
        assert_eq!((before[0], before[4]), (3, 0));
        assert_eq!(counts(&send(&input).await), before, "a dry run changes nothing");
        input["dryRun"] = json!(false);
        let registered = send(&input).await;
        assert_eq!(counts(&registered), before, "the same answer as rehearsed");
        assert!(registered["report"]["rows"].as_array().unwrap().iter().all(|row| row["product"]["lifecycle"] == "IN_REVIEW"));
        input["idempotencyKey"] = json!("p2");
        let again = counts(&send(&input).await);
        assert_eq!((again[0], again[1], again[2]), (0, 0, 3), "everything unchanged");
        input["count"] = json!(4);
        input["idempotencyKey"] = json!("p3");
        assert_eq!(send(&input).await["errors"][0]["path"], json!(["input", "count"]));
    }

    async fn every_fault_is_found_at_its_row_on_all_three_roads_alike(app: TestApp) {
        let faults = faults();
        let rows: Vec<Value> = (0..500).map(|place| match (place % 19 == 0).then(|| faults.get(place / 19)).flatten() {
            Some((more, ..)) => changed(&format!("F-{place}"), more.clone()),
            None => row(&format!("F-{place}")),
        }).collect();
        let all = "{ provider(by: {key: \"itkr\"}) { products(first: 1) { totalCount } } }";
        let before = app.data_as(&provider("itkr"), all, json!({})).await;
        let rehearsed = register(app, rows.clone(), json!({ "dryRun": true })).await;
        let registered = register(app, rows.clone(), json!({})).await;
        assert_eq!(rehearsed["report"]["rows"], registered["report"]["rows"]);
        assert_eq!((&registered["report"]["rejected"], &registered["report"]["written"]), (&json!(faults.len()), &json!(false)));
        for (number, (more, place, code)) in faults.iter().enumerate() {
            let row = &registered["report"]["rows"][number * 19];
            let path: Vec<String> = ["input".to_owned(), "products".to_owned(), (number * 19).to_string()].into_iter().chain(place.split(' ').map(str::to_owned)).collect();
            let errors = row["errors"].as_array().unwrap();
            assert_eq!((&row["outcome"], &row["product"]), (&json!("REJECTED"), &Value::Null), "{more}");
            assert!(errors.iter().any(|error| error["path"] == json!(path) && error["code"] == *code), "{more}: {errors:?}");
            assert!(errors.iter().all(|error| error["message"].as_str().unwrap().len() > 20 && error["nextStep"].is_string()));
        }
        assert_eq!(app.data_as(&provider("itkr"), all, json!({})).await, before, "nothing was written");
        let served: Vec<Vec<Value>> = registered["report"]["rows"].as_array().unwrap().iter().map(|row| row["errors"].as_array().unwrap().clone()).collect();
        assert_eq!(checked_offline(&rows), served, "the command line says the same without a service");
        let partly = counts(&register(app, rows, json!({ "onError": "ACCEPT_VALID" })).await);
        assert_eq!((partly[0], partly[4]), (500 - faults.len() as i64, faults.len() as i64));
    }

    async fn the_same_again_writes_nothing_fewer_are_missing_and_another_name_is_a_change(app: TestApp) {
        let rows: Vec<Value> = (0..20).map(|place| row(&format!("G-{place:02}"))).collect();
        published(app, rows.clone()).await;
        let before = events(app, "REGISTER_PORTFOLIO").await;
        let missing = counts(&register(app, rows.clone(), json!({})).await)[3];
        assert_eq!(events(app, "REGISTER_PORTFOLIO").await, before, "no audit noise");
        let fewer = register(app, rows[3..].to_vec(), json!({})).await;
        assert_eq!((counts(&fewer)[2], counts(&fewer)[3]), (17, missing + 3));
        assert!(fewer["report"]["missingProducts"].as_array().unwrap().contains(&json!("G-00")));
        let mut renamed = rows.clone();
        renamed[5]["name"] = json!("Neuer Name");
        renamed[6] = changed("G-06", json!({ "noticeMonths": "6", "description": "Mehr" }));
        let payload = register(app, renamed, json!({})).await;
        assert_eq!(counts(&payload)[..3], [0, 2, 18]);
        assert_eq!(payload["report"]["rows"][5]["changedFields"], json!(["name"]));
        assert_eq!(payload["report"]["rows"][6]["changedFields"], json!(["description", "noticeMonths"]));
        assert_eq!(payload["report"]["rows"][5]["product"]["version"], 3);
        let seen = app.data("{ product(by: {externalId: {provider: \"itkr\", externalId: \"G-05\"}}) { name lifecycle } }", json!({})).await;
        assert_eq!(seen["product"], json!({ "name": "Neuer Name", "lifecycle": "AVAILABLE" }), "what is published changes at once");
    }

    async fn nothing_disappears_without_being_named(app: TestApp) {
        published(app, vec![row("H-1"), row("H-2"), row("H-3")]).await;
        let first = register(app, vec![row("H-1")], json!({ "dryRun": true })).await;
        let missing = first["report"]["missingProducts"].clone();
        let wrong = register(app, vec![row("H-1")], json!({ "missing": "PHASE_OUT", "confirmMissing": ["H-2"] })).await;
        assert_eq!((&wrong["errors"][0]["code"], &wrong["errors"][0]["path"], &wrong["report"]), (&json!("CONFLICT"), &json!(["input", "confirmMissing"]), &Value::Null));
        let done = register(app, vec![row("H-1")], json!({ "missing": "PHASE_OUT", "confirmMissing": missing })).await;
        assert_eq!(done["errors"], json!([]));
        let seen = app.data("{ product(by: {externalId: {provider: \"itkr\", externalId: \"H-2\"}}) { lifecycle phaseOutFrom } }", json!({})).await;
        assert_eq!(seen["product"], json!({ "lifecycle": "PHASE_OUT", "phaseOutFrom": "2026-11-23" }));
    }

    async fn another_price_of_something_published_names_its_day_after_the_notice_period(app: TestApp) {
        published(app, vec![row("K-1")]).await;
        let with = |price: Value| vec![changed("K-1", json!({ "prices": price }))];
        let errors = async |price: Value| register(app, with(price), json!({ "dryRun": true })).await["report"]["rows"][0]["errors"].clone();
        let price = |amount: &str, from: Option<&str>| {
            let mut price = json!({ "unit": "INHABITANT", "period": "YEAR", "amount": amount });
            if let Some(from) = from { price["validFrom"] = json!(from); }
            price
        };
        assert_eq!(errors(json!([price("0.40", None)])).await[0]["path"], json!(["input", "products", "0", "prices", "0", "validFrom"]));
        assert_eq!(errors(json!([price("0.40", Some("2026-12-01"))])).await[0]["path"], json!(["input", "products", "0", "prices", "0", "validFrom"]), "three months of notice");
        assert_eq!(errors(json!([])).await[0]["path"], json!(["input", "products", "0", "prices"]), "a price does not vanish");
        let done = register(app, with(json!([price("0,35", None), price("0.40", Some("2027-03-01"))])), json!({})).await;
        assert_eq!(counts(&done)[..2], [0, 1], "{done}");
        let prices = "{ product(by: {externalId: {provider: \"itkr\", externalId: \"K-1\"}}) { prices { amount { amount } validFrom validTo } } }";
        assert_eq!(app.data(prices, json!({})).await["product"]["prices"], json!([
            { "amount": { "amount": "0.35" }, "validFrom": "2026-11-23", "validTo": "2027-02-28" },
            { "amount": { "amount": "0.40" }, "validFrom": "2027-03-01", "validTo": null },
        ]));
        assert_eq!(counts(&register(app, with(json!([price("0,35", None), price("0.40", Some("2027-03-01"))])), json!({})).await)[2], 1, "the same again");
    }

    async fn the_steward_accepts_or_returns_and_the_provider_sees_why(app: TestApp) {
        let payload = register(app, vec![row("R-1"), row("R-2")], json!({})).await;
        let product = |place: usize| payload["report"]["rows"][place]["product"]["id"].clone();
        let said = json!([{ "product": product(0), "version": 1 }, { "product": product(1), "version": 1, "returned": "Bitte die Frist nennen" }, { "product": "x", "version": 1 }]);
        let reviewed = review(app, &steward(), said.clone()).await;
        assert_eq!((&reviewed["rows"][0]["product"]["lifecycle"], &reviewed["rows"][1]["product"]["lifecycle"]), (&json!("AVAILABLE"), &json!("DRAFT")));
        assert_eq!(reviewed["rows"][2]["errors"], json!([{ "code": "NOT_FOUND", "path": ["input", "rows", "2", "product"] }]));
        assert_eq!(review(app, &steward(), said).await["rows"][0]["errors"][0]["code"], "CONFLICT", "an old version");
        let own = "{ provider(by: {key: \"itkr\"}) { products(first: 100) { edges { node { externalId lifecycle returnReason } } } } }";
        let seen = nodes(&app.data_as(&provider("itkr"), own, json!({})).await["provider"]["products"]);
        let returned = seen.iter().find(|node| node["externalId"] == "R-2").unwrap();
        assert_eq!((&returned["lifecycle"], &returned["returnReason"]), (&json!("DRAFT"), &json!("Bitte die Frist nennen")));
        for token in [provider("krzn"), municipality(AACHEN), land()] {
            let seen = app.data_as(&token, own, json!({})).await;
            let keys = texts(&seen["provider"]["products"], "externalId");
            assert!(keys.contains(&"R-1".to_owned()) && !keys.contains(&"R-2".to_owned()), "{keys:?}");
        }
        // Written anew it waits again; the same as before it does not.
        assert_eq!(counts(&register(app, vec![row("R-1"), row("R-2")], json!({})).await)[2], 2);
        let again = register(app, vec![row("R-1"), changed("R-2", json!({ "noticeMonths": "6" }))], json!({})).await;
        assert_eq!(again["report"]["rows"][1]["product"]["lifecycle"], "IN_REVIEW");
    }

    async fn one_product_is_saved_by_the_same_rules(app: TestApp) {
        const SAVE: &str = "mutation($input: SaveProductInput!) { saveProduct(input: $input) { product { externalId lifecycle version } changedFields errors { code path } } }";
        let save = async |token: &str, product: Value| {
            let input = json!({ "provider": { "key": "itkr" }, "product": product, "reason": reason("OTHER"), "idempotencyKey": Uuid::new_v4().to_string() });
            app.data_as(token, SAVE, json!({ "input": input })).await["saveProduct"].clone()
        };
        let own = provider("itkr");
        let saved = save(&own, changed("S-1", json!({ "lifecycle": "DRAFT" }))).await;
        assert_eq!(saved["product"], json!({ "externalId": "S-1", "lifecycle": "DRAFT", "version": 1 }));
        let saved = save(&own, changed("S-1", json!({ "name": "Anders" }))).await;
        assert_eq!((&saved["product"]["lifecycle"], &saved["product"]["version"]), (&json!("IN_REVIEW"), &json!(2)));
        assert_eq!(saved["changedFields"], json!(["lifecycle", "name"]));
        let wrong = save(&own, changed("S-1", json!({ "category": "nope" }))).await;
        assert_eq!(wrong["errors"], json!([{ "code": "NOT_FOUND", "path": ["input", "product", "category"] }]));
        assert_eq!(save(&provider("krzn"), row("S-1")).await["errors"][0]["code"], "FORBIDDEN");
    }

    async fn what_is_sent_again_when_the_product_has_moved_on_is_told_as_it_stands(app: TestApp) {
        const SAVE: &str = "mutation($input: SaveProductInput!) { saveProduct(input: $input) { product { id name lifecycle version } changedFields errors { code path } } }";
        let own = provider("itkr");
        let save = async |key: &str, product: Value| {
            let input = json!({ "provider": { "key": "itkr" }, "product": product, "reason": reason("OTHER"), "idempotencyKey": key });
            app.data_as(&own, SAVE, json!({ "input": input })).await["saveProduct"].clone()
        };
        let portfolio = json!({ "idempotencyKey": "whole" });
        let report = register(app, vec![row("M-1")], portfolio.clone()).await;
        let id = report["report"]["rows"][0]["product"]["id"].clone();
        review(app, &steward(), json!([{ "product": id, "version": 1 }])).await;
        save("first", changed("M-1", json!({ "name": "Erster" }))).await;
        save("second", changed("M-1", json!({ "name": "Zweiter" }))).await;
        let stands = async |lifecycle: &str, version: i64| {
            let again = save("first", changed("M-1", json!({ "name": "Erster" }))).await;
            let product = json!({ "id": id, "name": "Zweiter", "lifecycle": lifecycle, "version": version });
            assert_eq!(again, json!({ "product": product, "changedFields": [], "errors": [] }));
            let whole = register(app, vec![row("M-1")], portfolio.clone()).await;
            assert_eq!(counts(&whole), [0, 0, 1, whole["report"]["missing"].as_i64().unwrap(), 0]);
            assert_eq!(whole["report"]["rows"][0]["product"]["version"], version);
        };
        stands("AVAILABLE", 4).await;
        let phased_out = json!({ "product": id, "version": 4 });
        assert_eq!(app.change(&own, "phaseOutProduct", phased_out, "product { id }").await["errors"], json!([]));
        stands("PHASE_OUT", 5).await;
    }

    async fn nobody_else_registers_or_reviews(app: TestApp) {
        for token in [provider("krzn"), municipality(AACHEN), account_manager("kgst-st-2"), steward(), transformation_office(), land(), auditor()] {
            let refused = register_as(app, &token, "itkr", vec![row("X-1")], json!({})).await;
            assert_eq!((&refused["errors"][0]["code"], &refused["report"]), (&json!("FORBIDDEN"), &Value::Null));
        }
        for token in [provider("itkr"), municipality(AACHEN), account_manager("kgst-st-2"), transformation_office(), land(), auditor()] {
            assert_eq!(review(app, &token, json!([{ "product": "x", "version": 1 }])).await["errors"][0]["code"], "FORBIDDEN");
        }
        let answer = app.ask(REGISTER, json!({ "input": { "provider": "itkr", "count": 1, "products": [row("X-1")], "idempotencyKey": "k" } })).await;
        assert_eq!(answer.body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        let unknown = register_as(app, &provider("itkr"), "nobody", vec![row("X-1")], json!({})).await;
        assert_eq!((&unknown["errors"][0]["code"], &unknown["errors"][0]["path"]), (&json!("NOT_FOUND"), &json!(["input", "provider"])));
        let digest = register(app, vec![row("X-1")], json!({ "digest": "00" })).await;
        assert_eq!(digest["errors"][0]["path"], json!(["input", "digest"]));
    }

    async fn of_two_portfolios_at_once_both_are_written_one_after_the_other(app: TestApp) {
        let rows = |name: &str| (0..40).map(|place| changed(&format!("T-{place}"), json!({ "name": name }))).collect::<Vec<_>>();
        let (one, other) = tokio::join!(register(app, rows("Eins"), json!({})), register(app, rows("Zwei"), json!({})));
        let mut outcomes = [counts(&one), counts(&other)].map(|counts| (counts[0], counts[1]));
        outcomes.sort_unstable();
        assert_eq!(outcomes, [(0, 40), (40, 0)]);
        // The later one stands, whole.
        let later = if counts(&one)[0] == 0 { "Eins" } else { "Zwei" };
        let stands = register(app, rows(later), json!({ "dryRun": true })).await;
        assert_eq!(counts(&stands)[2], 40, "no mixture");
        app.verify().await.unwrap();
    }

    async fn two_portfolios_at_once_that_phase_out_what_the_other_has_come_one_after_the_other(app: TestApp) {
        let keys = |from: usize| (from..from + 30).map(|place| row(&format!("V-{place}"))).collect::<Vec<_>>();
        let missing = register(app, keys(0), json!({ "dryRun": true })).await["report"]["missingProducts"].clone();
        let more = json!({ "missing": "PHASE_OUT", "confirmMissing": missing });
        let (one, other) = tokio::join!(register(app, keys(0), more.clone()), register(app, keys(20), more.clone()));
        // Who comes second misses what the first has brought and has not named it: refused as a whole.
        let refused = [&one, &other].into_iter().filter(|payload| payload["errors"][0]["code"] == "CONFLICT").count();
        assert_eq!(refused, 1, "{one} {other}");
        let first = if one["report"].is_null() { &other } else { &one };
        assert_eq!(counts(first)[0], 30);
        app.verify().await.unwrap();
    }
}
