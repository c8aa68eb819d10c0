//! Canonical rows: what is told of a thing in the feed and in exports, from its own tables alone. Whatever changes one of them has
//! to be an entry of the change feed; nothing in them is personal, and nothing depends on the day.

mod offers;
mod organisations;
mod steering;

use std::{collections::HashMap, hash::Hash};

use ::entity::{
    category, change::Type, contact, customer_group, freeze, joining, municipality, phase, phase_exception, product,
    product_subscription, provider, provider_merger, standard_product,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect,
    prelude::{DateTimeUtc, Uuid},
};
use serde_json::Value;

use crate::{
    ids::global_id,
    portfolios::{lifecycle::is_published, store},
};

/// The canonical rows of some things of one kind; nothing for those that are not there or not published.
pub async fn load(db: &impl ConnectionTrait, kind: Type, ids: &[Uuid]) -> Result<HashMap<Uuid, String>, DbErr> {
    let told: Vec<(Uuid, Value)> = match kind {
        Type::Municipality => {
            told(db, municipality::Column::Id, ids, |row| (row.id, organisations::of_municipality(row))).await?
        }
        Type::Provider => told(db, provider::Column::Id, ids, |row| (row.id, organisations::of_provider(row))).await?,
        Type::Joining => told(db, joining::Column::Id, ids, |row| (row.id, organisations::of_joining(row))).await?,
        Type::ProviderMerger => {
            let predecessors = organisations::predecessors(db, ids).await?;
            let row =
                |row: &provider_merger::Model| (row.id, organisations::of_merger(row, among(&predecessors, row.id)));
            told(db, provider_merger::Column::Id, ids, row).await?
        }
        Type::CustomerGroup => {
            let members = organisations::members(db, ids).await?;
            let row = |row: &customer_group::Model| (row.id, organisations::of_group(row, among(&members, row.id)));
            told(db, customer_group::Column::Id, ids, row).await?
        }
        Type::Contact => {
            let assignments = organisations::assignments(db, ids).await?;
            let row = |row: &contact::Model| (row.id, organisations::of_contact(row, among(&assignments, row.id)));
            told(db, contact::Column::Id, ids, row).await?
        }
        Type::Category => told(db, category::Column::Id, ids, |row| (row.id, offers::of_category(row))).await?,
        Type::StandardProduct => {
            told(db, standard_product::Column::Id, ids, |row| (row.id, offers::of_standard_product(row))).await?
        }
        Type::Product => products(db, ids).await?,
        Type::ProductSubscription => {
            told(db, product_subscription::Column::Id, ids, |row| (row.id, offers::of_subscription(row))).await?
        }
        Type::Phase => {
            let criteria = steering::criteria(db, ids).await?;
            let row = |row: &phase::Model| (row.id, steering::of_phase(row, among(&criteria, row.id)));
            told(db, phase::Column::Id, ids, row).await?
        }
        Type::PhaseException => {
            told(db, phase_exception::Column::Id, ids, |row| (row.id, steering::of_exception(row))).await?
        }
        Type::Freeze => told(db, freeze::Column::Id, ids, |row| (row.id, steering::of_freeze(row))).await?,
    };
    told.into_iter().map(|(id, row)| Ok((id, written(&row)?))).collect()
}

/// The canonical row of a subscription.
pub fn of_subscription(row: &product_subscription::Model) -> Result<String, DbErr> {
    written(&offers::of_subscription(row))
}

/// All things of a kind.
pub async fn ids(db: &impl ConnectionTrait, kind: Type) -> Result<Vec<Uuid>, DbErr> {
    match kind {
        Type::Municipality => all(db, municipality::Column::Id).await,
        Type::Provider => all(db, provider::Column::Id).await,
        Type::Joining => all(db, joining::Column::Id).await,
        Type::ProviderMerger => all(db, provider_merger::Column::Id).await,
        Type::CustomerGroup => all(db, customer_group::Column::Id).await,
        Type::Contact => all(db, contact::Column::Id).await,
        Type::Category => all(db, category::Column::Id).await,
        Type::StandardProduct => all(db, standard_product::Column::Id).await,
        Type::Product => all(db, product::Column::Id).await,
        Type::ProductSubscription => all(db, product_subscription::Column::Id).await,
        Type::Phase => all(db, phase::Column::Id).await,
        Type::PhaseException => all(db, phase_exception::Column::Id).await,
        Type::Freeze => all(db, freeze::Column::Id).await,
    }
}

/// Rows of one table, as they are told.
async fn told<E: EntityTrait<Column = C>, C: ColumnTrait<EntityName = E>>(
    db: &impl ConnectionTrait,
    id: C,
    ids: &[Uuid],
    told: impl Fn(&E::Model) -> (Uuid, Value),
) -> Result<Vec<(Uuid, Value)>, DbErr> {
    let found = E::find().filter(id.is_in(ids.iter().copied())).all(db).await?;
    Ok(found.iter().map(told).collect())
}

async fn products(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<(Uuid, Value)>, DbErr> {
    let rows = product::Entity::find().filter(product::Column::Id.is_in(ids.iter().copied())).all(db).await?;
    let rows = rows.into_iter().filter(|row| is_published(row.lifecycle)).collect();
    let products = store::join(db, rows).await?;
    Ok(products.iter().map(|stored| (stored.row.id, offers::of_product(stored))).collect())
}

async fn all<E: EntityTrait<Column = C>, C: ColumnTrait<EntityName = E>>(
    db: &impl ConnectionTrait,
    id: C,
) -> Result<Vec<Uuid>, DbErr> {
    E::find().select_only().column(id).into_tuple().all(db).await
}

/// The canonical form: JSON after RFC 8785.
fn written(row: &Value) -> Result<String, DbErr> {
    serde_json_canonicalizer::to_string(row).map_err(|error| DbErr::Json(error.to_string()))
}

/// Rows by what they belong to.
fn by<K: Eq + Hash, T>(rows: Vec<T>, key: impl Fn(&T) -> K) -> HashMap<K, Vec<T>> {
    let mut found: HashMap<K, Vec<T>> = HashMap::new();
    for row in rows {
        found.entry(key(&row)).or_default().push(row);
    }
    found
}

fn among<T>(rows: &HashMap<Uuid, Vec<T>>, id: Uuid) -> &[T] {
    rows.get(&id).map_or(&[], Vec::as_slice)
}

/// The global id of something of a type; none for nothing.
fn of(kind: &str, id: Option<Uuid>) -> Option<String> {
    id.map(|id| global_id(kind, id))
}

fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = texts.collect();
    texts.sort_unstable();
    texts
}

/// UTC with microseconds, which both databases keep.
fn moment(moment: DateTimeUtc) -> String {
    moment.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}
