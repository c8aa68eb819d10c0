//! Reviews: the steward accepts products into the catalogue, or returns them with a reason; many at once, each by itself.

use std::{collections::HashMap, sync::Arc};

use ::entity::{product, product::Lifecycle};
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, QueryFilter,
    prelude::{DateTimeUtc, Uuid},
};
use serde::Serialize;

use super::{register::facts, store::Stored, versions::unknown, written::Changes};
use crate::{
    access::Duty,
    desk::Desk,
    error::{Code, Error, Result, check_text},
    orders::{Order, busy, written},
    phases, records,
};

/// Most products of one review.
pub const MOST_ROWS: usize = 1_000;
/// Longest reason of a return, in characters.
const LONGEST_REASON: usize = 2_000;
/// How often it begins again because the catalogue or the caller's key moved meanwhile.
const ATTEMPTS: usize = 5;

/// A review of several products.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reviewing {
    /// What is said of each.
    pub rows: Vec<Said>,
    /// Only tell what would happen.
    pub is_rehearsal: bool,
}

/// What is said of one product.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Said {
    /// Which one.
    pub product: Uuid,
    /// The version that was looked at.
    pub version: i64,
    /// Why it is returned; none accepts it.
    pub returned: Option<String>,
}

/// What became of each, in their order: the product as it stands since, or what is wrong.
pub type Reviewed = Vec<Result<Stored>>;

/// Accepts or returns products.
pub async fn review(desk: Arc<Desk>, order: Order<Reviewing>) -> Result<Reviewed> {
    let permit = order.check(&desk, Duty::ReviewProducts, false).await?;
    let key = order.key(permit.duty())?;
    check(&order.deed)?;
    for _ in 0..ATTEMPTS {
        let now = desk.clock.now();
        let db = desk.database.begin_write().await?;
        let Some(snapshot) = desk.live.snapshot_to_change(&*db, now).await? else {
            db.roll_back().await?;
            desk.live.refresh().await;
            continue;
        };
        let ids: Vec<Uuid> = order.deed.rows.iter().map(|said| said.product).collect();
        let rows = product::Entity::find().filter(product::Column::Id.is_in(ids)).all(&*db).await?;
        let providers: std::collections::BTreeSet<Uuid> = rows.iter().map(|row| row.provider_id).collect();
        let mut known = HashMap::new();
        for provider in providers {
            let facts = facts(&*db, &snapshot, provider, now).await?;
            known.extend(facts.existing.values().map(|stored| (stored.row.id, (provider, stored.clone()))));
        }
        if key.find(&*db, now).await?.is_some() {
            db.roll_back().await?;
            let stands = |said: &Said| {
                known.get(&said.product).map(|(_, stored)| (**stored).clone()).ok_or_else(|| unknown("product"))
            };
            return Ok(order.deed.rows.iter().map(stands).collect());
        }
        let judged: Reviewed = order
            .deed
            .rows
            .iter()
            .map(|said| judge(said, known.get(&said.product).map(|known| &*known.1), now))
            .collect();
        let accepted: Vec<&Stored> = judged.iter().flatten().collect();
        if order.deed.is_rehearsal || accepted.is_empty() {
            db.roll_back().await?;
            return Ok(judged);
        }
        let phase = phases::key(phases::current(&snapshot)?);
        if !key.keep(&*db, written(accepted[0].row.id, &permit, phase), now).await? {
            db.roll_back().await?;
            continue;
        }
        let (mut changed, mut events) = (Vec::new(), Vec::new());
        for provider in accepted.iter().map(|stored| stored.row.provider_id).collect::<std::collections::BTreeSet<_>>()
        {
            let facts = facts(&*db, &snapshot, provider, now).await?;
            let of_provider = accepted.iter().filter(|stored| stored.row.provider_id == provider);
            let products = of_provider.map(|after| (known.get(&after.row.id).map(|known| &*known.1), *after));
            let products = products.collect();
            let written = Changes { desk: &desk, order: &order, permit: &permit, facts: &facts, products, now };
            written.write(&*db).await?;
            changed.extend(written.changed());
            events.extend(written.events().collect::<Result<Vec<_>, DbErr>>()?);
        }
        records::append(&*db, &changed, events, now).await?;
        db.commit().await?;
        desk.live.refresh().await;
        return Ok(judged);
    }
    Err(busy())
}

fn check(deed: &Reviewing) -> Result<()> {
    let rows = deed.rows.len();
    if (1..=MOST_ROWS).contains(&rows) {
        return Ok(());
    }
    Err(Error::bad_input(
        "rows",
        format!("rows hat {rows} Zeilen; möglich ist 1 bis {MOST_ROWS}."),
        format!("rows has {rows} rows; possible is 1 to {MOST_ROWS}."),
    ))
}

/// What a product is after what was said of it.
fn judge(said: &Said, stored: Option<&Stored>, now: DateTimeUtc) -> Result<Stored> {
    let mut after = stored.cloned().ok_or_else(|| unknown("product"))?;
    if after.row.version != said.version {
        return Err(Error::new(
            Code::Conflict,
            format!("Die Leistung hat die Version {}, angegeben ist {}.", after.row.version, said.version),
            format!("The product has the version {}, given is {}.", after.row.version, said.version),
        )
        .with("field", "version")
        .with("currentVersion", after.row.version)
        .next("Die Leistung neu ansehen.", "Look at the product again."));
    }
    if after.row.lifecycle != Lifecycle::InReview {
        return Err(Error::new(
            Code::IllegalStep,
            "Die Leistung wartet nicht auf eine Prüfung.",
            "The product does not wait for a review.",
        )
        .with("field", "product")
        .next("Nur Leistungen im Stand IN_REVIEW werden geprüft.", "Only products that are IN_REVIEW are reviewed."));
    }
    match &said.returned {
        None => {
            after.row.lifecycle = after.row.requested_lifecycle.unwrap_or(Lifecycle::Available);
            after.row.requested_lifecycle = None;
            after.row.return_reason = None;
        }
        Some(reason) => {
            check_text("returned", reason, LONGEST_REASON)?;
            if reason.trim().is_empty() {
                return Err(Error::bad_input(
                    "returned",
                    "returned ist leer. Bitte sagen, was zu ändern ist.",
                    "returned is empty. Please say what is to be changed.",
                ));
            }
            after.row.lifecycle = Lifecycle::Draft;
            after.row.return_reason = Some(reason.trim().to_owned());
        }
    }
    after.row.version += 1;
    after.row.updated_at = now;
    Ok(after)
}
