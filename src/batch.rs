//! Writes that need nothing of each other: a round trip for each is most of what a change of one row costs.
//!
//! INVARIANT: no two writes of a batch are of the same row: PostgreSQL would carry out one of them.

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, Insert, IntoActiveModel, Iterable, QueryResult, QueryTrait,
    StatementBuilder, UpdateMany,
    sea_query::{
        Alias, CommonTableExpression, Expr, ExprTrait, Query, SelectStatement, SubQueryStatement, WithClause, WithQuery,
    },
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
    /// Place of the claim among what waits.
    claim: Option<usize>,
    is_taken: bool,
}

impl<'d, C: ConnectionTrait> Batch<'d, C> {
    /// An empty one.
    pub fn new(db: &'d C) -> Self {
        Self { db, waiting: Vec::new(), values: 0, claim: None, is_taken: false }
    }

    /// Inserts a row that may be there already, of which there is one in a batch: then nothing of the batch may be committed, and
    /// [`Batch::finish`] says so. Comes first: whoever else has the row is waited for.
    pub async fn claim<A: ActiveModelTrait>(&mut self, insert: Insert<A>) -> Result<(), DbErr> {
        let mut insert = insert.into_query();
        if !database::writes_together(self.db) {
            self.is_taken = Box::pin(self.db.execute(&insert)).await?.rows_affected() == 0;
            return Ok(());
        }
        self.claim = Some(self.waiting.len());
        let values = <A::Entity as EntityTrait>::Column::iter().count();
        self.add(insert.returning(Query::returning().expr(Expr::cust("1"))).take(), values).await
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
        if self.is_taken {
            return Ok(());
        }
        if !database::writes_together(self.db) {
            return Box::pin(self.db.execute(&statement)).await.map(drop);
        }
        self.waiting.push(statement.into());
        self.values += values;
        if self.values > MOST_VALUES { Box::pin(self.send()).await } else { Ok(()) }
    }

    /// The database, without what still waits.
    pub fn database(&self) -> &'d C {
        self.db
    }

    /// What was written so far, for who reads it.
    pub async fn written(&mut self) -> Result<&'d C, DbErr> {
        Box::pin(self.send()).await?;
        Ok(self.db)
    }

    /// Writes what waits. False when the row that was claimed was there already: then nothing may be committed.
    pub async fn finish(mut self) -> Result<bool, DbErr> {
        Box::pin(self.send()).await?;
        Ok(!self.is_taken)
    }

    /// The same, and reads a row once the claim is written, in the same statement where the database takes it so. What was written
    /// besides the claim is not in what is read. None when the row that was claimed was there already, or there is none to read.
    pub async fn finish_with(mut self, select: SelectStatement) -> Result<Option<QueryResult>, DbErr> {
        if !self.waiting.is_empty() {
            return Box::pin(self.send_with(select)).await;
        }
        if self.is_taken { Ok(None) } else { self.db.query_one(&select).await }
    }

    async fn send(&mut self) -> Result<(), DbErr> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let is_claim = self.claim.is_some();
        let told = self.send_with(Query::select().expr(Expr::cust("1")).take()).await?;
        self.is_taken |= is_claim && told.is_none();
        Ok(())
    }

    /// What is read comes to nothing where the claim was not written.
    async fn send_with(&mut self, mut select: SelectStatement) -> Result<Option<QueryResult>, DbErr> {
        self.values = 0;
        let mut together = WithClause::new();
        for (place, statement) in std::mem::take(&mut self.waiting).into_iter().enumerate() {
            let mut part = CommonTableExpression::new();
            part.table_name(part_name(place)).query(statement);
            together.cte(part);
        }
        if let Some(claim) = self.claim.take() {
            let written = Query::select().expr_as(Expr::cust("COUNT(*)"), "rows").from(part_name(claim)).take();
            select.from_subquery(written, "claim").and_where(Expr::col(("claim", "rows")).gt(0));
        }
        let mut query = WithQuery::new();
        self.db.query_one(query.with_clause(together).query(select)).await
    }
}

fn part_name(place: usize) -> Alias {
    Alias::new(format!("w{place}"))
}
