//! Webhooks: whom changes are sent to, and how far each has come.

use ::entity::webhook::{DisabledBecause, State};
use async_graphql::{Context, Description, Enum, ID, Object, SimpleObject};

use super::{
    change::ChangeType,
    connection::edges,
    context::reading,
    node::{global_id, row_id},
    scalars::{DateTime, Url},
    webhook_delivery::WebhookDeliveryConnection,
};
use crate::{
    changes::Cursor,
    error::{Error, Result},
    listing::Window,
    webhooks::{self, Deliveries, Row},
};

/// Whether anything is sent to a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "State")]
pub enum WebhookState {
    /// Changes are sent; see `failingSince` for whether they arrive.
    Active,
    /// Its owner has paused it.
    Paused,
    /// The service has stopped it; `disabledBecause` says why. `saveWebhook` or `replayWebhook` let it go on.
    Disabled,
}

/// Why the service has stopped a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DisabledBecause")]
pub enum WebhookDisabledReason {
    /// The receiver answered with status 410: it wants nothing any more.
    Gone,
    /// A change could not be delivered for three days. It and those after it are sent when the webhook goes on.
    Failing,
    /// Entries of the feed after its position are not kept any more: read everything again, then `replayWebhook` from
    /// `latestCursor`.
    Expired,
}

/// How far a webhook has come in the change feed.
#[derive(SimpleObject)]
pub struct WebhookPosition {
    /// Everything up to this entry was delivered; of later ones some may have been.
    sequence: i64,
    /// The same as a cursor of `changes`.
    cursor: String,
}

/// Changes are sent to an address (Webhook), after the specification Standard Webhooks: at least once, and of each thing in
/// order. What is sent is what its owner may read in `changes`. See `docs/webhooks.md`.
#[derive(Description)]
pub struct Webhook(pub Row);

#[Object(use_type_description)]
impl Webhook {
    /// Opaque id, the same for ever.
    async fn id(&self) -> ID {
        global_id("Webhook", self.0.id)
    }

    /// Where to.
    async fn url(&self) -> Url {
        Url(self.0.url.clone())
    }

    /// What it is for, in its owner's words.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// Only these types of changes are sent; all when null.
    async fn types(&self) -> Result<Option<Vec<ChangeType>>> {
        Ok(webhooks::types(&self.0)?.map(|types| types.into_iter().map(Into::into).collect()))
    }

    /// Raised by every change that its owner makes.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// Whether anything is sent.
    async fn state(&self) -> WebhookState {
        self.0.state.into()
    }

    /// Why the service has stopped it; null when it has not.
    async fn disabled_because(&self) -> Option<WebhookDisabledReason> {
        self.0.disabled_because.map(Into::into)
    }

    /// When the service has stopped it; null when it has not.
    async fn disabled_at(&self) -> Option<DateTime> {
        self.0.disabled_at.map(DateTime)
    }

    /// When the first attempt failed since something was last delivered; null when the last attempt succeeded.
    async fn failing_since(&self) -> Option<DateTime> {
        self.0.failing_since.map(DateTime)
    }

    /// When something was last delivered; null when nothing was yet.
    async fn last_delivered_at(&self) -> Option<DateTime> {
        self.0.delivered_at.map(DateTime)
    }

    /// How far it has come. `latestCursor` of `changes` tells how far the feed has.
    async fn position(&self, context: &Context<'_>) -> WebhookPosition {
        let installation = reading(context).desk.feed.installation();
        WebhookPosition { sequence: self.0.position, cursor: Cursor::after(installation, self.0.position).encode() }
    }

    /// When its secret was made.
    async fn secret_made_at(&self) -> DateTime {
        DateTime(self.0.secret_made_at)
    }

    /// Until when messages are signed with the secret before, too; null when there was none or that time is over.
    async fn previous_secret_until(&self, context: &Context<'_>) -> Option<DateTime> {
        let now = reading(context).now;
        self.0.previous_secret_until.filter(|until| now < *until).map(DateTime)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When its owner last changed it.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }

    /// Attempts of the last 30 days, newest first: what was sent and what came of it, without bodies.
    async fn deliveries(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
    ) -> Result<WebhookDeliveryConnection> {
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let deliveries = Deliveries { webhook: self.0.id };
        let page = deliveries.page(reading(context).db(), &window).await?;
        Ok(WebhookDeliveryConnection::new(edges(page, Into::into), deliveries))
    }
}

/// Root fields for webhooks.
#[derive(Default)]
pub struct WebhookQuery;

#[Object]
impl WebhookQuery {
    /// The webhooks of the caller's own account (issuer and subject of its token), at most 20, oldest first. UNAUTHENTICATED
    /// without a token.
    async fn webhooks(&self, context: &Context<'_>) -> Result<Vec<Webhook>> {
        let reading = reading(context);
        let rows = webhooks::of(reading.db(), reading.signed_in()?).await?;
        Ok(rows.into_iter().map(Webhook).collect())
    }

    /// One of the caller's own webhooks; null and NOT_FOUND for any other. UNAUTHENTICATED without a token.
    async fn webhook(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Id of the webhook.")] id: ID,
    ) -> Result<Option<Webhook>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let found = webhooks::find(reading.db(), caller, row_id("id", "Webhook", &id)?).await?;
        found.map(|row| Some(Webhook(row))).ok_or_else(|| Error::not_found(&id))
    }
}
