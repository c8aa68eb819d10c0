//! Who serves a successor after an area change: its own providers and those of its predecessors, from the day on.
//!
//! Rows are dated: who served a predecessor until the day stays told.

use std::collections::BTreeSet;

use ::entity::provider_coverage::{self as row, Column};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    prelude::{Date, Uuid},
    sea_query::{Expr, OnConflict},
};

use super::plan::Write;

/// Moves the coverage of those that an import dissolves; which providers it concerns.
pub async fn follow(db: &impl ConnectionTrait, writes: &[Write]) -> Result<BTreeSet<Uuid>, DbErr> {
    let mut concerned = BTreeSet::new();
    for write in writes.iter().filter(|write| write.newly_dissolved()) {
        if let (Some(on), Some(into)) = (write.after.dissolved_on, write.after.merged_into_id) {
            concerned.extend(of_one(db, write.after.id, into, on).await?);
        }
    }
    Ok(concerned)
}

async fn of_one(db: &impl ConnectionTrait, from: Uuid, into: Uuid, on: Date) -> Result<Vec<Uuid>, DbErr> {
    let of = |id: Uuid| row::Entity::find().filter(Column::MunicipalityId.eq(id)).order_by_asc(Column::Id);
    let mut own = of(into).all(db).await?;
    let goes_on = |row: &row::Model| row.valid_to.is_none_or(|to| on <= to);
    let mut rows = of(from).all(db).await?;
    rows.retain(goes_on);
    let begins_later = |row: &&row::Model| row.valid_from.is_some_and(|from| on <= from);
    let (removed, ended): (Vec<&row::Model>, Vec<&row::Model>) = rows.iter().partition(begins_later);
    let ids = |rows: Vec<&row::Model>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    row::Entity::update_many()
        .col_expr(Column::ValidTo, Expr::value(on.pred_opt()))
        .filter(Column::Id.is_in(ids(ended)))
        .exec(db)
        .await?;
    row::Entity::delete_many().filter(Column::Id.is_in(ids(removed))).exec(db).await?;
    let mut written = Vec::new();
    for row in &rows {
        written.extend(unite(&mut own, row, into, on));
    }
    // The last word on a row counts; one statement takes each only once.
    let mut last: Vec<row::Model> = Vec::new();
    for row in written.into_iter().rev() {
        if last.iter().all(|known| known.id != row.id) {
            last.push(row);
        }
    }
    if !last.is_empty() {
        let kept = OnConflict::column(Column::Id).update_column(Column::ValidTo).to_owned();
        let rows = last.into_iter().map(IntoActiveModel::into_active_model);
        row::Entity::insert_many(rows).on_conflict(kept).exec_without_returning(db).await?;
    }
    Ok(rows.iter().map(|row| row.provider_id).collect())
}

/// What has to be written so that a provider goes on for the successor as long as it would have for the predecessor.
fn unite(own: &mut Vec<row::Model>, row: &row::Model, into: Uuid, on: Date) -> Option<row::Model> {
    let from = row.valid_from.map_or(on, |from| from.max(on));
    let reaches = |own: Option<Date>| own.is_none_or(|own| row.valid_to.is_some_and(|to| to <= own));
    let of_provider = |own: &row::Model| own.provider_id == row.provider_id;
    let covers = |own: &row::Model| own.valid_from.is_none_or(|begin| begin <= from) && reaches(own.valid_to);
    if own.iter().any(|own| of_provider(own) && covers(own)) {
        return None;
    }
    // INVARIANT: one row for each provider, municipality and first day.
    if let Some(known) = own.iter_mut().find(|own| of_provider(own) && own.valid_from == Some(from)) {
        known.valid_to = row.valid_to;
        return Some(known.clone());
    }
    let (id, valid_from) = (Uuid::new_v4(), Some(from));
    let begun = row::Model { id, municipality_id: into, valid_from, ..row.clone() };
    own.push(begun.clone());
    Some(begun)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn row(provider: u128, from: Option<&str>, to: Option<&str>) -> row::Model {
        row::Model {
            id: Uuid::new_v4(),
            provider_id: Uuid::from_u128(provider),
            municipality_id: Uuid::nil(),
            basis: String::new(),
            valid_from: from.map(day),
            valid_to: to.map(day),
            source: String::new(),
            confidence: String::new(),
        }
    }

    #[test]
    fn who_served_a_predecessor_serves_the_successor_without_a_gap_and_not_twice() {
        let (on, into) = (day("2026-11-01"), Uuid::from_u128(9));
        let mut own =
            vec![row(1, None, None), row(2, None, Some("2026-12-31")), row(3, Some("2026-11-01"), Some("2026-12-31"))];
        let mut united = |moved: row::Model| {
            unite(&mut own, &moved, into, on).map(|row| (row.provider_id.as_u128(), row.valid_from, row.valid_to))
        };
        assert_eq!(united(row(1, None, Some("2027-01-31"))), None);
        assert_eq!(united(row(2, None, None)), Some((2, Some(on), None)));
        assert_eq!(united(row(3, None, None)), Some((3, Some(on), None)));
        assert_eq!(united(row(4, Some("2027-01-01"), None)), Some((4, Some(day("2027-01-01")), None)));
        assert_eq!(united(row(4, Some("2027-01-01"), None)), None);
    }
}
