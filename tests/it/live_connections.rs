//! `graphql-transport-ws` as the protocol says: messages, close codes, limits, origins, and the end of a connection.

use itkatalog::clock::Clock;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{
    Backend, TestApp,
    acts::AACHEN,
    callers::{claims, header, sign},
    land,
    live::Running,
    municipality, steward,
};

const LIVE: &str = include_str!("contract/15-live.graphql");
const LOCAL: Clock = Clock::System;

/// The code that a connection is closed with after these messages, the last of which is not a right one.
async fn code_after(running: &Running, messages: &[Value]) -> u16 {
    let mut socket = running.connect(&[]).await.unwrap();
    for message in messages {
        socket.send(message.clone()).await;
    }
    socket.code().await
}

/// A token that is accepted by the machine's clock for so many seconds.
fn token_for(seconds: i64) -> String {
    const LEEWAY: i64 = 30;
    let mut claims = claims();
    claims["exp"] = json!(LOCAL.now().timestamp() - LEEWAY + seconds);
    claims["roles"] = json!(["land"]);
    sign(&header(), &claims)
}

fn init() -> Value {
    json!({ "type": "connection_init" })
}

fn subscribe(id: &str) -> Value {
    json!({ "id": id, "type": "subscribe", "payload": { "query": LIVE } })
}

