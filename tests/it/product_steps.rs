//! A provider takes its products through their lifecycle step by step, by the same rules as with a portfolio.

use entity::product_version;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, prelude::Uuid};
use serde_json::{Value, json};

use crate::{
    portfolios::{changed, published, register, review, row},
    support::{
        TestApp, account_manager, acts::AACHEN, auditor, land, municipality, provider, steward, token,
        transformation_office,
    },
};

pub const ANSWER: &str =
    "product { id lifecycle requestedLifecycle returnReason version phaseOutFrom retiredFrom } changedFields";

/// Takes a step as the products' own provider.
pub async fn step(app: &TestApp, mutation: &str, product: &Value, version: i64, more: Value) -> Value {
    step_as(app, &provider("itkr"), mutation, product, version, more).await
}

async fn step_as(app: &TestApp, token: &str, mutation: &str, product: &Value, version: i64, more: Value) -> Value {
    let mut input = json!({ "product": product, "version": version });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.change(token, mutation, input, ANSWER).await
}

/// The id of the one product of a report.
pub fn id(report: &Value) -> Value {
    report["report"]["rows"][0]["product"]["id"].clone()
}

fn stands(payload: &Value) -> (&str, i64) {
    assert_eq!(payload["errors"], json!([]), "{payload}");
    (payload["product"]["lifecycle"].as_str().unwrap(), payload["product"]["version"].as_i64().unwrap())
}

fn code_and_path(payload: &Value) -> (&str, Vec<&str>) {
    let error = &payload["errors"][0];
    assert!(error["message"].as_str().unwrap().len() > 20 && !error["nextStep"].as_str().unwrap().is_empty());
    let path = error["path"].as_array().unwrap().iter().skip(1).map(|part| part.as_str().unwrap()).collect();
    (error["code"].as_str().unwrap(), path)
}

async fn actions(app: &TestApp, product: &Value) -> Vec<(i64, String, bool)> {
    let rows = product_version::Entity::find().order_by_asc(product_version::Column::Version);
    let of_product = product_version::Column::ProductId.eq(row_id(product));
    let rows = rows.filter(of_product).all(app.server.database().connection()).await.unwrap();
    rows.into_iter().map(|row| (row.version, row.action, row.seen_at.is_some())).collect()
}

/// The row's id in a global id.
pub fn row_id(product: &Value) -> Uuid {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(product.as_str().unwrap()).unwrap()).unwrap();
    text.split_once(':').unwrap().1.parse().unwrap()
}

