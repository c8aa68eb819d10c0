//! The log of what was sent to a webhook.

use ::entity::webhook_delivery::{Model, Outcome};
use async_graphql::{Context, Description, Enum, ID, Object, connection::PageInfo};

use super::{connection::Edge, context::reading, in_turn::InTurn, node::global_id, scalars::DateTime};
use crate::{error::Result, webhooks::Deliveries};

/// What became of an attempt to deliver a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Outcome")]
pub enum WebhookDeliveryOutcome {
    /// Answered with a status from 200 to 299.
    Delivered,
    /// Answered with another status. Redirects are not followed.
    Refused,
    /// Answered with status 410: the webhook is disabled.
    Gone,
    /// Not answered in time: 15 s as delivered, 5 s for a test message.
    TimedOut,
    /// No connection could be made, or it broke: name, port, certificate.
    Unreachable,
    /// The name means an address outside of the public internet, which operators have not allowed.
    ForbiddenAddress,
    /// The service can't read the secret any more, because operators changed their key: rotate it.
    NoSecret,
}

/// An attempt to deliver a message to a webhook (Zustellversuch).
#[derive(Description)]
pub struct WebhookDelivery(Model);

impl From<Model> for WebhookDelivery {
    fn from(row: Model) -> Self {
        Self(row)
    }
}

#[Object(use_type_description)]
impl WebhookDelivery {
    /// Opaque id, the same for ever.
    async fn id(&self) -> ID {
        global_id("WebhookDelivery", self.0.id)
    }

    /// The header `webhook-id`: the same for each attempt at a message, also when it is sent again by `replayWebhook`.
    async fn message_id(&self) -> &str {
        &self.0.message_id
    }

    /// The message's type, as in `product.changed`; `webhook.test` for a test message.
    #[graphql(name = "type")]
    async fn kind(&self) -> &str {
        &self.0.kind
    }

    /// Sequence of the change in the feed; null for a test message.
    async fn sequence(&self) -> Option<i64> {
        self.0.sequence
    }

    /// Which attempt at this message it was, from 1.
    async fn attempt(&self) -> i32 {
        self.0.attempt
    }

    /// When it was sent.
    async fn at(&self) -> DateTime {
        DateTime(self.0.at)
    }

    /// How long it took until the answer or the error, in milliseconds.
    async fn duration_ms(&self) -> i32 {
        self.0.duration_ms
    }

    /// What became of it.
    async fn outcome(&self) -> WebhookDeliveryOutcome {
        self.0.outcome.into()
    }

    /// HTTP status of the answer; null when there was none.
    async fn status(&self) -> Option<i32> {
        self.0.status
    }

    /// What went wrong, in English, for whoever looks after the receiver; null when it was delivered.
    async fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }
}

/// A page of attempts, after Relay's connection specification.
#[derive(Description)]
pub struct WebhookDeliveryConnection {
    edges: Vec<InTurn<Edge<WebhookDelivery>>>,
    page_info: PageInfo,
    deliveries: Deliveries,
}

impl WebhookDeliveryConnection {
    /// Of a page of a webhook's attempts.
    pub fn new((edges, page_info): (Vec<InTurn<Edge<WebhookDelivery>>>, PageInfo), deliveries: Deliveries) -> Self {
        Self { edges, page_info, deliveries }
    }
}

#[Object(use_type_description)]
impl WebhookDeliveryConnection {
    /// The attempts of this page, each with its cursor.
    async fn edges(&self) -> &[InTurn<Edge<WebhookDelivery>>] {
        &self.edges
    }

    /// Whether there is more, and the cursors to go on with.
    async fn page_info(&self) -> &PageInfo {
        &self.page_info
    }

    /// Attempts of the whole list, all pages together; counted only when asked for.
    async fn total_count(&self, context: &Context<'_>) -> Result<i32> {
        let count = self.deliveries.count(reading(context).db()).await?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }
}
