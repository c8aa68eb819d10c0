//! Documents that were looked at before: asked for by their SHA-256, kept by caches, and, if wanted, the only ones for the public.

use std::process::Command;

use axum::{body::Body, http::Request};
use itkatalog::{graphql::trusted, server::Server};
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, acts::AACHEN, clock, municipality, post, send};

const DOCUMENT: &str = "query Name($ags: AGS!) { municipality(by: {ags: $ags}) { name } }";

/// An instance that knows the document, and perhaps no other for the public; its folder.
async fn instance(app: &TestApp, only_trusted: bool) -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    trusted::add(folder.path(), DOCUMENT).unwrap();
    let mut config = app.config.clone();
    config.documents = Some(folder.path().to_owned());
    config.only_trusted_documents = only_trusted;
    (Server::build(config, clock(), false).await.unwrap(), folder)
}

async fn get(server: &Server, query: &str, headers: &[(&str, &str)]) -> Answer {
    let request = Request::get(format!("/graphql?{query}")).header("accept", "application/graphql-response+json");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    send(server.router(), request.body(Body::empty()).unwrap()).await
}

async fn ask(server: &Server, token: Option<&str>, body: Value) -> Answer {
    let mut request = post().header("accept", "application/graphql-response+json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    send(server.router(), request.body(Body::from(body.to_string())).unwrap()).await
}

fn variables() -> Value {
    json!({ "ags": AACHEN })
}

fn in_address() -> String {
    format!("documentId={}&variables=%7B%22ags%22%3A%22{AACHEN}%22%7D", trusted::id(DOCUMENT))
}

on_both_databases! {
    async fn a_document_is_asked_for_by_its_digest(app: TestApp) {
        let (server, _folder) = instance(app, false).await;
        let id = trusted::id(DOCUMENT);
        let expected = json!({ "data": { "municipality": { "name": "Aachen" } } });
        assert_eq!(get(&server, &in_address(), &[]).await.body, expected);
        for body in [
            json!({ "documentId": id, "variables": variables() }),
            json!({ "documentId": format!("sha256:{}", id.to_uppercase()), "variables": variables() }),
            json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": id } }, "variables": variables() }),
            json!({ "documentId": id, "query": DOCUMENT, "variables": variables() }),
        ] {
            assert_eq!(ask(&server, None, body.clone()).await.body, expected, "{body}");
        }
    }

    async fn a_digest_that_is_unknown_or_none_is_told(app: TestApp) {
        let (server, _folder) = instance(app, false).await;
        for (id, code) in [
            ("0".repeat(64), "NOT_FOUND"),
            ("abc".to_owned(), "BAD_USER_INPUT"),
            (format!("..%2F{}", "0".repeat(61)), "BAD_USER_INPUT"),
            ("ä".repeat(32), "BAD_USER_INPUT"),
            ("0".repeat(65), "BAD_USER_INPUT"),
            (format!("\0{}", "0".repeat(63)), "BAD_USER_INPUT"),
        ] {
            let answer = ask(&server, None, json!({ "documentId": id })).await;
            let extensions = &answer.body["errors"][0]["extensions"];
            assert_eq!((answer.status.as_u16(), &extensions["code"], &extensions["field"]), (400, &json!(code), &json!("documentId")), "{id:?}");
        }
        for wrong in [json!({ "documentId": 7 }), json!({}), json!({ "documentId": null, "query": " " })] {
            assert_eq!(ask(&server, None, wrong).await.body["errors"][0]["extensions"]["code"], "BAD_REQUEST");
        }
    }

    async fn clients_with_persisted_queries_are_told_in_their_words_to_send_the_text(app: TestApp) {
        let (server, _folder) = instance(app, false).await;
        let unknown = json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "0".repeat(64) } } });
        for (server, word) in [(&server, "PersistedQueryNotFound"), (&app.server, "PersistedQueryNotSupported")] {
            let error = ask(server, None, unknown.clone()).await.body["errors"][0].clone();
            assert_eq!((&error["message"], &error["extensions"]["code"]), (&json!(word), &json!("NOT_FOUND")));
            let mut with_text = unknown.clone();
            with_text["query"] = json!("{ __typename }");
            assert_eq!(ask(server, None, with_text).await.body, json!({ "data": { "__typename": "Query" } }));
        }
        let wrong = json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "abc" } } });
        assert_eq!(ask(&server, None, wrong).await.body["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    }

    async fn caches_keep_what_the_public_gets_by_get_and_nothing_else(app: TestApp) {
        let (server, _folder) = instance(app, false).await;
        let first = get(&server, &in_address(), &[]).await;
        assert_eq!(first.headers["cache-control"], "public, max-age=1, must-revalidate");
        assert!(first.headers["vary"].to_str().unwrap().contains("authorization"));
        let tag = first.headers["etag"].to_str().unwrap();
        for known in [tag.to_owned(), format!("W/\"other\", {tag}"), "*".to_owned()] {
            let again = get(&server, &in_address(), &[("if-none-match", &known)]).await;
            assert_eq!((again.status.as_u16(), &again.body, again.headers["etag"].to_str().unwrap()), (304, &json!(""), tag));
        }
        assert_eq!(get(&server, &in_address(), &[("if-none-match", "W/\"other\"")]).await.status, 200);
        let wrong = get(&server, "query=%7Bmunicipality(by%3A%7Bags%3A%2205000000%22%7D)%7Bname%7D%7D", &[]).await;
        assert!(wrong.body["errors"].is_array() && wrong.headers.get("etag").is_none() && wrong.headers["cache-control"] == "no-store");
        let bearer = format!("Bearer {}", municipality(AACHEN));
        let own = get(&server, &in_address(), &[("authorization", &bearer)]).await;
        assert!(own.headers.get("etag").is_none() && own.headers["cache-control"] == "no-store");
        let posted = ask(&server, None, json!({ "query": "{ __typename }" })).await;
        assert!(posted.headers.get("etag").is_none() && posted.headers["cache-control"] == "no-store");
    }

    async fn the_public_may_be_left_with_trusted_documents_only(app: TestApp) {
        let (server, folder) = instance(app, true).await;
        let own = json!({ "query": "{ __typename }" });
        let refused = ask(&server, None, own.clone()).await;
        assert_eq!((refused.status.as_u16(), &refused.body["errors"][0]["extensions"]["code"]), (403, &json!("FORBIDDEN")));
        assert!(refused.body["errors"][0]["extensions"]["nextStep"].is_string(), "{}", refused.body);
        assert_eq!(ask(&server, None, json!({ "query": DOCUMENT, "variables": variables() })).await.status, 200, "its text is as good as its digest");
        assert_eq!(ask(&server, Some(&municipality(AACHEN)), own).await.status, 200);
        // One that is added later is found without a restart.
        trusted::add(folder.path(), "{ __typename }").unwrap();
        assert_eq!(ask(&server, None, json!({ "query": "{ __typename }" })).await.status, 200);
    }

    async fn what_a_document_costs_is_told_on_demand(app: TestApp) {
        let body = json!({ "query": "{ products(first: 10) { edges { node { name } } } }" }).to_string();
        let told = app.send(post().header("x-query-cost", "1"), body.clone()).await;
        let cost = &told.body["extensions"]["cost"];
        assert_eq!(cost["limit"], app.config.limits.cost);
        assert!((20..1_000).contains(&cost["actual"].as_u64().unwrap()), "{cost}");
        assert_eq!(app.send(post(), body).await.body.get("extensions"), None);
    }
}

#[tokio::test]
async fn a_folder_that_was_tampered_with_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let id = trusted::add(folder.path(), DOCUMENT).unwrap();
    std::fs::write(folder.path().join(format!("{id}.graphql")), "{ __schema { types { name } } }").unwrap();
    let mut config = crate::support::config("sqlite::memory:");
    config.documents = Some(folder.path().to_owned());
    let error = Server::build(config.clone(), clock(), false).await.err().unwrap();
    assert!(error.contains(&id), "{error}");
    config.documents = Some(folder.path().join("nowhere"));
    assert!(Server::build(config, clock(), false).await.err().unwrap().contains("nowhere"));
}

