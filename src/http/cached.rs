//! Answers that caches and browsers may keep, and that are not sent again to whom has them already.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use sha2::{Digest, Sha256};

/// What tells these bytes from others.
pub fn tag(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(&Sha256::digest(bytes))
}

/// Gives an answer its `ETag`, and how long it may be kept; without its body when it is known already.
pub fn cacheable(mut answer: Response, tag: &str, kept: &'static str, asked: &HeaderMap) -> Response {
    // Weak: compressed, it is other bytes.
    let tag = format!("W/\"{tag}\"");
    let Ok(value) = HeaderValue::from_str(&tag) else { return answer };
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    headers.insert(header::ETAG, value);
    let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|value| value.split(',')).map(str::trim);
    if known.any(|known| known == "*" || known == tag) {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        *answer.body_mut() = Body::empty();
        answer.headers_mut().remove(header::CONTENT_TYPE);
    }
    answer
}
