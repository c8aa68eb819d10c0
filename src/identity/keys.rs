//! The issuer's keys: from a file or over https, kept while the issuer is away.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use chrono::{DateTime, TimeDelta, Utc};
use http_body_util::{BodyExt, Empty, Limited};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use tokio::sync::Mutex;

use super::Readiness;
use crate::outbound::{self, causes};

/// Shortest time between two attempts to fetch keys.
const PAUSE: TimeDelta = TimeDelta::minutes(1);
/// Keys older than this are fetched again, so that a key that was withdrawn is forgotten.
const FRESH_FOR: TimeDelta = TimeDelta::minutes(10);
/// Longest wait for the issuer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Largest JWKS, in bytes.
const LARGEST_JWKS: usize = 1024 * 1024;
/// Shortest RSA modulus, in bytes.
const SHORTEST_RSA: usize = 256;

/// Where keys come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Nowhere: no token is accepted.
    None,
    /// A file.
    File(PathBuf),
    /// An address with https.
    Https(hyper::Uri),
    /// The demo key.
    Demo(Box<Jwk>),
}

/// A key, and the algorithms that it may be used with.
#[derive(Clone)]
pub struct Key {
    /// For `jsonwebtoken`.
    pub decoding: DecodingKey,
    /// What its JWK says, or what its type is for.
    pub algorithms: Vec<Algorithm>,
}

#[derive(Default)]
struct KeySet {
    generation: u64,
    keys: HashMap<String, Key>,
}

/// The keys that are known now.
pub struct Keys {
    source: Source,
    current: ArcSwap<KeySet>,
    // When fetching was last tried, and when it last succeeded.
    fetched: Mutex<(DateTime<Utc>, DateTime<Utc>)>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Keys").field("source", &self.source).finish_non_exhaustive()
    }
}

impl Source {
    /// Reads the setting `jwks`: a path, or an address with https.
    pub fn parse(jwks: Option<&str>) -> Result<Self, String> {
        match jwks {
            None => Ok(Self::None),
            Some(address) if address.starts_with("https://") => {
                address.parse().map(Self::Https).map_err(|error| format!("jwks: {address}: {error}"))
            }
            Some(address) if address.contains("://") => {
                Err(format!("jwks: {address}: keys are fetched over https only, or read from a file"))
            }
            Some(path) => Ok(Self::File(path.into())),
        }
    }
}

impl Keys {
    /// Reads the keys for the first time.
    pub async fn load(source: Source, now: DateTime<Utc>) -> Result<Self, String> {
        let mut set = KeySet::default();
        let mut succeeded = now;
        match fetch(&source).await {
            Ok(keys) => set.keys = keys,
            Err(error) if matches!(source, Source::Https(_)) => {
                tracing::error!(error, "no keys yet; no token is accepted until they can be fetched");
                succeeded = DateTime::UNIX_EPOCH;
            }
            Err(error) => return Err(error),
        }
        Ok(Self { source, current: ArcSwap::from_pointee(set), fetched: Mutex::new((now, succeeded)) })
    }

    /// Rises when the keys change.
    pub fn generation(&self) -> u64 {
        self.current.load().generation
    }

    /// The key of a `kid`, and the generation of keys that it is from. An unknown one makes the keys be fetched again.
    pub async fn find(&self, kid: &str, now: DateTime<Utc>) -> Option<(Key, u64)> {
        let known = || {
            let set = self.current.load();
            set.keys.get(kid).map(|key| (key.clone(), set.generation))
        };
        if known().is_none() {
            let mut fetched = self.fetched.lock().await;
            if known().is_none() {
                self.fetch_again(&mut fetched, now).await;
            }
        }
        known()
    }

    /// Fetches keys again that are no longer fresh, so that a key that was withdrawn is forgotten.
    pub async fn keep_fresh(&self, now: DateTime<Utc>) {
        // Somebody else fetching is enough; what is known goes on meanwhile.
        if let Ok(mut fetched) = self.fetched.try_lock()
            && fetched.1 + FRESH_FOR <= now
        {
            self.fetch_again(&mut fetched, now).await;
        }
    }