#[test]
fn documents_are_added_all_or_none_and_only_when_they_fit_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let store = folder.path().join("store");
    let add = |files: &[std::path::PathBuf]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_itkatalog"));
        command
            .current_dir(folder.path())
            .args(["documents", "add", "--folder"])
            .arg(&store)
            .args(files)
            .output()
            .unwrap()
    };
    let good = file("name.graphql", DOCUMENT);
    let relay = file(
        "relay.json",
        &json!({ "x": "mutation M($input: SaveContactInput!) { saveContact(input: $input) { errors { code } } }" })
            .to_string(),
    );
    let apollo =
        file("apollo.json", &json!({ "operations": [{ "id": "y", "body": "{ viewer { roles } }" }] }).to_string());
    for (bad, said) in [
        (file("bad.graphql", "{ municipality(by: {ags: \"05334002\"}) { nope } }"), "nope"),
        (file("broken.graphql", "{"), "broken.graphql"),
        (file("bad.json", "[1]"), "manifest"),
        (folder.path().join("missing.graphql"), "missing.graphql"),
    ] {
        let refused = add(&[good.clone(), bad]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&refused.stderr).contains(said), "{refused:?}");
        assert!(!store.exists(), "nothing is added");
    }
    let added = add(&[good, relay, apollo]);
    let printed = String::from_utf8(added.stdout).unwrap();
    assert_eq!(
        (added.status.code(), printed.lines().count(), printed.lines().next()),
        (Some(0), 3, Some(trusted::id(DOCUMENT).as_str()))
    );
    assert_eq!(std::fs::read_dir(store).unwrap().count(), 3);
}
