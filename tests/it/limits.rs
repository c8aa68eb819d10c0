//! Requests that would cost too much are refused before they cost anything.

use std::time::{Duration, Instant};

use async_graphql::{Variables, parser::parse_query};
use itkatalog::{
    config::Limits,
    graphql::{documents::Documents, guard, schema, sdl, types::Types},
};
use serde_json::{Value, json};

use crate::support::{TestApp, clock, config};

type Sent = (&'static str, fn() -> Value);

const DOCUMENTS: [Sent; 15] = [
    (include_str!("contract/01-portal-available-products.graphql"), || json!({ "ags": "05334002", "first": 100 })),
    (include_str!("contract/02-portal-product-list.graphql"), || json!({ "first": 100 })),
    (include_str!("contract/03-contact-for.graphql"), || json!({ "ags": "05334002" })),
    (include_str!("contract/04-reference-lists.graphql"), || json!({})),
    (include_str!("contract/05-own-subscriptions.graphql"), || json!({ "ags": "05334002" })),
    (include_str!("contract/06-request-subscription.graphql"), || json!({})),
    (include_str!("contract/07-decide-subscription.graphql"), || json!({})),
    (include_str!("contract/08-activate-change-terminate.graphql"), || json!({})),
    (include_str!("contract/09-explain.graphql"), || json!({})),
    (include_str!("contract/10-policy-matrix.graphql"), || json!({})),
    (include_str!("contract/11-change-phase.graphql"), || json!({})),
    (include_str!("contract/12-register-portfolio.graphql"), || json!({})),
    (include_str!("contract/13-change-feed.graphql"), || json!({ "first": 100 })),
    (include_str!("contract/14-audit.graphql"), || json!({ "first": 100 })),
    (include_str!("contract/15-live.graphql"), || json!({})),
];

fn limits() -> Limits {
    config("sqlite::memory:").limits
}

fn types() -> Types {
    Types::from_sdl(&sdl(&schema())).unwrap()
}

fn measure(document: &str, variables: Value) -> itkatalog::error::Result<guard::Measure> {
    let document = parse_query(document).unwrap();
    let operation = guard::operation(&document, None)?;
    guard::check(&types(), &document, operation, &Variables::from_json(variables), &limits())
        .map(|(measure, _)| measure)
}

async fn refused(app: &TestApp, document: &str, limit: &str) {
    let start = Instant::now();
    let answer = app.ask(document, json!({})).await;
    let extensions = &answer.body["errors"][0]["extensions"];
    assert_eq!((answer.status.as_u16(), &extensions["code"]), (400, &json!("LIMIT_EXCEEDED")), "{}", answer.body);
    assert_eq!(extensions["name"], limit);
    assert!(extensions["actual"].as_u64().unwrap() > extensions["limit"].as_u64().unwrap());
    // Not a benchmark: what these documents cost without the guard is minutes.
    assert!(start.elapsed() < Duration::from_secs(10));
}

/// Fragments that each spread the next one twice.
fn bomb(levels: usize) -> String {
    let level = |number: usize| format!("fragment f{number} on Query {{ ...f{} ...f{} }} ", number + 1, number + 1);
    let fragments: String = (0..levels).map(level).collect();
    format!("{{ ...f0 }} {fragments} fragment f{levels} on Query {{ __typename }}")
}

on_both_databases! {
    async fn fragments_that_explode_are_refused_at_once(app: TestApp) {
        refused(app, &bomb(25), "fields").await;
        refused(app, &bomb(45), "fields").await;
        refused(app, &bomb(60), "fragments").await;
    }

    async fn what_will_not_run_is_measured_too(app: TestApp) {
        // Fragments that end in one that is not defined.
        let undefined = bomb(25).replace("{ __typename }", "{ ...nope }");
        refused(app, &undefined, "fields").await;
        let empty = bomb(25).replace("{ __typename }", "{ ... on Query { ...nope } }");
        refused(app, &empty, "fields").await;
        // Another operation of the document.
        let document = format!("query A {{ __typename }} query B {}", bomb(25));
        let body = json!({ "query": document, "operationName": "A" }).to_string();
        let answer = app.send(crate::support::post(), body).await;
        assert_eq!(answer.body["errors"][0]["extensions"]["code"], "LIMIT_EXCEEDED", "{}", answer.body);
        // A fragment that nobody spreads.
        refused(app, &format!("{{ __typename }} {}", &bomb(25)["{ ...f0 } ".len()..]), "fields").await;
    }

    async fn looking_through_the_catalogue_again_and_again_is_refused(app: TestApp) {
        let once = "availableProducts(municipality: {ags: \"05334002\"}, first: 1) { totalCount } ";
        refused(app, &format!("{{ {} }}", once.repeat(260)), "cost").await;
        let leaves = "{ __schema { types { fields { args { name } ".to_owned() + &"name ".repeat(1900) + "} } } }";
        refused(app, &leaves, "cost").await;
    }

    async fn filters_and_orders_are_bounded(app: TestApp) {
        let query = "query($where: ProductFilter, $order: [ProductOrder!]) { products(first: 1, where: $where, orderBy: $order) { totalCount } }";
        let many = vec![json!({ "name": { "contains": "x" } }); 2000];
        let (code, ..) = app.error(query, json!({ "where": { "or": many } })).await;
        assert_eq!(code, "LIMIT_EXCEEDED");
        let twice = json!([{ "field": "NAME" }, { "field": "NAME", "direction": "DESC" }]);
        let (code, field, _) = app.error(query, json!({ "order": twice })).await;
        assert_eq!((code.as_str(), field), ("BAD_USER_INPUT", json!("orderBy")));
    }

    async fn a_fragment_that_contains_itself_is_refused(app: TestApp) {
        for document in ["{ ...a } fragment a on Query { ...a }", "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }"] {
            let (code, ..) = app.error(document, json!({})).await;
            assert_eq!(code, "GRAPHQL_VALIDATION_FAILED");
        }
    }

    async fn brackets_that_would_exhaust_the_parser_are_refused(app: TestApp) {
        for open in ["{a", "{a(b:[", "{a(b:{c:", "{a(b:\"\"\" \" \"\"\" c:[", "#\r{a(b:["] {
            let tail = if open.ends_with(['[', ':']) { open.chars().last().unwrap().to_string() } else { "{a".to_owned() };
            let tail = if tail == ":" { "{c:".to_owned() } else { tail };
            refused(app, &format!("{open}{}", tail.repeat(10_000)), "brackets").await;
        }
    }

    async fn a_document_that_is_too_long_is_refused(app: TestApp) {
        refused(app, &format!("{{ __typename }} # {}", "x".repeat(40_000)), "document_bytes").await;
        refused(app, &format!("{{ nodes(ids: [{}]) {{ id }} }}", "1 ".repeat(6_000)), "tokens").await;
    }

    async fn too_many_aliases_directives_and_fields_are_refused(app: TestApp) {
        let aliases: String = (0..31).map(|number| format!("a{number}: __typename ")).collect();
        refused(app, &format!("{{ {aliases} }}"), "aliases").await;
        let directives = "@include(if: true) ".repeat(51);
        refused(app, &format!("{{ __typename {directives} }}"), "directives").await;
        refused(app, &format!("{{ {} }}", "__typename ".repeat(2001)), "fields").await;
    }

    async fn a_larger_body_needs_a_token_that_is_accepted(app: TestApp) {
        use crate::support::{post, provider};
        let body = |bytes: usize| json!({ "query": "{ __typename }", "variables": { "x": "x".repeat(bytes) } }).to_string();
        let send = async |token: Option<&str>, bytes: usize| {
            let request = post().header("accept", "application/graphql-response+json");
            let request = match token {
                Some(token) => request.header("authorization", format!("Bearer {token}")),
                None => request,
            };
            let answer = app.send(request, body(bytes)).await;
            (answer.status.as_u16(), answer.body["errors"][0]["extensions"]["name"].clone())
        };
        let (usual, signed_in, token) = (limits().body_bytes, limits().body_bytes_signed_in, provider("itkr"));
        assert_eq!(send(None, usual - 1_000).await.0, 200);
        assert_eq!(send(None, usual).await, (413, json!("body_bytes")));
        assert_eq!(send(Some(&token), usual).await.0, 200);
        assert_eq!(send(Some(&token), signed_in - 1_000).await.0, 200);
        assert_eq!(send(Some(&token), signed_in).await, (413, json!("body_bytes_signed_in")));
        assert_eq!(send(Some("nonsense"), usual * 2).await.0, 401);
    }

    async fn nesting_that_is_too_deep_is_refused(app: TestApp) {
        let deep = format!("{{ categories {} }}", "{ parent ".repeat(20) + "{ key }" + &"}".repeat(20));
        refused(app, &deep, "depth").await;
    }

    async fn lists_of_lists_of_lists_are_refused_by_their_cost(app: TestApp) {
        let document = "{ products(first: 100) { edges { node { provider { products(first: 100) { edges { node { provider {
            products(first: 100) { edges { node { name } } } } } } } } } } } }";
        refused(app, document, "cost").await;
    }

    async fn introspection_runs_in_its_usual_form_and_not_nested_deeper(app: TestApp) {
        let usual = include_str!("support/introspection.graphql");
        let data = app.data(usual, json!({})).await;
        assert!(data["__schema"]["types"].as_array().unwrap().len() > 50);
        let nested = "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }";
        refused(app, nested, "introspection").await;
    }
}

