//! Answers that are kept: the same bytes as without keeping any, for everybody, whatever is written meanwhile. `ANSWER_DOCUMENTS`
//! asks for more random documents than usual.

use axum::body::Body;
use axum::http::Request;
use rand::{Rng, RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{
    TestApp, account_manager,
    acts::{AACHEN, INITIAL, KLEVE, OTHER, STANDARD, next},
    auditor, clock, land, municipality, post, provider, steward, token, transformation_office,
};

const DOCUMENTS: usize = 100;
const OWN: &str = "query($ags: AGS!) { municipality(by: {ags: $ags}) { name annualCost { amount } subscriptions(first: 50) { totalCount edges { node {
    id state version quantity product { name provider { key } } permissions { action allowed } history(first: 5) { edges { node { action } } } } } } } }";
const PRODUCTS: &str =
    "{ products(first: 3, search: \"akte\") { totalCount edges { node { id name provider { key } } } } }";

const KEPT_BYTES: u64 = 16 * 1024 * 1024;

/// An instance that keeps answers. Others in these tests keep none, because tests write past the records that tell of changes.
async fn keeping(app: &TestApp) -> TestApp {
    app.with(clock(), |config| config.limits.answer_cache_bytes = KEPT_BYTES).await
}

/// An answer as bytes, with what is said of it.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

async fn tell(app: &TestApp, request: Request<Body>) -> Told {
    let (parts, body) = app.server.router().oneshot(request).await.unwrap().into_parts();
    let mut headers: Vec<(String, String)> =
        parts.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    // What is kept is told with its length, what is written anew in pieces.
    headers.retain(|(name, _)| name != "content-length");
    headers.sort();
    let body = axum::body::to_bytes(body, 100_000_000).await.unwrap().to_vec();
    Told { status: parts.status.as_u16(), headers, body }
}

fn shown(told: &Told) -> String {
    format!("{} {:?}\n{}", told.status, told.headers, String::from_utf8_lossy(&told.body))
}

/// Somebody who asks for something.
#[derive(Clone, Debug)]
struct Asking {
    by: Option<String>,
    language: &'static str,
    encoding: Option<&'static str>,
    body: String,
}

impl Asking {
    fn new(by: Option<String>, query: &str, variables: &Value) -> Self {
        let body = json!({ "query": query, "variables": variables }).to_string();
        Self { by, language: "de", encoding: None, body }
    }

    /// As it is asked of an instance; `checks` makes it look at what others have written.
    async fn of(&self, app: &TestApp, checks: bool) -> Told {
        let mut request = post().header("accept", "application/graphql-response+json").header("x-request-id", "same");
        request = request.header("accept-language", self.language);
        for (name, value) in [
            ("authorization", self.by.as_ref().map(|token| format!("Bearer {token}"))),
            ("accept-encoding", self.encoding.map(str::to_owned)),
        ] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        if checks {
            request = request.header("cache-control", "no-cache");
        }
        tell(app, request.body(Body::from(self.body.clone())).unwrap()).await
    }
}

/// Callers of every role, and nobody in particular.
fn callers() -> Vec<Option<String>> {
    let two = json!({ "roles": ["municipality", "provider"], "municipality": KLEVE, "provider": "krzn", "sub": "two" });
    let twin = json!({ "roles": ["municipality"], "municipality": AACHEN, "sub": "another of Aachen" });
    let tokens = [
        municipality(AACHEN),
        municipality(KLEVE),
        municipality("05154"),
        token(twin),
        provider("regioit"),
        provider("krzn"),
        account_manager("kgst-st-2"),
        account_manager("kgst-st-4"),
        steward(),
        transformation_office(),
        land(),
        auditor(),
        token(two),
    ];
    std::iter::once(None).chain(tokens.into_iter().map(Some)).collect()
}

fn some(random: &mut impl Rng, fields: &[&str]) -> String {
    let count = random.random_range(1..=fields.len());
    fields.sample(random, count).copied().collect::<Vec<_>>().join(" ")
}

