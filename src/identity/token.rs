//! Reading one token: its header before anything is believed, its claims after the signature holds.

use std::{hash::Hash, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, Validation, decode};
use serde_json::{Map, Value};

use super::keys::{Key, Source};
use crate::{
    access::{Client, Role},
    config::{ClaimNames, Config},
};

/// Difference between clocks that is tolerated, in seconds.
const LEEWAY_SECONDS: i64 = 30;
/// Longest issuer, subject or role, in characters.
const LONGEST_NAME: usize = 255;
/// Header fields that bring keys along or ask for more than this service understands.
const REFUSED_FIELDS: [&str; 5] = ["jwk", "jku", "x5u", "x5c", "crit"];

/// What an accepted token claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Who vouches.
    pub issuer: String,
    /// For whom.
    pub subject: String,
    /// Which program asks: `azp`, else `client_id`, else the subject.
    pub client_id: String,
    /// The roles that are known here.
    pub roles: Vec<Role>,
    /// AGS of the municipality.
    pub municipality: Option<String>,
    /// Key of the provider.
    pub provider: Option<String>,
    /// Keys of the customer groups.
    pub customer_groups: Vec<String>,
    expires_at: i64,
    not_before: Option<i64>,
}

impl Claims {
    /// The program that asks.
    pub fn client(&self) -> Client {
        Client { issuer: self.issuer.clone(), client_id: self.client_id.clone() }
    }

    /// Everything that they say of who asks.
    pub fn identity(&self) -> impl Eq + Hash + '_ {
        let organisation = (&self.municipality, &self.provider, &self.customer_groups);
        (&self.issuer, &self.subject, &self.client_id, &self.roles, organisation)
    }

    /// How long they hold from a moment on.
    pub fn rest_at(&self, now: DateTime<Utc>) -> std::time::Duration {
        let end = self.expires_at.saturating_add(LEEWAY_SECONDS).saturating_mul(1000);
        std::time::Duration::from_millis(u64::try_from(end.saturating_sub(now.timestamp_millis())).unwrap_or_default())
    }

    /// Whether they hold at a moment.
    pub fn hold_at(&self, now: DateTime<Utc>) -> bool {
        let now = now.timestamp();
        let has_begun = self.not_before.is_none_or(|begin| begin <= now.saturating_add(LEEWAY_SECONDS));
        has_begun && self.expires_at.saturating_add(LEEWAY_SECONDS) > now
    }
}

/// What a token must say.
#[derive(Debug)]
pub struct Rules {
    issuer: Option<String>,
    audience: String,
    names: ClaimNames,
}

impl Rules {
    /// The rules of the settings.
    pub fn new(config: &Config, source: &Source) -> Self {
        let issuer = match source {
            Source::Demo(_) => Some(super::demo::ISSUER.to_owned()),
            _ => config.jwt_issuer.clone(),
        };
        Self { issuer, audience: config.jwt_audience.clone(), names: config.claims.clone() }
    }
}

/// The part of a header that chooses the key.
#[derive(Debug)]
pub struct Header {
    /// Which key.
    pub kid: String,
    /// Which algorithm.
    pub algorithm: Algorithm,
}

/// Reads a token's header, which nobody has vouched for yet.
pub fn header(token: &str) -> Result<Header, &'static str> {
    let first = token.split('.').next().unwrap_or_default();
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(first).map_err(|_| "no JWT")?;
    let fields: Map<String, Value> = serde_json::from_slice(&bytes).map_err(|_| "no JWT")?;
    if REFUSED_FIELDS.iter().any(|field| fields.contains_key(*field)) {
        return Err("a header field that is refused");
    }
    let text = |field: &str| fields.get(field).and_then(Value::as_str);
    let algorithm = match text("alg") {
        Some(name @ ("ES256" | "ES384" | "EdDSA" | "RS256" | "PS256")) => {
            Algorithm::from_str(name).map_err(|_| "alg")?
        }
        _ => return Err("an algorithm that is not accepted"),
    };
    let kid = text("kid").filter(|kid| !kid.is_empty()).ok_or("no kid")?.to_owned();
    Ok(Header { kid, algorithm })
}

/// Verifies the signature and reads the claims, with the roles that are unknown here.
pub fn claims(token: &str, header: &Header, key: &Key, rules: &Rules) -> Result<(Claims, Vec<String>), &'static str> {
    if !key.algorithms.contains(&header.algorithm) {
        return Err("an algorithm that is not the key's");
    }
    let mut validation = Validation::new(header.algorithm);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_audience(&[&rules.audience]);
    if let Some(issuer) = &rules.issuer {
        validation.set_issuer(&[issuer]);
    }
    // Times are judged by the service's own clock, which a test can choose: see `Claims::hold_at`.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    let decoded = decode::<Map<String, Value>>(token, &key.decoding, &validation).map_err(|_| "signature or claims")?;
    let claims = &decoded.claims;
    if !names_audience(claims.get("aud"), &rules.audience) {
        return Err("aud");
    }
    let (roles, unknown) = roles(find(claims, &rules.names.roles));
    // What is there but no text names no organisation that exists: it must not look as if nothing were named.
    let text = |path: &str| {
        find(claims, path).filter(|value| !value.is_null()).map(|value| value.as_str().unwrap_or_default().to_owned())
    };
    let subject = name(claims.get("sub")).ok_or("sub")?;
    let client = ["azp", "client_id"].into_iter().find_map(|claim| name(claims.get(claim)));
    let read = Claims {
        issuer: name(claims.get("iss")).ok_or("iss")?,
        client_id: client.unwrap_or_else(|| subject.clone()),
        subject,
        expires_at: seconds(claims.get("exp")).ok_or("exp")?,
        not_before: claims.get("nbf").map(|value| seconds(Some(value)).ok_or("nbf")).transpose()?,
        roles,
        municipality: text(&rules.names.municipality),
        provider: text(&rules.names.provider),
        customer_groups: texts(find(claims, &rules.names.customer_groups)),
    };
    Ok((read, unknown))
}

fn names_audience(value: Option<&Value>, audience: &str) -> bool {
    match value {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(several)) => {
            several.iter().all(Value::is_string) && several.iter().any(|one| one.as_str() == Some(audience))
        }
        _ => false,
    }
}

/// Text that can stand in records: not empty, not endless, no control characters.
fn name(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?;
    let is_sane =
        !text.trim().is_empty() && text.chars().count() <= LONGEST_NAME && !text.chars().any(char::is_control);
    is_sane.then(|| text.to_owned())
}

/// Seconds since 1970; fractions are cut off.
fn seconds(value: Option<&Value>) -> Option<i64> {
    let number = value?.as_number()?;
    let seconds = number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds as i64))?;
    (seconds >= 0).then_some(seconds)
}

/// The value at a path as in `realm_access.roles`. A name with dots in it is tried first as it stands.
fn find<'c>(claims: &'c Map<String, Value>, path: &str) -> Option<&'c Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    find(claims.get(first)?.as_object()?, rest)
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// The roles that are known here, each once, and those that are not. Names are exact: lower case with underscores.
fn roles(value: Option<&Value>) -> (Vec<Role>, Vec<String>) {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for name in texts(value) {
        match Role::from_str(&name) {
            Ok(role) if name.chars().all(|c| c.is_ascii_lowercase() || c == '_') => {
                if !known.contains(&role) {
                    known.push(role);
                }
            }
            _ => unknown.push(name),
        }
    }
    (known, unknown)
}
