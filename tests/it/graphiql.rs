//! GraphiQL as it is served. What a browser makes of it is tried in `tests/clients/graphiql.test.js`.

use axum::{body::Body, http::Request};
use serde_json::Value;

use crate::support::{
    TestApp, account_manager, acts::AACHEN, auditor, land, municipality, provider, send, steward, transformation_office,
};

/// The kinds of users in the order of the page, each with a token of one of them.
fn callers() -> [(&'static str, Option<String>); 8] {
    [
        ("Portal (ohne Token)", None),
        ("Kommune", Some(municipality(AACHEN))),
        ("Anbieter", Some(provider("krzn"))),
        ("Kundenbetreuung", Some(account_manager("kreise"))),
        ("Katalogverantwortung", Some(steward())),
        ("Transformationsbüro", Some(transformation_office())),
        ("Land", Some(land())),
        ("Revision", Some(auditor())),
    ]
}

async fn examples(app: &TestApp) -> Vec<Value> {
    app.get("/graphiql/examples.json").await.body.as_array().unwrap().clone()
}

/// Codes of the errors of an answer, top-level ones and those of payloads.
fn codes(body: &Value) -> Vec<&str> {
    let errors = body["errors"].as_array().into_iter().flatten();
    errors.map(|error| error["extensions"]["code"].as_str().unwrap()).collect()
}

/// Files that a page names in `src` and `href`.
fn named(page: &str) -> Vec<&str> {
    let attributes = page.split("src=\"").chain(page.split("href=\"")).filter_map(|rest| rest.split('"').next());
    attributes.filter(|name| name.starts_with("graphiql/")).collect()
}

on_both_databases! {
    async fn every_example_runs_for_its_kind_of_user(app: TestApp) {
        let examples = examples(app).await;
        for (kind, token) in callers() {
            let own: Vec<_> = examples.iter().filter(|example| example["kind"] == kind).collect();
            assert!(!own.is_empty(), "{kind}");
            for example in own {
                let (title, query) = (&example["title"], example["query"].as_str().unwrap());
                assert!(title.as_str().is_some_and(|title| query.starts_with(&format!("# {title}\n"))), "{title}");
                let variables = example["variables"].clone();
                let answer = match &token {
                    Some(token) => app.ask_as(token, query, variables).await,
                    None => app.ask(query, variables).await,
                };
                if query.contains("\nsubscription ") {
                    // It is valid: only the way in which it was asked for is wrong here.
                    assert_eq!(codes(&answer.body), ["BAD_REQUEST"], "{title}: {}", answer.body);
                    continue;
                }
                assert_eq!(codes(&answer.body), [""; 0], "{title}: {}", answer.body);
                assert!(!answer.body.to_string().contains("\"nextStep\""), "{title}: {}", answer.body);
            }
        }
        let kinds = callers().map(|(kind, _)| kind);
        assert!(examples.iter().all(|example| kinds.contains(&example["kind"].as_str().unwrap())));
    }

    async fn every_example_is_within_the_limits_of_callers_without_a_token(app: TestApp) {
        for example in examples(app).await {
            let answer = app.ask(example["query"].as_str().unwrap(), example["variables"].clone()).await;
            let allowed = ["UNAUTHENTICATED", "FORBIDDEN", "BAD_REQUEST"];
            assert!(codes(&answer.body).iter().all(|code| allowed.contains(code)), "{}: {}", example["title"], answer.body);
        }
    }
}

#[tokio::test]
async fn the_page_and_every_file_of_it_come_from_here_and_nothing_else_may_be_loaded() {
    let app = TestApp::start(crate::support::Backend::Sqlite).await;
    let page = app.get("/graphiql").await;
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    let scripts = policy.split("; ").find(|directive| directive.starts_with("script-src")).unwrap();
    assert_eq!(scripts, "script-src 'self'");
    assert!(policy.starts_with("default-src 'none'; ") && policy.ends_with("; frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("http") && !policy.contains('*') && !policy.contains("unsafe-eval"), "{policy}");
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
    let text = page.body.as_str().unwrap();
    assert!(text.contains("<html lang=\"de\">") && !text.contains("//"), "no other host is named");
    let files = named(text);
    assert_eq!(files.len(), 8, "{files:?}");
    for name in files {
        let path = format!("/{name}");
        let answer = app.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        let is_versioned = name.chars().any(|character| character.is_ascii_digit());
        let kept = if is_versioned { "public, max-age=31536000, immutable" } else { "no-cache" };
        assert_eq!(answer.headers["cache-control"], kept, "{path}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
        let again = Request::get(&path).header("if-none-match", &answer.headers["etag"]).body(Body::empty()).unwrap();
        let again = send(app.server.router(), again).await;
        assert_eq!((again.status.as_u16(), again.body), (304, Value::String(String::new())), "{path}");
    }
    check_compressed(&app).await;
    for path in ["/graphiql/", "/graphiql/nothing.js", "/graphiql/page.html", "/graphiql/..%2fpage.js"] {
        assert_eq!(app.get(path).await.status, 404, "{path}");
    }
    app.finish().await;
}

/// What is large lies compressed already; who can't read that gets it plain.
async fn check_compressed(app: &TestApp) {
    let path = "/graphiql/graphiql-3.9.0.min.js";
    let plain = app.get(path).await.body.as_str().unwrap().len();
    for (accepted, is_gzipped) in
        [("gzip, deflate, br, zstd", true), ("br;q=1.0, gzip;q=0.5", true), ("gzip;q=0", false), ("identity", false)]
    {
        let request = Request::get(path).header("accept-encoding", accepted).body(Body::empty()).unwrap();
        let answer = tower::ServiceExt::oneshot(app.server.router(), request).await.unwrap();
        assert_eq!(
            answer.headers().get("content-encoding").is_some_and(|encoding| encoding == "gzip"),
            is_gzipped,
            "{accepted}"
        );
        assert_eq!(answer.headers()["vary"], "accept-encoding", "{accepted}");
        let bytes = axum::body::to_bytes(answer.into_body(), 10_000_000).await.unwrap();
        assert_eq!((bytes[..2] == [0x1f, 0x8b], bytes.len() < plain), (is_gzipped, is_gzipped), "{accepted}");
    }
}
