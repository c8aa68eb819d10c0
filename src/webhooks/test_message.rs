//! A test message, sent while its sender waits: whether the address answers, and whether it verifies signatures.

use std::{sync::Arc, time::Duration};

use ::entity::webhook_delivery;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, prelude::Uuid};
use serde::Serialize;

use super::{find, messages::Message, not_found, post};
use crate::{
    access::Duty,
    desk::Desk,
    error::{Error, Result},
    orders::{Act, Order, busy, written},
    phases,
};

/// How long a receiver has: whoever asked waits for it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A test message to a webhook.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Testing {
    /// Which one.
    pub webhook: Uuid,
}

/// Sends a test message once, in whatever state the webhook is. What came of it; it changes nothing of the webhook.
pub async fn send_test(desk: Arc<Desk>, order: Order<Testing>) -> Result<webhook_delivery::Model> {
    let permit = order.check(&desk, Duty::SendTestWebhook, false).await?;
    let (key, now) = (order.key(permit.duty())?, desk.clock.now());
    let connection = desk.database.connection();
    let row = find(connection, &order.caller, order.deed.webhook).await?.ok_or_else(not_found)?;
    if let Some(known) = key.find(connection, now).await? {
        return load(connection, known.entity_id).await;
    }
    // Whether there is a key is told before anything is sent.
    desk.webhooks.safe()?;
    let message = Message::test(now)?;
    let attempt = post::send(&desk.webhooks, &row, &message, now, TIMEOUT).await;
    let entry = attempt.entry(&row, &message, 1);
    let db = desk.database.begin_write().await?;
    // It may have been deleted meanwhile.
    super::load_locked(&*db, &order.caller, row.id).await?;
    entry.clone().into_active_model().insert(&*db).await?;
    let phase = phases::key(phases::current(&desk.live.snapshot())?);
    if !key.keep(&*db, written(entry.id, &permit, phase), now).await? {
        db.roll_back().await?;
        return Err(busy());
    }
    let after = Some(serde_json::json!({ "messageId": entry.message_id, "status": entry.status }));
    let act = Act { permit: &permit, entity: ("Webhook", row.id), before: None, after };
    order.record(&desk, &*db, act, &[], now).await?;
    db.commit().await?;
    Ok(entry)
}

async fn load(db: &impl ConnectionTrait, id: Uuid) -> Result<webhook_delivery::Model> {
    let found = webhook_delivery::Entity::find_by_id(id).one(db).await?;
    found.ok_or_else(|| Error::internal("an attempt that is not kept any more"))
}
