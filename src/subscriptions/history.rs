//! What was done with subscriptions, when and why.

use std::collections::HashMap;

use ::entity::subscription_history::{self, Column, Model};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, prelude::Uuid};

use crate::{
    error::Result,
    listing::{Key, Listing, Position},
};

/// The history of several subscriptions in one statement, newest first.
pub async fn of(db: &impl ConnectionTrait, subscriptions: &[Uuid]) -> Result<HashMap<Uuid, Vec<Model>>> {
    let rows = subscription_history::Entity::find()
        .filter(Column::SubscriptionId.is_in(subscriptions.iter().copied()))
        .order_by_desc(Column::Version)
        .all(db)
        .await?;
    let mut histories: HashMap<Uuid, Vec<Model>> = HashMap::new();
    for row in rows {
        histories.entry(row.subscription_id).or_default().push(row);
    }
    Ok(histories)
}

/// The history of one subscription as a list.
pub fn list(entries: &[Model]) -> Listing<'_, &Model> {
    Listing::ordered("history".to_owned(), entries.iter().collect(), |entry| {
        Position(vec![Key::new(entry.version, true)], entry.subscription_id)
    })
}
