//! What every request carries: an id, taken from the caller when it is a sane one, and the caller's language.

use std::{
    net::IpAddr,
    panic::AssertUnwindSafe,
    sync::{Arc, OnceLock},
    time::Instant,
};

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt;
use ipnet::IpNet;

use super::{
    address::{self, Peer},
    answer::{MediaType, refusal},
    outer::for_browsers,
    rate::Standing,
};
use crate::{error::Error, text::Language};

/// The header that carries the id in both directions.
pub const ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The header that asks what a document costs.
const COST_HEADER: HeaderName = HeaderName::from_static("x-query-cost");

/// The id and language of a request.
#[derive(Clone, Debug)]
pub struct Info {
    /// Identifies the request in answers and logs.
    pub id: String,
    /// The language of messages.
    pub language: Language,
    /// Whether it asks what its document costs.
    pub wants_cost: bool,
    /// Where it comes from; none where that is unknown.
    pub address: Option<IpAddr>,
    /// What is left to its caller, once it was counted.
    pub standing: Arc<OnceLock<Standing>>,
}

impl<S: Sync> FromRequestParts<S> for Info {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts))
    }
}

impl Info {
    /// Of a request that has come through [`with_id`], or has not.
    pub fn of(parts: &Parts) -> Self {
        parts.extensions.get::<Self>().cloned().unwrap_or_else(|| Self::read(&parts.headers, None))
    }

    fn read(headers: &HeaderMap, address: Option<IpAddr>) -> Self {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let id = text(&ID_HEADER).filter(|id| is_sane(id)).map(str::to_owned);
        Self {
            id: id.unwrap_or_else(|| uuid::Uuid::now_v7().to_string()),
            language: text(&header::ACCEPT_LANGUAGE).map(Language::from_accept_language).unwrap_or_default(),
            wants_cost: headers.contains_key(&COST_HEADER),
            address,
            standing: Arc::default(),
        }
    }
}

/// Gives a request its id, puts the id and the headers for browsers into the answer, counts it, and turns a panic into a masked fault.
pub async fn with_id(State(trusted): State<Arc<[IpNet]>>, mut request: Request, next: Next) -> Response {
    let start = Instant::now();
    let peer = request.extensions().get::<Peer>().copied();
    let address = address::client(peer, request.headers(), &trusted);
    let info = Info::read(request.headers(), address);
    let path = request.extensions().get::<axum::extract::MatchedPath>().cloned();
    request.extensions_mut().insert(info.clone());
    let outcome = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = outcome.unwrap_or_else(|_| {
        let error = Error::internal("a panic; its place stands before this line");
        refusal(StatusCode::INTERNAL_SERVER_ERROR, &error, &info, MediaType::Json)
    });
    for_browsers(response.headers_mut());
    if let Ok(id) = HeaderValue::from_str(&info.id) {
        response.headers_mut().insert(ID_HEADER, id);
    }
    if let Some(standing) = info.standing.get() {
        standing.tell(response.headers_mut());
    }
    let path = path.as_ref().map_or("other", |path| path.as_str());
    super::metrics::count_request(path, response.status(), start.elapsed());
    tracing::debug!(request_id = info.id, path, status = response.status().as_u16(), "request");
    response
}

fn is_sane(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, middleware, routing::get};
    use tower::ServiceExt;

    use super::*;

    async fn answer(request: Request) -> (StatusCode, HeaderMap, serde_json::Value) {
        async fn fall_over() -> &'static str {
            panic!("secret of the program")
        }
        let router =
            Router::new().route("/", get(fall_over)).layer(middleware::from_fn_with_state(Arc::from([]), with_id));
        let response = router.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 10_000).await.unwrap();
        (parts.status, parts.headers, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_panic_is_answered_with_the_request_id_and_nothing_else() {
        let request = Request::get("/").header("x-request-id", "abc-1").body(Body::empty()).unwrap();
        let (status, headers, body) = answer(request).await;
        assert_eq!(status, 500);
        assert_eq!(headers["x-request-id"], "abc-1");
        assert_eq!(body["errors"][0]["extensions"]["code"], "INTERNAL");
        assert_eq!(body["errors"][0]["extensions"]["requestId"], "abc-1");
        assert!(!body.to_string().contains("secret"));
    }

    #[tokio::test]
    async fn a_strange_request_id_is_replaced() {
        for id in ["", "a b", &"x".repeat(65), "<script>"] {
            let request = Request::get("/").header("x-request-id", id).body(Body::empty()).unwrap();
            let (_, headers, _) = answer(request).await;
            assert_eq!(headers["x-request-id"].len(), 36);
        }
    }
}
