//! What sending needs: the operators' key, the addresses that are allowed, and a client.

use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;

use super::secrets::{Safe, demo_key};
use crate::{
    config::Config,
    error::{Code, Error, Result},
    identity::demo::DemoKey,
    outbound::{self, Allowed, Checked},
};

/// Sends for this process.
#[derive(Debug)]
pub struct Office {
    safe: Option<Safe>,
    /// Addresses outside of the public internet that are allowed.
    pub allowed: Allowed,
    /// Whether http is allowed beside https.
    pub is_http_allowed: bool,
    /// How long a receiver has for its whole answer.
    pub timeout: Duration,
    pub(super) client: Client<HttpsConnector<Checked>, Full<Bytes>>,
}

impl Office {
    /// By the settings; a demo without a key makes one beside its database.
    pub fn new(config: &Config, is_demo: bool) -> Result<Self, String> {
        let key = match &config.webhook_key {
            None if is_demo => Some(demo_key(&DemoKey::path(&config.database_url))?),
            key => key.clone(),
        };
        let (allowed, is_http_allowed) = (config.webhook_allow_private.clone(), config.webhook_allow_http);
        Ok(Self {
            safe: key.as_ref().map(Safe::new),
            client: outbound::checked(is_http_allowed, allowed.clone()),
            allowed,
            is_http_allowed,
            timeout: Duration::from_millis(config.webhook_timeout_ms),
        })
    }

    /// Whether anything can be sent.
    pub fn has_key(&self) -> bool {
        self.safe.is_some()
    }

    /// What secrets are encrypted with; UNAVAILABLE when the operators have set no key.
    pub(super) fn safe(&self) -> Result<&Safe> {
        self.safe.as_ref().ok_or_else(|| {
            Error::new(
                Code::Unavailable,
                "Webhooks sind hier nicht eingerichtet: es fehlt der Schlüssel für ihre Geheimnisse.",
                "Webhooks are not set up here: there is no key for their secrets.",
            )
            .next(
                "Den Betrieb bitten, webhook_key zu setzen; bis dahin den Feed mit changes lesen.",
                "Ask the operators to set webhook_key; until then read the feed with changes.",
            )
        })
    }
}
