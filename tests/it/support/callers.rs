//! Tokens of every kind of caller, signed by an issuer of these tests.

use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use itkatalog::identity::demo::DemoKey;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Who issues the tokens of these tests.
pub const ISSUER: &str = "https://issuer.example";

struct Issuer {
    key: EncodingKey,
    kid: String,
    folder: TempDir,
}

fn issuer() -> &'static Issuer {
    static ISSUER: OnceLock<Issuer> = OnceLock::new();
    ISSUER.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("key.pem");
        let key = DemoKey::read_or_create(&path).unwrap();
        let jwk = key.jwk();
        std::fs::write(folder.path().join("jwks.json"), json!({ "keys": [jwk] }).to_string()).unwrap();
        let kid = jwk.common.key_id.clone().unwrap();
        Issuer { key: EncodingKey::from_ec_pem(&std::fs::read(&path).unwrap()).unwrap(), kid, folder }
    })
}

/// The issuer's public keys.
pub fn jwks_path() -> String {
    issuer().folder.path().join("jwks.json").display().to_string()
}

/// The issuer's private key, for tokens that are wrong in other ways.
pub fn key_path() -> std::path::PathBuf {
    issuer().folder.path().join("key.pem")
}

/// The header of a right token.
pub fn header() -> Header {
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(issuer().kid.clone());
    header
}

/// The claims of a right token of nobody in particular.
pub fn claims() -> Value {
    let now: DateTime<Utc> = super::NOW.parse().unwrap();
    json!({ "iss": ISSUER, "aud": "itkatalog", "exp": now.timestamp() + 3600, "sub": "somebody" })
}

/// Signs any header and claims with the issuer's key.
pub fn sign(header: &Header, claims: &Value) -> String {
    jsonwebtoken::encode(header, claims, &issuer().key).unwrap()
}

/// A right token with these claims on top.
pub fn token(more: Value) -> String {
    let mut claims = claims();
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    sign(&header(), &claims)
}

pub fn municipality(ags: &str) -> String {
    token(json!({ "roles": ["municipality"], "municipality": ags, "sub": format!("municipality-{ags}") }))
}

pub fn provider(key: &str) -> String {
    token(json!({ "roles": ["provider"], "provider": key, "sub": format!("provider-{key}") }))
}

pub fn account_manager(group: &str) -> String {
    token(json!({ "roles": ["account_manager"], "customer_groups": [group], "sub": format!("manager-{group}") }))
}

pub fn steward() -> String {
    token(json!({ "roles": ["steward"], "sub": "steward" }))
}

pub fn transformation_office() -> String {
    token(json!({ "roles": ["transformation_office"], "sub": "office" }))
}

pub fn land() -> String {
    token(json!({ "roles": ["land"], "sub": "land" }))
}

pub fn auditor() -> String {
    token(json!({ "roles": ["auditor"], "sub": "auditor" }))
}
