//! What stands around all routes: how many requests, from which pages, in which form.

use axum::{
    body::{Body, Bytes},
    http::Request,
};
use itkatalog::{config::Config, http::Peer, server::Server};
use serde_json::json;

use crate::support::{Answer, TestApp, acts::AACHEN, clock, municipality, post, send, steward};

const TYPENAME: &str = "{\"query\":\"{ __typename }\"}";

/// Another instance on the same database, with other settings.
async fn instance(app: &TestApp, change: impl FnOnce(&mut Config)) -> Server {
    let mut config = app.config.clone();
    change(&mut config);
    Server::build(config, clock(), false).await.unwrap()
}

/// Asks from an address, with a token if one is given.
async fn ask(server: &Server, address: &str, token: Option<&str>) -> Answer {
    let mut request = post().extension(Peer(address.parse().unwrap()));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    send(server.router(), request.body(Body::from(TYPENAME)).unwrap()).await
}

on_both_databases! {
    async fn each_caller_has_its_own_requests_a_minute(app: TestApp) {
        let server = instance(app, |config| config.rate_limit = 3).await;
        let (town, steward) = (municipality(AACHEN), steward());
        for left in ["2", "1", "0"] {
            let answer = ask(&server, "192.0.2.1", Some(&town)).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.headers["ratelimit-policy"], "\"caller\";q=3;w=60");
            assert_eq!(answer.headers["ratelimit"], format!("\"caller\";r={left}"));
        }
        let refused = ask(&server, "192.0.2.9", Some(&town)).await;
        let error = &refused.body["errors"][0];
        assert_eq!((refused.status.as_u16(), &error["extensions"]["code"]), (429, &json!("RATE_LIMITED")));
        let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=20).contains(&wait) && error["extensions"]["retryAfter"] == wait && refused.body.get("data").is_none());
        assert_eq!(ask(&server, "192.0.2.1", Some(&steward)).await.status, 200, "another caller at the same address");
        assert_eq!(ask(&server, "192.0.2.1", None).await.status, 200, "and whoever has no token");
    }

    async fn who_has_no_token_that_is_accepted_is_counted_by_address(app: TestApp) {
        let server = instance(app, |config| config.rate_limit = 2).await;
        assert_eq!(ask(&server, "192.0.2.1", Some("forged")).await.status, 401);
        assert_eq!(ask(&server, "192.0.2.1", None).await.status, 200);
        assert_eq!(ask(&server, "192.0.2.1", Some("forged")).await.status, 429, "guessing tokens is counted too");
        assert_eq!(ask(&server, "192.0.2.1", None).await.status, 429);
        assert_eq!(ask(&server, "192.0.2.2", None).await.status, 200);
    }

    async fn behind_a_trusted_proxy_its_clients_are_counted(app: TestApp) {
        let server = instance(app, |config| {
            config.rate_limit = 1;
            config.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        })
        .await;
        for (client, status) in [("198.51.100.1", 200), ("198.51.100.2", 200), ("198.51.100.1", 429)] {
            let request = post().extension(Peer("10.1.1.1".parse().unwrap())).header("x-forwarded-for", client);
            assert_eq!(send(server.router(), request.body(Body::from(TYPENAME)).unwrap()).await.status, status, "{client}");
        }
    }

    async fn one_request_too_many_at_once_is_refused_and_health_still_answers(app: TestApp) {
        let server = instance(app, |config| config.limits.in_flight = 1).await;
        // Its body does not end: it is worked on until then.
        let (sender, receiver) = tokio::sync::oneshot::channel::<Bytes>();
        let body = Body::from_stream(futures_util::stream::once(receiver));
        let first = tokio::spawn(send(server.router(), post().body(body).unwrap()));
        let refused = loop {
            let answer = ask(&server, "192.0.2.1", None).await;
            if answer.status != 200 {
                break answer;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!((refused.status.as_u16(), &refused.body["errors"][0]["extensions"]["code"]), (503, &json!("UNAVAILABLE")));
        assert_eq!(refused.headers["retry-after"], "1");
        let health = send(server.router(), Request::get("/livez").body(Body::empty()).unwrap()).await;
        assert_eq!(health.status, 200);
        sender.send(Bytes::from_static(TYPENAME.as_bytes())).unwrap();
        assert_eq!(first.await.unwrap().status, 200);
        assert_eq!(ask(&server, "192.0.2.1", None).await.status, 200, "there is room again");
    }

    async fn pages_of_other_origins_read_answers_only_when_they_are_named(app: TestApp) {
        let server = instance(app, |config| config.allowed_origins = vec!["https://portal.example".to_owned()]).await;
        for (origin, allowed) in [("https://portal.example", true), ("https://evil.example", false), ("https://portal.example.evil.example", false), ("null", false)] {
            let preflight = Request::options("/graphql").header("origin", origin)
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "authorization,content-type");
            let answer = send(server.router(), preflight.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.headers.get("access-control-allow-origin").is_some(), allowed, "{origin}");
            assert_eq!(answer.headers.get("access-control-allow-credentials"), None);
            let asked = post().header("origin", origin).body(Body::from(TYPENAME)).unwrap();
            let answer = send(server.router(), asked).await;
            assert_eq!(answer.headers.get("access-control-allow-origin").map(|value| value.to_str().unwrap()), allowed.then_some(origin));
        }
        let mut config = app.config.clone();
        for wrong in ["*", "portal.example", "https://portal.example/", "https://portal.example/path", ""] {
            config.allowed_origins = vec![wrong.to_owned()];
            let error = Server::build(config.clone(), clock(), false).await.err().unwrap();
            assert!(error.contains("allowed_origins"), "{wrong}: {error}");
        }
    }

    async fn answers_tell_browsers_to_do_nothing_with_them_but_show_them(app: TestApp) {
        for path in ["/livez", "/schema.graphql", "/nothing-here", "/graphql?query=%7B__typename%7D"] {
            let answer = app.get(path).await;
            assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
            assert_eq!(answer.headers["content-security-policy"], "default-src 'none'; frame-ancestors 'none'", "{path}");
            assert_eq!(answer.headers["referrer-policy"], "no-referrer", "{path}");
            assert_eq!(answer.headers.get("server"), None, "{path}");
        }
    }

    async fn answers_are_compressed_as_the_client_can_read_them(app: TestApp) {
        let plain = app.get("/schema.graphql").await;
        assert_eq!(plain.headers.get("content-encoding"), None);
        for encoding in ["gzip", "br", "zstd"] {
            let request = Request::get("/schema.graphql").header("accept-encoding", encoding).body(Body::empty()).unwrap();
            let answer = tower::ServiceExt::oneshot(app.server.router(), request).await.unwrap();
            assert_eq!(answer.headers()["content-encoding"], encoding);
            let bytes = axum::body::to_bytes(answer.into_body(), 10_000_000).await.unwrap();
            assert!(bytes.len() * 2 < plain.body.as_str().unwrap().len());
        }
    }
}
