//! Writing the change feed: committed changes only, in the order of commits, without gaps.

use std::collections::HashSet;

use ::entity::{
    change::{self, Type},
    product::{self, Lifecycle},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
    prelude::{DateTimeUtc, Uuid},
};

use crate::{database, records::Heads};

/// Changes in one statement: both databases take that many values.
const CHANGES_IN_STATEMENT: usize = 1_000;

/// Something that was changed.
#[derive(Clone, Copy, Debug)]
pub struct Changed {
    /// What kind of thing.
    pub kind: Type,
    /// Which one.
    pub id: Uuid,
    /// The version that it has since then; none for things without versions.
    pub version: Option<i64>,
}

/// Appends what a transaction changes.
pub async fn append(
    db: &impl ConnectionTrait,
    heads: &mut Heads,
    changed: &[Changed],
    now: DateTimeUtc,
) -> Result<(), DbErr> {
    for chunk in changed.chunks(CHANGES_IN_STATEMENT) {
        let unpublished = unpublished(db, chunk).await?;
        let rows = chunk.iter().map(|changed| {
            heads.change_sequence += 1;
            let row = change::Model {
                sequence: heads.change_sequence,
                at: now,
                kind: changed.kind,
                entity_id: changed.id,
                entity_version: changed.version,
                published: !unpublished.contains(&changed.id),
            };
            row.into_active_model()
        });
        change::Entity::insert_many(rows).exec_without_returning(db).await?;
    }
    if changed.is_empty() { Ok(()) } else { database::announce(db).await }
}

/// Which of the products the public does not see, as the transaction leaves them.
async fn unpublished(db: &impl ConnectionTrait, changed: &[Changed]) -> Result<HashSet<Uuid>, DbErr> {
    let products = changed.iter().filter(|changed| changed.kind == Type::Product).map(|changed| changed.id);
    let products: Vec<Uuid> = products.collect();
    if products.is_empty() {
        return Ok(HashSet::new());
    }
    let found = product::Entity::find()
        .select_only()
        .column(product::Column::Id)
        .filter(product::Column::Id.is_in(products))
        .filter(product::Column::Lifecycle.is_in([Lifecycle::Draft, Lifecycle::InReview]));
    Ok(found.into_tuple().all(db).await?.into_iter().collect())
}
