//! One attempt to deliver one message.

use std::time::{Duration, Instant};

use ::entity::webhook_delivery::{self, Outcome};
use chrono::TimeDelta;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, StatusCode,
    body::{Bytes, Incoming},
    header,
};
use sea_orm::prelude::{DateTimeUtc, Uuid};

use super::{Office, Row, messages::Message, schedule};
use crate::{
    error::{Error, Result},
    outbound::{causes, is_not_allowed},
};

/// Who sends.
const AGENT: &str = concat!("itkatalog/", env!("CARGO_PKG_VERSION"));
/// Bytes of an answer that are read, so that its connection can be used again. Nothing of them is kept.
const ANSWER_BYTES: usize = 64 * 1024;
/// Longest error that is kept, in characters.
const LONGEST_ERROR: usize = 200;

/// What came of an attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// When it began.
    pub at: DateTimeUtc,
    /// How long it took, in milliseconds.
    pub duration_ms: i32,
    /// What became of it.
    pub outcome: Outcome,
    /// HTTP status of the answer.
    pub status: Option<i32>,
    /// What went wrong.
    pub error: Option<String>,
    /// How long the receiver asks to be left alone.
    pub rest: Option<TimeDelta>,
}

impl Attempt {
    /// Its row in the log.
    pub fn entry(&self, row: &Row, message: &Message, attempt: i32) -> webhook_delivery::Model {
        webhook_delivery::Model {
            id: Uuid::new_v4(),
            webhook_id: row.id,
            at: self.at,
            message_id: message.id.clone(),
            kind: message.kind.clone(),
            sequence: message.sequence,
            attempt,
            outcome: self.outcome,
            status: self.status,
            duration_ms: self.duration_ms,
            error: self.error.clone(),
        }
    }
}

/// Sends a message, once. `now` is what it is signed with; the whole may take as long as `timeout`.
pub async fn send(office: &Office, row: &Row, message: &Message, now: DateTimeUtc, timeout: Duration) -> Attempt {
    let start = Instant::now();
    let (outcome, status, error, rest) = match request(office, row, message, now) {
        Ok(Some(request)) => exchange(office, request, now, timeout).await,
        Ok(None) => {
            tracing::error!(webhook = %row.id, "the secret of a webhook can't be read with webhook_key");
            let error = "the secret can't be read by the service any more: rotate it";
            (Outcome::NoSecret, None, Some(error.to_owned()), None)
        }
        Err(error) => (Outcome::Unreachable, None, Some(error.to_string()), None),
    };
    let name: &'static str = name(outcome);
    metrics::counter!("itkatalog_webhook_deliveries_total", "outcome" => name).increment(1);
    let duration_ms = i32::try_from(start.elapsed().as_millis()).unwrap_or(i32::MAX);
    tracing::debug!(webhook = %row.id, message = message.id, outcome = name, status, duration_ms, "sent to a webhook");
    let error = error.map(|error| error.chars().take(LONGEST_ERROR).collect());
    Attempt { at: now, duration_ms, outcome, status, error, rest }
}

/// The signed request; none when there is no secret to sign with.
fn request(office: &Office, row: &Row, message: &Message, now: DateTimeUtc) -> Result<Option<Request<Full<Bytes>>>> {
    let safe = office.safe()?;
    let Some(secret) = safe.unlock(row.id, &row.secret) else { return Ok(None) };
    let timestamp = now.timestamp();
    let mut signatures = secret.sign(&message.id, timestamp, &message.body)?;
    let is_valid = row.previous_secret_until.is_some_and(|until| now < until);
    let previous = row.previous_secret.as_ref().filter(|_| is_valid);
    if let Some(secret) = previous.and_then(|locked| safe.unlock(row.id, locked)) {
        signatures = format!("{signatures} {}", secret.sign(&message.id, timestamp, &message.body)?);
    }
    let request = Request::post(&row.url)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, AGENT)
        .header("webhook-id", &message.id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", signatures)
        .body(Full::new(Bytes::from(message.body.clone())));
    request.map(Some).map_err(Error::internal)
}

type Exchanged = (Outcome, Option<i32>, Option<String>, Option<TimeDelta>);

async fn exchange(office: &Office, request: Request<Full<Bytes>>, now: DateTimeUtc, timeout: Duration) -> Exchanged {
    let exchange = async {
        let answer = office.client.request(request).await?;
        let (parts, body) = answer.into_parts();
        drain(body).await;
        Ok::<_, hyper_util::client::legacy::Error>(parts)
    };
    match tokio::time::timeout(timeout, exchange).await {
        Err(_) => {
            let error = format!("no whole answer within {} ms", timeout.as_millis());
            (Outcome::TimedOut, None, Some(error), None)
        }
        Ok(Err(error)) if is_not_allowed(&error) => {
            let error = "the address is not one of the public internet";
            (Outcome::ForbiddenAddress, None, Some(error.to_owned()), None)
        }
        Ok(Err(error)) => (Outcome::Unreachable, None, Some(causes(&error)), None),
        Ok(Ok(parts)) => {
            let outcome = match parts.status {
                StatusCode::GONE => Outcome::Gone,
                status if status.is_success() => Outcome::Delivered,
                _ => Outcome::Refused,
            };
            let error = (outcome != Outcome::Delivered).then(|| format!("answered with {}", parts.status.as_u16()));
            let rest = parts.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
            let rest = rest.filter(|_| outcome == Outcome::Refused).and_then(|text| schedule::retry_after(text, now));
            (outcome, Some(i32::from(parts.status.as_u16())), error, rest)
        }
    }
}

/// Reads what is left of an answer. One that is too long, or breaks off, was an answer all the same.
async fn drain(body: Incoming) {
    let mut body = Limited::new(body, ANSWER_BYTES);
    while let Some(Ok(_)) = body.frame().await {}
}

fn name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered => "delivered",
        Outcome::Refused => "refused",
        Outcome::Gone => "gone",
        Outcome::TimedOut => "timed_out",
        Outcome::Unreachable => "unreachable",
        Outcome::ForbiddenAddress => "forbidden_address",
        Outcome::NoSecret => "no_secret",
    }
}
