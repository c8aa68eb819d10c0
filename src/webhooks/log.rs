//! The log of attempts: page by page, newest first, and what is too old removed.

use ::entity::webhook_delivery::{self, Column};
use chrono::TimeDelta;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, Order, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
    prelude::{DateTimeUtc, Uuid},
};

use crate::{
    database::Database,
    error::{Error, Result},
    listing::{Cut, Key, Position, Value, Window},
};

/// Name of the list, for its cursors.
const LIST: &str = "webhook deliveries";
/// How long attempts are kept.
const KEPT: TimeDelta = TimeDelta::days(30);

/// The attempts of one webhook.
#[derive(Clone, Copy, Debug)]
pub struct Deliveries {
    /// Of which.
    pub webhook: Uuid,
}

impl Deliveries {
    /// A page, newest first.
    pub async fn page(&self, db: &impl ConnectionTrait, window: &Window) -> Result<Cut<webhook_delivery::Model>> {
        let keyset = window.keyset(LIST)?;
        let mut condition = self.condition();
        if let Some(after) = keyset.after {
            condition = condition.add(beyond("after", after, false)?);
        }
        if let Some(before) = keyset.before {
            condition = condition.add(beyond("before", before, true)?);
        }
        let direction = || if keyset.is_backwards { Order::Asc } else { Order::Desc };
        let query = webhook_delivery::Entity::find().filter(condition);
        let query = query.order_by(Column::At, direction()).order_by(Column::Id, direction());
        let rows = query.limit(keyset.limit()).all(db).await?;
        Ok(keyset.cut(LIST, rows, |row| Position(vec![Key::new(row.at.timestamp_micros(), true)], row.id)))
    }

    /// How many there are.
    pub async fn count(&self, db: &impl ConnectionTrait) -> Result<u64> {
        Ok(webhook_delivery::Entity::find().filter(self.condition()).count(db).await?)
    }

    fn condition(&self) -> Condition {
        Condition::all().add(Column::WebhookId.eq(self.webhook))
    }
}

/// Rows on one side of a position; later ones stand first.
fn beyond(field: &str, position: &Position, is_before: bool) -> Result<Condition> {
    let foreign = || {
        Error::bad_input(
            field,
            format!("{field} ist kein Cursor dieser Liste."),
            format!("{field} is no cursor of this list."),
        )
    };
    let [Key::Down(std::cmp::Reverse(Value::Int(micros)))] = position.0.as_slice() else { return Err(foreign()) };
    let at = DateTimeUtc::from_timestamp_micros(*micros).ok_or_else(foreign)?;
    // The databases know fewer years than a number does.
    if !(1900..2200).contains(&chrono::Datelike::year(&at)) {
        return Err(foreign());
    }
    let (further, id) = match is_before {
        true => (Column::At.gt(at), Column::Id.gt(position.1)),
        false => (Column::At.lt(at), Column::Id.lt(position.1)),
    };
    Ok(Condition::any().add(further).add(Condition::all().add(Column::At.eq(at)).add(id)))
}

/// Removes attempts that are older than 30 days. How many.
pub async fn prune(database: &Database, now: DateTimeUtc) -> Result<u64, DbErr> {
    let db = database.begin_write().await?;
    let old = webhook_delivery::Entity::delete_many().filter(Column::At.lt(now - KEPT));
    let removed = old.exec(&*db).await?.rows_affected;
    db.commit().await?;
    Ok(removed)
}
