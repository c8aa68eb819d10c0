//! Which media type a caller sends, and which it accepts.

use axum::http::{HeaderMap, header};
use mime::Mime;

use super::answer::MediaType;

/// Whether the body is said to be JSON in UTF-8, not compressed.
pub fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mime = content_type.and_then(|text| text.parse::<Mime>().ok());
    let is_plain = headers.get(header::CONTENT_ENCODING).is_none_or(|encoding| encoding == "identity");
    is_plain
        && mime.is_some_and(|mime| {
            let is_utf8 = mime.get_param(mime::CHARSET).is_none_or(|charset| charset == mime::UTF_8);
            mime.essence_str() == mime::APPLICATION_JSON.essence_str() && is_utf8
        })
}

/// The media type to answer with: the best that the caller accepts; none when it accepts neither.
///
/// Without an `Accept` header, or when anything will do, it is `application/json`.
pub fn accepted(headers: &HeaderMap) -> Option<MediaType> {
    let mut ranges = headers.get_all(header::ACCEPT).iter().peekable();
    if ranges.peek().is_none() {
        return Some(MediaType::Json);
    }
    let ranges = ranges.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let weighted = ranges.filter_map(|range| {
        let mime: Mime = range.trim().parse().ok()?;
        let weight = mime.get_param("q").map_or(Some(1.0), |weight| weight.as_str().parse::<f32>().ok())?;
        let is_utf8 = mime.get_param(mime::CHARSET).is_none_or(|charset| charset == mime::UTF_8);
        let media_type = match mime.essence_str() {
            "application/graphql-response+json" => MediaType::GraphqlResponse,
            "text/event-stream" => MediaType::EventStream,
            "application/json" | "application/*" | "*/*" => MediaType::Json,
            _ => return None,
        };
        (is_utf8 && weight > 0.0).then_some((media_type, weight))
    });
    let best = weighted.fold(None, |best: Option<(MediaType, f32)>, next| match best {
        Some(best) if best.1 >= next.1 => Some(best),
        _ => Some(next),
    });
    best.map(|(media_type, _)| media_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(value: &str) -> Option<MediaType> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, value.parse().unwrap());
        accepted(&headers)
    }

    #[test]
    fn the_heaviest_accepted_type_wins_and_the_first_of_equals() {
        assert_eq!(accepted(&HeaderMap::new()), Some(MediaType::Json));
        assert_eq!(accept("*/*"), Some(MediaType::Json));
        assert_eq!(accept("application/graphql-response+json, application/json"), Some(MediaType::GraphqlResponse));
        assert_eq!(accept("application/graphql-response+json;q=0.5, application/json"), Some(MediaType::Json));
        assert_eq!(accept("application/graphql-response+json; charset=utf-8"), Some(MediaType::GraphqlResponse));
        assert_eq!(accept("text/event-stream"), Some(MediaType::EventStream));
        assert_eq!(accept("text/html"), None);
        assert_eq!(accept("application/json; q=0"), None);
    }
}