/// A document that somebody could write, with its variables.
fn document(random: &mut impl Rng) -> (String, Value) {
    let product = some(
        random,
        &[
            "id",
            "name",
            "externalId",
            "lifecycle",
            "version",
            "provider { key name }",
            "category { key }",
            "prices { unit amount { amount } validFrom }",
        ],
    );
    let subscription = some(
        random,
        &[
            "id",
            "state",
            "version",
            "quantity",
            "endsOn",
            "expiresAt",
            "pendingChange { action on expiresAt }",
            "product { name }",
            "permissions { action allowed needsApproval rule { id } }",
            "history(first: 3) { edges { node { action state } } }",
            "successor { id }",
            "subscriber { __typename ... on Municipality { ags } }",
            "price { amount { amount } }",
            "activeSince",
        ],
    );
    let search = ["akte", "Büro", "e-akte", "xyz"].choose(random).unwrap().to_owned();
    let first = random.random_range(1..=20);
    let ags = [AACHEN, KLEVE, "05154", "99999999"].choose(random).unwrap().to_owned();
    let roots = [
        format!("products(first: $first, search: $search) {{ totalCount edges {{ cursor node {{ {product} }} }} }}"),
        format!("products(first: $first, where: {{lifecycle: {{eq: AVAILABLE}}}}, orderBy: [{{field: NAME, direction: DESC}}]) {{ edges {{ node {{ {product} }} }} }}"),
        format!("availableProducts(municipality: {{ags: $ags}}, first: $first, search: $search, includeUnavailable: true) {{ totalCount edges {{ node {{ status subscribed reason {{ code message }} product {{ {product} }} contact {{ function email person {{ name }} }} }} }} }}"),
        format!("municipality(by: {{ags: $ags}}) {{ name joining {} subscriptions(first: $first) {{ totalCount edges {{ node {{ {subscription} }} }} }} }}", some(random, &["annualCost { amount }", "population", "customerGroups { key }", "district { name }"])),
        format!("subscriptions(first: $first, where: {{state: {{in: [REQUESTED, ACTIVE, APPROVED]}}}}) {{ totalCount edges {{ node {{ {subscription} }} }} }}"),
        "viewer { subject roles municipality { name } provider { key } customerGroups { key } tasks(first: 5) { edges { node { kind } } } }".to_owned(),
        "viewer { subject roles }".to_owned(),
        "currentPhase { key name }".to_owned(),
        "phases { key state }".to_owned(),
        "freezes { message from until lifted }".to_owned(),
        "phaseExceptions { id phase }".to_owned(),
        "contactFor(municipality: {ags: $ags}) { foundBy contact { function email } }".to_owned(),
        "changes(first: 5) { edges { node { sequence type } } }".to_owned(),
        "stateDigest(what: SUBSCRIPTIONS) { count sha256 }".to_owned(),
        "auditEvents(first: 2) { edges { node { action } } }".to_owned(),
        "products(first: 1, asOf: \"2027-06-01\") { totalCount }".to_owned(),
        "nothing".to_owned(),
    ];
    let count = random.random_range(1..=3);
    let roots = roots.sample(random, count).enumerate();
    let body = roots.map(|(place, root)| format!("r{place}: {root}")).collect::<Vec<_>>().join(" ");
    let declared = [("$first", "$first: Int"), ("$search", "$search: String"), ("$ags", "$ags: AGS!")];
    let declared: Vec<&str> = declared.iter().filter(|(name, _)| body.contains(name)).map(|(_, text)| *text).collect();
    let head = if declared.is_empty() { String::new() } else { format!("query({})", declared.join(", ")) };
    (format!("{head} {{ {body} }}"), json!({ "first": first, "search": search, "ags": ags }))
}

/// Somebody writes something, through one of two instances. Whether it was the second.
async fn write(random: &mut impl Rng, kept: &TestApp, other: &TestApp, open: &mut Vec<(String, Value)>) -> bool {
    let is_other = random.random_bool(0.5);
    let app = if is_other { other } else { kept };
    match random.random_range(0..6) {
        0 | 1 => {
            let (ags, product) =
                *[(AACHEN, INITIAL), (AACHEN, STANDARD), (AACHEN, OTHER), (KLEVE, INITIAL)].choose(random).unwrap();
            let told = app.act(&municipality(ags), "requestSubscription", app.request_of(ags, product).await).await;
            if told["errors"] == json!([]) {
                open.push((ags.to_owned(), told["subscription"].clone()));
            }
        }
        2 | 3 => {
            if let Some((ags, subscription)) = open.pop() {
                app.done(&municipality(&ags), "withdrawSubscription", next(&subscription, json!({}))).await;
            }
        }
        4 => drop(
            crate::freezes::freeze(
                app,
                &transformation_office(),
                json!({ "provider": { "key": "krzn" } }),
                json!({ "until": "2026-11-24" }),
            )
            .await,
        ),
        _ => {
            let phase = ["FOUNDATION", "INTEGRATION"].choose(random).unwrap();
            app.enter_phase(phase).await;
        }
    }
    is_other
}

