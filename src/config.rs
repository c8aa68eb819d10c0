//! Settings: defaults < `itkatalog.toml` < environment < flags. An unknown key is an error that names it.

mod database_url;
mod limits;
mod webhooks;

use std::{collections::HashMap, net::SocketAddr, path::PathBuf};

use serde::Deserialize;

pub use database_url::DatabaseUrl;
pub use limits::{Exports, Limits, Live};
pub use webhooks::{KEY_BYTES, WebhookKey};

use crate::outbound::Allowed;

/// Every setting with its comment and default.
pub const DEFAULTS: &str = include_str!("../itkatalog.default.toml");

/// The settings file in the working directory.
pub const FILE: &str = "itkatalog.toml";

/// Environment variable with the token that the command line sends.
pub const TOKEN_VARIABLE: &str = "ITKATALOG_TOKEN";

/// The settings that a process runs with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Address and port to listen on.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// Which database.
    pub database_url: DatabaseUrl,
    /// Most database connections at once.
    pub database_connections: u32,
    /// How often the version of the catalogue is looked at, in milliseconds.
    pub refresh_interval_ms: u64,
    /// Longest time for receiving one request, and for waiting on others while answering it, in milliseconds.
    pub request_timeout_ms: u64,
    /// How long running requests may take to finish after a stop, in milliseconds.
    pub shutdown_grace_ms: u64,
    /// Where the keys of tokens come from: a path or an address with https; none accepts no token.
    #[serde(deserialize_with = "some_text")]
    pub jwks: Option<String>,
    /// Who must have issued a token; none accepts every issuer that signs with these keys.
    #[serde(deserialize_with = "some_text")]
    pub jwt_issuer: Option<String>,
    /// Whom a token must be meant for.
    pub jwt_audience: String,
    /// Names of the claims.
    pub claims: ClaimNames,
    /// Folder of the operators' own policies; none takes those compiled in.
    #[serde(deserialize_with = "some_path")]
    pub policies: Option<PathBuf>,
    /// Requests a minute and caller; 0 does not limit them.
    pub rate_limit: u32,
    /// Requests a minute of each account of a client, by its id, instead of `rate_limit`; 0 does not limit them.
    pub rate_limits: HashMap<String, u32>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// Origins whose pages may read answers and open a WebSocket.
    #[serde(deserialize_with = "texts")]
    pub allowed_origins: Vec<String>,
    /// Folder of trusted documents; none knows none.
    #[serde(deserialize_with = "some_path")]
    pub documents: Option<PathBuf>,
    /// Whether callers without a token may send trusted documents only.
    pub only_trusted_documents: bool,
    /// How long entries of the change feed are kept, in days.
    pub feed_retention_days: u32,
    /// What secrets of webhooks are encrypted with; none makes no webhooks.
    #[serde(deserialize_with = "webhooks::some_key")]
    pub webhook_key: Option<WebhookKey>,
    /// Addresses outside of the public internet that webhooks may lead to.
    #[serde(deserialize_with = "webhooks::allowed")]
    pub webhook_allow_private: Allowed,
    /// Whether webhooks may be sent without TLS.
    pub webhook_allow_http: bool,
    /// How long a receiver of webhooks has for its whole answer, in milliseconds.
    pub webhook_timeout_ms: u64,
    /// What is logged, as a filter of `tracing`.
    pub log: String,
    /// Limits of a request.
    pub limits: Limits,
    /// Limits of connections that stay.
    pub live: Live,
    /// Limits of exports.
    pub exports: Exports,
}

/// Names of a token's claims; a dot goes into an object, as in `realm_access.roles`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimNames {
    /// List of roles.
    pub roles: String,
    /// AGS of the municipality.
    pub municipality: String,
    /// Key of the provider.
    pub provider: String,
    /// List of keys of customer groups.
    pub customer_groups: String,
}

/// What flags set; `None` leaves it to the environment, the file, or the default.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--listen`.
    pub listen: Option<String>,
    /// `--database-url`.
    pub database_url: Option<String>,
    /// `--policies`.
    pub policies: Option<String>,
    /// `--demo`: then requests are not counted unless a setting says so.
    pub demo: bool,
}

/// An empty text stands for none.
fn some_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(Some(text).filter(|text| !text.trim().is_empty()))
}

/// A list, or a text with commas, as the environment has it.
fn texts<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        List(Vec<String>),
        Text(String),
    }
    let texts = match Given::deserialize(deserializer)? {
        Given::List(texts) => texts,
        Given::Text(text) => text.split(',').map(|text| text.trim().to_owned()).collect(),
    };
    Ok(texts.into_iter().filter(|text| !text.is_empty()).collect())
}

fn some_path<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    Ok(some_text(deserializer)?.map(PathBuf::from))
}

fn address<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    let message = || format!("\"{text}\" is no address and port, as in 127.0.0.1:8080");
    text.parse().map_err(|_| serde::de::Error::custom(message()))
}

