//! The steward's list: changes of published products took effect at once, and somebody looks at them afterwards.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use ::entity::{
    product::{self, Lifecycle},
    product_version::{self, Column},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
    prelude::{DateTimeUtc, Uuid},
    sea_query::{Alias, Expr, ExprTrait, Query},
};
use serde::Serialize;
use serde_json::json;

use super::{
    steps::no_version,
    versions::{Version, of, unknown},
};
use crate::{
    access::Duty,
    database::hold_catalogue,
    desk::Desk,
    error::{Error, Result},
    listing::{Key, Listing, Position},
    orders::{Act, Order, busy, written},
    phases,
};

/// Most products that are marked at once.
pub const MOST_ROWS: usize = 1_000;

/// A change of a published product: which version, since when.
pub type Changed = (Uuid, i64, DateTimeUtc);

/// Changes of published products, the oldest first: those that nobody has looked at, or all; of one provider's products, or of all.
pub async fn list(
    db: &impl ConnectionTrait,
    provider: Option<Uuid>,
    is_unseen: bool,
) -> Result<Listing<'static, Changed>> {
    let before = Alias::new("before");
    let hidden = [Lifecycle::Draft, Lifecycle::InReview];
    let column = |column: Column| Expr::col((product_version::Entity, column));
    // What was accepted just now was looked at with that: only what was published before counts.
    let published_before = Query::select()
        .expr(Expr::val(1))
        .from_as(product_version::Entity, before.clone())
        .and_where(Expr::col((before.clone(), Column::ProductId)).equals((product_version::Entity, Column::ProductId)))
        .and_where(Expr::col((before.clone(), Column::Version)).add(1).eq(column(Column::Version)))
        .and_where(Expr::col((before, Column::Lifecycle)).is_not_in(hidden))
        .take();
    let mut query = product_version::Entity::find()
        .select_only()
        .columns([Column::ProductId, Column::Version, Column::At])
        .filter(Column::Lifecycle.is_not_in(hidden))
        .filter(Expr::exists(published_before));
    if is_unseen {
        query = query.filter(Column::SeenAt.is_null());
    }
    if let Some(provider) = provider {
        let own = product::Entity::find().select_only().column(product::Column::Id);
        let own = own.filter(product::Column::ProviderId.eq(provider)).into_query();
        query = query.filter(Column::ProductId.in_subquery(own));
    }
    let rows: Vec<Changed> = query.into_tuple().all(db).await?;
    let position = |(product, version, at): &Changed| {
        Position(vec![Key::new(at.timestamp_micros(), false), Key::new(*version, false)], *product)
    };
    Ok(Listing::sorted(format!("changed products {is_unseen} {provider:?}"), rows, position))
}

/// The versions that changes are about, in their order.
pub async fn versions(db: &impl ConnectionTrait, changes: &[Changed]) -> Result<Vec<Version>> {
    let products: HashSet<Uuid> = changes.iter().map(|(product, ..)| *product).collect();
    let products: Vec<Uuid> = products.into_iter().collect();
    let found = of(db, &products, true).await?;
    let mut found: BTreeMap<(Uuid, i64), Version> =
        found.into_iter().map(|version| ((version.row.product_id, version.row.version), version)).collect();
    Ok(changes.iter().filter_map(|(product, version, _)| found.remove(&(*product, *version))).collect())
}

/// Products whose changes were looked at.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seeing {
    /// Each with the last version that was looked at.
    pub products: Vec<(Uuid, i64)>,
    /// Only tell what would happen.
    pub is_rehearsal: bool,
}

/// Notes that changes were looked at, up to a version of each product; gives how many versions. All of them or none.
pub async fn mark_seen(desk: Arc<Desk>, order: Order<Seeing>) -> Result<u64> {
    let permit = order.check(&desk, Duty::MarkProductsSeen, false).await?;
    let key = order.key(permit.duty())?;
    check(&order.deed)?;
    let now = desk.clock.now();
    let db = desk.database.begin_write().await?;
    // Nothing that is published changes, but two who look at the same take turns.
    hold_catalogue(&*db, true).await?;
    if key.find(&*db, now).await?.is_some() {
        db.roll_back().await?;
        return Ok(0);
    }
    let (mut acts, mut seen) = (Vec::new(), 0);
    for (place, (product, version)) in order.deed.products.iter().enumerate() {
        let marked = mark(&*db, place, *product, *version, now).await?;
        seen += marked;
        let after = Some(json!({ "seenUpTo": version, "versions": marked }));
        acts.push(Act { permit: &permit, entity: ("Product", *product), before: None, after });
    }
    let phase = phases::key(phases::current(&desk.live.snapshot())?);
    if order.deed.is_rehearsal || seen == 0 {
        db.roll_back().await?;
        return Ok(seen);
    }
    if !key.keep(&*db, written(order.deed.products[0].0, &permit, phase), now).await? {
        return Err(busy());
    }
    order.record_all(&desk, &*db, acts, &[], now).await?;
    db.commit().await?;
    Ok(seen)
}

/// How many versions of a product are looked at since now. NOT_FOUND for a product that the public does not see, and for a
/// version that there is not.
async fn mark(db: &impl ConnectionTrait, place: usize, id: Uuid, version: i64, now: DateTimeUtc) -> Result<u64> {
    let row = product::Entity::find_by_id(id).one(db).await?;
    let row = row.filter(|row| super::lifecycle::is_published(row.lifecycle));
    let row = row.ok_or_else(|| unknown(&format!("products.{place}.product")))?;
    if !(1..=row.version).contains(&version) {
        return Err(no_version(&format!("products.{place}.version"), version));
    }
    let marked = product_version::Entity::update_many()
        .col_expr(Column::SeenAt, Expr::value(now))
        .filter(Column::ProductId.eq(id))
        .filter(Column::Version.lte(version))
        .filter(Column::SeenAt.is_null())
        .exec(db)
        .await?;
    Ok(marked.rows_affected)
}

fn check(deed: &Seeing) -> Result<()> {
    let rows = deed.products.len();
    if (1..=MOST_ROWS).contains(&rows) {
        return Ok(());
    }
    Err(Error::bad_input(
        "products",
        format!("products hat {rows} Zeilen; möglich ist 1 bis {MOST_ROWS}."),
        format!("products has {rows} rows; possible is 1 to {MOST_ROWS}."),
    ))
}
