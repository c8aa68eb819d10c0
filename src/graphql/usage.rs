//! How often the caller's client asks, and which limits it meets.

use async_graphql::{Context, Description, Object, SimpleObject};
use chrono::NaiveDate;

use super::{
    context::{Reading, reading},
    scalars::{Date, DateTime},
};
use crate::{access::Client, error::Result, usage::Count};

/// Requests of one day.
#[derive(SimpleObject)]
pub struct UsageDay {
    /// Calendar day in Europe/Berlin.
    day: Date,
    /// Requests, also those that were refused. Each operation on a WebSocket counts as one.
    requests: i64,
    /// Requests that a limit refused: RATE_LIMITED or LIMIT_EXCEEDED.
    refused: i64,
}

/// The limits that the caller's client meets.
#[derive(SimpleObject)]
pub struct UsageLimits {
    /// Requests a minute of one account (issuer and subject), for each instance of the service: `rate_limits` of the client's
    /// id, else `rate_limit`. Null when they are not limited.
    requests_per_minute: Option<u32>,
    /// Requests of all callers at once, for each instance.
    requests_at_once: u64,
    /// Cost of one request.
    cost: u64,
    /// Bytes of a request's body.
    body_bytes: u64,
    /// Rows of a page.
    rows: u64,
}

/// How often the caller's client asks (Nutzung). A client is an issuer and the claim `azp` of the token, else `client_id`,
/// else `sub`: a program, with everybody who uses it; a caller sees those of its own. Counted in memory and written every 10 s:
/// the last 10 s of other instances are missing, and those of an instance that is killed are lost. Kept for 90 days.
#[derive(Description)]
pub struct Usage {
    client: Client,
    today: NaiveDate,
    days: Vec<(NaiveDate, Count)>,
}

impl Usage {
    /// That of the caller; none without a token.
    pub async fn of(reading: &Reading) -> Result<Option<Self>> {
        let Some(client) = reading.client.clone() else { return Ok(None) };
        let days = reading.desk.usage.days(reading.db(), &client, reading.today).await?;
        Ok(Some(Self { client, today: reading.today, days }))
    }
}

#[Object(use_type_description)]
impl Usage {
    /// The client's id: the claim `azp` of the token, else `client_id`, else `sub`.
    async fn client_id(&self) -> &str {
        &self.client.client_id
    }

    /// Requests of today (Europe/Berlin), this one among them.
    async fn requests_today(&self) -> i64 {
        self.days.iter().find(|(day, _)| *day == self.today).map_or(0, |(_, count)| count.requests)
    }

    /// Requests of the last 30 days, today among them.
    async fn requests_last30_days(&self) -> i64 {
        self.days.iter().map(|(_, count)| count.requests).sum()
    }

    /// Requests of the last 30 days that a limit refused.
    async fn refused_last30_days(&self) -> i64 {
        self.days.iter().map(|(_, count)| count.refused).sum()
    }

    /// When the last request came, which may be this one.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.days.iter().map(|(_, count)| count.last_at).max().map(DateTime)
    }

    /// The last 30 days, newest first; days without a request are left out.
    async fn days(&self) -> Vec<UsageDay> {
        let day = |(day, count): &(NaiveDate, Count)| UsageDay {
            day: Date(*day),
            requests: count.requests,
            refused: count.refused,
        };
        self.days.iter().map(day).collect()
    }

    /// The limits that the client meets.
    async fn limits(&self, context: &Context<'_>) -> UsageLimits {
        let limits = reading(context).desk.usage.limits();
        UsageLimits {
            requests_per_minute: limits.per_minute(&self.client.client_id),
            requests_at_once: limits.in_flight as u64,
            cost: limits.cost,
            body_bytes: limits.body_bytes as u64,
            rows: crate::listing::MOST_ROWS as u64,
        }
    }
}
