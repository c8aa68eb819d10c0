//! What stands around all routes: who may read from a browser, compression, headers for browsers, and a bound on how many
//! requests are worked on at once.

use std::{convert::Infallible, sync::Arc};

use axum::{
    BoxError, Router,
    body::Body,
    error_handling::HandleErrorLayer,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware,
    response::Response,
    routing::MethodRouter,
};
use tokio::sync::Semaphore;
use tower::{Layer, ServiceBuilder, ServiceExt, limit::GlobalConcurrencyLimitLayer, load_shed::LoadShedLayer};
use tower_http::{
    compression::{CompressionLayer, CompressionLevel, DefaultPredicate, Predicate, predicate::NotForContentType},
    cors::CorsLayer,
};

use super::{
    App,
    answer::{MediaType, refusal},
    exports,
    request::{self, ID_HEADER, Info},
};
use crate::{
    config::Config,
    error::{Code, Error},
};

/// How long a browser may remember who may read, in seconds.
const CORS_SECONDS: u64 = 86_400;
/// When to try again after the service had too much to do, in seconds.
const RETRY_SECONDS: u64 = 1;

/// Refuses at once what would be one request too many, instead of letting it wait.
pub fn bounded(routes: MethodRouter<App>, in_flight: Arc<Semaphore>) -> MethodRouter<App> {
    let layers = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(overloaded))
        .layer(LoadShedLayer::new())
        .layer(GlobalConcurrencyLimitLayer::with_semaphore(in_flight));
    routes.layer(layers)
}

async fn overloaded(request: Info, _: BoxError) -> Response {
    let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, &too_busy(), &request, MediaType::Json);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
    response
}

/// The service has as much to do as it may.
pub fn too_busy() -> Error {
    Error::new(
        Code::Unavailable,
        "Gerade sind zu viele Anfragen in Arbeit. Bitte gleich noch einmal versuchen.",
        "Too many requests are being worked on right now. Please try again in a moment.",
    )
    .with("retryAfter", RETRY_SECONDS)
}

/// Puts the layers around all routes: all at once, because each time costs every request.
pub fn around(router: Router<App>, config: &Config) -> Result<Router<App>, String> {
    let trusted = Arc::<[_]>::from(config.trusted_proxies.as_slice());
    let layers = ServiceBuilder::new()
        .layer(middleware::from_fn_with_state(trusted, request::with_id))
        .layer(cors(config)?)
        .layer(compression());
    Ok(router.layer(layers))
}

fn compression() -> CompressionLayer<impl Predicate> {
    // A file has one length and one digest, and is asked for from a byte on: it is sent as it is.
    let is_no_file = NotForContentType::const_new(exports::JSONL).and(NotForContentType::const_new(exports::CSV));
    let compression = CompressionLayer::new().gzip(true).br(true).zstd(true).quality(CompressionLevel::Fastest);
    compression.compress_when(DefaultPredicate::new().and(is_no_file))
}

/// An answer in the encoding that it would be sent in, to be kept like that.
pub async fn compressed(answer: Response, accepted: Option<&HeaderValue>) -> Response {
    let Some(accepted) = accepted else { return answer };
    let mut request = Request::default();
    request.headers_mut().insert(header::ACCEPT_ENCODING, accepted.clone());
    let mut answer = Some(answer);
    let inner =
        tower::service_fn(move |_: Request| std::future::ready(Ok::<_, Infallible>(answer.take().unwrap_or_default())));
    let Ok(answer) = compression().layer(inner).oneshot(request).await;
    answer.map(Body::new)
}

/// Pages of other origins read answers only when the settings name them.
fn cors(config: &Config) -> Result<CorsLayer, String> {
    let origin = |text: &String| {
        let is_origin = url::Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == *text);
        let value = HeaderValue::from_str(text).ok().filter(|_| is_origin);
        value.ok_or_else(|| {
            format!(
                "settings: allowed_origins: \"{text}\" is no origin, as in https://portal.example (no path, no slash)"
            )
        })
    };
    let origins: Vec<HeaderValue> = config.allowed_origins.iter().map(origin).collect::<Result<_, _>>()?;
    let sent = [header::AUTHORIZATION, header::CONTENT_TYPE, header::ACCEPT_LANGUAGE, ID_HEADER];
    let told: [HeaderName; 5] = [
        ID_HEADER,
        header::RETRY_AFTER,
        header::ETAG,
        HeaderName::from_static("ratelimit"),
        HeaderName::from_static("ratelimit-policy"),
    ];
    Ok(CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(sent)
        .expose_headers(told)
        .max_age(std::time::Duration::from_secs(CORS_SECONDS)))
}

/// A browser shows nothing of ours inside a foreign page, and runs nothing that an answer might hold.
pub fn for_browsers(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let closed = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(closed);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