    /// Whether there are keys; asks again when there are none.
    pub async fn readiness(&self, now: DateTime<Utc>) -> Readiness {
        if matches!(self.source, Source::None) {
            return Readiness::NotConfigured;
        }
        if self.current.load().keys.is_empty() {
            self.fetch_again(&mut *self.fetched.lock().await, now).await;
        }
        if self.current.load().keys.is_empty() { Readiness::Waiting } else { Readiness::Ready }
    }

    async fn fetch_again(&self, fetched: &mut (DateTime<Utc>, DateTime<Utc>), now: DateTime<Utc>) {
        let is_fixed = matches!(self.source, Source::None | Source::Demo(_));
        if is_fixed || now < fetched.0 + PAUSE {
            return;
        }
        fetched.0 = now;
        match fetch(&self.source).await {
            Ok(keys) => {
                fetched.1 = now;
                let generation = self.generation() + 1;
                tracing::info!(keys = keys.len(), "keys fetched");
                self.current.store(Arc::new(KeySet { generation, keys }));
            }
            Err(error) => tracing::warn!(error, "keys could not be fetched; those that are known stay"),
        }
    }
}

async fn fetch(source: &Source) -> Result<HashMap<String, Key>, String> {
    let bytes = match source {
        Source::None => return Ok(HashMap::new()),
        Source::Demo(jwk) => return Ok(usable(JwkSet { keys: vec![(**jwk).clone()] })),
        Source::File(path) => {
            tokio::fs::read(path).await.map_err(|error| format!("jwks: {}: {error}", path.display()))?
        }
        Source::Https(address) => tokio::time::timeout(PATIENCE, get(address))
            .await
            .map_err(|_| format!("jwks: {address}: no answer within {} s", PATIENCE.as_secs()))??,
    };
    let set: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| format!("jwks: no JSON: {error}"))?;
    let keys = set.get("keys").and_then(serde_json::Value::as_array).ok_or("jwks: it has no list “keys”")?;
    // One by one: a key of a kind that is unknown here must not take the others with it.
    let keys = keys.iter().filter_map(|key| serde_json::from_value(key.clone()).ok()).collect();
    let usable = usable(JwkSet { keys });
    if usable.is_empty() {
        return Err("jwks: it has no key with a kid that can be used (ES256, ES384, EdDSA, RS256, PS256)".to_owned());
    }
    Ok(usable)
}

async fn get(address: &hyper::Uri) -> Result<Vec<u8>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("jwks: {address}: {error}");
    let client = outbound::https::<Empty<hyper::body::Bytes>>(false);
    let response = client.get(address.clone()).await.map_err(|error| failed(&causes(&error)))?;
    if !response.status().is_success() {
        return Err(failed(&response.status()));
    }
    let body = Limited::new(response.into_body(), LARGEST_JWKS).collect().await.map_err(|error| failed(&error))?;
    Ok(body.to_bytes().to_vec())
}

fn usable(set: JwkSet) -> HashMap<String, Key> {
    let keys = set.keys.into_iter().filter_map(|jwk| {
        let kid = jwk.common.key_id.clone()?;
        let is_for_signing = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
        let algorithms = algorithms(&jwk);
        if !is_for_signing || algorithms.is_empty() {
            return None;
        }
        Some((kid, Key { decoding: DecodingKey::from_jwk(&jwk).ok()?, algorithms }))
    });
    keys.collect()
}

/// What a key may be used with: what it says, if that fits its type; else what its type is for. Never HS*.
fn algorithms(jwk: &Jwk) -> Vec<Algorithm> {
    let of_type = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => vec![Algorithm::ES256],
            EllipticCurve::P384 => vec![Algorithm::ES384],
            _ => vec![],
        },
        AlgorithmParameters::OctetKeyPair(_) => vec![Algorithm::EdDSA],
        AlgorithmParameters::RSA(key) if is_long_enough(&key.n) => vec![Algorithm::RS256, Algorithm::PS256],
        _ => vec![],
    };
    match jwk.common.key_algorithm {
        None => of_type,
        Some(said) => of_type.into_iter().filter(|known| said == KeyAlgorithm::from(*known)).collect(),
    }
}

fn is_long_enough(modulus: &str) -> bool {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    BASE64_URL_SAFE_NO_PAD.decode(modulus).is_ok_and(|bytes| bytes.len() >= SHORTEST_RSA)
}
