//! GraphQL over HTTP, health, metrics.

use axum::http::Request;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, fingerprint, post};

const MODERN: &str = "application/graphql-response+json";

async fn send_as(app: &TestApp, accept: &str, body: &str) -> Answer {
    app.send(post().header("accept", accept), body.to_owned()).await
}

fn code(answer: &Answer) -> &str {
    answer.body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

on_both_databases! {
    async fn the_answer_has_the_media_type_that_the_client_prefers(app: TestApp) {
        let body = "{\"query\":\"{ __typename }\"}";
        for (accept, expected) in [
            (MODERN, "application/graphql-response+json; charset=utf-8"),
            ("application/json", "application/json; charset=utf-8"),
            ("*/*", "application/json; charset=utf-8"),
            ("application/json;q=0.1, application/graphql-response+json", "application/graphql-response+json; charset=utf-8"),
        ] {
            let answer = send_as(app, accept, body).await;
            assert_eq!((answer.status.as_u16(), answer.headers["content-type"].to_str().unwrap()), (200, expected));
            assert_eq!(answer.body, json!({ "data": { "__typename": "Query" } }));
        }
        assert_eq!(send_as(app, "text/html", body).await.status, 406);
    }

    async fn a_document_that_can_not_run_has_no_data_and_its_status(app: TestApp) {
        for document in ["{", "{ gibtEsNicht }", "query($first: Int!) { products(first: $first) { totalCount } }", "{ products { edges } }"] {
            let body = json!({ "query": document }).to_string();
            let modern = send_as(app, MODERN, &body).await;
            assert_eq!(modern.status, 400, "{document}");
            assert_eq!(modern.body.get("data"), None);
            let old = send_as(app, "application/json", &body).await;
            assert_eq!(old.status, 200, "{document}");
            assert_eq!(old.body.get("data"), None);
            assert!(["GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"].contains(&code(&old)), "{}", old.body);
        }
    }

    async fn a_syntax_error_names_its_place(app: TestApp) {
        let answer = send_as(app, MODERN, &json!({ "query": "{\n  a b c }}" }).to_string()).await;
        assert_eq!(answer.body["errors"][0]["locations"][0]["line"], 2);
        assert_eq!(code(&answer), "GRAPHQL_VALIDATION_FAILED");
    }

    async fn a_wrong_body_is_a_bad_request_that_says_what_is_wrong(app: TestApp) {
        for body in [
            "", "{", "nonsense", "[]", "[{\"query\":\"{ __typename }\"}]", "\"{ __typename }\"", "{}", "{\"query\":null}", "{\"query\":7}",
            "{\"query\":\"\"}", "{\"query\":[]}", "{\"query\":\"{ __typename }\",\"variables\":[]}", "{\"query\":\"{ __typename }\",\"variables\":\"x\"}",
            "{\"query\":\"{ __typename }\",\"operationName\":7}", "{\"query\":\"{ __typename }\",\"extensions\":1}",
            "{\"query\":\"{ __typename }\",\"operationName\":\"Other\"}", "{\"query\":\"query A { __typename } query B { __typename }\"}",
        ] {
            for accept in [MODERN, "application/json"] {
                let answer = send_as(app, accept, body).await;
                assert_eq!(answer.status, 400, "{body}");
                assert_eq!(code(&answer), "BAD_REQUEST", "{body}");
                let text = answer.body.to_string();
                assert!(!text.contains("serde") && !text.contains("expected value"), "{text}");
            }
        }
    }

    async fn only_json_is_taken_so_that_no_foreign_page_can_send(app: TestApp) {
        let body = "{\"query\":\"{ __typename }\"}".to_owned();
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=latin1", "application/graphql"] {
            let request = Request::post("/graphql").header("content-type", content_type);
            assert_eq!(app.send(request, body.clone()).await.status, 415, "{content_type}");
        }
        assert_eq!(app.send(Request::post("/graphql"), body.clone()).await.status, 415);
        let request = Request::post("/graphql").header("content-type", "application/json; charset=UTF-8");
        assert_eq!(app.send(request, body).await.status, 200);
    }

    async fn an_answer_without_fields_is_an_empty_object(app: TestApp) {
        for document in ["{ __typename @skip(if: true) }", "{ currentPhase @include(if: false) { key } }"] {
            let answer = app.ask(document, json!({})).await;
            assert_eq!((answer.status.as_u16(), answer.body), (200, json!({ "data": {} })));
        }
    }

    async fn many_mistakes_do_not_make_a_long_answer(app: TestApp) {
        let document = format!("{{ {} }}", (0..900).map(|number| format!("wrong{number} ")).collect::<String>());
        let answer = app.ask(&document, json!({})).await;
        assert_eq!(answer.body["errors"].as_array().unwrap().len(), 20);
        let answer = app.ask("mutation { nothing }", json!({})).await;
        assert_eq!((answer.status.as_u16(), answer.body["errors"].as_array().unwrap().len()), (400, 1));
    }

    async fn a_compressed_body_is_refused(app: TestApp) {
        let answer = app.send(post().header("content-encoding", "gzip"), "{}".to_owned()).await;
        assert_eq!(answer.status, 415);
    }

    async fn a_body_over_the_limit_is_refused_with_the_limit(app: TestApp) {
        let body = json!({ "query": "{ __typename }", "variables": { "x": "y".repeat(1_100_000) } }).to_string();
        let answer = send_as(app, MODERN, &body).await;
        assert_eq!((answer.status.as_u16(), code(&answer)), (413, "LIMIT_EXCEEDED"));
        assert_eq!(answer.body["errors"][0]["extensions"]["limit"], 1_048_576);
        assert!(answer.body["errors"][0]["extensions"]["actual"].as_u64().unwrap() > 1_048_576);
    }

    async fn queries_go_by_get_and_nothing_else_does(app: TestApp) {
        let answer = app.get("/graphql?query=query%20A(%24k%3AString!)%7Bprovider(by%3A%7Bkey%3A%24k%7D)%7Bkey%7D%7D&variables=%7B%22k%22%3A%22krzn%22%7D&operationName=A").await;
        assert_eq!((answer.status.as_u16(), &answer.body["data"]["provider"]["key"]), (200, &json!("krzn")));
        let answer = app.get("/graphql?query=mutation%7Ba%7D").await;
        assert_eq!((answer.status.as_u16(), answer.headers["allow"].to_str().unwrap()), (405, "POST"));
        assert_eq!(app.get("/graphql").await.status, 400);
        assert_eq!(app.get("/graphql?query=%7B__typename%7D&variables=%5B%5D").await.status, 400);
        assert_eq!(app.get("/graphql?query=%7B__typename%7D&variables=nonsense").await.status, 400);
        for method in ["PUT", "DELETE", "PATCH"] {
            let answer = app.send(Request::builder().method(method).uri("/graphql"), String::new()).await;
            assert_eq!((answer.status.as_u16(), answer.headers["allow"].to_str().unwrap()), (405, "GET, POST"));
        }
    }

    async fn a_token_is_refused_always_in_the_same_words(app: TestApp) {
        let body = "{\"query\":\"{ __typename }\"}";
        let mut answers = Vec::new();
        for value in ["Bearer x", "Bearer eyJhbGciOiJub25lIn0.e30.", "Basic dTpw", "nonsense", ""] {
            let request = post().header("authorization", value).header("x-request-id", "same");
            let answer = app.send(request, body.to_owned()).await;
            assert_eq!((answer.status.as_u16(), code(&answer)), (401, "UNAUTHENTICATED"));
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
            answers.push(answer.body);
        }
        answers.dedup();
        assert_eq!(answers.len(), 1);
        let answer = app.send(Request::get("/graphql?query=%7B__typename%7D").header("authorization", "Bearer x"), String::new()).await;
        assert_eq!(answer.status, 401);
    }

    async fn every_answer_carries_the_request_id(app: TestApp) {
        let request = post().header("x-request-id", "portal-7").header("accept", MODERN);
        let answer = app.send(request, "{\"query\":\"{ product(by: {id: \\\"x\\\"}) { id } }\"}".to_owned()).await;
        assert_eq!(answer.headers["x-request-id"], "portal-7");
        assert_eq!(answer.body["errors"][0]["extensions"]["requestId"], "portal-7");
        assert_eq!(app.get("/livez").await.headers["x-request-id"].len(), 36);
    }

    async fn errors_come_in_german_or_english(app: TestApp) {
        let body = json!({ "query": "{ products(first: 0) { totalCount } }" }).to_string();
        let german = app.send(post(), body.clone()).await;
        let english = app.send(post().header("accept-language", "en"), body).await;
        let message = |answer: &Answer| answer.body["errors"][0]["message"].as_str().unwrap().to_owned();
        assert_eq!(message(&german), "first ist 0; erlaubt ist 1 bis 100.");
        assert_eq!(message(&english), "first is 0; allowed is 1 to 100.");
    }

    async fn health_schema_and_metrics_are_served(app: TestApp) {
        assert_eq!(app.get("/livez").await.body, "ok\n");
        let ready = app.get("/readyz").await;
        assert_eq!(ready.status, 200);
        assert_eq!(ready.body, json!({ "ready": true, "database": "up", "migrations": "current", "catalogue": "current", "keys": "loaded", "catalogueVersion": 1 }));
        let schema = app.get("/schema.graphql").await;
        assert_eq!(schema.body, include_str!("../../schema.graphql"));
        app.data("{ __typename }", json!({})).await;
        let metrics = app.get("/metrics").await.body;
        let policies = format!("itkatalog_policies_info{{fingerprint=\"{}\"}} 1", fingerprint());
        for name in ["itkatalog_requests_total", "itkatalog_request_duration_seconds", "itkatalog_catalogue_version", "itkatalog_sql_statements_total", "itkatalog_database_up 1", &policies] {
            assert!(metrics.as_str().unwrap().contains(name), "{name}");
        }
        let nothing = app.get("/admin").await;
        assert_eq!((nothing.status.as_u16(), code(&nothing)), (404, "NOT_FOUND"));
    }

    async fn one_failing_field_leaves_the_others(app: TestApp) {
        let answer = app.ask("{ currentPhase { key } municipality(by: {ags: \"05999999\"}) { name } }", json!({})).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body["data"], json!({ "currentPhase": { "key": "FOUNDATION" }, "municipality": null }));
        assert_eq!(answer.body["errors"][0]["path"], json!(["municipality"]));
        assert_ne!(answer.body["errors"][0]["locations"], Value::Null);
    }

    async fn a_single_field_that_fails_is_null(app: TestApp) {
        let answer = app.ask("{ municipality(by: {ags: \"1\"}) { name } }", json!({})).await;
        assert_eq!(answer.body["data"].as_object().unwrap().get("municipality"), Some(&Value::Null));
        assert_eq!(answer.body["errors"][0]["message"], "Ein AGS hat 8 Ziffern als Text und beginnt in NRW mit 05, zum Beispiel \"05334002\".");
    }

    async fn a_failure_where_no_null_is_allowed_takes_the_whole_answer(app: TestApp) {
        let answer = app.ask("{ currentPhase { key } products(first: 0) { totalCount } }", json!({})).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body.as_object().unwrap().get("data"), Some(&Value::Null));
        assert_eq!(answer.body["errors"][0]["path"], json!(["products"]));
    }
}
