//! Requests of our own over HTTP: to the issuer of tokens, and from the command line to a service.

use hyper::body::{Body, Bytes};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

/// A client with TLS. It trusts the system's certificates, so that an operator can add its own; where a system has none, the
/// well-known ones.
pub type Https<B> = Client<HttpsConnector<HttpConnector>, B>;

/// A client, for https only or for plain http too.
pub fn https<B>(is_plain_allowed: bool) -> Https<B>
where
    B: Body<Data = Bytes> + Send,
{
    let builder = match HttpsConnectorBuilder::new().with_native_roots() {
        Ok(native) => native,
        Err(_) => HttpsConnectorBuilder::new().with_webpki_roots(),
    };
    let builder = if is_plain_allowed { builder.https_or_http() } else { builder.https_only() };
    Client::builder(TokioExecutor::new()).build(builder.enable_http1().build())
}

/// An error with everything that caused it: "connection refused" is told by the innermost.
pub fn causes(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