#[test]
fn a_wrong_first_is_a_wrong_value_and_no_limit() {
    for first in [-1, 0, 101, i64::from(i32::MAX)] {
        let measured =
            measure("query($n: Int) { products(first: $n) { edges { node { name } } } }", json!({ "n": first }));
        assert!(measured.is_ok(), "{first}");
    }
}

#[test]
fn every_list_of_the_schema_counts_what_it_contains() {
    let sdl = sdl(&schema());
    let definitions = async_graphql::parser::parse_schema(&sdl).unwrap().definitions;
    let mut lists = 0;
    for definition in definitions {
        use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let TypeKind::Object(object) = definition.node.kind else { continue };
        let parent = definition.node.name.node.to_string();
        for field in object.fields {
            let name = field.node.name.node.to_string();
            // Told from the schema's text, not from what the guard believes.
            let is_paged = field.node.arguments.iter().any(|argument| argument.node.name.node == "first");
            let is_list = field.node.ty.node.to_string().starts_with('[');
            let (arguments, rows) =
                match (is_paged, is_list && !parent.ends_with("Connection") && parent != "ProductFacets") {
                    (true, _) => ("(first: 100)", 100),
                    // As long as what was sent in.
                    (false, true) if name == "rows" => ("", 100),
                    (false, true) => ("", 10),
                    (false, false) => continue,
                };
            lists += 1;
            let document = format!("{{ ...f }} fragment f on {parent} {{ {name}{arguments} {{ a b c }} }}");
            let measured = measure(&document, json!({})).unwrap();
            let asking = [
                "Municipality.subscriptions",
                "Product.equivalents",
                "Product.versions",
                "Product.difference",
                "Query.webhooks",
                "Viewer.tasks",
                "Query.exports",
                "Viewer.usage",
                "Webhook.deliveries",
            ];
            let asks_database = asking.contains(&format!("{parent}.{name}").as_str());
            let scan = if parent == "Query" && is_paged || asks_database { 399 } else { 0 };
            assert_eq!(measured.cost, 1 + rows * 3 + scan, "{parent}.{name}");
        }
    }
    assert!(lists > 25, "{lists}");
}

