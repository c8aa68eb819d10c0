//! A connector that looks at every address before it connects: of a host that is an address, and of whatever a name means at
//! that moment. So a name that means something else than when it was checked first leads nowhere either.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
};

use hyper::Uri;
use hyper_util::client::legacy::connect::{
    HttpConnector,
    dns::{GaiResolver, Name},
};
use tower::Service;

use super::networks::Allowed;

type Pending<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;
type Inner = HttpConnector<Resolver>;

/// Connects to addresses that are allowed only.
#[derive(Clone, Debug)]
pub struct Checked {
    allowed: Allowed,
    inner: Inner,
}

impl Checked {
    /// With these addresses allowed.
    pub fn new(allowed: Allowed) -> Self {
        let resolver = Resolver { allowed: allowed.clone(), inner: GaiResolver::new() };
        let mut inner = HttpConnector::new_with_resolver(resolver);
        // Whether https is wanted is for the layer around it to see.
        inner.enforce_http(false);
        inner.set_nodelay(true);
        Self { allowed, inner }
    }
}

impl Service<Uri> for Checked {
    type Response = <Inner as Service<Uri>>::Response;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        // A host that is an address is not resolved, so nobody else would look at it.
        let host = uri.host().unwrap_or_default();
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        if let Ok(address) = literal
            && let Err(refused) = self.allowed.check(address)
        {
            return Box::pin(std::future::ready(Err(refused.into())));
        }
        let connecting = self.inner.call(uri);
        Box::pin(async move { connecting.await.map_err(Into::into) })
    }
}

/// Finds the addresses of a name, without those that are not allowed.
#[derive(Clone, Debug)]
pub struct Resolver {
    allowed: Allowed,
    inner: GaiResolver,
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pending<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (resolving, allowed) = (self.inner.call(name), self.allowed.clone());
        Box::pin(async move {
            let mut found = Vec::new();
            let mut refused = None;
            for address in resolving.await? {
                match allowed.check(address.ip()) {
                    Ok(()) => found.push(address),
                    Err(error) => refused = Some(error),
                }
            }
            match refused.filter(|_| found.is_empty()) {
                Some(error) => Err(io::Error::other(error)),
                None => Ok(found.into_iter()),
            }
        })
    }
}
