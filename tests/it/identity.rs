//! Which tokens are accepted, and what follows from them.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::support::{
    Answer, TestApp,
    callers::{claims, header, key_path, sign, token},
    municipality, post,
};

const VIEWER: &str = "{ viewer { subject roles municipality { ags } provider { key } customerGroups { key } } }";

async fn viewer(app: &TestApp, token: &str) -> Value {
    app.data_as(token, VIEWER, json!({})).await["viewer"].clone()
}

async fn refuse(app: &TestApp, why: &str, token: &str) {
    let answer = app.ask_as(token, VIEWER, json!({})).await;
    assert_eq!(answer.status, 401, "{why}: {}", answer.body);
    assert_eq!(answer.headers["www-authenticate"], "Bearer", "{why}");
    let mut error = answer.body["errors"][0].clone();
    error["extensions"]["requestId"] = Value::Null;
    let expected = json!({
        "message": "Die Anmeldung wird nicht angenommen. Ohne Token ist der öffentliche Katalog lesbar.",
        "extensions": { "code": "UNAUTHENTICATED", "requestId": null },
    });
    assert_eq!(error, expected, "{why}: the answer is always the same");
    assert_eq!(answer.body.get("data"), None, "{why}");
}

/// The claims of a right token with some changed; null removes one.
fn changed(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    claims
}

fn with_header(fields: Value) -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
    let right = sign(&header(), &claims());
    let mut parts = right.split('.');
    let mut named: Value = serde_json::from_slice(&BASE64.decode(parts.next().unwrap()).unwrap()).unwrap();
    named.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let unsigned = format!("{}.{}", BASE64.encode(named.to_string()), parts.next().unwrap());
    let key = EncodingKey::from_ec_pem(&std::fs::read(key_path()).unwrap()).unwrap();
    let signature = jsonwebtoken::crypto::sign(unsigned.as_bytes(), &key, Algorithm::ES256).unwrap();
    format!("{unsigned}.{signature}")
}