on_both_databases! {
    async fn what_is_no_message_closes_with_4400(app: TestApp) {
        let running = app.run().await;
        for message in [json!("x"), json!([]), json!({}), json!({ "type": "start" }), json!({ "type": "connection_init", "payload": [] }), json!({ "type": "subscribe" })] {
            assert_eq!(code_after(&running, std::slice::from_ref(&message)).await, 4400, "{message}");
        }
        for message in [json!({ "id": "", "type": "subscribe", "payload": { "query": LIVE } }), json!({ "id": 7, "type": "subscribe", "payload": { "query": LIVE } }),
            json!({ "id": "1", "type": "subscribe", "payload": {} }), json!({ "id": "1", "type": "subscribe", "payload": { "query": LIVE, "variables": [] } }), json!({ "id": "1", "type": "subscribe" }), json!({ "type": "complete" })] {
            assert_eq!(code_after(&running, &[init(), message.clone()]).await, 4400, "{message}");
        }
        let mut socket = running.connect(&[]).await.unwrap();
        socket.send_raw(Message::text("{")).await;
        assert_eq!(socket.code().await, 4400);
        let mut socket = running.connect(&[]).await.unwrap();
        socket.send_raw(Message::binary(init().to_string().into_bytes())).await;
        assert_eq!(socket.code().await, 4400);
        running.stop().await.unwrap();
    }

    async fn every_wrong_turn_has_its_code(app: TestApp) {
        let running = app.run_with(crate::support::clock(), |config| config.live.init_timeout_ms = 600_000).await;
        assert_eq!(code_after(&running, &[subscribe("1")]).await, 4401, "before connection_init");
        assert_eq!(code_after(&running, &[init(), init()]).await, 4429);
        assert_eq!(code_after(&running, &[init(), subscribe("1"), subscribe("1")]).await, 4409);
        for payload in [json!({ "authorization": "Bearer no token" }), json!({ "Authorization": "Basic eDp5" }), json!({ "authorization": 7 }), json!({ "authorization": format!("Bearer {}x", land()) })] {
            assert_eq!(code_after(&running, &[json!({ "type": "connection_init", "payload": payload })]).await, 4403, "{payload}");
        }
        for protocol in [None, Some("graphql-ws"), Some("mqtt")] {
            assert_eq!(running.connect_speaking(protocol).await.code().await, 4406, "{protocol:?}");
        }
        running.stop().await.unwrap();
        let running = app.run_with(crate::support::clock(), |config| config.live.init_timeout_ms = 100).await;
        let mut socket = running.connect(&[]).await.unwrap();
        socket.send(json!({ "type": "ping" })).await;
        assert_eq!(socket.next().await, json!({ "type": "pong" }), "before connection_init too");
        assert_eq!(socket.code().await, 4408);
        running.stop().await.unwrap();
    }

    async fn the_token_comes_with_the_first_message_or_with_the_request(app: TestApp) {
        let running = app.run().await;
        let who = "{ viewer { roles } }";
        let roles = async |socket: &mut crate::support::live::Socket| {
            socket.subscribe("who", who, json!({})).await;
            let told = socket.next().await;
            assert_eq!(socket.next().await, json!({ "id": "who", "type": "complete" }));
            told["payload"]["data"]["viewer"]["roles"].clone()
        };
        let bearer = format!("Bearer {}", steward());
        for name in ["authorization", "Authorization"] {
            let mut socket = running.connect(&[]).await.unwrap();
            let mut payload = json!({});
            payload[name] = json!(bearer);
            socket.send(json!({ "type": "connection_init", "payload": payload })).await;
            assert_eq!(socket.next().await["type"], "connection_ack");
            assert_eq!(roles(&mut socket).await, json!(["STEWARD"]));
        }
        let mut socket = running.connect(&[("authorization", &bearer)]).await.unwrap();
        socket.init(None).await;
        assert_eq!(roles(&mut socket).await, json!(["STEWARD"]));
        let mut socket = running.connect(&[("authorization", &bearer)]).await.unwrap();
        socket.init(Some(&land())).await;
        assert_eq!(roles(&mut socket).await, json!(["LAND"]), "the message counts more");
        assert_eq!(running.connect(&[("authorization", "Bearer x")]).await.err().unwrap(), 401);
        running.stop().await.unwrap();
    }

    async fn operations_that_can_not_run_are_answered_with_an_error_and_the_connection_stays(app: TestApp) {
        let running = app.run().await;
        let mut socket = running.socket(None).await;
        let long = format!("{{ __typename }} #{}", "x".repeat(40_000));
        for (document, variables, code) in [
            ("{", json!({}), "GRAPHQL_VALIDATION_FAILED"),
            ("{ nothing }", json!({}), "GRAPHQL_VALIDATION_FAILED"),
            ("subscription { nothing { id } }", json!({}), "GRAPHQL_VALIDATION_FAILED"),
            ("subscription { __typename }", json!({}), "GRAPHQL_VALIDATION_FAILED"),
            (long.as_str(), json!({}), "LIMIT_EXCEEDED"),
            (LIVE, json!({ "after": "x" }), "BAD_USER_INPUT"),
            (LIVE, json!({ "types": [] }), "BAD_USER_INPUT"),
            (LIVE, json!({ "types": ["NOTHING"] }), "BAD_USER_INPUT"),
        ] {
            socket.subscribe("1", document, variables).await;
            let told = socket.next().await;
            assert_eq!((&told["id"], &told["type"], &told["payload"][0]["extensions"]["code"]), (&json!("1"), &json!("error"), &json!(code)), "{told}");
            assert!(told["payload"][0]["extensions"]["requestId"].is_string());
        }
        socket.subscribe("1", "{ node(id: \"x\") { id } }", json!({})).await;
        let told = socket.next().await;
        assert_eq!((&told["type"], &told["payload"]["data"]), (&json!("next"), &json!({ "node": null })), "a field that failed");
        running.stop().await.unwrap();
    }

    async fn who_comes_too_late_is_told_over_every_connection(app: TestApp) {
        let first = app.data("{ changes(first: 1) { pageInfo { endCursor } } }", json!({})).await["changes"]["pageInfo"]["endCursor"].clone();
        let tomorrow = crate::support::clock().now() + chrono::TimeDelta::days(1);
        itkatalog::changes::remove_before(app.server.database(), tomorrow).await.unwrap();
        let running = app.run().await;
        let mut socket = running.socket(Some(&land())).await;
        socket.subscribe("1", LIVE, json!({ "after": first })).await;
        let told = socket.next().await;
        assert_eq!((&told["type"], &told["payload"][0]["extensions"]["code"]), (&json!("error"), &json!("CURSOR_EXPIRED")));
        let mut events = running.events(Some(&land()), LIVE, json!({ "after": first })).await;
        assert_eq!(events.result().await["errors"][0]["extensions"]["code"], "CURSOR_EXPIRED");
        assert_eq!(events.last().await.as_deref(), Some("complete"));
        running.stop().await.unwrap();
    }

    async fn a_connection_ends_with_its_token(app: TestApp) {
        let running = app.run_with(LOCAL, |_| ()).await;
        let mut socket = running.socket(Some(&token_for(3))).await;
        socket.send(subscribe("1")).await;
        let mut events = running.events(Some(&token_for(3)), LIVE, json!({})).await;
        assert_eq!(events.status, 200);
        assert_eq!(socket.code().await, 4440);
        assert_eq!(events.last().await, None, "without complete: the reader comes back");
        assert_eq!(running.events(Some(&token_for(-1)), LIVE, json!({})).await.status, 401);
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn pages_of_foreign_origins_are_refused_and_allowed_ones_are_not() {
    let app = TestApp::start(Backend::Sqlite).await;
    let allow = |config: &mut itkatalog::config::Config| {
        config.allowed_origins = vec!["https://portal.example".to_owned()];
    };
    let running = app.run_with(crate::support::clock(), allow).await;
    let own = format!("http://{}", running.address);
    for origin in [own.as_str(), "https://portal.example"] {
        assert!(running.connect(&[("origin", origin)]).await.is_ok(), "{origin}");
    }
    for origin in ["https://evil.example", "http://portal.example", "null"] {
        assert_eq!(running.connect(&[("origin", origin)]).await.err().unwrap(), 403, "{origin}");
    }
    running.stop().await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn operations_messages_and_connections_are_limited() {
    let app = TestApp::start(Backend::Sqlite).await;
    let limit = |config: &mut itkatalog::config::Config| {
        config.limits.body_bytes = 10_000;
        let live = &mut config.live;
        (live.operations, live.connections, live.connections_per_caller, live.anonymous_connections) = (2, 4, 1, 2);
    };
    let running = app.run_with(crate::support::clock(), limit).await;
    let mut socket = running.socket(Some(&land())).await;
    for id in ["1", "2", "3"] {
        socket.send(subscribe(id)).await;
    }
    let told = socket.next().await;
    assert_eq!((&told["id"], &told["type"]), (&json!("3"), &json!("error")));
    assert_eq!(
        (&told["payload"][0]["extensions"]["name"], &told["payload"][0]["extensions"]["limit"]),
        (&json!("operations"), &json!(2))
    );
    // One that is over makes room, and its id is free again.
    socket.send(json!({ "id": "1", "type": "complete" })).await;
    socket.subscribe("1", "{ currentPhase { key } }", json!({})).await;
    assert_eq!(socket.next().await["payload"]["data"]["currentPhase"]["key"], "FOUNDATION");
    assert_eq!(socket.next().await, json!({ "id": "1", "type": "complete" }));
    let bearer = json!({ "authorization": format!("Bearer {}", land()) });
    assert_eq!(code_after(&running, &[json!({ "type": "connection_init", "payload": bearer })]).await, 4442);
    assert_eq!(running.events(Some(&land()), LIVE, json!({})).await.status, 429);
    let mut anonymous = (running.socket(None).await, running.socket(None).await);
    assert_eq!(code_after(&running, &[init()]).await, 4442);
    anonymous.0.send(json!({ "type": "ping", "payload": { "x": "y".repeat(11_000) } })).await;
    assert_eq!(anonymous.0.code().await, 1009);
    running.wait_for(2).await;
    let _others = (running.socket(Some(&steward())).await, running.socket(Some(&municipality(AACHEN))).await);
    running.wait_for(4).await;
    assert_eq!(running.connect(&[]).await.err().unwrap(), 429);
    assert_eq!(running.events(Some("x"), LIVE, json!({})).await.status, 401);
    drop(anonymous.1);
    running.stop().await.unwrap();
    app.finish().await;
}

/// The code of the error that an operation is refused with; none when it is answered.
async fn refusal(socket: &mut crate::support::live::Socket, id: &str) -> Option<Value> {
    socket.subscribe(id, "{ __typename }", json!({})).await;
    let told = socket.next().await;
    if told["type"] == "next" {
        assert_eq!(socket.next().await["type"], "complete");
        return None;
    }
    Some(told["payload"][0]["extensions"]["code"].clone())
}

#[tokio::test]
async fn operations_count_as_requests_of_their_caller_whichever_way_they_come() {
    let app = TestApp::start(Backend::Sqlite).await;
    let running = app.run_with(crate::support::clock(), |config| config.rate_limit = 4).await;
    // The handshake is a request of the address; the operations are those of the token.
    let mut socket = running.socket(Some(&land())).await;
    for id in ["1", "2", "3"] {
        assert_eq!(refusal(&mut socket, id).await, None);
    }
    assert_eq!(running.events(Some(&land()), "{ __typename }", json!({})).await.status, 200, "the fourth");
    assert_eq!(refusal(&mut socket, "5").await, Some(json!("RATE_LIMITED")));
    assert_eq!(running.events(Some(&land()), "{ __typename }", json!({})).await.status, 429);
    assert_eq!(refusal(&mut running.socket(Some(&steward())).await, "1").await, None, "another caller");
    for _ in 0..2 {
        drop(running.connect(&[]).await.unwrap());
    }
    assert_eq!(running.connect(&[]).await.err().unwrap(), 429, "opening connections is counted too");
    running.stop().await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn operations_take_a_place_among_those_that_are_worked_on_at_once() {
    let app = TestApp::start(Backend::Sqlite).await;
    let running = app.run_with(crate::support::clock(), |config| config.limits.in_flight = 1).await;
    let mut socket = running.socket(None).await;
    assert_eq!(refusal(&mut socket, "before").await, None);
    // Its body does not come: it is worked on until it is given up.
    let mut slow = tokio::net::TcpStream::connect(running.address).await.unwrap();
    let head = "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut slow, head.as_bytes()).await.unwrap();
    let refused = loop {
        if let Some(code) = refusal(&mut socket, "meanwhile").await {
            break code;
        }
    };
    assert_eq!(refused, "UNAVAILABLE");
    drop(slow);
    while refusal(&mut socket, "after").await.is_some() {}
    running.stop().await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn who_is_connected_is_told_when_the_service_stops_and_does_not_hold_it_up() {
    let app = TestApp::start(Backend::Sqlite).await;
    let running = app.run().await;
    let mut idle = running.socket(None).await;
    let mut socket = running.socket(Some(&land())).await;
    socket.send(subscribe("1")).await;
    let mut events = running.events(Some(&land()), LIVE, json!({})).await;
    // Within the grace, or this is an error.
    let (stopped, idle, code, last) = tokio::join!(running.stop(), idle.code(), socket.code(), events.last());
    stopped.unwrap();
    assert_eq!((idle, code, last), (1001, 1001, None));
    app.finish().await;
}

#[tokio::test]
async fn open_connections_are_told_to_prometheus() {
    let app = TestApp::start(Backend::Sqlite).await;
    let text = app.get("/metrics").await.body.as_str().unwrap().to_owned();
    for name in [
        "itkatalog_connections{transport=\"websocket\"}",
        "itkatalog_connections{transport=\"event_stream\"}",
        "itkatalog_feed_sequence",
    ] {
        assert!(text.contains(name), "{text}");
    }
    app.finish().await;
}
