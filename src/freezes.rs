//! Freezes: for a while, nobody but the transformation office changes subscriptions of a product, a provider, or at all.
//! Giving notice stays possible. What a freeze forbids is a policy; here is what is frozen, and since when.

use std::sync::Arc;

use ::entity::{change::Type, freeze};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    EntityTrait, IntoActiveModel,
    prelude::{Date, Uuid},
};
use serde::Serialize;

use crate::{
    access::Duty,
    catalogue::{self, At, Product, Snapshot},
    clock::day_of,
    desk::Desk,
    error::{Code, Error, Result, check_text},
    feed::Changed,
    orders::{Act, Order, busy, written},
    phases,
    text::german_day,
};

/// Longest message, in characters.
const LONGEST_MESSAGE: usize = 500;
/// How often a change begins again because another with the same key was faster.
const ATTEMPTS: usize = 3;

/// A freeze that is to be made.
#[derive(Clone, Debug, Serialize)]
pub struct Freezing {
    /// All products of this provider,
    pub provider: Option<Uuid>,
    /// or this product; everything when neither is named.
    pub product: Option<Uuid>,
    /// What is told to those who are refused.
    pub message: String,
    /// First day; today when left out.
    pub from: Option<Date>,
    /// Last day.
    pub until: Option<Date>,
}

/// A freeze that is to be lifted.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Lifting {
    /// Which one.
    pub freeze: Uuid,
}

/// The freeze that holds for a product on a day; the oldest of several.
pub fn on(snapshot: &Snapshot, product: At<Product>, day: Date) -> Option<&freeze::Model> {
    let product = &snapshot.products[product];
    let provider = snapshot.providers[product.provider].row.id;
    snapshot.freezes.iter().find(|freeze| {
        let holds = freeze.from_day <= day && freeze.until_day.is_none_or(|until| day <= until);
        let is_meant = match (freeze.product_id, freeze.provider_id) {
            (Some(id), _) => id == product.row.id,
            (None, Some(id)) => id == provider,
            (None, None) => true,
        };
        holds && is_meant
    })
}

/// Freezes a product, a provider, or everything.
pub async fn freeze(desk: Arc<Desk>, order: Order<Freezing>) -> Result<freeze::Model> {
    let permit = order.check(&desk, Duty::Freeze, false).await?;
    let key = order.key(permit.duty())?;
    for _ in 0..ATTEMPTS {
        let now = desk.clock.now();
        let db = desk.database.begin_write().await?;
        catalogue::raise_version(&*db, now).await?;
        if let Some(known) = key.find(&*db, now).await? {
            return find(&*db, known.entity_id).await;
        }
        let phase = phases::key(phases::current(&desk.live.snapshot())?);
        check(&order.deed, day_of(now))?;
        let row = freeze::Model {
            id: Uuid::new_v4(),
            provider_id: order.deed.provider,
            product_id: order.deed.product,
            message: order.deed.message.clone(),
            from_day: order.deed.from.unwrap_or(day_of(now)),
            until_day: order.deed.until,
            created_at: now,
            lifted_at: None,
        };
        row.clone().into_active_model().insert(&*db).await?;
        if !key.keep(&*db, written(row.id, &permit, phase), now).await? {
            db.roll_back().await?;
            continue;
        }
        let after = Some(serde_json::to_value(&row).map_err(Error::internal)?);
        let act = Act { permit: &permit, entity: ("Freeze", row.id), before: None, after };
        order.record(&desk, &*db, act, &[Changed { kind: Type::Freeze, id: row.id, version: None }], now).await?;
        db.commit().await?;
        desk.live.refresh().await;
        return Ok(row);
    }
    Err(busy())
}

/// Lifts a freeze.
pub async fn unfreeze(desk: Arc<Desk>, order: Order<Lifting>) -> Result<freeze::Model> {
    let permit = order.check(&desk, Duty::Unfreeze, false).await?;
    let key = order.key(permit.duty())?;
    for _ in 0..ATTEMPTS {
        let now = desk.clock.now();
        let db = desk.database.begin_write().await?;
        catalogue::raise_version(&*db, now).await?;
        let row = find(&*db, order.deed.freeze).await?;
        if key.find(&*db, now).await?.is_some() {
            return Ok(row);
        }
        if row.lifted_at.is_some() {
            return Err(Error::new(
                Code::Conflict,
                "Die Sperre ist schon aufgehoben.",
                "The freeze is lifted already.",
            )
            .with("field", "freeze")
            .next("Nichts mehr zu tun.", "Nothing is left to do."));
        }
        let phase = phases::key(phases::current(&desk.live.snapshot())?);
        let lifted = freeze::ActiveModel { id: Set(row.id), lifted_at: Set(Some(now)), ..Default::default() };
        let lifted = lifted.update(&*db).await?;
        if !key.keep(&*db, written(row.id, &permit, phase), now).await? {
            db.roll_back().await?;
            continue;
        }
        let json = |row: &freeze::Model| serde_json::to_value(row).map_err(Error::internal).map(Some);
        let (before, after) = (json(&row)?, json(&lifted)?);
        let act = Act { permit: &permit, entity: ("Freeze", row.id), before, after };
        order.record(&desk, &*db, act, &[Changed { kind: Type::Freeze, id: row.id, version: None }], now).await?;
        db.commit().await?;
        desk.live.refresh().await;
        return Ok(lifted);
    }
    Err(busy())
}

fn check(deed: &Freezing, today: Date) -> Result<()> {
    check_text("message", &deed.message, LONGEST_MESSAGE)?;
    if deed.message.trim().is_empty() {
        return Err(Error::bad_input(
            "message",
            "message ist leer. Bitte in einem Satz sagen, warum gesperrt ist.",
            "message is empty. Please say in a sentence why it is frozen.",
        ));
    }
    let from = deed.from.unwrap_or(today);
    if from < today {
        return Err(Error::bad_input(
            "from",
            format!("from liegt in der Vergangenheit. Möglich ist ab heute, {}.", german_day(today)),
            format!("from lies in the past. Possible is from today, {today}."),
        ));
    }
    match deed.until {
        Some(until) if until < from => Err(Error::bad_input(
            "until",
            format!("until liegt vor dem ersten Tag. Möglich ist ab {}.", german_day(from)),
            format!("until lies before the first day. Possible is from {from}."),
        )),
        _ => Ok(()),
    }
}

async fn find(db: &impl sea_orm::ConnectionTrait, id: Uuid) -> Result<freeze::Model> {
    freeze::Entity::find_by_id(id).one(db).await?.ok_or_else(|| {
        Error::new(Code::NotFound, "Eine Sperre mit dieser Kennung gibt es nicht.", "There is no freeze with this id.")
            .with("field", "freeze")
    })
}
