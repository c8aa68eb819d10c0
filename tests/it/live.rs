//! Following the change feed over real connections: nothing is lost, nothing doubled, nothing shown that may not be seen.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::support::{
    Backend, TestApp, account_manager,
    acts::{AACHEN, INITIAL, KLEVE, OTHER, Row, STANDARD, id_of, next, step},
    land, municipality, nodes, provider, steward,
};

const LIVE: &str = include_str!("contract/15-live.graphql");
const FEED: &str = include_str!("contract/13-change-feed.graphql");

async fn approved(app: &TestApp, count: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for _ in 0..count {
        rows.push(
            app.subscription(AACHEN, INITIAL, |row| row.state = entity::product_subscription::State::Approved).await,
        );
    }
    rows
}

async fn activate(app: &TestApp, row: &Row) {
    let input = step(&id_of(row), 1, json!({ "on": "2026-11-23" }));
    assert_eq!(app.act(&provider("zentral-nrw"), "activateSubscription", input).await["errors"], json!([]));
}

async fn latest(app: &TestApp) -> Value {
    app.data("{ changes(first: 1) { latestCursor } }", json!({})).await["changes"]["latestCursor"].clone()
}

on_both_databases! {
    async fn what_another_instance_writes_is_told_in_order_with_what_it_is_now(app: TestApp) {
        let running = app.run().await;
        let mut socket = running.socket(Some(&land())).await;
        let after = latest(app).await;
        socket.subscribe("1", LIVE, json!({ "after": after })).await;
        let asked = app.done(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
        let first = socket.change("1").await;
        assert_eq!(first["change"]["type"], "PRODUCT_SUBSCRIPTION");
        assert_eq!(first["change"]["entity"], json!({ "id": asked["id"], "__typename": "ProductSubscription" }));
        app.done(&steward(), "approveSubscription", next(&asked, json!({}))).await;
        let second = socket.change("1").await;
        assert_eq!(second["change"]["previous"], first["change"]["sequence"]);
        // The cursor of an event is one of the query too.
        let page = app.data_as(&land(), FEED, json!({ "first": 10, "after": first["cursor"] })).await;
        assert_eq!(page["changes"]["edges"], json!([{ "cursor": second["cursor"], "node": second["change"] }]));
        running.stop().await.unwrap();
    }

    async fn what_is_published_is_shown_as_it_stands_then(app: TestApp) {
        let running = app.run().await;
        let mut socket = running.socket(None).await;
        let name = "subscription($after: String) { changes(after: $after, types: [STANDARD_PRODUCT]) { change { entityVersion entity { ... on StandardProduct { name } } } } }";
        socket.subscribe("names", name, json!({ "after": latest(app).await })).await;
        let save = "mutation($input: SaveStandardProductInput!) { saveStandardProduct(input: $input) { standardProduct { id name version } errors { message } } }";
        let input = json!({ "key": "live-1", "name": "Erster Name", "summary": "Ein Satz", "category": "fin", "reason": { "code": "NEED", "text": "Probe" }, "idempotencyKey": "a" });
        let saved = app.data_as(&steward(), save, json!({ "input": input })).await["saveStandardProduct"].clone();
        assert_eq!(saved["errors"], json!([]), "{saved}");
        assert_eq!(socket.change("names").await["change"], json!({ "entityVersion": 1, "entity": { "name": "Erster Name" } }));
        running.stop().await.unwrap();
    }

    async fn everybody_is_told_its_own_only(app: TestApp) {
        let running = app.run().await;
        let after = latest(app).await;
        let readers = [("aachen", Some(municipality(AACHEN))), ("kleve", Some(municipality(KLEVE))), ("nobody", None), ("regioit", Some(provider("regioit"))), ("manager", Some(account_manager("kgst-st-2")))];
        let mut sockets = Vec::new();
        for (name, token) in &readers {
            let mut socket = running.socket(token.as_deref()).await;
            socket.subscribe(name, LIVE, json!({ "after": after })).await;
            sockets.push(socket);
        }
        app.done(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
        app.done(&municipality(KLEVE), "requestSubscription", app.request_of(KLEVE, INITIAL).await).await;
        app.done(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, STANDARD).await).await;
        app.done(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, OTHER).await).await;
        // Something that all see tells that nothing else comes.
        let freeze = json!({ "scope": { "everything": true }, "message": "Probe", "reason": { "code": "OTHER", "text": "Probe" }, "idempotencyKey": "f" });
        app.data_as(&crate::support::transformation_office(), "mutation($input: FreezeInput!) { freeze(input: $input) { errors { message } } }", json!({ "input": freeze })).await;
        for ((name, _), socket) in readers.iter().zip(&mut sockets) {
            let mut seen = Vec::new();
            loop {
                let change = socket.change(name).await["change"].clone();
                seen.push(change["sequence"].as_i64().unwrap());
                if change["type"] == "FREEZE" { break; }
            }
            let first = seen.last().unwrap() - 4;
            let seen: Vec<i64> = seen.iter().map(|sequence| sequence - first).collect();
            let expected: &[i64] = match *name {
                "aachen" | "manager" => &[0, 2, 3, 4],
                "kleve" => &[1, 4],
                "regioit" => &[2, 3, 4],
                _ => &[4],
            };
            assert_eq!(seen, expected, "{name}");
        }
        running.stop().await.unwrap();
    }

    async fn nothing_is_lost_or_doubled_across_reconnects_while_others_write(app: TestApp) {
        const WRITES: usize = 30;
        let rows = approved(app, WRITES).await;
        let running = app.run().await;
        let write = async {
            for chunk in rows.chunks(3) {
                futures_util::future::join_all(chunk.iter().map(|row| activate(app, row))).await;
            }
        };
        let (mut after, mut seen) = (latest(app).await, Vec::new());
        let read = async {
            while seen.len() < WRITES {
                // A new connection for every few entries, each time cut off without a goodbye.
                let mut socket = running.socket(Some(&land())).await;
                socket.subscribe("again", LIVE, json!({ "after": after })).await;
                for _ in 0..(WRITES - seen.len()).min(4) {
                    let event = socket.change("again").await;
                    if let Some(last) = seen.last() {
                        assert_eq!(event["change"]["previous"].as_i64(), Some(*last));
                    }
                    seen.push(event["change"]["sequence"].as_i64().unwrap());
                    after = event["cursor"].clone();
                }
            }
        };
        tokio::join!(write, read);
        assert_eq!(seen.iter().collect::<HashSet<_>>().len(), WRITES);
        let page = app.data_as(&land(), FEED, json!({ "first": 1, "after": after })).await;
        assert_eq!(nodes(&page["changes"]).len(), 0);
        running.stop().await.unwrap();
    }

    async fn who_was_away_for_long_is_told_everything_that_is_kept(app: TestApp) {
        let running = app.run().await;
        let first = app.data(FEED, json!({ "first": 1 })).await["changes"]["pageInfo"]["endCursor"].clone();
        let mut socket = running.socket(Some(&land())).await;
        socket.subscribe("1", LIVE, json!({ "after": first })).await;
        // More than are read at once.
        for sequence in 2..=250 {
            let change = socket.change("1").await["change"].clone();
            assert_eq!((&change["sequence"], &change["previous"]), (&json!(sequence), &json!(sequence - 1)));
        }
        running.stop().await.unwrap();
    }

    async fn changes_that_come_over_the_connection_are_told_on_it(app: TestApp) {
        let running = app.run().await;
        let mut socket = running.socket(Some(&municipality(AACHEN))).await;
        socket.subscribe("live", LIVE, json!({ "after": latest(app).await })).await;
        let request = "mutation($input: RequestSubscriptionInput!) { requestSubscription(input: $input) { subscription { id } errors { code } } }";
        let input = app.request_of(AACHEN, INITIAL).await;
        socket.subscribe("act", request, json!({ "input": input })).await;
        let mut told = Vec::new();
        for _ in 0..3 {
            told.push(socket.next().await);
        }
        let of = |id: &str| told.iter().filter(|message| message["id"] == id).collect::<Vec<_>>();
        let payload = &of("act")[0]["payload"]["data"]["requestSubscription"];
        assert_eq!(payload["errors"], json!([]));
        assert_eq!(of("act")[1]["type"], "complete");
        assert_eq!(of("live")[0]["payload"]["data"]["changes"]["change"]["entity"]["id"], payload["subscription"]["id"]);
        running.stop().await.unwrap();
    }

    async fn a_stream_of_events_tells_the_same(app: TestApp) {
        let running = app.run_with(crate::support::clock(), |config| config.live.keep_alive_ms = 100).await;
        let mut events = running.events(Some(&land()), LIVE, json!({ "after": latest(app).await })).await;
        assert_eq!((events.status.as_u16(), &events.headers["content-type"]), (200, &"text/event-stream".parse().unwrap()));
        assert_eq!(events.next().await.unwrap().0, "", "a sign of life");
        let asked = app.done(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
        let event = events.result().await["data"]["changes"].clone();
        assert_eq!(event["change"]["entity"]["id"], asked["id"]);
        app.done(&steward(), "approveSubscription", next(&asked, json!({}))).await;
        let again = running.events(Some(&land()), LIVE, json!({ "after": event["cursor"] })).await.result().await;
        assert_eq!(again, events.result().await);
        drop(events);
        running.wait_until_left().await;
        running.stop().await.unwrap();
    }

    async fn queries_and_errors_come_as_events_too(app: TestApp) {
        let running = app.run().await;
        let mut events = running.events(None, "{ currentPhase { key } }", json!({})).await;
        assert_eq!(events.result().await["data"]["currentPhase"]["key"], "FOUNDATION");
        assert_eq!(events.last().await.as_deref(), Some("complete"));
        let mut events = running.events(None, LIVE, json!({ "after": "x" })).await;
        let result = events.result().await;
        assert_eq!((&result["errors"][0]["extensions"]["code"], result.get("data")), (&json!("BAD_USER_INPUT"), None));
        assert_eq!(events.last().await.as_deref(), Some("complete"));
        for (document, status) in [("{ nothing }", 200), ("{", 400), ("subscription { ...f } fragment f on Subscription { changes { cursor } }", 400), ("subscription { a: changes { cursor } b: changes { cursor } }", 400)] {
            let events = running.events(None, document, json!({})).await;
            assert_eq!(events.status, status, "{document}");
            assert!(events.text().await.contains("GRAPHQL_VALIDATION_FAILED"), "{document}");
        }
        assert_eq!(running.events(Some("no token"), LIVE, json!({})).await.status, 401);
        let refused = app.ask(LIVE, json!({})).await;
        assert_eq!((refused.status.as_u16(), &refused.body["errors"][0]["extensions"]["code"]), (400, &json!("BAD_REQUEST")));
        let by_get = axum::http::Request::get("/graphql?query=mutation%7B__typename%7D").header("accept", "text/event-stream");
        assert_eq!(app.send(by_get, String::new()).await.status, 405);
        running.stop().await.unwrap();
    }

    async fn a_reader_that_does_not_read_is_dropped_and_keeps_no_writer(app: TestApp) {
        let running = app.run_with(crate::support::clock(), |config| config.live.slow_reader_ms = 200).await;
        let first = app.data(FEED, json!({ "first": 1 })).await["changes"]["pageInfo"]["endCursor"].clone();
        let mut socket = running.socket(Some(&land())).await;
        // Each entry is told with a name of 20,000 letters: more than any buffer on the way holds.
        let document = format!("subscription($after: String) {{ changes(after: $after) {{ change {{ {}: sequence }} }} }}", "x".repeat(20_000));
        socket.subscribe("slow", &document, json!({ "after": first })).await;
        app.done(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
        running.wait_until_left().await;
        let mut read = 0;
        while socket.read().await.is_ok() {
            read += 1;
        }
        let all = latest_sequence(app).await;
        assert!(read < all - 1, "{read} of {all}");
        running.stop().await.unwrap();
    }
}

async fn latest_sequence(app: &TestApp) -> usize {
    use sea_orm::{EntityTrait, PaginatorTrait};
    entity::change::Entity::find().count(app.server.database().connection()).await.unwrap() as usize
}

#[tokio::test]
async fn a_writer_outside_is_found_by_polling_alone() {
    let app = TestApp::start(Backend::Sqlite).await;
    let running = app.run().await;
    let mut socket = running.socket(Some(&land())).await;
    let after = latest(&app).await;
    socket.subscribe("1", LIVE, json!({ "after": after })).await;
    // Another process knows nothing of this one: only the file tells.
    let other = app.at(crate::support::NOW).await;
    other.done(&municipality(AACHEN), "requestSubscription", other.request_of(AACHEN, INITIAL).await).await;
    assert_eq!(socket.change("1").await["change"]["type"], "PRODUCT_SUBSCRIPTION");
    other.server.database().close().await.unwrap();
    running.stop().await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn announcements_of_another_instance_are_heard_long_before_the_next_poll() {
    let app = TestApp::start(Backend::Postgres).await;
    // Polling would take an hour: longer than this test waits for anything.
    let running = app.run_with(crate::support::clock(), |config| config.refresh_interval_ms = 3_600_000).await;
    let mut socket = running.socket(Some(&land())).await;
    socket.subscribe("1", LIVE, json!({ "after": latest(&app).await })).await;
    app.done(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
    assert_eq!(socket.change("1").await["change"]["type"], "PRODUCT_SUBSCRIPTION");
    running.stop().await.unwrap();
    app.finish().await;
}
