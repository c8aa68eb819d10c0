//! Settings of webhooks: the key that their secrets are encrypted with, and where they may lead.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use ipnet::IpNet;
use serde::{Deserialize, Deserializer};

use crate::outbound::Allowed;

/// Length of the key, in bytes.
pub const KEY_BYTES: usize = 32;

/// A key that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookKey([u8; KEY_BYTES]);

impl WebhookKey {
    /// Of these bytes.
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Reads base64 of 32 bytes.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bytes = BASE64_STANDARD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
        let wrong = || {
            format!(
                "webhook_key: expected base64 of {KEY_BYTES} random bytes, as `openssl rand -base64 {KEY_BYTES}` makes"
            )
        };
        bytes.map(Self).ok_or_else(wrong)
    }

    /// The bytes, for encrypting only.
    pub fn secret(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// As it is written.
    pub fn encode(&self) -> String {
        BASE64_STANDARD.encode(self.0)
    }
}

impl fmt::Debug for WebhookKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WebhookKey(***)")
    }
}

/// An empty text stands for none. The error does not repeat what was given.
pub(super) fn some_key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<WebhookKey>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let given = Some(text).filter(|text| !text.trim().is_empty());
    given.map(|text| WebhookKey::parse(&text)).transpose().map_err(serde::de::Error::custom)
}

/// True, false, a list of networks, or a text with commas, as the environment has it.
pub(super) fn allowed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Allowed, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        All(bool),
        List(Vec<String>),
        Text(String),
    }
    let networks = match Given::deserialize(deserializer)? {
        Given::All(true) => return Ok(Allowed::All),
        Given::All(false) => return Ok(Allowed::Public),
        Given::List(networks) => networks,
        Given::Text(text) => text.split(',').map(str::to_owned).collect(),
    };
    let networks = networks.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).map(|text| {
        let network = text.parse::<IpNet>();
        network.map_err(|_| serde::de::Error::custom(format!("\"{text}\" is no network, as in 10.0.0.0/8")))
    });
    match networks.collect::<Result<Vec<IpNet>, D::Error>>()? {
        none if none.is_empty() => Ok(Allowed::Public),
        networks => Ok(Allowed::Networks(networks)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Settings {
        #[serde(deserialize_with = "some_key")]
        key: Option<WebhookKey>,
        #[serde(deserialize_with = "allowed")]
        private: Allowed,
    }

    fn read(key: &str, private: serde_json::Value) -> Result<Settings, String> {
        let settings = serde_json::json!({ "key": key, "private": private });
        serde_json::from_value(settings).map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_is_32_bytes_in_base64_and_never_shown() {
        let key = WebhookKey::new([7; KEY_BYTES]);
        let settings = read(&key.encode(), false.into()).unwrap();
        assert_eq!(settings.key.as_ref(), Some(&key));
        assert!(!format!("{settings:?}").contains('7'));
        assert_eq!(read("", false.into()).unwrap().key, None);
        for wrong in ["secret", "c2VjcmV0", "====", &"A".repeat(88)] {
            let error = read(wrong, false.into()).unwrap_err();
            assert!(error.contains("base64 of 32") && !error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn private_addresses_are_allowed_all_or_by_network() {
        let allowed = |private: serde_json::Value| read("", private).map(|settings| settings.private);
        assert_eq!(allowed(true.into()).unwrap(), Allowed::All);
        for none in [serde_json::json!(false), serde_json::json!([]), serde_json::json!("")] {
            assert_eq!(allowed(none).unwrap(), Allowed::Public);
        }
        let networks = Allowed::Networks(vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
        assert_eq!(allowed(serde_json::json!(["10.0.0.0/8", "::1/128"])).unwrap(), networks);
        assert_eq!(allowed("10.0.0.0/8, ::1/128".into()).unwrap(), networks);
        assert!(allowed("10.0.0.0".into()).unwrap_err().contains("10.0.0.0"));
    }
}
