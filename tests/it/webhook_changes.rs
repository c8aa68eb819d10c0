//! Making, changing and removing webhooks: who may, what may stand in them, and what is on record of it.

use sea_orm::{EntityTrait, PaginatorTrait, prelude::Uuid};
use serde_json::{Value, json};

use crate::support::{
    account_manager,
    acts::AACHEN,
    auditor, clock,
    contacts::global,
    land, municipality, provider, steward, token, transformation_office,
    webhooks::{new, refusal},
};

const MUTATIONS: [&str; 5] =
    ["saveWebhook", "rotateWebhookSecret", "deleteWebhook", "replayWebhook", "sendTestWebhook"];
const URL: &str = "https://land.example/hooks/geheim?key=geheim";

/// The input of each mutation for a webhook.
fn input(mutation: &str, id: &Value, cursor: &Value) -> Value {
    match mutation {
        "saveWebhook" => json!({ "webhook": id, "version": 1, "url": URL, "description": "Spiegel" }),
        "replayWebhook" => json!({ "webhook": id, "version": 1, "after": cursor }),
        "sendTestWebhook" => json!({ "webhook": id }),
        _ => json!({ "webhook": id, "version": 1 }),
    }
}

fn bad(path: &str) -> (String, String) {
    ("BAD_USER_INPUT".to_owned(), path.to_owned())
}

