//! Whole answers that are kept: who asks for the same again gets the same bytes, while nothing that was read for it is another.
//!
//! INVARIANT: an answer is found only by what came in as a whole (way, media type, language, encoding, who asks, every byte of what
//! is asked), and told only while its [`Ground`] holds. So it is what running the request again would give.

use std::{
    hash::{Hash, Hasher},
    sync::{Arc, Weak},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, Method, header},
    response::Response,
};
use chrono::{DateTime, NaiveDate, Utc};
use http_body_util::BodyExt;
use quick_cache::{Weighter, sync::Cache};

use super::{
    answer::{self, Complete, MediaType},
    cached,
    execute::Before,
    outer,
    request::Info,
};
use crate::{
    catalogue::Snapshot, clock::day_of, config::Limits, desk::Desk, identity::Claims, subscriptions::scope::Scope,
    text::Language,
};

/// Longest request whose answer is kept, in bytes.
const LONGEST_REQUEST: usize = 16 * 1024;
/// Longest `Accept-Encoding` of a request whose answer is kept, in bytes.
const LONGEST_HEADER: usize = 200;
/// Bytes of a usual answer with its request.
const USUAL_BYTES: u64 = 8 * 1024;
/// What an entry takes besides its texts, in bytes.
const ENTRY_BYTES: usize = 512;
/// How long a cache may answer from its copy: no longer than another instance may be behind.
const PUBLIC: &str = "public, max-age=1, must-revalidate";

/// Answers by what was asked, bounded by bytes.
pub struct Answers(Option<Cache<Asked, Arc<Answer>, ByBytes>>);

/// Everything that an answer depends on, but for what it reads.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Asked {
    method: Method,
    media_type: MediaType,
    language: Language,
    encoding: Option<HeaderValue>,
    by: Option<By>,
    what: Bytes,
    is_kept: bool,
}

/// Who asks: everything that the token says, but for its times.
#[derive(Clone)]
struct By(Arc<Claims>);

struct Answer {
    headers: HeaderMap,
    /// What tells it from others, before it was compressed; for those that caches may keep.
    tag: Option<String>,
    body: Bytes,
    ground: Ground,
}

/// What an answer stands on.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The catalogue that it was read from.
    pub snapshot: Weak<Snapshot>,
    /// The day.
    pub day: NaiveDate,
    /// The subscriptions that were read, if any.
    pub subscriptions: Option<Own>,
}

/// Subscriptions that were read: which ones, at which mark, and when something in them expires.
#[derive(Clone, Debug)]
pub struct Own {
    /// Which ones.
    pub scope: Scope,
    /// Their mark before they were read.
    pub mark: u64,
    /// Until when they stay as they are if nobody changes them.
    pub until: Option<DateTime<Utc>>,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Asked, Arc<Answer>> for ByBytes {
    fn weight(&self, asked: &Asked, answer: &Arc<Answer>) -> u64 {
        (asked.what.len() + answer.body.len() + ENTRY_BYTES) as u64
    }
}

impl PartialEq for By {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.identity() == other.0.identity()
    }
}

impl Eq for By {}

impl Hash for By {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.identity().hash(state);
    }
}

impl Ground {
    /// Whether everything still is as it was read.
    async fn holds(&self, desk: &Desk) -> bool {
        let now = desk.clock.now();
        if let Some(own) = &self.subscriptions {
            // First: what it finds may bring a new catalogue.
            let Ok(marks) = desk.feed.marks().await else { return false };
            if marks.of(&own.scope) != own.mark || own.until.is_some_and(|until| until <= now) {
                return false;
            }
        }
        self.day == day_of(now) && self.snapshot.as_ptr() == Arc::as_ptr(&desk.live.snapshot())
    }
}

impl Asked {
    /// What came in.
    pub fn new(
        method: Method,
        media_type: MediaType,
        claims: Option<&Arc<Claims>>,
        request: &Info,
        headers: &HeaderMap,
        what: &Bytes,
    ) -> Self {
        let encoding = headers.get(header::ACCEPT_ENCODING).cloned();
        let is_short =
            what.len() <= LONGEST_REQUEST && encoding.as_ref().is_none_or(|value| value.len() <= LONGEST_HEADER);
        let is_kept = is_short && media_type != MediaType::EventStream && !request.wants_cost;
        // A large one is not held on to.
        let what = if is_kept { what.clone() } else { Bytes::new() };
        Self { method, media_type, language: request.language, encoding, by: claims.cloned().map(By), what, is_kept }
    }

    /// Caches of others may keep what anybody gets by GET.
    fn finish(response: Response, tag: Option<&str>, headers: &HeaderMap) -> Response {
        match tag {
            Some(tag) => cached::cacheable(response, tag, PUBLIC, headers),
            None => response,
        }
    }

    fn is_public(&self) -> bool {
        self.method == Method::GET && self.by.is_none()
    }
}

impl Answers {
    /// None yet; 0 bytes keep none at all.
    pub fn new(limits: &Limits) -> Self {
        let bytes = limits.answer_cache_bytes;
        let usual = usize::try_from(bytes / USUAL_BYTES).unwrap_or(1).max(1);
        Self((bytes > 0).then(|| Cache::with_weighter(usual, bytes, ByBytes)))
    }

    /// The answer to what is asked, if it is kept and still right.
    pub async fn find(&self, desk: &Desk, asked: &Asked, headers: &HeaderMap) -> Option<Response> {
        let answer = self.0.as_ref().filter(|_| asked.is_kept)?.get(asked)?;
        if !answer.ground.holds(desk).await {
            return None;
        }
        metrics::counter!("itkatalog_answer_cache_hits_total").increment(1);
        let mut response = Response::new(Body::from(answer.body.clone()));
        response.headers_mut().clone_from(&answer.headers);
        Some(Asked::finish(response, answer.tag.as_deref(), headers))
    }

    /// Keeps an answer without errors, with what it stands on.
    pub async fn keep(
        &self,
        desk: &Desk,
        mut asked: Asked,
        before: Option<Before>,
        mut response: Response,
        headers: &HeaderMap,
    ) -> Response {
        let Some(Complete(bytes)) = response.extensions_mut().remove() else { return response };
        let tag = asked.is_public().then(|| cached::tag(&bytes));
        let Some((kept, before)) = self.0.as_ref().filter(|_| asked.is_kept).zip(before) else {
            return Asked::finish(response, tag.as_deref(), headers);
        };
        let Some(ground) = before.ground(desk).await else {
            return Asked::finish(response, tag.as_deref(), headers);
        };
        let (parts, body) = outer::compressed(response, asked.encoding.as_ref()).await.into_parts();
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => {
                tracing::error!(%error, "an answer could not be compressed");
                return answer::without_body();
            }
        };
        let (head, whole) = (parts.headers.clone(), body.clone());
        let answered = Asked::finish(Response::from_parts(parts, Body::from(body)), tag.as_deref(), headers);
        // It may be a part of a larger buffer.
        asked.what = Bytes::copy_from_slice(&asked.what);
        kept.insert(asked, Arc::new(Answer { headers: head, tag, body: whole, ground }));
        answered
    }
}
