//! Making and changing webhooks.

use std::sync::Arc;

use ::entity::{
    change::Type,
    webhook::{self, State},
};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    prelude::{DateTimeUtc, Uuid},
};
use serde::Serialize;
use serde_json::Value;

use super::{
    MOST_WEBHOOKS, Office, Row, check, find, not_found, own, record,
    secrets::{Safe, Secret},
    steps::{self, Forget, Next},
};
use crate::{
    access::{Caller, Duty, DutyPermit},
    desk::Desk,
    error::{Code, Error, Result},
    idempotency::Key,
    orders::{Act, Order, busy, written},
    phases,
};

/// How often a change begins again because another with the same key was faster.
const ATTEMPTS: usize = 3;

/// A webhook as it is to be.
#[derive(Clone, Debug, Serialize)]
pub struct Saving {
    /// Which one; none for a new one.
    pub webhook: Option<Uuid>,
    /// The version that the change starts from; none for a new one.
    pub version: Option<i64>,
    /// Where to.
    #[serde(serialize_with = "check::veiled")]
    pub url: String,
    /// What it is for.
    pub description: String,
    /// Only these types of changes; none for all.
    pub types: Option<Vec<Type>>,
    /// Whether anything is sent.
    pub active: bool,
}

/// A webhook that was saved.
#[derive(Debug)]
pub struct Saved {
    /// As it stands since then.
    pub row: Row,
    /// Its secret, when one was made: told this once.
    pub secret: Option<String>,
}

/// A deed whose values were checked.
struct Checked {
    url: String,
    types: Option<String>,
}

/// Makes or changes a webhook.
pub async fn save(desk: Arc<Desk>, order: Order<Saving>) -> Result<Saved> {
    let permit = order.check(&desk, Duty::SaveWebhook, false).await?;
    let checked = check(&desk.webhooks, &order.deed)?;
    match (order.deed.webhook, order.deed.version) {
        (None, None) => make(&desk, &order, &permit, checked).await,
        (Some(webhook), Some(version)) => {
            let step = |row: &Row, now: DateTimeUtc| changed(row, &order, &checked, now);
            steps::change(&desk, &order, &permit, (webhook, version), step).await
        }
        (Some(_), None) => Err(Error::bad_input(
            "version",
            "version fehlt. Bitte die Version angeben, von der die Änderung ausgeht.",
            "version is missing. Please give the version that the change starts from.",
        )),
        (None, Some(_)) => Err(Error::bad_input(
            "version",
            "version ist angegeben, webhook nicht. Für einen neuen Webhook bitte weglassen.",
            "version is given, webhook is not. For a new webhook please leave it out.",
        )),
    }
}

fn check(office: &Office, deed: &Saving) -> Result<Checked> {
    let url = check::url(office, &deed.url)?;
    check::description(&deed.description)?;
    Ok(Checked { url, types: check::types(deed.types.as_deref())? })
}

async fn make(desk: &Desk, order: &Order<Saving>, permit: &DutyPermit, checked: Checked) -> Result<Saved> {
    let key = order.key(permit.duty())?;
    let head = desk.feed.look().await?;
    for _ in 0..ATTEMPTS {
        let now = desk.clock.now();
        let db = desk.database.begin_write().await?;
        if let Some(row) = known(&*db, &key, &order.caller, now).await? {
            return Ok(Saved { row, secret: None });
        }
        let count = webhook::Entity::find().filter(own(&order.caller)).count(&*db).await?;
        if count >= MOST_WEBHOOKS {
            return Err(too_many(count));
        }
        let (row, secret) = new(desk.webhooks.safe()?, order, &checked, head, now)?;
        row.clone().into_active_model().insert(&*db).await?;
        let phase = phases::key(phases::current(&desk.live.snapshot())?);
        if !key.keep(&*db, written(row.id, permit, phase), now).await? {
            db.roll_back().await?;
            continue;
        }
        let act = Act { permit, entity: ("Webhook", row.id), before: None, after: Some(record(&row)) };
        order.record(desk, &*db, act, &[], now).await?;
        db.commit().await?;
        return Ok(Saved { row, secret: Some(secret) });
    }
    Err(busy())
}

/// What was made under a key before.
async fn known(db: &impl ConnectionTrait, key: &Key, caller: &Caller, now: DateTimeUtc) -> Result<Option<Row>> {
    let Some(known) = key.find(db, now).await? else { return Ok(None) };
    find(db, caller, known.entity_id).await?.ok_or_else(not_found).map(Some)
}

fn new(safe: &Safe, order: &Order<Saving>, checked: &Checked, head: i64, now: DateTimeUtc) -> Result<(Row, String)> {
    let (id, secret) = (Uuid::new_v4(), Secret::random()?);
    let row = Row {
        id,
        issuer: order.caller.issuer.clone(),
        subject: order.caller.subject.clone(),
        roles: String::new(),
        municipality_id: None,
        provider_id: None,
        customer_groups: String::new(),
        url: checked.url.clone(),
        description: order.deed.description.clone(),
        types: checked.types.clone(),
        version: 1,
        state: state(order.deed.active),
        disabled_because: None,
        disabled_at: None,
        failing_since: None,
        failed_in_a_row: 0,
        delivered_at: None,
        position: head,
        seen: head,
        moves: 0,
        retry_at: None,
        resting_until: None,
        secret: safe.lock(id, &secret)?,
        secret_made_at: now,
        previous_secret: None,
        previous_secret_until: None,
        lease: None,
        leased_until: None,
        created_at: now,
        updated_at: now,
    };
    Ok((owned(row, &order.caller), secret.reveal()))
}

/// The webhook after a change: what failed is tried again at once.
fn changed(row: &Row, order: &Order<Saving>, checked: &Checked, now: DateTimeUtc) -> Result<Next> {
    let mut row = steps::refreshed(row, now);
    row.url.clone_from(&checked.url);
    row.description.clone_from(&order.deed.description);
    row.types.clone_from(&checked.types);
    row.state = state(order.deed.active);
    Ok(Next { row: owned(row, &order.caller), told: None, forget: Forget::Failures })
}

/// With the roles and the organisation of its owner's token.
fn owned(mut row: Row, caller: &Caller) -> Row {
    let roles: Vec<&'static str> = caller.roles.iter().map(Into::into).collect();
    let groups: Vec<String> = caller.customer_groups.iter().map(Uuid::to_string).collect();
    row.roles = Value::from(roles).to_string();
    row.customer_groups = Value::from(groups).to_string();
    (row.municipality_id, row.provider_id) = (caller.municipality, caller.provider);
    row
}

fn state(is_active: bool) -> State {
    if is_active { State::Active } else { State::Paused }
}

fn too_many(count: u64) -> Error {
    Error::new(
        Code::Conflict,
        format!("Dieses Konto hat {count} Webhooks; möglich sind {MOST_WEBHOOKS}."),
        format!("This account has {count} webhooks; possible are {MOST_WEBHOOKS}."),
    )
    .next(
        "Einen, der nicht mehr gebraucht wird, mit deleteWebhook löschen.",
        "Delete one that is not needed any more with deleteWebhook.",
    )
}
