//! Making, changing, trying and removing webhooks.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::{
    change::ChangeType,
    context::reading,
    node::{global_id, row_id},
    payload::{UserError, order, to_its_end, told},
    scalars::Url,
    webhook::Webhook,
    webhook_delivery::WebhookDelivery,
};
use crate::{
    error::Result,
    webhooks::{self, Deleting, Replaying, Rotating, Saving, Testing},
};

/// Makes a webhook, or changes one as a whole.
#[derive(InputObject)]
pub struct SaveWebhookInput {
    /// Id of the webhook; a new one when left out.
    webhook: Option<ID>,
    /// The version that the change starts from; left out for a new webhook.
    version: Option<i64>,
    /// Where to: https, a host of the public internet, at most 2000 characters, without credentials and without #.
    url: Url,
    /// What it is for, 1 to 200 characters.
    description: String,
    /// Only these types of changes; all when left out.
    types: Option<Vec<ChangeType>>,
    /// Whether anything is sent. True also lets one go on that was disabled, from its position; false pauses it there.
    #[graphql(default = true)]
    active: bool,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Makes another secret for a webhook.
#[derive(InputObject)]
pub struct RotateWebhookSecretInput {
    /// Id of the webhook.
    webhook: ID,
    /// The version that the change starts from.
    version: i64,
    /// For how many hours messages are signed with the secret before, too: 0 to 168. 0 ends it at once.
    #[graphql(default = 24)]
    overlap_hours: i32,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Removes a webhook.
#[derive(InputObject)]
pub struct DeleteWebhookInput {
    /// Id of the webhook.
    webhook: ID,
    /// The version that it has.
    version: i64,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Sends changes again.
#[derive(InputObject)]
pub struct ReplayWebhookInput {
    /// Id of the webhook.
    webhook: ID,
    /// The version that the change starts from.
    version: i64,
    /// A cursor of the feed: everything after it is sent, also what was delivered before. It may lie before or behind the
    /// position.
    after: String,
    /// Tell how many entries would be sent and change nothing.
    #[graphql(default = false)]
    dry_run: bool,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Sends a test message.
#[derive(InputObject)]
pub struct SendTestWebhookInput {
    /// Id of the webhook.
    webhook: ID,
    /// The caller's own key for this message, at most 200 characters: with the same key nothing is sent twice. Kept for 90 days.
    idempotency_key: String,
}

/// Outcome of saving a webhook, or of making another secret.
#[derive(SimpleObject)]
pub struct WebhookPayload {
    /// The webhook as it stands now; null when it was refused.
    webhook: Option<Webhook>,
    /// The secret that was made, `whsec_` and base64: verify messages with it. It is told this once and never again; null when
    /// none was made, also when the same key was sent again. Who has lost it makes another with `rotateWebhookSecret`.
    secret: Option<String>,
    /// What went wrong; empty when it was done.
    errors: Vec<UserError>,
}

/// Outcome of removing a webhook.
#[derive(SimpleObject)]
pub struct DeleteWebhookPayload {
    /// Id of the webhook that was removed; null when it was refused.
    webhook_id: Option<ID>,
    /// What went wrong; empty when it was removed.
    errors: Vec<UserError>,
}

/// Outcome of sending changes again.
#[derive(SimpleObject)]
pub struct ReplayWebhookPayload {
    /// The webhook as it stands now; null when it was refused.
    webhook: Option<Webhook>,
    /// How many entries of the feed lie after the cursor, as far as the owner may read them; null when it was refused.
    entries: Option<u64>,
    /// What went wrong; empty when it was done.
    errors: Vec<UserError>,
}

/// Outcome of sending a test message.
#[derive(SimpleObject)]
pub struct SendTestWebhookPayload {
    /// What came of it, also when the receiver did not take it; null when it was refused here.
    delivery: Option<WebhookDelivery>,
    /// What went wrong here; empty when it was sent.
    errors: Vec<UserError>,
}

/// Changes of webhooks.
#[derive(Default)]
pub struct WebhookMutation;

#[Object]
impl WebhookMutation {
    /// Makes a webhook, which begins with the changes from now on, or changes one. A new one comes with its secret. What the
    /// caller may read in `changes` with this token is what is sent, until it is saved again. At most 20 for each account.
    async fn save_webhook(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The webhook as it is to be.")] input: SaveWebhookInput,
    ) -> Result<Option<WebhookPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let SaveWebhookInput { webhook, version, url, description, types, active, idempotency_key } = input;
        let saved = match webhook.map(|id| row_id("webhook", "Webhook", &id)).transpose() {
            Ok(webhook) => {
                let types = types.map(|types| types.into_iter().map(Into::into).collect());
                let deed = Saving { webhook, version, url: url.0, description, types, active };
                let order = order(reading, caller, idempotency_key, deed, None);
                to_its_end(webhooks::save(reading.desk.clone(), order)).await
            }
            Err(error) => Err(error),
        };
        let (saved, errors) = told(reading, saved)?;
        let (webhook, secret) = saved.map(|saved| (Webhook(saved.row), saved.secret)).unzip();
        Ok(Some(WebhookPayload { webhook, secret: secret.flatten(), errors }))
    }

