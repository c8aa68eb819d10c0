//! Reading many product subscriptions, column by column in their order.
//!
//! The library looks for each column by its name, and writes an error for each null before it takes it for none, of which a
//! row has some twenty.

use std::sync::LazyLock;

use sea_orm::{
    ActiveEnum, ConnectionTrait, DbErr, FromQueryResult, IdenStatic, Iterable, QueryResult,
    sea_query::{Expr, Query, SelectStatement},
    sqlx::{Decode, Postgres, Row as _, Sqlite, postgres::PgRow, sqlite::SqliteRow},
};

use crate::product_subscription::{Column, Entity, Model};

/// The columns as they are selected. Written once: writing them anew is much of what a statement costs.
static COLUMNS: LazyLock<String> = LazyLock::new(|| {
    let table = Entity.as_str();
    let columns = Column::iter().map(|column| format!(r#""{table}"."{}""#, column.as_str()));
    columns.collect::<Vec<_>>().join(", ")
});

/// Selects all subscriptions, to be narrowed and read by [`all`].
pub fn select() -> SelectStatement {
    Query::select().expr(Expr::cust(COLUMNS.as_str())).from(Entity).take()
}

/// Reads the subscriptions that are selected.
pub async fn all(db: &impl ConnectionTrait, select: &SelectStatement) -> Result<Vec<Model>, DbErr> {
    db.query_all(select).await?.iter().map(read).collect()
}

/// The same with a number that was selected after the columns, the same in each row; none where there are no rows.
pub async fn all_counted(
    db: &impl ConnectionTrait,
    select: &SelectStatement,
    is_counted: bool,
) -> Result<(Vec<Model>, Option<i64>), DbErr> {
    let rows = db.query_all(select).await?;
    let first = rows.first().filter(|_| is_counted);
    let count = first.map(|row| row.try_get_by_index(Column::iter().count())).transpose()?;
    Ok((rows.iter().map(read).collect::<Result<_, _>>()?, count))
}

fn read(row: &QueryResult) -> Result<Model, DbErr> {
    if let Some(row) = row.try_as_pg_row() {
        of_postgres(row)
    } else if let Some(row) = row.try_as_sqlite_row() {
        of_sqlite(row)
    } else {
        Model::from_query_result(row, "")
    }
}

fn known<E: ActiveEnum<Value = String>>(text: String) -> Result<E, DbErr> {
    E::try_from_value(&text)
}

fn known_or_none<E: ActiveEnum<Value = String>>(text: Option<String>) -> Result<Option<E>, DbErr> {
    text.map(known).transpose()
}

macro_rules! reader {
    ($name:ident, $database:ty, $row:ty) => {
        fn $name(row: &$row) -> Result<Model, DbErr> {
            // INVARIANT: the columns have the types of the fields: the migrations say so, and tests read every one of them.
            fn take<'r, T: Decode<'r, $database>>(row: &'r $row, at: &mut usize) -> Result<T, DbErr> {
                let value = row.try_get_unchecked(*at).map_err(|error| DbErr::Type(error.to_string()));
                *at += 1;
                value
            }
            let at = &mut 0;
            // INVARIANT: the fields stand in the order of the columns.
            Ok(Model {
                id: take(row, at)?,
                municipality_id: take(row, at)?,
                provider_id: take(row, at)?,
                product_id: take(row, at)?,
                state: known(take(row, at)?)?,
                version: take(row, at)?,
                quantity: take(row, at)?,
                origin: known(take(row, at)?)?,
                legal_basis: known_or_none(take(row, at)?)?,
                requested_from: take(row, at)?,
                agreed_from: take(row, at)?,
                active_since: take(row, at)?,
                ends_on: take(row, at)?,
                notice_months: take(row, at)?,
                term_end: take(row, at)?,
                price_unit: known(take(row, at)?)?,
                price_period: known(take(row, at)?)?,
                price_amount_cents: take(row, at)?,
                price_percent_basis_points: take(row, at)?,
                price_vat_basis_points: take(row, at)?,
                open_matter: known_or_none(take(row, at)?)?,
                awaits: known_or_none(take(row, at)?)?,
                open_quantity: take(row, at)?,
                open_on: take(row, at)?,
                expires_at: take(row, at)?,
                asked_by_issuer: take(row, at)?,
                asked_by_subject: take(row, at)?,
                asked_by_organisation: take(row, at)?,
                asked_in: known_or_none(take(row, at)?)?,
                open_product_id: take(row, at)?,
                predecessor_id: take(row, at)?,
                successor_id: take(row, at)?,
                collective_id: take(row, at)?,
                collective_by: take(row, at)?,
                created_at: take(row, at)?,
                updated_at: take(row, at)?,
                sample: take(row, at)?,
            })
        }
    };
}

reader!(of_postgres, Postgres, PgRow);
reader!(of_sqlite, Sqlite, SqliteRow);
