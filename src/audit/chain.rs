//! What an event's place in the chain is: digests of what may be erased, and a hash over everything else and the hash before.

use std::{fmt, str::FromStr};

use ::entity::audit_event;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Digits of a SHA-256 in hexadecimal.
const HASH_DIGITS: usize = 64;

/// The last event of a trail, or of a part of it. Written as `SEQUENCE:HASH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its sequence; 0 before the first event.
    pub sequence: i64,
    /// Its hash, in hexadecimal; zeros before the first event.
    pub hash: String,
}

impl Head {
    /// What the first event goes on from.
    pub fn genesis() -> Self {
        Self { sequence: 0, hash: "0".repeat(HASH_DIGITS) }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.sequence, self.hash)
    }
}

impl FromStr for Head {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_hash = |hash: &str| {
            hash.len() == HASH_DIGITS && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let parts = text.split_once(':').filter(|(_, hash)| is_hash(hash));
        let sequence = parts.and_then(|(sequence, _)| sequence.parse().ok()).filter(|sequence: &i64| *sequence >= 0);
        match (sequence, parts) {
            (Some(sequence), Some((_, hash))) => Ok(Self { sequence, hash: hash.to_owned() }),
            _ => Err(
                "expected SEQUENCE:HASH as `itkatalog audit head` prints it: a number, a colon, and 64 digits 0-9a-f"
                    .to_owned(),
            ),
        }
    }
}

/// Computes the digests and the hash of an event that goes on from the one before.
pub fn seal(mut row: audit_event::Model) -> audit_event::Model {
    let has_content = row.before.is_some() || row.after.is_some();
    row.content_digest = has_content.then(|| content_digest(&row));
    row.reason_digest = row.reason_text.as_ref().map(|text| digest(&(&row.salt, text)));
    row.hash = hash(&row);
    row
}

/// Whether an event is what it was when it was written. What was erased can't be checked and is passed over.
pub fn holds(row: &audit_event::Model) -> bool {
    let content_holds = match (&row.salt, &row.content_digest) {
        (Some(_), Some(known)) => *known == content_digest(row),
        (None, _) | (Some(_), None) => row.before.is_none() && row.after.is_none(),
    };
    let reason_holds = match (&row.salt, &row.reason_text, &row.reason_digest) {
        (Some(salt), Some(text), Some(known)) => *known == digest(&(salt, text)),
        (_, None, _) => true,
        (_, Some(_), _) => false,
    };
    content_holds && reason_holds && row.hash == hash(row)
}

fn content_digest(row: &audit_event::Model) -> String {
    digest(&(&row.salt, &row.before, &row.after))
}

/// The hash of an event: over everything in it that is never erased, and the hash before.
fn hash(row: &audit_event::Model) -> String {
    let place = (&row.previous_hash, row.sequence, row.at.timestamp_micros(), &row.action, row.outcome);
    let actor = (&row.issuer, &row.subject, &row.roles, &row.organisation);
    let content = (&row.entity_type, &row.entity_id, &row.content_digest);
    let ground = (&row.reason_code, &row.reason_digest, &row.reason_reference, &row.rule, &row.request_id);
    match &row.policies {
        // INVARIANT: events from before the fingerprint was recorded keep the hash that they have.
        None => digest(&(place, actor, content, ground)),
        Some(policies) => digest(&(place, actor, content, ground, policies)),
    }
}

/// SHA-256 over a value's JSON, in hexadecimal. JSON of tuples has one form only: no keys, no spaces.
fn digest(value: &impl Serialize) -> String {
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    hex(Sha256::digest(bytes))
}

/// A digest in hexadecimal.
pub(super) fn hex(digest: impl AsRef<[u8]>) -> String {
    base16ct::lower::encode_string(digest.as_ref())
}