impl Config {
    /// Reads the settings of this process.
    pub fn load(flags: &Flags) -> Result<Self, String> {
        // The token of the command line stands beside the settings and is none.
        let is_setting = |(name, _): &(String, String)| name != TOKEN_VARIABLE;
        let texts =
            std::env::vars_os().filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()));
        let environment = config::Environment::with_prefix("ITKATALOG")
            .prefix_separator("_")
            .separator("__")
            .try_parsing(true)
            .source(Some(texts.filter(is_setting).collect()));
        let plain_url = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
        let file = config::File::from(std::path::Path::new(FILE)).required(false);
        Self::build(file, plain_url, environment, flags)
    }

    fn build<F>(
        file: F,
        plain_url: Option<String>,
        environment: config::Environment,
        flags: &Flags,
    ) -> Result<Self, String>
    where
        F: config::Source + Send + Sync + 'static,
    {
        let defaults = config::File::from_str(DEFAULTS, config::FileFormat::Toml);
        let of_demo = config::Config::builder()
            .set_override_option("rate_limit", flags.demo.then_some(0))
            .and_then(|builder| builder.build())
            .map_err(|error| format!("rate_limit: {error}"))?;
        let of_platform = config::Config::builder()
            .set_override_option("database_url", plain_url)
            .and_then(|builder| builder.build())
            .map_err(|error| format!("DATABASE_URL: {error}"))?;
        let settings = config::Config::builder()
            .add_source(defaults)
            .add_source(of_demo)
            .add_source(file)
            .add_source(of_platform)
            .add_source(environment)
            .set_override_option("listen", flags.listen.clone())
            .and_then(|builder| builder.set_override_option("database_url", flags.database_url.clone()))
            .and_then(|builder| builder.set_override_option("policies", flags.policies.clone()))
            .and_then(|builder| builder.build())
            .map_err(|error| format!("settings: {error}"))?;
        let config: Self = settings.try_deserialize().map_err(|error| {
            format!("settings: {error}. Every setting and its default is listed by `itkatalog serve --help`.")
        })?;
        config.check_ranges()?;
        config.check_origins()?;
        Ok(config)
    }
}

impl Config {
    /// How long entries of the change feed are kept.
    pub fn feed_retention(&self) -> chrono::TimeDelta {
        chrono::TimeDelta::days(i64::from(self.feed_retention_days))
    }

    fn check_ranges(&self) -> Result<(), String> {
        let (limits, live) = (&self.limits, &self.live);
        let ranges = [
            ("database_connections", u64::from(self.database_connections), 1, 1000),
            ("refresh_interval_ms", self.refresh_interval_ms, 50, 60_000),
            ("request_timeout_ms", self.request_timeout_ms, 1, 600_000),
            ("shutdown_grace_ms", self.shutdown_grace_ms, 0, 600_000),
            ("limits.in_flight", limits.in_flight as u64, 1, 100_000),
            ("feed_retention_days", u64::from(self.feed_retention_days), 730, 36_500),
            ("webhook_timeout_ms", self.webhook_timeout_ms, 100, 30_000),
            ("live.connections", live.connections, 0, 1_000_000),
            ("live.operations", live.operations as u64, 1, 1_000),
            ("live.init_timeout_ms", live.init_timeout_ms, 1, 600_000),
            ("live.keep_alive_ms", live.keep_alive_ms, 100, 600_000),
            ("live.slow_reader_ms", live.slow_reader_ms, 1, 600_000),
            ("exports.rows", self.exports.rows, 1, 1_000_000_000),
            ("exports.per_account", self.exports.per_account, 1, 1_000),
            ("exports.kept_hours", u64::from(self.exports.kept_hours), 1, 8_760),
            ("limits.body_bytes", limits.body_bytes as u64, 1_000, 1_000_000_000),
            ("limits.body_bytes_signed_in", limits.body_bytes_signed_in as u64, 1_000, 1_000_000_000),
            ("limits.document_bytes", limits.document_bytes as u64, 1_000, 1_000_000),
            ("limits.tokens", limits.tokens, 100, 1_000_000),
            ("limits.depth", limits.depth, 1, 60),
            ("limits.document_cache_bytes", limits.document_cache_bytes, 0, 1_000_000_000_000),
            ("limits.answer_cache_bytes", limits.answer_cache_bytes, 0, 1_000_000_000_000),
        ];
        match ranges.into_iter().find(|(_, value, least, most)| !(least..=most).contains(&value)) {
            Some((name, value, least, most)) => {
                Err(format!("settings: {name} is {value}; allowed is {least} to {most}"))
            }
            None => Ok(()),
        }
    }
}

impl Config {
    fn check_origins(&self) -> Result<(), String> {
        let is_origin = |text: &String| {
            let url = url::Url::parse(text).ok().filter(|url| url.origin().is_tuple());
            url.is_some_and(|url| url.origin().ascii_serialization() == text.trim_end_matches('/'))
        };
        match self.allowed_origins.iter().find(|text| !is_origin(text)) {
            Some(text) => {
                Err(format!("settings: allowed_origins: \"{text}\" is no origin, as in https://portal.example"))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
