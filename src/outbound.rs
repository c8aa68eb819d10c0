//! Requests of our own over HTTP: to the issuer of tokens, from the command line to a service, and to webhooks.
//!
//! Proxies that the environment names are not used, and redirects are not followed.

mod checked;
mod networks;

use hyper::body::{Body, Bytes};
use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, builderstates::WantsProtocols1};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

pub use self::{
    checked::Checked,
    networks::{Allowed, NotAllowed},
};

/// How long a connection to where callers say is kept for the next request.
const IDLE: Duration = Duration::from_secs(30);

/// A client with TLS. It trusts the system's certificates, so that an operator can add its own; where a system has none, the
/// well-known ones.
pub type Https<B> = Client<HttpsConnector<HttpConnector>, B>;

/// A client, for https only or for plain http too.
pub fn https<B>(is_plain_allowed: bool) -> Https<B>
where
    B: Body<Data = Bytes> + Send,
{
    Client::builder(TokioExecutor::new()).build(tls(is_plain_allowed).enable_http1().build())
}

/// A client for where callers say: every address is looked at before it is connected to.
pub fn checked<B>(is_plain_allowed: bool, allowed: Allowed) -> Client<HttpsConnector<Checked>, B>
where
    B: Body<Data = Bytes> + Send,
{
    let connector = tls(is_plain_allowed).enable_http1().wrap_connector(Checked::new(allowed));
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).build(connector)
}

fn tls(is_plain_allowed: bool) -> HttpsConnectorBuilder<WantsProtocols1> {
    let builder = match HttpsConnectorBuilder::new().with_native_roots() {
        Ok(native) => native,
        Err(_) => HttpsConnectorBuilder::new().with_webpki_roots(),
    };
    if is_plain_allowed { builder.https_or_http() } else { builder.https_only() }
}

/// Whether an error was caused by an address that must not be connected to.
pub fn is_not_allowed(error: &(dyn std::error::Error + 'static)) -> bool {
    let chain = std::iter::successors(Some(error), |error| error.source());
    let mut chain = chain.map(|error| match error.downcast_ref::<std::io::Error>().and_then(|io| io.get_ref()) {
        Some(inside) => inside.is::<NotAllowed>(),
        None => error.is::<NotAllowed>(),
    });
    chain.any(|is_meant| is_meant)
}

/// An error with everything that caused it: "connection refused" is told by the innermost.
pub fn causes(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
