//! Writes that need nothing of each other: a round trip for each is most of what a change of one row costs.
//!
//! INVARIANT: no two writes of a batch are of the same row: PostgreSQL would carry out one of them.

use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, Iterable, QueryTrait, StatementBuilder, UpdateMany,
    sea_query::{Alias, CommonTableExpression, Expr, Query, SubQueryStatement, WithClause},
};

use crate::database;

/// Values that wait at most: a statement costs memory with each.
const MOST_VALUES: usize = 2_000;

/// Writes that PostgreSQL carries out at once, and SQLite as they come.
#[derive(Debug)]
pub struct Batch<'d, C> {
    db: &'d C,
    waiting: Vec<SubQueryStatement>,
    values: usize,
}

impl<'d, C: ConnectionTrait> Batch<'d, C> {
    /// An empty one.
    pub fn new(db: &'d C) -> Self {
        Self { db, waiting: Vec::new(), values: 0 }
    }

    /// Inserts rows.
    pub async fn insert<E>(&mut self, rows: Vec<E::Model>) -> Result<(), DbErr>
    where
        E: EntityTrait,
        E::Model: IntoActiveModel<E::ActiveModel>,
    {
        if rows.is_empty() {
            return Ok(());
        }
        let values = rows.len() * E::Column::iter().count();
        let rows = rows.into_iter().map(IntoActiveModel::into_active_model);
        self.add(E::insert_many(rows).into_query(), values).await
    }

    /// Updates rows.
    pub async fn update<E: EntityTrait>(&mut self, update: UpdateMany<E>) -> Result<(), DbErr> {
        self.add(update.into_query(), E::Column::iter().count()).await
    }

    // What waits lies on the heap: every change of the service has this within it.
    async fn add<S: StatementBuilder + Into<SubQueryStatement>>(
        &mut self,
        statement: S,
        values: usize,
    ) -> Result<(), DbErr> {
        if !database::writes_together(self.db) {
            return Box::pin(self.db.execute(&statement)).await.map(drop);
        }
        self.waiting.push(statement.into());
        self.values += values;
        if self.values > MOST_VALUES { Box::pin(self.send()).await } else { Ok(()) }
    }

    /// What was written so far, for who reads it.
    pub async fn written(&mut self) -> Result<&'d C, DbErr> {
        Box::pin(self.send()).await?;
        Ok(self.db)
    }

    /// Writes what waits.
    pub async fn finish(mut self) -> Result<(), DbErr> {
        Box::pin(self.send()).await
    }

    async fn send(&mut self) -> Result<(), DbErr> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        self.values = 0;
        let mut together = WithClause::new();
        for (place, statement) in waiting.into_iter().enumerate() {
            let mut part = CommonTableExpression::new();
            part.table_name(Alias::new(format!("w{place}"))).query(statement);
            together.cte(part);
        }
        self.db.execute(&together.query(Query::select().expr(Expr::val(1)).take())).await.map(drop)
    }
}