    /// Makes another secret. For a while messages carry both signatures, so that receivers can change theirs without losing any.
    async fn rotate_webhook_secret(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which webhook, and for how long both secrets hold.")] input: RotateWebhookSecretInput,
    ) -> Result<Option<WebhookPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let rotated = match row_id("webhook", "Webhook", &input.webhook) {
            Ok(webhook) => {
                let overlap_hours = i64::from(input.overlap_hours);
                let deed = Rotating { webhook, version: input.version, overlap_hours };
                let order = order(reading, caller, input.idempotency_key, deed, None);
                to_its_end(webhooks::rotate(reading.desk.clone(), order)).await
            }
            Err(error) => Err(error),
        };
        let (rotated, errors) = told(reading, rotated)?;
        let (webhook, secret) = rotated.map(|rotated| (Webhook(rotated.row), rotated.secret)).unzip();
        Ok(Some(WebhookPayload { webhook, secret: secret.flatten(), errors }))
    }

    /// Removes a webhook with its secret and its log. Nothing is sent any more; what is under way may still arrive.
    async fn delete_webhook(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which webhook.")] input: DeleteWebhookInput,
    ) -> Result<Option<DeleteWebhookPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let deleted = match row_id("webhook", "Webhook", &input.webhook) {
            Ok(webhook) => {
                let deed = Deleting { webhook, version: input.version };
                let order = order(reading, caller, input.idempotency_key, deed, None);
                to_its_end(webhooks::delete(reading.desk.clone(), order)).await
            }
            Err(error) => Err(error),
        };
        let (deleted, errors) = told(reading, deleted)?;
        Ok(Some(DeleteWebhookPayload { webhook_id: deleted.map(|id| global_id("Webhook", id)), errors }))
    }

    /// Puts a webhook to another place in the feed: everything after it is sent, again or for the first time. One that was
    /// disabled goes on; one that its owner has paused stays paused. CURSOR_EXPIRED when entries after the cursor are not kept
    /// any more.
    async fn replay_webhook(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which webhook, and from where on.")] input: ReplayWebhookInput,
    ) -> Result<Option<ReplayWebhookPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let ReplayWebhookInput { webhook, version, after, dry_run, idempotency_key } = input;
        let replayed = match row_id("webhook", "Webhook", &webhook) {
            Ok(webhook) => {
                let deed = Replaying { webhook, version, after, dry_run };
                let order = order(reading, caller, idempotency_key, deed, None);
                to_its_end(webhooks::replay(reading.desk.clone(), order)).await
            }
            Err(error) => Err(error),
        };
        let (replayed, errors) = told(reading, replayed)?;
        let (webhook, entries) = replayed.map(|replayed| (Webhook(replayed.row), replayed.entries)).unzip();
        Ok(Some(ReplayWebhookPayload { webhook, entries, errors }))
    }

    /// Sends a message of type `webhook.test` once, at once, in whatever state the webhook is, and tells what came of it. The
    /// receiver has 5 s. It changes nothing of the webhook.
    async fn send_test_webhook(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "To which webhook.")] input: SendTestWebhookInput,
    ) -> Result<Option<SendTestWebhookPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let sent = match row_id("webhook", "Webhook", &input.webhook) {
            Ok(webhook) => {
                let order = order(reading, caller, input.idempotency_key, Testing { webhook }, None);
                to_its_end(webhooks::send_test(reading.desk.clone(), order)).await
            }
            Err(error) => Err(error),
        };
        let (delivery, errors) = told(reading, sent)?;
        Ok(Some(SendTestWebhookPayload { delivery: delivery.map(Into::into), errors }))
    }
}