on_both_databases! {
    async fn a_right_token_is_who_it_says(app: TestApp) {
        let seen = viewer(app, &municipality("05334002")).await;
        assert_eq!(seen["subject"], "municipality-05334002");
        assert_eq!(seen["roles"], json!(["MUNICIPALITY"]));
        assert_eq!(seen["municipality"]["ags"], "05334002");
        assert_eq!(viewer(app, &with_header(json!({}))).await["subject"], "somebody");
        let manager = viewer(app, &crate::support::account_manager("kreise")).await;
        assert_eq!(manager["customerGroups"], json!([{ "key": "kreise" }]));
        let anonymous = app.data(VIEWER, json!({})).await;
        assert_eq!(anonymous["viewer"]["subject"], Value::Null);
    }

    async fn times_are_judged_with_half_a_minute_of_leeway(app: TestApp) {
        let now = claims()["exp"].as_i64().unwrap() - 3600;
        for (exp, nbf, is_accepted) in [
            (now + 1, now, true),
            (now - 29, now, true),
            (now - 30, now, false),
            (now - 3600, now, false),
            (now + 60, now + 30, true),
            (now + 60, now + 31, false),
        ] {
            let token = token(json!({ "exp": exp, "nbf": nbf }));
            if is_accepted { viewer(app, &token).await; } else { refuse(app, "time", &token).await; }
        }
    }

    async fn wrong_claims_are_refused_in_the_same_words(app: TestApp) {
        for (why, changes) in [
            ("another issuer", json!({ "iss": "https://evil.example" })),
            ("no issuer", json!({ "iss": null })),
            ("an issuer that is no text", json!({ "iss": ["https://issuer.example"] })),
            ("another audience", json!({ "aud": "other" })),
            ("no audience", json!({ "aud": null })),
            ("an audience that is an object", json!({ "aud": { "itkatalog": true } })),
            ("an audience of numbers", json!({ "aud": [1, "itkatalog"] })),
            ("no expiry", json!({ "exp": null })),
            ("an expiry that is text", json!({ "exp": "2099-01-01" })),
            ("a negative expiry", json!({ "exp": -1 })),
            ("no subject", json!({ "sub": null })),
            ("an empty subject", json!({ "sub": " " })),
            ("a subject with NUL", json!({ "sub": "a\0b" })),
            ("an endless subject", json!({ "sub": "x".repeat(256) })),
            ("a subject that is a number", json!({ "sub": 7 })),
            ("not before, as text", json!({ "nbf": "soon" })),
        ] {
            refuse(app, why, &sign(&header(), &changed(changes))).await;
        }
        viewer(app, &sign(&header(), &changed(json!({ "aud": ["other", "itkatalog"] })))).await;
    }

    async fn headers_that_bring_keys_or_ask_for_more_are_refused(app: TestApp) {
        for (why, fields) in [
            ("jwk", json!({ "jwk": { "kty": "EC" } })),
            ("jku", json!({ "jku": "https://evil.example/keys" })),
            ("x5u", json!({ "x5u": "https://evil.example/cert" })),
            ("x5c", json!({ "x5c": ["AA=="] })),
            ("crit", json!({ "crit": ["exp"] })),
            ("an unknown kid", json!({ "kid": "other" })),
            ("an empty kid", json!({ "kid": "" })),
            ("a kid that is almost right", json!({ "kid": format!("{} ", header().kid.unwrap()) })),
            ("a kid in other letters", json!({ "kid": header().kid.unwrap().to_lowercase() })),
            ("a kid that is a list", json!({ "kid": [header().kid.unwrap()] })),
            ("crit, unknown", json!({ "crit": ["http://example.invalid/unknown"] })),
            ("crit, empty", json!({ "crit": [] })),
            ("alg none", json!({ "alg": "none" })),
            ("alg None", json!({ "alg": "nOnE" })),
            ("an algorithm that is not the key's", json!({ "alg": "ES384" })),
            ("RS256 with an EC key", json!({ "alg": "RS256" })),
            ("alg missing", json!({ "alg": null })),
        ] {
            refuse(app, why, &with_header(fields)).await;
        }
        let mut no_kid = header();
        no_kid.kid = None;
        refuse(app, "no kid", &sign(&no_kid, &claims())).await;
    }

    async fn forged_tokens_are_refused(app: TestApp) {
        let right = sign(&header(), &claims());
        let (unsigned, signature) = right.rsplit_once('.').unwrap();
        let public_key = std::fs::read(crate::support::jwks_path()).unwrap();
        let mut by_hmac = Header::new(Algorithm::HS256);
        by_hmac.kid = header().kid;
        let other_key = tempfile::TempDir::new().unwrap();
        itkatalog::identity::demo::DemoKey::read_or_create(&other_key.path().join("key.pem")).unwrap();
        let other_key = EncodingKey::from_ec_pem(&std::fs::read(other_key.path().join("key.pem")).unwrap()).unwrap();
        let (head, body) = unsigned.split_once('.').unwrap();
        let other_body = sign(&header(), &changed(json!({ "sub": "admin" })));
        let other_body = other_body.split('.').nth(1).unwrap();
        for (why, token) in [
            ("no signature", format!("{unsigned}.")),
            ("no third part", unsigned.to_owned()),
            ("a fourth part", format!("{right}.x")),
            ("another signature", format!("{unsigned}.{}", signature.chars().rev().collect::<String>())),
            ("other claims under the signature", format!("{head}.{other_body}.{signature}")),
            ("the public key as a secret", encode(&by_hmac, &claims(), &EncodingKey::from_secret(&public_key)).unwrap()),
            ("somebody else's key", encode(&header(), &claims(), &other_key).unwrap()),
            ("no token at all", "x".to_owned()),
            ("nothing", String::new()),
            ("no JSON", format!("bm8.{body}.{signature}")),
            ("a token of 60 KB", sign(&header(), &changed(json!({ "more": "x".repeat(45_000) })))),
            ("a token that is too long", sign(&header(), &changed(json!({ "more": "x".repeat(9000) })))),
        ] {
            refuse(app, why, &token).await;
        }
        viewer(app, &sign(&header(), &changed(json!({ "more": "x".repeat(5000) })))).await;
    }

    async fn only_one_bearer_token_is_looked_at(app: TestApp) {
        let right = municipality("05334002");
        let body = json!({ "query": VIEWER }).to_string();
        let send = |values: Vec<String>| {
            let request = values.into_iter().fold(post(), |request, value| request.header("authorization", value));
            app.send(request, body.clone())
        };
        let is_refused = |answer: &Answer| answer.status == 401;
        assert!(is_refused(&send(vec![format!("Basic {right}")]).await));
        assert!(is_refused(&send(vec![right.clone()]).await));
        assert!(is_refused(&send(vec![format!("Bearer {right}"), format!("Bearer {right}")]).await));
        assert!(is_refused(&send(vec!["Bearer".to_owned()]).await));
        let lower = send(vec![format!("bearer {right}")]).await;
        assert_eq!(lower.body["data"]["viewer"]["subject"], "municipality-05334002");
    }

    async fn roles_without_meaning_give_nothing(app: TestApp) {
        for (roles, known) in [
            (json!(["king"]), json!([])),
            (json!(["king", "steward", "steward"]), json!(["STEWARD"])),
            (json!(["STEWARD"]), json!([])),
            (json!([1, null]), json!([])),
            (json!({ "steward": true }), json!([])),
            (json!("land"), json!(["LAND"])),
        ] {
            let seen = viewer(app, &token(json!({ "roles": roles }))).await;
            assert_eq!((&seen["subject"], &seen["roles"]), (&json!("somebody"), &known), "{roles}");
        }
        let public = token(json!({ "roles": ["king"] }));
        let data = app.data_as(&public, "{ subscriptions(first: 1) { totalCount } }", json!({})).await;
        assert_eq!(data["subscriptions"]["totalCount"], 0);
    }

    async fn an_organisation_that_does_not_exist_gives_nothing(app: TestApp) {
        let query = "{ viewer { municipality { ags } provider { key } } subscriptions(first: 1) { totalCount } }";
        for more in [
            json!({ "roles": ["municipality"] }),
            json!({ "roles": ["municipality"], "municipality": "05999999" }),
            json!({ "roles": ["municipality"], "municipality": 5334002 }),
            json!({ "roles": ["provider"], "provider": "nobody" }),
            json!({ "roles": ["account_manager"], "customer_groups": ["nobody"] }),
            json!({ "roles": ["account_manager"] }),
            // Of one municipality, not of all because this one is unknown.
            json!({ "roles": ["auditor"], "municipality": "05999999" }),
            json!({ "roles": ["auditor"], "municipality": ["05334002"] }),
            json!({ "roles": ["auditor"], "municipality": 5334002 }),
        ] {
            let data = app.data_as(&token(more.clone()), query, json!({})).await;
            assert_eq!(data["viewer"], json!({ "municipality": null, "provider": null }), "{more}");
            assert_eq!(data["subscriptions"]["totalCount"], 0, "{more}");
        }
    }
}

