//! Which web pages may open a WebSocket here: browsers send no preflight for it, only the page's origin.

use axum::http::{HeaderMap, header};
use url::Url;

/// Whether a request comes from a page of this host, from an origin that is allowed, or from no browser (no `Origin`).
pub fn is_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    let mut given = headers.get_all(header::ORIGIN).iter();
    let (origin, host) = match (given.next(), given.next()) {
        (None, _) => return true,
        (Some(origin), None) => (origin.to_str().ok(), headers.get(header::HOST)),
        (Some(_), Some(_)) => return false,
    };
    let Some(origin) = origin.and_then(|text| Url::parse(text).ok()).filter(|url| url.origin().is_tuple()) else {
        return false;
    };
    // A proxy may speak TLS for this service: the scheme is the page's.
    let own = host.and_then(|host| Url::parse(&format!("{}://{}", origin.scheme(), host.to_str().ok()?)).ok());
    let allowed = allowed.iter().filter_map(|text| Url::parse(text).ok());
    own.into_iter().chain(allowed).any(|url| url.origin() == origin.origin())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(origin: &str, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, origin.parse().unwrap());
        headers.insert(header::HOST, host.parse().unwrap());
        is_allowed(&headers, &["https://portal.example".to_owned()])
    }

    #[test]
    fn own_pages_and_allowed_origins_may_and_no_others() {
        assert!(is_allowed(&HeaderMap::new(), &[]), "no browser");
        assert!(check("https://katalog.example", "katalog.example"));
        assert!(check("https://katalog.example", "katalog.example:443"));
        assert!(check("http://127.0.0.1:8080", "127.0.0.1:8080"));
        assert!(check("https://portal.example", "katalog.example"));
        for foreign in
            ["https://evil.example", "https://katalog.example.evil.example", "null", "x", "file:///katalog.example"]
        {
            assert!(!check(foreign, "katalog.example"), "{foreign}");
        }
        assert!(!check("https://katalog.example:8443", "katalog.example"));
        assert!(!check("http://portal.example", "katalog.example"), "the scheme counts");
    }
}