on_both_databases! {
    async fn random_documents_by_anybody_among_writes_give_the_same_bytes_with_and_without_keeping(app: TestApp) {
        let (without, app) = (app, &keeping(app).await);
        let count = std::env::var("ANSWER_DOCUMENTS").map_or(DOCUMENTS, |text| text.parse().unwrap());
        let mut random = ChaCha8Rng::seed_from_u64(8);
        let callers = callers();
        let (mut known, mut open, mut stale): (Vec<Asking>, _, _) = (Vec::new(), Vec::new(), false);
        for place in 0..count {
            if random.random_bool(0.1) {
                stale |= write(&mut random, app, without, &mut open).await;
            }
            let asking = match known.choose(&mut random) {
                Some(known) if random.random_bool(0.7) => known.clone(),
                _ => {
                    let (query, variables) = document(&mut random);
                    let asking = Asking::new(callers.choose(&mut random).unwrap().clone(), &query, &variables);
                    let (language, encoding) = (["de", "en"].choose(&mut random).unwrap(), [None, None, Some("gzip"), Some("br, gzip")].choose(&mut random).unwrap());
                    Asking { language, encoding: *encoding, ..asking }
                }
            };
            // Of what the other instance wrote this one learns within its bound, or when it is told to look.
            let told = asking.of(app, std::mem::take(&mut stale)).await;
            let anew = asking.of(without, true).await;
            assert!(told == anew, "{place}: {asking:?}\n{}\n{}", shown(&told), shown(&anew));
            known.push(asking);
            if known.len() > 40 {
                known.swap_remove(random.random_range(0..40));
            }
        }
        app.server.database().close().await.unwrap();
    }

    async fn what_is_asked_again_is_told_without_the_database_and_a_change_is_seen_at_once(app: TestApp) {
        let app = &keeping(app).await;
        let own = Asking::new(Some(municipality(AACHEN)), OWN, &json!({ "ags": AACHEN }));
        let first = own.of(app, false).await;
        let before = app.server.database().statements();
        assert_eq!(own.of(app, false).await, first);
        assert!(app.server.database().statements() <= before + 1, "one look at the feed, at most");
        let subscription = app.done(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
        let second = own.of(app, false).await;
        assert_ne!(second, first);
        // What others take changes nothing of it.
        app.done(&municipality(KLEVE), "requestSubscription", app.request_of(KLEVE, INITIAL).await).await;
        let before = app.server.database().statements();
        assert_eq!(own.of(app, false).await, second);
        assert!(app.server.database().statements() <= before + 4, "a look at the feed, and at whom it is about");
        app.done(&municipality(AACHEN), "withdrawSubscription", next(&subscription, json!({}))).await;
        assert_ne!(own.of(app, false).await, second);
        app.server.database().close().await.unwrap();
    }

    async fn another_instance_sees_a_change_soon_and_never_a_mixture(app: TestApp) {
        let other = keeping(app).await;
        let every = std::time::Duration::from_millis(app.config.refresh_interval_ms);
        let refreshing = tokio::spawn(other.server.live().clone().keep_fresh(every));
        let own = Asking::new(Some(municipality(AACHEN)), OWN, &json!({ "ags": AACHEN }));
        let phases = Asking::new(None, "{ currentPhase { key } phases { key state } now: currentPhase { key } }", &json!({}));
        for (phase, product) in [("INTEGRATION", INITIAL), ("FOUNDATION", STANDARD)] {
            let stale = own.of(&other, false).await;
            app.enter_phase(phase).await;
            app.done(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, product).await).await;
            // How soon is for `bench/freshness.py` to tell; here it has to come, and to be of one version each time.
            loop {
                let told = serde_json::from_slice::<Value>(&phases.of(&other, false).await.body).unwrap()["data"].clone();
                let current = told["phases"].as_array().unwrap().iter().find(|phase| phase["state"] == "CURRENT").unwrap();
                assert_eq!((&told["currentPhase"]["key"], &current["key"]), (&told["now"]["key"], &told["now"]["key"]));
                if told["now"]["key"] == phase {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            // Longer than a look at the feed is believed.
            tokio::time::sleep(std::time::Duration::from_millis(600)).await;
            let told = own.of(&other, false).await;
            assert_ne!(told, stale);
            assert_eq!(told, own.of(app, true).await);
        }
        refreshing.abort();
        other.server.database().close().await.unwrap();
    }

    async fn callers_with_other_rights_never_share_an_answer(app: TestApp) {
        let (without, app) = (app, &keeping(app).await);
        let viewer = "{ viewer { subject roles } }";
        for query in [OWN, viewer, PRODUCTS] {
            let mut told = Vec::new();
            for by in callers() {
                let asking = Asking::new(by, query, &json!({ "ags": AACHEN }));
                let first = asking.of(app, false).await;
                assert_eq!(first, asking.of(without, false).await, "{asking:?}");
                assert_eq!(first, asking.of(app, false).await, "{asking:?}");
                told.push(first.body);
            }
            told.sort();
            told.dedup();
            assert!(query != viewer || told.len() == callers().len(), "{}", told.len());
        }
        app.server.database().close().await.unwrap();
    }

    async fn a_kept_answer_in_another_encoding_or_language_is_another(app: TestApp) {
        let app = &keeping(app).await;
        let plain = Asking::new(None, PRODUCTS, &json!({}));
        let whole = plain.of(app, false).await;
        for encoding in ["gzip", "br", "zstd"] {
            let asking = Asking { encoding: Some(encoding), ..plain.clone() };
            let (first, again) = (asking.of(app, false).await, asking.of(app, false).await);
            assert_eq!(first, again);
            assert!(first.headers.contains(&("content-encoding".to_owned(), encoding.to_owned())), "{first:?}");
            assert!(first.body.len() < whole.body.len());
        }
        assert_eq!(plain.of(app, false).await, whole);
        let german = plain.of(app, false).await;
        let english = Asking { language: "en", ..plain.clone() }.of(app, false).await;
        assert_eq!((&german.body, german.headers == english.headers), (&english.body, false));
        app.server.database().close().await.unwrap();
    }

    async fn what_failed_is_not_kept_and_what_was_known_is_not_sent_again(app: TestApp) {
        let app = &keeping(app).await;
        let missing = Asking::new(None, "{ municipality(by: {ags: \"05999999\"}) { name } }", &json!({}));
        assert!(String::from_utf8(missing.of(app, false).await.body).unwrap().contains("NOT_FOUND"));
        let query = url::form_urlencoded::byte_serialize(PRODUCTS.as_bytes()).collect::<String>();
        let get = |tag: Option<String>| {
            let request = Request::get(format!("/graphql?query={query}")).header("x-request-id", "same");
            let request = tag.into_iter().fold(request, |request, tag| request.header("if-none-match", tag));
            tell(app, request.body(Body::empty()).unwrap())
        };
        let (first, again) = (get(None).await, get(None).await);
        assert_eq!(first, again);
        let tag = first.headers.iter().find(|(name, _)| name == "etag").unwrap().1.clone();
        assert!(first.headers.contains(&("cache-control".to_owned(), "public, max-age=1, must-revalidate".to_owned())));
        let known = get(Some(tag.clone())).await;
        assert_eq!((known.status, known.body.len()), (304, 0));
        app.enter_phase("INTEGRATION").await;
        assert_eq!(get(Some(tag)).await.status, 304, "the same products");
        let signed_in = post().header("authorization", format!("Bearer {}", land())).header("accept", "application/json");
        let signed_in = tell(app, signed_in.body(Body::from(Asking::new(None, PRODUCTS, &json!({})).body)).unwrap()).await;
        assert!(signed_in.headers.contains(&("cache-control".to_owned(), "no-store".to_owned())));
        app.server.database().close().await.unwrap();
    }
}

#[tokio::test]
async fn a_request_that_expires_is_told_as_expired_although_nobody_wrote_it() {
    use itkatalog::clock::Clock;
    let app = TestApp::start(crate::support::Backend::Sqlite).await;
    let live = app.with(Clock::System, |config| config.limits.answer_cache_bytes = KEPT_BYTES).await;
    let by = token(json!({ "roles": ["municipality"], "municipality": AACHEN, "exp": 4_000_000_000_i64 }));
    let soon = Clock::System.now() + chrono::TimeDelta::milliseconds(1_500);
    let row = app
        .subscription(AACHEN, INITIAL, |row| {
            row.state = entity::product_subscription::State::Requested;
            row.open_matter = Some(entity::product_subscription::Matter::Request);
            row.expires_at = Some(soon);
        })
        .await;
    let query = "query($id: ID!) { subscription(id: $id) { state } }";
    let own = Asking::new(Some(by), query, &json!({ "id": crate::support::acts::id_of(&row) }));
    let state = async || String::from_utf8(own.of(&live, false).await.body).unwrap();
    let first = state().await;
    assert!(first.contains("REQUESTED"), "{first}");
    assert_eq!(state().await, first);
    tokio::time::sleep(std::time::Duration::from_millis(1_600)).await;
    let later = state().await;
    assert!(later.contains("EXPIRED"), "{later}");
}