#[tokio::test]
async fn without_keys_no_token_is_accepted() {
    let database = crate::support::TestDatabase::with_sample_data(crate::support::Backend::Sqlite).await;
    let config = itkatalog::config::Config { jwks: None, ..crate::support::config(&database.url) };
    let server = itkatalog::server::Server::build(config, crate::support::clock(), false).await.unwrap();
    let request = post().header("authorization", format!("Bearer {}", municipality("05334002")));
    let request = request.body(axum::body::Body::from(json!({ "query": "{ __typename }" }).to_string())).unwrap();
    assert_eq!(crate::support::send(server.router(), request).await.status, 401);
}

#[tokio::test]
async fn claims_can_have_other_names() {
    let database = crate::support::TestDatabase::with_sample_data(crate::support::Backend::Sqlite).await;
    let mut config = crate::support::config(&database.url);
    config.claims.roles = "realm_access.roles".to_owned();
    let server = itkatalog::server::Server::build(config, crate::support::clock(), false).await.unwrap();
    let token = token(json!({ "realm_access": { "roles": ["steward", "offline_access"] }, "roles": ["land"] }));
    let request = post().header("authorization", format!("Bearer {token}"));
    let request = request.body(axum::body::Body::from(json!({ "query": VIEWER }).to_string())).unwrap();
    let answer = crate::support::send(server.router(), request).await;
    assert_eq!(answer.body["data"]["viewer"]["roles"], json!(["STEWARD"]));
}

