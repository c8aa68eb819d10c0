//! Exports: what is in them, for whom, as of when, and what becomes of them.

use std::sync::atomic::{AtomicBool, Ordering};

use entity::{
    change::Type,
    export::{self, State},
    export_part,
};
use itkatalog::{exports, feed::Changed, records};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, prelude::Uuid,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{
    TestApp,
    acts::{AACHEN, INITIAL, KLEVE, STANDARD},
    auditor, clock, land, municipality, nodes, provider, steward, token,
};

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The rows of a file of JSON Lines.
fn rows(bytes: &[u8]) -> Vec<Value> {
    std::str::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What a script works out of a file: the digest of its rows.
fn digest(bytes: &[u8]) -> String {
    let lines = std::str::from_utf8(bytes).unwrap().lines();
    let mut digests: Vec<String> = lines.map(|line| format!("{}\n", hex(Sha256::digest(line)))).collect();
    digests.sort();
    hex(Sha256::digest(digests.concat()))
}

/// Whether a row is one that a filter is for.
type Holds<'a> = Box<dyn Fn(&Value) -> bool + 'a>;

async fn row(app: &TestApp, id: &Value) -> export::Model {
    let rows = export::Entity::find().all(app.server.database().connection()).await.unwrap();
    let is_meant = |row: &export::Model| itkatalog::ids::global_id("Export", row.id) == id.as_str().unwrap();
    rows.into_iter().find(is_meant).unwrap()
}

/// A subscription that is asked for in Kleve.
async fn ask(app: &TestApp) {
    app.done(&municipality(KLEVE), "requestSubscription", app.request_of(KLEVE, INITIAL).await).await;
}

async fn place(app: &TestApp, ags: &str) -> Value {
    let query = "query($ags: AGS!) { municipality(by: { ags: $ags }) { id } }";
    app.data(query, json!({ "ags": ags })).await["municipality"]["id"].clone()
}

async fn parts(app: &TestApp) -> u64 {
    export_part::Entity::find().count(app.server.database().connection()).await.unwrap()
}

on_both_databases! {
    async fn a_file_holds_everything_of_a_kind_and_proves_it(app: TestApp) {
        for what in ["MUNICIPALITIES", "PROVIDERS", "PRODUCTS", "SUBSCRIPTIONS"] {
            let export = app.exported(&land(), json!({ "what": what })).await;
            assert_eq!((&export["state"], &export["progress"], &export["failure"]), (&json!("DONE"), &json!(1.0), &Value::Null));
            let file = app.file(&land(), &export).await;
            assert_eq!(file.header("content-type"), "application/jsonl");
            let told = app.state_digest(&land(), what, &export["cursor"]).await;
            assert_eq!((&export["rows"], &export["rowsSha256"]), (&told["count"], &told["sha256"]), "{what}");
            assert_eq!(export["rows"], json!(rows(&file.bytes).len()), "{what}");
            assert!(export["rows"].as_u64().unwrap() > 20, "{what}");
            assert_eq!((export["sha256"].as_str(), export["bytes"].as_u64()), (Some(hex(Sha256::digest(&file.bytes)).as_str()), Some(file.bytes.len() as u64)));
            assert_eq!(export["rowsSha256"], digest(&file.bytes), "{what}");
        }
    }

    async fn a_file_is_of_the_moment_when_it_was_started_whatever_changes_before_it_is_written(app: TestApp) {
        let started = app.export_done(&land(), "startExport", json!({ "what": "SUBSCRIPTIONS" })).await;
        let before = app.state_digest(&land(), "SUBSCRIPTIONS", &started["cursor"]).await;
        ask(app).await;
        let now = app.state_digest(&land(), "SUBSCRIPTIONS", &Value::Null).await;
        assert_ne!(before["sha256"], now["sha256"]);
        exports::round(app.server.desk()).await.unwrap();
        let export = app.export(&land(), &started["id"]).await;
        assert_eq!((&export["rowsSha256"], &export["rows"]), (&before["sha256"], &before["count"]));
        // With the feed from there the copy is what stands now.
        let later = app.exported(&land(), json!({ "what": "SUBSCRIPTIONS" })).await;
        assert_eq!(later["rowsSha256"], now["sha256"]);
    }

    async fn a_file_holds_what_its_owner_may_read_and_nothing_else(app: TestApp) {
        let everything = rows(&app.file(&steward(), &app.exported(&steward(), json!({ "what": "SUBSCRIPTIONS" })).await).await.bytes);
        for (caller, part, id) in [(municipality(AACHEN), "municipality", None), (provider("regioit"), "provider", Some("regioit"))] {
            let export = app.exported(&caller, json!({ "what": "SUBSCRIPTIONS" })).await;
            let own = rows(&app.file(&caller, &export).await.bytes);
            assert!(!own.is_empty() && own.len() < everything.len(), "{}", own.len());
            assert!(own.iter().all(|row| everything.contains(row)));
            if id.is_none() {
                assert!(own.iter().all(|row| row[part] == own[0][part]));
            }
            assert_eq!(export["rowsSha256"], app.state_digest(&caller, "SUBSCRIPTIONS", &export["cursor"]).await["sha256"]);
        }
        let whole = app.exported(&auditor(), json!({ "what": "SUBSCRIPTIONS" })).await;
        assert_eq!(whole["rows"], json!(everything.len()));
    }

    async fn without_a_role_there_is_no_export(app: TestApp) {
        let answer = app.send_export(None, "startExport", json!({ "what": "PROVIDERS" })).await;
        assert_eq!(answer.body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{}", answer.body);
        let nobody = token(json!({ "roles": [] }));
        assert_eq!(app.start_refused(&nobody, json!({ "what": "PROVIDERS" })).await.0, "FORBIDDEN");
        assert_eq!(export::Entity::find().count(app.server.database().connection()).await.unwrap(), 0);
    }

    async fn a_filter_holds_as_of_the_same_moment(app: TestApp) {
        app.subscription(AACHEN, INITIAL, |row| row.state = entity::product_subscription::State::Active).await;
        app.states_anew().await;
        let everything = rows(&app.file(&land(), &app.exported(&land(), json!({ "what": "SUBSCRIPTIONS" })).await).await.bytes);
        let (aachen, region) = (place(app, AACHEN).await, place(app, "05334000").await);
        let members = app.data("{ municipality(by: { ags: \"05334000\" }) { municipalities(first: 100) { edges { node { id } } } } }", json!({})).await;
        let members: Vec<Value> = nodes(&members["municipality"]["municipalities"]).into_iter().map(|row| row["id"].clone()).collect();
        assert!(members.contains(&aachen));
        let cases: [(Value, Holds<'_>); 4] = [
            (json!({ "municipality": { "ags": AACHEN } }), Box::new(|row| row["municipality"] == aachen)),
            (json!({ "district": { "ags": "05334000" } }), Box::new(|row| members.contains(&row["municipality"]) || row["municipality"] == region)),
            (json!({ "states": ["ACTIVE", "TERMINATING"] }), Box::new(|row| row["state"] == "ACTIVE" || row["state"] == "TERMINATING")),
            (json!({ "municipality": { "ags": AACHEN }, "states": ["ACTIVE"] }), Box::new(|row| row["municipality"] == aachen && row["state"] == "ACTIVE")),
        ];
        for (filter, holds) in cases {
            let export = app.exported(&land(), json!({ "what": "SUBSCRIPTIONS", "filter": filter })).await;
            let found = rows(&app.file(&land(), &export).await.bytes);
            let expected: Vec<Value> = everything.iter().filter(|row| holds(row)).cloned().collect();
            assert_eq!(found, expected, "{filter}");
            assert!(!found.is_empty() && found.len() < everything.len(), "{filter}: {}", found.len());
            assert!(export["filter"].is_object());
        }
        let products = app.exported(&land(), json!({ "what": "PRODUCTS", "filter": { "provider": { "key": "krzn" } } })).await;
        let products = rows(&app.file(&land(), &products).await.bytes);
        let of_krzn = app.exported(&land(), json!({ "what": "SUBSCRIPTIONS", "filter": { "provider": { "key": "krzn" } } })).await;
        let own = app.exported(&provider("krzn"), json!({ "what": "SUBSCRIPTIONS" })).await;
        assert_eq!((&of_krzn["rows"], &of_krzn["rowsSha256"]), (&own["rows"], &own["rowsSha256"]), "what it may read itself");
        assert!(!products.is_empty() && products.iter().all(|row| row["provider"] == products[0]["provider"]));
        let kreis = app.exported(&land(), json!({ "what": "MUNICIPALITIES", "filter": { "district": { "ags": "05334000" } } })).await;
        assert_eq!(kreis["rows"], json!(members.len() + 1));
    }

    async fn what_cannot_be_exported_is_refused_by_its_place(app: TestApp) {
        for (input, code, path) in [
            (json!({ "what": "PROVIDERS", "filter": { "municipality": { "ags": AACHEN } } }), "BAD_USER_INPUT", r#"["input","filter","municipality"]"#),
            (json!({ "what": "PRODUCTS", "filter": { "states": ["ACTIVE"] } }), "BAD_USER_INPUT", r#"["input","filter","states"]"#),
            (json!({ "what": "SUBSCRIPTIONS", "filter": { "states": [] } }), "BAD_USER_INPUT", r#"["input","filter","states"]"#),
            (json!({ "what": "SUBSCRIPTIONS", "filter": { "district": { "ags": "05999000" } } }), "NOT_FOUND", r#"["input","filter","district"]"#),
            (json!({ "what": "SUBSCRIPTIONS", "filter": { "provider": { "key": "nobody" } } }), "NOT_FOUND", r#"["input","filter","provider"]"#),
            (json!({ "what": "SUBSCRIPTIONS", "filter": { "municipality": { "id": "eA" } } }), "BAD_USER_INPUT", r#"["input","filter","municipality"]"#),
            (json!({ "what": "SUBSCRIPTIONS", "asOf": "2026-11-24" }), "BAD_USER_INPUT", r#"["input","asOf"]"#),
            (json!({ "what": "SUBSCRIPTIONS", "asOf": "2199-12-31" }), "BAD_USER_INPUT", r#"["input","asOf"]"#),
            (json!({ "what": "SUBSCRIPTIONS", "asOf": "2020-01-01" }), "CURSOR_EXPIRED", r#"["input","asOf"]"#),
            (json!({ "what": "SUBSCRIPTIONS", "idempotencyKey": " " }), "BAD_USER_INPUT", r#"["input","idempotencyKey"]"#),
            (json!({ "what": "SUBSCRIPTIONS", "idempotencyKey": "x".repeat(201) }), "BAD_USER_INPUT", r#"["input","idempotencyKey"]"#),
        ] {
            assert_eq!(app.start_refused(&land(), input.clone()).await, (code.to_owned(), path.to_owned()), "{input}");
        }
        assert_eq!(export::Entity::find().count(app.server.database().connection()).await.unwrap(), 0);
    }

    async fn another_day_is_how_everything_stood_at_its_end(app: TestApp) {
        let today = app.state_digest(&land(), "SUBSCRIPTIONS", &Value::Null).await;
        let later = app.at("2026-11-25T09:00:00Z").await;
        let exp = "2026-11-25T10:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp();
        let town = token(json!({ "roles": ["municipality"], "municipality": KLEVE, "sub": "kleve", "exp": exp }));
        later.done(&town, "requestSubscription", later.request_of(KLEVE, INITIAL).await).await;
        let land = token(json!({ "roles": ["land"], "sub": "land", "exp": exp }));
        let now = later.state_digest(&land, "SUBSCRIPTIONS", &Value::Null).await;
        assert_ne!(today["sha256"], now["sha256"]);
        for (day, expected) in [("2026-11-23", &today), ("2026-11-24", &today), ("2026-11-25", &now)] {
            let export = later.exported(&land, json!({ "what": "SUBSCRIPTIONS", "asOf": day })).await;
            assert_eq!((&export["rowsSha256"], &export["asOf"]), (&expected["sha256"], &json!(day)), "{day}");
        }
    }

    async fn the_same_key_starts_nothing_twice_and_other_accounts_see_nothing(app: TestApp) {
        let input = json!({ "what": "PROVIDERS", "idempotencyKey": "nightly-1" });
        let first = app.exported(&land(), input.clone()).await;
        let again = app.export_done(&land(), "startExport", input).await;
        assert_eq!((&again["id"], &again["state"]), (&first["id"], &json!("DONE")));
        let other = json!({ "what": "PRODUCTS", "idempotencyKey": "nightly-1" });
        assert_eq!(app.start_refused(&land(), other).await.0, "IDEMPOTENCY_KEY_REUSED");
        for stranger in [steward(), token(json!({ "roles": ["land"], "sub": "another-script" }))] {
            let query = "query($id: ID!) { export(id: $id) { id } exports { id } }";
            let answer = app.ask_as(&stranger, query, json!({ "id": first["id"] })).await;
            assert_eq!((&answer.body["data"]["export"], &answer.body["data"]["exports"]), (&Value::Null, &json!([])));
            assert_eq!(answer.body["errors"][0]["extensions"]["code"], "NOT_FOUND");
            let cancel = app.send_export(Some(&stranger), "cancelExport", json!({ "export": first["id"] })).await;
            assert_eq!(cancel.body["data"]["cancelExport"]["errors"][0]["code"], "NOT_FOUND", "{}", cancel.body);
        }
        assert_eq!(app.data_as(&land(), "{ exports { id } }", json!({})).await["exports"], json!([{ "id": first["id"] }]));
    }

    async fn an_account_has_so_many_at_once_and_releases_them(app: TestApp) {
        let small = app.with(clock(), |config| config.exports.per_account = 2).await;
        let first = small.exported(&land(), json!({ "what": "PROVIDERS" })).await;
        small.exported(&land(), json!({ "what": "PROVIDERS" })).await;
        assert_eq!(small.start_refused(&land(), json!({ "what": "PROVIDERS" })).await, ("CONFLICT".to_owned(), "[\"input\"]".to_owned()));
        small.exported(&steward(), json!({ "what": "PROVIDERS" })).await;
        small.export_done(&land(), "cancelExport", json!({ "export": first["id"] })).await;
        small.exported(&land(), json!({ "what": "PROVIDERS" })).await;
    }

    async fn an_export_of_more_rows_than_allowed_is_refused_or_fails_while_it_is_written(app: TestApp) {
        let small = app.with(clock(), |config| config.exports.rows = 100).await;
        let answer = small.send_export(Some(&land()), "startExport", json!({ "what": "MUNICIPALITIES" })).await;
        let error = &answer.body["errors"][0]["extensions"];
        assert_eq!((&error["code"], &error["limit"], &error["actual"]), (&json!("LIMIT_EXCEEDED"), &json!(100), &json!(427)), "{}", answer.body);
        let states = json!({ "states": ["ACTIVE", "TERMINATING", "REQUESTED", "APPROVED", "ENDED"] });
        let failed = small.exported(&land(), json!({ "what": "SUBSCRIPTIONS", "filter": states })).await;
        assert_eq!((&failed["state"], &failed["failure"], parts(app).await), (&json!("FAILED"), &json!("TOO_MANY_ROWS"), 0));
        let part = small.exported(&land(), json!({ "what": "MUNICIPALITIES", "filter": { "district": { "ags": "05334000" } } })).await;
        assert_eq!(part["state"], "DONE");
    }

    async fn what_is_cancelled_is_removed_and_is_written_no_further(app: TestApp) {
        let done = app.exported(&land(), json!({ "what": "PROVIDERS" })).await;
        assert!(parts(app).await > 0);
        let cancelled = app.export_done(&land(), "cancelExport", json!({ "export": done["id"] })).await;
        assert_eq!((&cancelled["state"], &cancelled["downloadPath"], parts(app).await), (&json!("CANCELLED"), &Value::Null, 0));
        let waiting = app.export_done(&land(), "startExport", json!({ "what": "PROVIDERS" })).await;
        app.export_done(&land(), "cancelExport", json!({ "export": waiting["id"] })).await;
        assert_eq!((exports::round(app.server.desk()).await.unwrap(), parts(app).await), (0, 0));
        let actions = app.data_as(&auditor(), "{ auditEvents(first: 10) { edges { node { action outcome } } } }", json!({})).await;
        let actions = actions["auditEvents"].to_string();
        assert_eq!((actions.matches("START_EXPORT").count(), actions.matches("CANCEL_EXPORT").count()), (2, 2), "{actions}");
    }

    async fn a_file_expires_and_an_old_export_is_forgotten(app: TestApp) {
        let done = app.exported(&land(), json!({ "what": "PROVIDERS" })).await;
        assert_eq!(done["expiresAt"], "2026-11-24T09:00:00.000000Z");
        let prune = |moment: &'static str| async move { exports::prune(app.server.database(), moment.parse().unwrap()).await.unwrap() };
        assert_eq!(prune("2026-11-24T08:59:59Z").await, 0);
        assert_eq!((prune("2026-11-24T09:00:00Z").await, parts(app).await), (1, 0));
        let expired = app.export(&land(), &done["id"]).await;
        assert_eq!((&expired["state"], &expired["downloadPath"], &expired["rowsSha256"]), (&json!("EXPIRED"), &Value::Null, &done["rowsSha256"]));
        let cancel = app.send_export(Some(&land()), "cancelExport", json!({ "export": done["id"] })).await;
        assert_eq!(cancel.body["data"]["cancelExport"]["errors"][0]["code"], "ILLEGAL_STEP");
        prune("2026-12-24T10:00:00Z").await;
        assert_eq!(app.data_as(&land(), "{ exports { id } }", json!({})).await["exports"], json!([]));
    }

    async fn an_export_that_was_left_is_written_anew_and_gives_up_after_three_times(app: TestApp) {
        let started = app.export_done(&land(), "startExport", json!({ "what": "PROVIDERS" })).await;
        let left = |attempts: i32, until: &'static str| {
            let started = started.clone();
            async move {
                let db = app.server.database().connection();
                let row = row(app, &started["id"]).await;
                let half = export_part::Model { export_id: row.id, begins: 0, length: 4, content: vec![1, 2, 3] };
                half.into_active_model().insert(db).await.unwrap();
                let mut row = row.into_active_model();
                (row.state, row.attempts) = (Set(State::Running), Set(attempts));
                (row.lease, row.leased_until) = (Set(Some(Uuid::new_v4())), Set(Some(until.parse().unwrap())));
                (row.seen, row.bytes) = (Set(12), Set(4));
                row.update(db).await.unwrap();
            }
        };
        left(1, "2026-11-23T09:00:01Z").await;
        assert_eq!(exports::round(app.server.desk()).await.unwrap(), 0, "somebody works on it");
        assert_eq!(exports::round(&app.desk_at("2026-11-23T09:00:01Z")).await.unwrap(), 1);
        let export = app.export(&land(), &started["id"]).await;
        assert_eq!(export["rowsSha256"], digest(&app.file(&land(), &export).await.bytes));

        let started = app.export_done(&land(), "startExport", json!({ "what": "PROVIDERS" })).await;
        let db = app.server.database().connection();
        db.execute_unprepared("UPDATE exports SET attempts = 3, state = 'RUNNING' WHERE state = 'WAITING'").await.unwrap();
        assert_eq!(exports::round(app.server.desk()).await.unwrap(), 1);
        let failed = app.export(&land(), &started["id"]).await;
        assert_eq!((&failed["state"], &failed["failure"], &failed["downloadPath"]), (&json!("FAILED"), &json!("BROKEN_OFF"), &Value::Null));
    }

    async fn two_instances_write_each_export_once(app: TestApp) {
        let other = app.with(clock(), |_| ()).await;
        let mut ids = Vec::new();
        for _ in 0..6 {
            ids.push(app.export_done(&land(), "startExport", json!({ "what": "PROVIDERS" })).await["id"].clone());
        }
        let (one, two) = tokio::join!(exports::round(app.server.desk()), exports::round(other.server.desk()));
        assert_eq!(one.unwrap() + two.unwrap(), 6);
        for id in ids {
            let export = app.export(&land(), &id).await;
            assert_eq!((&export["state"], row(app, &id).await.attempts), (&json!("DONE"), 1));
            assert_eq!(export["rowsSha256"], digest(&other.file(&land(), &export).await.bytes));
        }
    }

    async fn an_export_while_a_thousand_writes_run_is_of_one_moment(app: TestApp) {
        let done = AtomicBool::new(false);
        let writing = async {
            let rows = [app.subscription(AACHEN, INITIAL, |_| ()).await, app.subscription(KLEVE, STANDARD, |_| ()).await];
            for turn in 0..1_000 {
                let db = app.server.database().begin_write().await.unwrap();
                let mut row = rows[turn % 2].clone().into_active_model();
                row.quantity = Set(turn as i64 + 1);
                let row = row.update(&*db).await.unwrap();
                let changed = [Changed { kind: Type::ProductSubscription, id: row.id, version: Some(row.version) }];
                records::append(&*db, &changed, [], clock().now()).await.unwrap();
                db.commit().await.unwrap();
            }
            done.store(true, Ordering::Relaxed);
        };
        let reading = async {
            let mut exported = Vec::new();
            while !done.load(Ordering::Relaxed) {
                exported.push(app.exported(&land(), json!({ "what": "SUBSCRIPTIONS" })).await);
                app.export_done(&land(), "cancelExport", json!({ "export": exported[exported.len() - 1]["id"] })).await;
            }
            exported
        };
        let ((), exported) = tokio::join!(writing, reading);
        for export in &exported {
            let then = app.state_digest(&land(), "SUBSCRIPTIONS", &export["cursor"]).await;
            assert_eq!((&then["sha256"], &then["count"]), (&export["rowsSha256"], &export["rows"]));
        }
        let different: std::collections::BTreeSet<&str> = exported.iter().map(|export| export["rowsSha256"].as_str().unwrap()).collect();
        assert!(different.len() > 1, "nothing was written meanwhile: {}", exported.len());
    }
}
