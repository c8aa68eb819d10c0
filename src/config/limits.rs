//! Settings that bound something: requests, connections that stay, exports.

use serde::Deserialize;

/// Limits of a request; what exceeds one is answered with `LIMIT_EXCEEDED` before anything is done.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Requests that are worked on at once.
    pub in_flight: usize,
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Bytes of the body of a request with a token that is accepted.
    pub body_bytes_signed_in: usize,
    /// Bytes of a document.
    pub document_bytes: usize,
    /// Tokens of a document: names, numbers, strings, punctuation.
    pub tokens: u64,
    /// Levels of nesting.
    pub depth: u64,
    /// Fields, with every fragment expanded.
    pub fields: u64,
    /// Aliases.
    pub aliases: u64,
    /// Fragments that are defined.
    pub fragments: u64,
    /// Directives.
    pub directives: u64,
    /// Cost: a field is 1, a list counts its children as often as it can have rows.
    pub cost: u64,
    /// Bytes of parsed documents that are kept.
    pub document_cache_bytes: u64,
    /// Bytes of answers that are kept; 0 keeps none.
    pub answer_cache_bytes: u64,
}

/// Limits of connections that stay: WebSockets and event streams.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Live {
    /// Connections of one process.
    pub connections: u64,
    /// Connections of one caller with a token.
    pub connections_per_caller: u64,
    /// Connections of all callers without a token together.
    pub anonymous_connections: u64,
    /// Operations that run on one WebSocket at once.
    pub operations: usize,
    /// Longest time until a WebSocket is initialised, in milliseconds.
    pub init_timeout_ms: u64,
    /// How often a sign of life is sent, in milliseconds.
    pub keep_alive_ms: u64,
    /// Longest time for which a WebSocket may not take a result, in milliseconds.
    pub slow_reader_ms: u64,
}

/// Limits of exports.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exports {
    /// Rows of one export.
    pub rows: u64,
    /// Exports of one account that are being written or kept.
    pub per_account: u64,
    /// How long a file is kept, in hours.
    pub kept_hours: u32,
}

impl Live {
    /// How often a sign of life is sent.
    pub fn keep_alive(&self) -> std::time::Duration {
        std::time::Duration::from_millis(self.keep_alive_ms)
    }
}