#[tokio::test]
async fn a_key_that_is_added_is_found_and_one_that_is_gone_takes_its_tokens_with_it() {
    use chrono::{DateTime, TimeDelta, Utc};
    use itkatalog::identity::{Identity, Readiness, Source};
    let folder = tempfile::TempDir::new().unwrap();
    let jwks = folder.path().join("jwks.json");
    let old = std::fs::read(crate::support::jwks_path()).unwrap();
    std::fs::write(&jwks, &old).unwrap();
    let config = crate::support::config("sqlite::memory:");
    let now: DateTime<Utc> = crate::support::NOW.parse().unwrap();
    let identity = Identity::new(&config, Source::File(jwks.clone()), now).await.unwrap();
    let token = municipality("05334002");
    assert!(identity.verify(&token, now).await.is_some());
    let new = itkatalog::identity::demo::DemoKey::read_or_create(&folder.path().join("new.pem")).unwrap();
    let keys = json!({ "keys": [{ "kty": "strange", "kid": "x" }, new.jwk()] });
    std::fs::write(&jwks, keys.to_string()).unwrap();
    let mut header = header();
    header.kid = new.jwk().common.key_id.clone();
    let key = EncodingKey::from_ec_pem(&std::fs::read(folder.path().join("new.pem")).unwrap()).unwrap();
    let of_new = encode(&header, &claims(), &key).unwrap();
    // Within a minute nothing is fetched again.
    assert!(identity.verify(&of_new, now + TimeDelta::seconds(59)).await.is_none());
    assert!(identity.verify(&of_new, now + TimeDelta::seconds(61)).await.is_some());
    assert!(identity.verify(&token, now + TimeDelta::seconds(62)).await.is_none());
    // While the issuer is away, what is known stays.
    std::fs::remove_file(&jwks).unwrap();
    assert!(identity.verify(&of_new, now + TimeDelta::minutes(30)).await.is_some());
    assert_eq!(identity.readiness(now).await, Readiness::Ready);
}

#[tokio::test]
async fn a_token_that_was_accepted_is_refused_when_its_time_is_over() {
    use chrono::{DateTime, TimeDelta, Utc};
    use itkatalog::identity::{Identity, Source};
    let now: DateTime<Utc> = crate::support::NOW.parse().unwrap();
    let source = Source::File(crate::support::jwks_path().into());
    let identity = Identity::new(&crate::support::config("sqlite::memory:"), source, now).await.unwrap();
    let token = token(json!({ "nbf": now.timestamp() }));
    for (seconds, is_accepted) in [(0, true), (3629, true), (3630, false), (10, true), (-30, true), (-31, false)] {
        let seen = identity.verify(&token, now + TimeDelta::seconds(seconds)).await;
        assert_eq!(seen.is_some(), is_accepted, "after {seconds} s");
    }
}

#[tokio::test]
async fn keys_come_from_a_file_or_over_https() {
    use itkatalog::identity::Source;
    assert!(matches!(Source::parse(None), Ok(Source::None)));
    assert!(matches!(Source::parse(Some("keys.json")), Ok(Source::File(_))));
    assert!(matches!(Source::parse(Some("https://issuer.example/keys")), Ok(Source::Https(_))));
    for refused in ["http://issuer.example/keys", "file:///etc/keys"] {
        assert!(Source::parse(Some(refused)).is_err(), "{refused}");
    }
}
