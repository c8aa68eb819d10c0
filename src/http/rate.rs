//! How many requests a caller may send: by who the token says it is, without a token by its address.

use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering},
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
};

use crate::{
    error::{Code, Error},
    identity::Claims,
};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STANDING: HeaderName = HeaderName::from_static("ratelimit");
/// Length of the window in seconds.
const WINDOW_SECONDS: u64 = 60;
/// Who has not asked for a window is forgotten after so many requests of others.
const TIDY_EVERY: u64 = 4_096;

/// Who is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// Whom a token names.
    Caller {
        /// By issuer
        issuer: String,
        /// and subject.
        subject: String,
    },
    /// Everybody at an address; none where the address is unknown.
    Address(Option<IpAddr>),
}

impl Key {
    /// Whom claims name, without any everybody at an address.
    pub fn of(claims: Option<&Claims>, address: Option<IpAddr>) -> Self {
        match claims {
            Some(claims) => Self::Caller { issuer: claims.issuer.clone(), subject: claims.subject.clone() },
            None => Self::Address(address),
        }
    }
}

/// Counts requests; the figures are those of this process.
pub struct Rates {
    usual: Option<Rate>,
    /// Those of clients that have a limit of their own, by the client's id.
    of_clients: HashMap<String, Option<Rate>>,
}

/// Counts requests against one limit, each caller by itself.
struct Rate {
    limiter: DefaultKeyedRateLimiter<Key, StateInformationMiddleware>,
    clock: DefaultClock,
    per_minute: NonZeroU32,
    checks: AtomicU64,
}

/// What is left to a caller.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    per_minute: NonZeroU32,
    left: u32,
    wait_seconds: u64,
}

impl Rates {
    /// With the usual limit, and others for some clients; 0 limits nothing.
    pub fn new(per_minute: u32, of_clients: &HashMap<String, u32>) -> Self {
        let of_clients = of_clients.iter().map(|(client, limit)| (client.clone(), Rate::new(*limit)));
        Self { usual: Rate::new(per_minute), of_clients: of_clients.collect() }
    }

    /// Counts a request of a caller with this client's token. An error when it is one too many; none where nothing is limited.
    pub fn count(&self, key: &Key, client: Option<&str>) -> Option<(Standing, Result<(), Error>)> {
        let own = client.and_then(|client| self.of_clients.get(client));
        own.unwrap_or(&self.usual).as_ref().map(|rate| rate.count(key))
    }
}

impl Rate {
    fn new(per_minute: u32) -> Option<Self> {
        let per_minute = NonZeroU32::new(per_minute)?;
        let limiter = RateLimiter::keyed(Quota::per_minute(per_minute)).with_middleware();
        Some(Self { limiter, clock: DefaultClock::default(), per_minute, checks: AtomicU64::new(0) })
    }

    fn count(&self, key: &Key) -> (Standing, Result<(), Error>) {
        if self.checks.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        let standing = |left, wait_seconds| Standing { per_minute: self.per_minute, left, wait_seconds };
        match self.limiter.check_key(key) {
            Ok(state) => (standing(state.remaining_burst_capacity(), 0), Ok(())),
            Err(early) => {
                // Rounded up: who waits that long is not refused again.
                let wait = early.wait_time_from(self.clock.now()).as_secs() + 1;
                (standing(0, wait), Err(self.too_many(wait)))
            }
        }
    }

    fn too_many(&self, wait_seconds: u64) -> Error {
        let most = self.per_minute;
        Error::new(
            Code::RateLimited,
            format!("Zu viele Anfragen: möglich sind {most} in der Minute. Bitte {wait_seconds} s warten."),
            format!("Too many requests: {most} a minute are possible. Please wait {wait_seconds} s."),
        )
        .with("retryAfter", wait_seconds)
        .with("limit", u64::from(most.get()))
    }
}

impl Standing {
    /// Tells it in an answer's headers.
    pub fn tell(&self, headers: &mut HeaderMap) {
        let policy = format!("\"caller\";q={};w={WINDOW_SECONDS}", self.per_minute);
        let standing = match self.wait_seconds {
            0 => format!("\"caller\";r={}", self.left),
            wait => format!("\"caller\";r=0;t={wait}"),
        };
        for (name, text) in [(POLICY, policy), (STANDING, standing)] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        }
        if self.wait_seconds > 0 {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(self.wait_seconds));
        }
    }
}
