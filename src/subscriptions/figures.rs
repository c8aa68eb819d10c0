//! What subscriptions come to for one municipality: their yearly cost, and which products it has.

use std::collections::HashSet;

use ::entity::{
    price::{Period, Unit},
    product,
    product_subscription::{self, Column, State},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect,
    prelude::{DateTimeUtc, Uuid},
    sea_query::{CaseStatement, Expr, ExprTrait, Func, Query},
};

use super::list::{has_begun_or_waits, in_state};
use crate::error::{Error, Result};

/// Net cost of a year in cents of what runs: what is due every year or month. What is due once, with every use or as a
/// percentage has no yearly figure and is not in it.
pub async fn annual_cost_cents(db: &impl ConnectionTrait, municipality: Uuid, now: DateTimeUtc) -> Result<i64> {
    // A flat price is due once, however many units there are.
    let units = CaseStatement::new()
        .case(Expr::col(Column::PriceUnit).eq(Unit::Flat), Expr::val(1_i64))
        .finally(Expr::col(Column::Quantity));
    let sum = Func::sum(Expr::col(Column::PriceAmountCents).mul(units));
    let mut query = Query::select();
    query
        .column(Column::PricePeriod)
        // PostgreSQL sums to a numeric.
        .expr(Expr::expr(sum).cast_as("bigint"))
        .from(product_subscription::Entity)
        .and_where(Column::MunicipalityId.eq(municipality))
        .and_where(Column::PriceAmountCents.is_not_null())
        .and_where(Column::PricePeriod.is_in([Period::Year, Period::Month]))
        .cond_where(is_running(now))
        .group_by_col(Column::PricePeriod);
    let rows = db.query_all(&query).await?;
    let sums: Vec<(Period, i64)> = rows.iter().map(|row| row.try_get_many_by_index()).collect::<Result<_, DbErr>>()?;
    let mut yearly = sums.into_iter().map(|(period, cents)| match period {
        Period::Month => cents.checked_mul(12),
        _ => Some(cents),
    });
    let total = yearly.try_fold(0_i64, |total, cents| total.checked_add(cents?));
    total.ok_or_else(|| Error::internal("the yearly cost is too large to be summed up"))
}

/// Products that a municipality has: agreed or running.
pub async fn products_of(db: &impl ConnectionTrait, municipality: Uuid, now: DateTimeUtc) -> Result<HashSet<Uuid>> {
    let products: Vec<Uuid> = product_subscription::Entity::find()
        .select_only()
        .column(Column::ProductId)
        .distinct()
        .filter(Column::MunicipalityId.eq(municipality))
        .filter(Condition::any().add(in_state(State::Approved, now)).add(is_running(now)))
        .into_tuple()
        .all(db)
        .await?;
    Ok(products.into_iter().collect())
}

/// Products of a provider that somebody takes or has asked for.
pub async fn products_in_use(db: &impl ConnectionTrait, provider: Uuid, now: DateTimeUtc) -> Result<HashSet<Uuid>> {
    // Each product's subscriptions are looked at up to the first that counts.
    let is_taken = Query::select()
        .expr(Expr::val(1))
        .from(product_subscription::Entity)
        .and_where(
            Expr::col((product_subscription::Entity, Column::ProductId)).equals(product::Column::Id.as_column_ref()),
        )
        .cond_where(has_begun_or_waits(now))
        .take();
    let products: Vec<Uuid> = product::Entity::find()
        .select_only()
        .column(product::Column::Id)
        .filter(product::Column::ProviderId.eq(provider))
        .filter(Expr::exists(is_taken))
        .into_tuple()
        .all(db)
        .await?;
    Ok(products.into_iter().collect())
}

fn is_running(now: DateTimeUtc) -> Condition {
    Condition::any().add(in_state(State::Active, now)).add(in_state(State::Terminating, now))
}