on_both_databases! {
    async fn a_draft_is_submitted_and_one_that_was_returned_too_unchanged(app: TestApp) {
        let product = id(&register(app, vec![changed("L-1", json!({ "lifecycle": "DRAFT" }))], json!({})).await);
        let rehearsed = step(app, "submitProduct", &product, 1, json!({ "dryRun": true })).await;
        let submitted = step(app, "submitProduct", &product, 1, json!({})).await;
        assert_eq!((stands(&rehearsed), &rehearsed["changedFields"]), (stands(&submitted), &submitted["changedFields"]));
        assert_eq!((stands(&submitted), &submitted["product"]["requestedLifecycle"]), (("IN_REVIEW", 2), &json!("AVAILABLE")));
        let returned = review(app, &steward(), json!([{ "product": product, "version": 2, "returned": "Bitte prüfen" }])).await;
        assert_eq!(returned["rows"][0]["product"]["lifecycle"], "DRAFT");
        let again = step(app, "submitProduct", &product, 3, json!({})).await;
        assert_eq!((stands(&again), &again["product"]["returnReason"], &again["changedFields"]), (("IN_REVIEW", 4), &Value::Null, &json!([])));
        assert_eq!(code_and_path(&step(app, "submitProduct", &product, 4, json!({})).await), ("ILLEGAL_STEP", vec!["product"]));
        assert_eq!(step(app, "submitProduct", &product, 3, json!({})).await["errors"][0]["currentVersion"], 4);
        let kept = actions(app, &product).await;
        let actions: Vec<&str> = kept.iter().map(|(_, action, _)| action.as_str()).collect();
        assert_eq!(actions, ["REGISTER_PORTFOLIO", "SUBMIT_PRODUCT", "REVIEW_PRODUCTS", "SUBMIT_PRODUCT"]);
        assert!(kept.iter().all(|(_, _, is_seen)| *is_seen), "what is not published waits for no second look");
    }

    async fn a_product_is_phased_out_today_or_later_and_then_retired(app: TestApp) {
        let report = published(app, vec![row("L-2")]).await;
        let product = id(&report);
        let later = step(app, "phaseOutProduct", &product, 2, json!({ "phaseOutFrom": "2027-06-01", "retiredFrom": "2028-01-01" })).await;
        assert_eq!((stands(&later), &later["changedFields"]), (("AVAILABLE", 3), &json!(["phaseOutFrom", "retiredFrom"])));
        assert_eq!(code_and_path(&step(app, "retireProduct", &product, 3, json!({})).await), ("ILLEGAL_STEP", vec!["product"]));
        let now = step(app, "phaseOutProduct", &product, 3, json!({})).await;
        assert_eq!((stands(&now), &now["product"]["phaseOutFrom"], &now["product"]["retiredFrom"]), (("PHASE_OUT", 4), &json!("2026-11-23"), &json!("2028-01-01")));
        let again = step(app, "phaseOutProduct", &product, 4, json!({ "phaseOutFrom": "2027-01-01" })).await;
        assert_eq!(code_and_path(&again), ("ILLEGAL_STEP", vec!["phaseOutFrom"]));
        let retired = step(app, "retireProduct", &product, 4, json!({})).await;
        assert_eq!((stands(&retired), &retired["product"]["retiredFrom"]), (("RETIRED", 5), &json!("2026-11-23")));
        assert_eq!(code_and_path(&step(app, "phaseOutProduct", &product, 5, json!({})).await), ("ILLEGAL_STEP", vec!["product"]));
        assert_eq!(code_and_path(&step(app, "submitProduct", &product, 5, json!({})).await), ("ILLEGAL_STEP", vec!["product"]));
        let kept = actions(app, &product).await;
        assert_eq!(kept[2..].iter().map(|(_, action, seen)| (action.as_str(), *seen)).collect::<Vec<_>>(), [("PHASE_OUT_PRODUCT", false), ("PHASE_OUT_PRODUCT", false), ("RETIRE_PRODUCT", false)]);
        app.verify().await.unwrap();
    }

    async fn one_whose_day_has_come_can_be_retired_at_once(app: TestApp) {
        let product = id(&published(app, vec![row("L-3")]).await);
        stands(&step(app, "phaseOutProduct", &product, 2, json!({ "phaseOutFrom": "2026-12-01" })).await);
        let app = app.at("2026-12-02T09:00:00Z").await;
        let token = token(json!({ "roles": ["provider"], "provider": "itkr", "exp": 1_900_000_000 }));
        assert_eq!(stands(&step_as(&app, &token, "retireProduct", &product, 3, json!({})).await), ("RETIRED", 4));
    }

    async fn what_somebody_takes_is_not_retired(app: TestApp) {
        let product = id(&published(app, vec![row("L-4")]).await);
        app.subscription(AACHEN, ("itkr", "L-4"), |_| ()).await;
        stands(&step(app, "phaseOutProduct", &product, 2, json!({})).await);
        let refused = step(app, "retireProduct", &product, 3, json!({})).await;
        assert_eq!((code_and_path(&refused).0, &refused["product"]), ("ILLEGAL_STEP", &Value::Null));
        assert_eq!(step(app, "retireProduct", &product, 3, json!({ "dryRun": true })).await["errors"], refused["errors"]);
        assert_eq!(actions(app, &product).await.len(), 3, "nothing was written");
    }

    async fn the_products_of_the_sample_take_every_step(app: TestApp) {
        let snapshot = app.server.live().snapshot();
        let at = snapshot.provider_by_key("krzn").unwrap();
        let running = snapshot.providers[at].products.iter().map(|at| &snapshot.products[*at]).filter(|product| product.row.lifecycle == entity::product::Lifecycle::Available);
        for product in running.take(5) {
            let id = json!(crate::support::portfolio::id_of(product.row.id));
            let done = step_as(app, &provider("krzn"), "phaseOutProduct", &id, 1, json!({})).await;
            assert_eq!((stands(&done).0, &done["changedFields"]), ("PHASE_OUT", &json!(["lifecycle", "phaseOutFrom"])));
        }
    }

    async fn a_step_that_is_sent_twice_happens_once(app: TestApp) {
        let product = id(&published(app, vec![row("L-5")]).await);
        let once = json!({ "idempotencyKey": "once" });
        assert_eq!(stands(&step(app, "phaseOutProduct", &product, 2, once.clone()).await), ("PHASE_OUT", 3));
        assert_eq!(stands(&step(app, "phaseOutProduct", &product, 2, once).await), ("PHASE_OUT", 3));
        let other = json!({ "idempotencyKey": "once", "phaseOutFrom": "2027-01-01" });
        assert_eq!(step(app, "phaseOutProduct", &product, 2, other).await["errors"][0]["code"], "IDEMPOTENCY_KEY_REUSED");
    }

    async fn wrong_days_and_ids_change_nothing(app: TestApp) {
        let product = id(&published(app, vec![row("L-6")]).await);
        for (more, field) in [
            (json!({ "phaseOutFrom": "2026-11-22" }), "phaseOutFrom"),
            (json!({ "phaseOutFrom": "2101-01-01" }), "phaseOutFrom"),
            (json!({ "phaseOutFrom": "2027-02-01", "retiredFrom": "2027-01-01" }), "retiredFrom"),
        ] {
            assert_eq!(code_and_path(&step(app, "phaseOutProduct", &product, 2, more.clone()).await), ("BAD_USER_INPUT", vec![field]), "{more}");
        }
        for wrong in [json!("x"), json!("a\u{0}b")] {
            assert_eq!(code_and_path(&step(app, "retireProduct", &wrong, 2, json!({})).await), ("BAD_USER_INPUT", vec!["product"]));
        }
        let nobody = json!(crate::support::portfolio::id_of(Uuid::new_v4()));
        assert_eq!(code_and_path(&step(app, "retireProduct", &nobody, 2, json!({})).await), ("NOT_FOUND", vec!["product"]));
        assert_eq!(actions(app, &product).await.len(), 2);
    }

    async fn nobody_else_takes_these_steps_and_a_draft_is_not_even_known(app: TestApp) {
        let shown = id(&published(app, vec![row("L-7")]).await);
        let hidden = id(&register(app, vec![changed("L-8", json!({ "lifecycle": "DRAFT" }))], json!({})).await);
        let overseers = [steward(), transformation_office(), land(), auditor()];
        let others = [provider("krzn"), municipality(AACHEN), account_manager("kgst-st-2")];
        for mutation in ["submitProduct", "phaseOutProduct", "retireProduct", "revertProduct"] {
            let more = if mutation == "revertProduct" { json!({ "toVersion": 1 }) } else { json!({}) };
            for token in overseers.iter().chain(&others) {
                assert_eq!(step_as(app, token, mutation, &shown, 2, more.clone()).await["errors"][0]["code"], "FORBIDDEN", "{mutation}");
            }
            for token in &overseers {
                assert_eq!(step_as(app, token, mutation, &hidden, 1, more.clone()).await["errors"][0]["code"], "FORBIDDEN", "{mutation}");
            }
            for token in &others {
                assert_eq!(step_as(app, token, mutation, &hidden, 1, more.clone()).await["errors"][0]["code"], "NOT_FOUND", "{mutation}");
            }
            let mut input = json!({ "product": shown, "version": 2 });
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let answer = app.send_change(None, mutation, input, ANSWER).await;
            assert_eq!(answer.body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        }
    }
}
