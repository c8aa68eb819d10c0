//! What is sent: thin messages that say that something was changed, not how. They hold nothing of a person.

use ::entity::change::Type;
use sea_orm::{
    ActiveEnum,
    prelude::{DateTimeUtc, Uuid},
};
use serde::Serialize;

use super::Row;
use crate::{
    changes::{Cursor, Entry, entity_id},
    error::{Error, Result},
};

/// Longest body, in bytes: what Standard Webhooks recommends. Messages are far shorter.
const LONGEST_BODY: usize = 20 * 1024;
/// Type of a test message.
const TEST: &str = "webhook.test";

/// A message to a webhook.
#[derive(Clone, Debug)]
pub struct Message {
    /// The same each time that it is sent.
    pub id: String,
    /// As in `product.changed`.
    pub kind: String,
    /// Sequence of the entry; none for a test.
    pub sequence: Option<i64>,
    /// JSON.
    pub body: String,
}

#[derive(Serialize)]
struct Body<'b, D> {
    r#type: &'b str,
    timestamp: DateTimeUtc,
    data: D,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    cursor: String,
    sequence: i64,
    previous: Option<i64>,
    r#type: Type,
    entity_id: String,
    entity_version: Option<i64>,
}

#[derive(Serialize)]
struct TestData {}

impl Message {
    /// That of an entry of the feed.
    pub fn of(row: &Row, installation: &str, entry: &Entry) -> Result<Self> {
        let sequence = entry.row.sequence;
        let kind = format!("{}.changed", entry.row.kind.to_value().to_ascii_lowercase());
        let data = Data {
            cursor: Cursor::after(installation, sequence).encode(),
            sequence,
            previous: entry.previous,
            r#type: entry.row.kind,
            entity_id: entity_id(&entry.row),
            entity_version: entry.row.entity_version,
        };
        let body = body(&Body { r#type: &kind, timestamp: entry.row.at, data })?;
        let id = Uuid::new_v5(&row.id, &sequence.to_be_bytes());
        Ok(Self { id: format!("msg_{}", id.simple()), kind, sequence: Some(sequence), body })
    }

    /// One that tells of nothing, to try the way.
    pub fn test(now: DateTimeUtc) -> Result<Self> {
        let body = body(&Body { r#type: TEST, timestamp: now, data: TestData {} })?;
        let id = format!("msg_{}", Uuid::new_v4().simple());
        Ok(Self { id, kind: TEST.to_owned(), sequence: None, body })
    }
}

fn body(body: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string(body).map_err(Error::internal)?;
    if text.len() > LONGEST_BODY {
        return Err(Error::internal(format!("a message of {} bytes", text.len())));
    }
    Ok(text)
}