on_both_databases! {
    async fn a_webhook_is_made_changed_and_removed_once_for_each_key(app: TestApp) {
        let mut making = new(URL);
        making["idempotencyKey"] = json!("made");
        let made = app.webhook_done("saveWebhook", making.clone()).await;
        let (webhook, secret) = (made["webhook"].clone(), made["secret"].as_str().unwrap().to_owned());
        assert!(secret.starts_with("whsec_"), "{secret}");
        assert_eq!((&webhook["url"], &webhook["state"], &webhook["version"]), (&json!(URL), &json!("ACTIVE"), &json!(1)));
        let again = app.webhook_done("saveWebhook", making.clone()).await;
        assert_eq!((&again["webhook"], &again["secret"]), (&webhook, &Value::Null));
        making["description"] = json!("Anders");
        assert_eq!(app.webhook_refused("saveWebhook", making).await.0, "IDEMPOTENCY_KEY_REUSED");
        let mut change = input("saveWebhook", &webhook["id"], &Value::Null);
        change["types"] = json!(["PHASE"]);
        change["idempotencyKey"] = json!("changed");
        let changed = app.webhook_done("saveWebhook", change.clone()).await["webhook"].clone();
        assert_eq!((&changed["version"], &changed["types"], &changed["description"]), (&json!(2), &json!(["PHASE"]), &json!("Spiegel")));
        assert_eq!(app.webhook_done("saveWebhook", change).await["webhook"], changed);
        assert_eq!(app.data_as(&land(), "{ webhooks { id } }", json!({})).await["webhooks"], json!([{ "id": webhook["id"] }]));
        for mutation in MUTATIONS.iter().filter(|mutation| **mutation != "sendTestWebhook") {
            let stale = input(mutation, &webhook["id"], &webhook["position"]["cursor"]);
            assert_eq!(app.webhook_refused(mutation, stale).await, ("CONFLICT".to_owned(), "input.version".to_owned()), "{mutation}");
        }
        let delete = json!({ "webhook": webhook["id"], "version": 2, "idempotencyKey": "gone" });
        for _ in 0..2 {
            assert_eq!(app.webhook_done("deleteWebhook", delete.clone()).await["webhookId"], webhook["id"]);
        }
        assert_eq!(app.data_as(&land(), "{ webhooks { id } }", json!({})).await["webhooks"], json!([]));
        let db = app.server.database().connection();
        assert_eq!(entity::webhook::Entity::find().count(db).await.unwrap(), 0);
    }

    async fn what_was_done_is_on_record_without_secret_and_without_the_path(app: TestApp) {
        let (webhook, secret) = app.new_webhook(URL).await;
        app.webhook_done("rotateWebhookSecret", json!({ "webhook": webhook["id"], "version": 1 })).await;
        let refused = app.send_webhook(Some(&steward()), "saveWebhook", new(URL)).await;
        assert_eq!(refused.body["data"]["saveWebhook"]["errors"][0]["rule"], "no-rule-permits");
        app.webhook_done("deleteWebhook", json!({ "webhook": webhook["id"], "version": 2 })).await;
        let query = "{ auditEvents(first: 4) { edges { node { action outcome actor { subject } before after rule { id } } } } }";
        let events = crate::support::nodes(&app.data_as(&auditor(), query, json!({})).await["auditEvents"]);
        let told: Vec<_> = events.iter().map(|event| (event["action"].as_str().unwrap(), event["outcome"].as_str().unwrap())).collect();
        assert_eq!(told, [("DELETE_WEBHOOK", "COMMITTED"), ("SAVE_WEBHOOK", "REFUSED"), ("ROTATE_WEBHOOK_SECRET", "COMMITTED"), ("SAVE_WEBHOOK", "COMMITTED")]);
        assert_eq!(events[3]["rule"]["id"], "land-keeps-webhooks");
        assert_eq!(events[3]["after"]["origin"], "https://land.example");
        let whole = json!(events).to_string();
        assert!(!whole.contains("geheim") && !whole.contains("whsec_") && !whole.contains(&secret[6..]), "{whole}");
        assert_eq!(app.server.desk().feed.look().await.unwrap(), webhook["position"]["sequence"].as_i64().unwrap(), "the feed is about the catalogue");
    }

    async fn nobody_but_the_land_may_and_nobody_sees_what_is_anothers(app: TestApp) {
        let (webhook, _) = app.new_webhook(URL).await;
        let others = [municipality(AACHEN), provider("krzn"), account_manager("kgst-st-2"), steward(), transformation_office(), auditor(), token(json!({ "roles": ["king"] })), token(json!({ "roles": ["municipality"] }))];
        let other_land = token(json!({ "roles": ["land"], "sub": "another-script" }));
        for mutation in MUTATIONS {
            let input = input(mutation, &webhook["id"], &webhook["position"]["cursor"]);
            for token in &others {
                let answer = app.send_webhook(Some(token), mutation, input.clone()).await;
                assert_eq!(refusal(&answer, mutation).0, "FORBIDDEN", "{mutation}: {}", answer.body);
            }
            let answer = app.send_webhook(None, mutation, input.clone()).await;
            assert_eq!(answer.body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{mutation}");
            let answer = app.send_webhook(Some(&other_land), mutation, input).await;
            assert_eq!(refusal(&answer, mutation), ("NOT_FOUND".to_owned(), "input.webhook".to_owned()), "{mutation}");
        }
        assert_eq!(app.webhook(&webhook["id"]).await, webhook, "nothing was changed");
        for token in others.iter().chain([&other_land]) {
            assert_eq!(app.data_as(token, "{ webhooks { id } }", json!({})).await["webhooks"], json!([]));
            let answer = app.ask_as(token, "query($id: ID!) { webhook(id: $id) { url } }", json!({ "id": webhook["id"] })).await;
            assert_eq!(answer.body["errors"][0]["extensions"]["code"], "NOT_FOUND");
            assert_eq!(answer.body["data"]["webhook"], Value::Null);
        }
        for query in ["{ webhooks { id } }", "{ webhook(id: \"x\") { id } }"] {
            assert_eq!(app.error(query, json!({})).await.0, "UNAUTHENTICATED", "{query}");
        }
    }

    async fn a_wrong_value_is_refused_with_its_field_and_changes_nothing(app: TestApp) {
        let (webhook, _) = app.new_webhook(URL).await;
        let save = |more: Value| {
            let mut whole = new(URL);
            whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            whole
        };
        let long = format!("https://land.example/{}", "x".repeat(2000));
        for url in ["", "land.example", "https://", "ftp://land.example/", "file:///etc/passwd", "javascript:alert(1)", "https://user:geheim@land.example/", "https://user@land.example/", "https://land.example/#teil", "https://land.example/\0", "https://land.example:0/", &long] {
            assert_eq!(app.webhook_refused("saveWebhook", save(json!({ "url": url }))).await, bad("input.url"), "{url:.60}");
        }
        for description in ["", " ", "a\0b", &"ü".repeat(201)] {
            assert_eq!(app.webhook_refused("saveWebhook", save(json!({ "description": description }))).await, bad("input.description"), "{description}");
        }
        app.webhook_done("saveWebhook", save(json!({ "description": "ü".repeat(200) }))).await;
        assert_eq!(app.webhook_refused("saveWebhook", save(json!({ "types": [] }))).await, bad("input.types"));
        assert_eq!(app.webhook_refused("saveWebhook", save(json!({ "types": ["KING"] }))).await.0, "BAD_USER_INPUT");
        assert_eq!(app.webhook_refused("saveWebhook", save(json!({ "version": 1 }))).await, bad("input.version"));
        assert_eq!(app.webhook_refused("saveWebhook", save(json!({ "webhook": webhook["id"] }))).await, bad("input.version"));
        let position = &webhook["position"]["cursor"];
        for mutation in MUTATIONS {
            for key in ["", " ", "a\0b", &"k".repeat(201)] {
                let mut whole = input(mutation, &webhook["id"], position);
                whole["idempotencyKey"] = json!(key);
                assert_eq!(app.webhook_refused(mutation, whole).await, bad("input.idempotencyKey"), "{mutation} {key}");
            }
            for id in ["", "x", "\0", &global("Product", Uuid::new_v4())] {
                assert_eq!(app.webhook_refused(mutation, input(mutation, &json!(id), position)).await, bad("input.webhook"), "{mutation} {id}");
            }
            let unknown = json!(global("Webhook", Uuid::new_v4()));
            assert_eq!(app.webhook_refused(mutation, input(mutation, &unknown, position)).await, ("NOT_FOUND".to_owned(), "input.webhook".to_owned()), "{mutation}");
        }
        for hours in [-1, 169, i32::MAX] {
            let rotate = json!({ "webhook": webhook["id"], "version": 1, "overlapHours": hours });
            assert_eq!(app.webhook_refused("rotateWebhookSecret", rotate).await, bad("input.overlapHours"));
        }
        for after in ["", "x", "\0", &"A".repeat(300), webhook["id"].as_str().unwrap()] {
            assert_eq!(app.webhook_refused("replayWebhook", input("replayWebhook", &webhook["id"], &json!(after))).await, bad("input.after"), "{after:.20}");
        }
        assert_eq!(app.webhook(&webhook["id"]).await, webhook, "nothing was changed");
    }

    async fn an_account_has_20_webhooks_at_most(app: TestApp) {
        for _ in 0..20 {
            app.new_webhook(URL).await;
        }
        assert_eq!(app.webhook_refused("saveWebhook", new(URL)).await.0, "CONFLICT");
        let other = token(json!({ "roles": ["land"], "sub": "another-script" }));
        let answer = app.send_webhook(Some(&other), "saveWebhook", new(URL)).await;
        assert_eq!(answer.body["data"]["saveWebhook"]["errors"], json!([]), "each account for itself");
    }

    async fn without_a_key_no_webhook_can_be_made(app: TestApp) {
        let (webhook, _) = app.new_webhook(URL).await;
        let without = app.with(clock(), |config| config.webhook_key = None).await;
        for mutation in ["saveWebhook", "rotateWebhookSecret", "sendTestWebhook"] {
            let input = if mutation == "saveWebhook" { new(URL) } else { input(mutation, &webhook["id"], &Value::Null) };
            let answer = without.send_webhook(Some(&land()), mutation, input).await;
            let error = &answer.body["errors"][0];
            assert_eq!(error["extensions"]["code"], "UNAVAILABLE", "{mutation}: {}", answer.body);
            assert!(error["extensions"]["nextStep"].as_str().unwrap().contains("webhook_key"));
        }
        let delete = input("deleteWebhook", &webhook["id"], &Value::Null);
        without.webhook_done("deleteWebhook", delete).await;
        without.server.database().close().await.unwrap();
    }

    async fn a_secret_that_cannot_be_read_any_more_is_told_and_made_anew(app: TestApp) {
        let receiver = crate::support::receiver::Receiver::willing().await;
        let (webhook, _) = app.new_webhook(&receiver.url()).await;
        app.changes_of(&[1]).await;
        let other = app.with(clock(), |config| config.webhook_key = Some(itkatalog::config::WebhookKey::new([8; 32]))).await;
        other.round(chrono::TimeDelta::zero()).await;
        assert_eq!(app.deliveries(&webhook["id"]).await[0]["outcome"], "NO_SECRET");
        let rotate = json!({ "webhook": webhook["id"], "version": 1 });
        let secret = other.webhook_done("rotateWebhookSecret", rotate).await["secret"].as_str().unwrap().to_owned();
        other.round(chrono::TimeDelta::minutes(1)).await;
        assert!(crate::support::webhooks::is_signed_with(&secret, &receiver.heard()[0]));
        other.server.database().close().await.unwrap();
    }
}
