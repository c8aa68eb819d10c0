//! Which municipalities a successor serves after a merger: its own and those of who went into it, from the day on.
//!
//! Rows are dated: what a provider served until the day stays told.

use ::entity::provider_coverage::{self as row, Column};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    prelude::{Date, Uuid},
};
use serde::Serialize;

/// Rows in one statement: both databases take that many values.
const ROWS_IN_STATEMENT: usize = 1_000;

/// What becomes of coverage.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Coverage {
    /// Rows of those that merge, which end the day before.
    pub ended: Vec<Uuid>,
    /// Rows of those that merge, which would have begun on the day or later.
    pub removed: Vec<Uuid>,
    /// What the successor serves in addition.
    pub begun: Vec<Begun>,
    /// What the successor serves longer than before: which of its rows, until when.
    pub prolonged: Vec<(Uuid, Option<Date>)>,
}

/// A municipality that the successor serves in addition.
#[derive(Clone, Debug, Serialize)]
pub struct Begun {
    /// Which one.
    pub municipality: Uuid,
    /// From this day on.
    pub from: Date,
    /// Last day.
    pub to: Option<Date>,
    /// What it rests on, where that comes from, and how sure it is.
    pub words: (String, String, String),
}

/// Works out what becomes of coverage.
pub async fn draw(db: &impl ConnectionTrait, into: Uuid, providers: &[Uuid], on: Date) -> Result<Coverage, DbErr> {
    let rows = |ids: Vec<Uuid>| row::Entity::find().filter(Column::ProviderId.is_in(ids)).order_by_asc(Column::Id);
    let own = rows(vec![into]).all(db).await?;
    let mut coverage = Coverage::default();
    for row in rows(providers.to_vec()).all(db).await? {
        if row.valid_to.is_some_and(|to| to < on) {
            continue;
        }
        let begins_later = row.valid_from.is_some_and(|from| from >= on);
        if begins_later {
            coverage.removed.push(row.id)
        } else {
            coverage.ended.push(row.id)
        }
        unite(&mut coverage, &own, row, on);
    }
    Ok(coverage)
}

/// Adds one row to what the successor serves, unless it does so already.
fn unite(coverage: &mut Coverage, own: &[row::Model], row: row::Model, on: Date) {
    let from = row.valid_from.map_or(on, |from| from.max(on));
    let municipality = row.municipality_id;
    let same_town = || own.iter().filter(|own| own.municipality_id == municipality);
    let covers =
        |own: &&row::Model| own.valid_from.is_none_or(|begin| begin <= from) && reaches(own.valid_to, row.valid_to);
    if same_town().any(|own| covers(&own)) {
        return;
    }
    // INVARIANT: one row for each provider, municipality and first day.
    if let Some(own) = same_town().find(|own| own.valid_from == Some(from)) {
        match coverage.prolonged.iter_mut().find(|(id, _)| *id == own.id) {
            Some((_, to)) => *to = later(*to, row.valid_to),
            None => coverage.prolonged.push((own.id, row.valid_to)),
        }
        return;
    }
    match coverage.begun.iter_mut().find(|begun| (begun.municipality, begun.from) == (municipality, from)) {
        Some(begun) => begun.to = later(begun.to, row.valid_to),
        None => {
            let words = (row.basis, row.source, row.confidence);
            coverage.begun.push(Begun { municipality, from, to: row.valid_to, words });
        }
    }
}

/// The later of two last days; none goes on for ever.
fn later(one: Option<Date>, other: Option<Date>) -> Option<Date> {
    one.zip(other).map(|(one, other)| one.max(other))
}

/// Whether something lasts at least as long as something else.
fn reaches(own: Option<Date>, other: Option<Date>) -> bool {
    own.is_none_or(|own| other.is_some_and(|other| other <= own))
}

/// Writes what becomes of coverage.
pub async fn carry_out(db: &impl ConnectionTrait, coverage: &Coverage, into: Uuid, on: Date) -> Result<(), DbErr> {
    for ids in coverage.ended.chunks(ROWS_IN_STATEMENT) {
        row::Entity::update_many()
            .col_expr(Column::ValidTo, sea_orm::sea_query::Expr::value(on.pred_opt()))
            .filter(Column::Id.is_in(ids.iter().copied()))
            .exec(db)
            .await?;
    }
    for ids in coverage.removed.chunks(ROWS_IN_STATEMENT) {
        row::Entity::delete_many().filter(Column::Id.is_in(ids.iter().copied())).exec(db).await?;
    }
    for (id, to) in &coverage.prolonged {
        row::ActiveModel { id: Set(*id), valid_to: Set(*to), ..Default::default() }.update(db).await?;
    }
    for begun in coverage.begun.chunks(ROWS_IN_STATEMENT) {
        let rows = begun.iter().map(|begun| {
            let (basis, source, confidence) = begun.words.clone();
            let row = row::Model {
                id: Uuid::new_v4(),
                provider_id: into,
                municipality_id: begun.municipality,
                basis,
                valid_from: Some(begun.from),
                valid_to: begun.to,
                source,
                confidence,
            };
            row.into_active_model()
        });
        row::Entity::insert_many(rows).exec_without_returning(db).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn row(town: u128, from: Option<&str>, to: Option<&str>) -> row::Model {
        row::Model {
            id: Uuid::new_v4(),
            provider_id: Uuid::nil(),
            municipality_id: Uuid::from_u128(town),
            basis: String::new(),
            valid_from: from.map(day),
            valid_to: to.map(day),
            source: String::new(),
            confidence: String::new(),
        }
    }

    #[test]
    fn coverage_is_united_without_a_gap_and_without_the_same_twice() {
        let on = day("2026-11-23");
        let own =
            [row(1, None, None), row(2, None, Some("2027-01-31")), row(3, Some("2026-11-23"), Some("2026-12-31"))];
        let mut coverage = Coverage::default();
        for moved in [
            row(1, None, None),
            row(2, None, None),
            row(3, Some("2020-01-01"), Some("2027-06-30")),
            row(4, None, Some("2026-12-31")),
            row(4, None, Some("2027-12-31")),
            row(5, Some("2027-01-01"), None),
        ] {
            unite(&mut coverage, &own, moved, on);
        }
        let begun: Vec<_> = coverage.begun.iter().map(|row| (row.municipality.as_u128(), row.from, row.to)).collect();
        let expected = [(2, on, None), (4, on, Some(day("2027-12-31"))), (5, day("2027-01-01"), None)];
        assert_eq!(begun, expected);
        assert_eq!(coverage.prolonged, [(own[2].id, Some(day("2027-06-30")))]);
    }
}
