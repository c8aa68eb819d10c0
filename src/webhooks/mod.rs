//! Webhooks: changes of the feed are sent to where a machine account says, signed as Standard Webhooks asks for.
//!
//! The feed itself is the queue. A webhook has a position in it, up to which everything was delivered, and a few rows about
//! entries beyond it that were delivered already, or failed. So writers do nothing for webhooks, and nothing is lost when an
//! instance or a receiver is: what was not noted as delivered is sent again.

mod check;
mod log;
mod messages;
mod office;
mod post;
mod rounds;
mod save;
mod schedule;
mod secrets;
mod settle;
mod steps;
mod test_message;
mod window;
mod work;

use ::entity::webhook::{self, Column};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid,
};
use serde_json::{Value, json};

use crate::{
    access::{Caller, Role},
    catalogue::Snapshot,
    changes::View,
    error::{Code, Error, Result},
};

pub use self::{
    log::{Deliveries, prune},
    office::Office,
    rounds::{keep_delivering, round},
    save::{Saved, Saving, save},
    secrets::demo_key,
    steps::{Deleting, Replayed, Replaying, Rotating, delete, replay, rotate},
    test_message::{Testing, send_test},
};

/// One row of `webhooks`.
pub type Row = webhook::Model;

/// Most webhooks of one account.
pub const MOST_WEBHOOKS: u64 = 20;

/// An account's own webhooks, oldest first.
pub async fn of(db: &impl ConnectionTrait, caller: &Caller) -> Result<Vec<Row>> {
    let own = webhook::Entity::find().filter(own(caller));
    Ok(own.order_by_asc(Column::CreatedAt).order_by_asc(Column::Id).all(db).await?)
}

/// Finds one of an account's own webhooks.
pub async fn find(db: &impl ConnectionTrait, caller: &Caller, id: Uuid) -> Result<Option<Row>> {
    Ok(webhook::Entity::find_by_id(id).filter(own(caller)).one(db).await?)
}

/// Loads one of an account's own webhooks, and keeps others from changing it until the transaction ends. NOT_FOUND for any other.
async fn load_locked(db: &impl ConnectionTrait, caller: &Caller, id: Uuid) -> Result<Row> {
    let found = webhook::Entity::find_by_id(id).filter(own(caller)).lock_exclusive().one(db).await?;
    found.ok_or_else(not_found)
}

fn own(caller: &Caller) -> Condition {
    Condition::all().add(Column::Issuer.eq(&caller.issuer)).add(Column::Subject.eq(&caller.subject))
}

fn not_found() -> Error {
    Error::new(
        Code::NotFound,
        "Einen Webhook mit dieser Kennung hat dieses Konto nicht.",
        "This account has no webhook with this id.",
    )
    .with("field", "webhook")
    .next("Die eigenen mit webhooks ansehen.", "Look at its own with webhooks.")
}

/// What is sent: what its owner may read in the feed, with the roles and the organisation of the token that it was saved with.
fn view(row: &Row, snapshot: &Snapshot) -> Result<View> {
    let types = types(row)?;
    Ok(View::of(Some(&owner(row)?), snapshot, types.as_deref()))
}

/// The types of changes that are sent; none for all.
pub fn types(row: &Row) -> Result<Option<Vec<::entity::change::Type>>> {
    let types = row.types.as_deref();
    types.map(|text| serde_json::from_str(text).map_err(Error::internal)).transpose()
}

fn owner(row: &Row) -> Result<Caller> {
    let roles: Vec<Role> = serde_json::from_str(&row.roles).map_err(Error::internal)?;
    let customer_groups: Vec<Uuid> = serde_json::from_str(&row.customer_groups).map_err(Error::internal)?;
    Ok(Caller {
        issuer: row.issuer.clone(),
        subject: row.subject.clone(),
        roles,
        municipality: row.municipality_id,
        provider: row.provider_id,
        customer_groups,
    })
}

/// A webhook for the audit trail: no secrets, and of its address only where it leads, because the rest may be one.
fn record(row: &Row) -> Value {
    json!({
        "origin": check::origin(&row.url),
        "description": row.description,
        "types": row.types.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok()),
        "state": row.state,
        "position": row.position,
        "secretMadeAt": row.secret_made_at,
        "version": row.version,
    })
}