#[test]
fn the_documents_of_our_users_stay_under_half_of_every_limit() {
    let whole = limits();
    let half = Limits {
        body_bytes: whole.body_bytes / 2,
        document_bytes: whole.document_bytes / 2,
        tokens: whole.tokens / 2,
        depth: whole.depth / 2,
        fields: whole.fields / 2,
        aliases: whole.aliases / 2,
        fragments: whole.fragments / 2,
        directives: whole.directives / 2,
        cost: whole.cost / 2,
        ..whole
    };
    for (text, variables) in DOCUMENTS {
        let (document, variables) = (Documents::new(&half).parse(text).unwrap(), variables());
        assert!(json!({ "query": text, "variables": variables }).to_string().len() < half.body_bytes);
        for (name, operation) in document.parsed.operations.iter() {
            let variables = Variables::from_json(variables.clone());
            guard::check(&types(), &document.parsed, &operation.node, &variables, &half)
                .unwrap_or_else(|error| panic!("{name:?}: {error:?}"));
        }
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_ended() {
    let mut config = config("sqlite::memory:");
    config.request_timeout_ms = 50;
    let server = itkatalog::server::Server::build(config, clock(), false).await.unwrap();
    let endless =
        axum::body::Body::from_stream(futures_util::stream::pending::<Result<axum::body::Bytes, std::io::Error>>());
    let request = crate::support::post().body(endless).unwrap();
    let answer = crate::support::send(server.router(), request).await;
    assert_eq!((answer.status.as_u16(), &answer.body["errors"][0]["extensions"]["code"]), (408, &json!("UNAVAILABLE")));
}
