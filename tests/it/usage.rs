//! How often clients ask: counted without writing for each request, added up over instances, seen by the client itself.

use chrono::TimeDelta;
use entity::usage_day;
use itkatalog::{clock::Clock, usage};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use crate::support::{TestApp, clock, land, steward, token, webhooks::after};

const USAGE: &str = "{ viewer { usage { clientId requestsToday requestsLast30Days refusedLast30Days lastUsedAt
    days { day requests refused } limits { requestsPerMinute requestsAtOnce cost bodyBytes rows } } } }";

async fn usage_of(app: &TestApp, token: &str) -> Value {
    app.data_as(token, USAGE, json!({})).await["viewer"]["usage"].clone()
}

async fn ask(app: &TestApp, token: &str, times: usize) {
    for _ in 0..times {
        app.data_as(token, "{ currentPhase { key } }", json!({})).await;
    }
}

async fn flush(app: &TestApp) {
    app.server.desk().usage.flush(app.server.database()).await.unwrap();
}

on_both_databases! {
    async fn a_client_sees_its_own_requests_and_its_limits(app: TestApp) {
        ask(app, &land(), 3).await;
        ask(app, &steward(), 5).await;
        let own = usage_of(app, &land()).await;
        assert_eq!(own, json!({ "clientId": "land", "requestsToday": 4, "requestsLast30Days": 4, "refusedLast30Days": 0,
            "lastUsedAt": "2026-11-23T09:00:00.000000Z", "days": [{ "day": "2026-11-23", "requests": 4, "refused": 0 }],
            "limits": { "requestsPerMinute": null, "requestsAtOnce": 256, "cost": 100_000, "bodyBytes": 16_777_216, "rows": 100 } }));
        assert_eq!(usage_of(app, &steward()).await["requestsToday"], 6);
        assert_eq!(app.data(USAGE, json!({})).await["viewer"]["usage"], Value::Null, "nobody in particular has none");
    }

    async fn the_client_is_azp_else_client_id_else_the_subject(app: TestApp) {
        for (claims, client) in [
            (json!({ "azp": "portal", "client_id": "other", "sub": "person-1" }), "portal"),
            (json!({ "azp": "portal", "sub": "person-2" }), "portal"),
            (json!({ "client_id": "land-script", "sub": "service-account" }), "land-script"),
            (json!({ "sub": "person-3" }), "person-3"),
            (json!({ "azp": 7, "client_id": "", "sub": "person-4" }), "person-4"),
        ] {
            assert_eq!(usage_of(app, &token(claims)).await["clientId"], client);
        }
        assert_eq!(usage_of(app, &token(json!({ "azp": "portal", "sub": "person-3" }))).await["requestsToday"], 3, "all who use it");
    }

    async fn requests_write_nothing_and_a_flush_writes_once(app: TestApp) {
        ask(app, &land(), 1).await;
        let before = app.server.database().statements();
        ask(app, &land(), 20).await;
        assert_eq!(app.server.database().statements(), before);
        let db = app.server.database().connection();
        assert_eq!(usage_day::Entity::find().count(db).await.unwrap(), 0);
        flush(app).await;
        let rows = usage_day::Entity::find().all(db).await.unwrap();
        assert_eq!((rows.len(), rows[0].requests, rows[0].client_id.as_str()), (1, 21, "land"));
        let before = app.server.database().statements();
        flush(app).await;
        assert_eq!(app.server.database().statements(), before, "nothing new, nothing written");
    }

    async fn counts_of_instances_and_days_add_up_for_30_days_and_go_after_90(app: TestApp) {
        let whole = token(json!({ "roles": ["land"], "sub": "land", "exp": after(TimeDelta::days(200)).timestamp() }));
        let other = app.at(crate::support::NOW).await;
        for instance in [app, &other, app] {
            ask(instance, &whole, 2).await;
            flush(instance).await;
        }
        let tomorrow = app.at("2026-11-24T12:00:00Z").await;
        ask(&tomorrow, &whole, 1).await;
        flush(&tomorrow).await;
        // An instance that is behind adds to the day before, and takes nothing back.
        ask(app, &whole, 1).await;
        flush(app).await;
        let seen = usage_of(&tomorrow, &whole).await;
        assert_eq!((&seen["requestsToday"], &seen["requestsLast30Days"], &seen["lastUsedAt"]), (&json!(2), &json!(9), &json!("2026-11-24T12:00:00.000000Z")));
        assert_eq!(seen["days"], json!([{ "day": "2026-11-24", "requests": 2, "refused": 0 }, { "day": "2026-11-23", "requests": 7, "refused": 0 }]));
        let month_later = app.at("2026-12-23T12:00:00Z").await;
        let seen = usage_of(&month_later, &whole).await;
        assert_eq!((&seen["requestsToday"], &seen["requestsLast30Days"]), (&json!(1), &json!(2)), "the first day is 31 days ago");
        let prune = async |days| usage::prune(app.server.database(), Clock::Fixed(after(TimeDelta::days(days)))).await.unwrap();
        assert_eq!((prune(90).await, prune(91).await, prune(92).await), (0, 1, 1));
        for instance in [other, tomorrow, month_later] {
            instance.server.database().close().await.unwrap();
        }
    }

    async fn what_a_limit_refuses_is_counted(app: TestApp) {
        let limited = app.with(clock(), |config| {
            config.rate_limit = 3;
            config.limits.cost = 600;
        }).await;
        ask(&limited, &land(), 2).await;
        let answer = limited.ask_as(&land(), "{ products(first: 100) { edges { node { id name } } } }", json!({})).await;
        assert_eq!(answer.body["errors"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
        let answer = limited.ask_as(&land(), USAGE, json!({})).await;
        assert_eq!(answer.status, 429);
        flush(&limited).await;
        let seen = usage_of(app, &land()).await;
        assert_eq!((&seen["requestsToday"], &seen["refusedLast30Days"]), (&json!(5), &json!(2)));
        limited.server.database().close().await.unwrap();
    }

    async fn a_client_can_have_a_limit_of_its_own(app: TestApp) {
        let limited = app.with(clock(), |config| {
            config.rate_limit = 2;
            config.rate_limits = [("land-script".to_owned(), 5), ("portal".to_owned(), 0)].into();
        }).await;
        let of = |client: &str| token(json!({ "azp": client, "sub": format!("of-{client}") }));
        for (client, limit) in [("land-script", Some(5)), ("portal", None), ("another", Some(2))] {
            let told = usage_of(&limited, &of(client)).await["limits"]["requestsPerMinute"].clone();
            assert_eq!(told, json!(limit), "{client}");
            let mut answered = 1;
            while answered < 20 && limited.ask_as(&of(client), "{ currentPhase { key } }", json!({})).await.status == 200 {
                answered += 1;
            }
            assert_eq!(answered, limit.unwrap_or(20), "{client}");
        }
        limited.server.database().close().await.unwrap();
    }

    async fn what_could_not_be_written_is_counted_still(app: TestApp) {
        ask(app, &land(), 2).await;
        let db = app.server.database().connection();
        use sea_orm::ConnectionTrait;
        db.execute_unprepared("ALTER TABLE usage_days RENAME TO away").await.unwrap();
        assert!(app.server.desk().usage.flush(app.server.database()).await.is_err());
        db.execute_unprepared("ALTER TABLE away RENAME TO usage_days").await.unwrap();
        flush(app).await;
        assert_eq!(usage_of(app, &land()).await["requestsToday"], 3);
    }
}
