//! Writes that need nothing of each other: a round trip for each is most of what a change of one row costs.
//!
//! INVARIANT: no two writes of a batch are of the same row: PostgreSQL would carry out one of them.

use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, Iterable, QueryTrait, UpdateMany,
    sea_query::{Alias, CommonTableExpression, Expr, Query, SubQueryStatement, WithClause},
};

use crate::database;

/// Values that are sent at once: a statement costs memory with each.
const MOST_VALUES: usize = 2_000;

/// Writes that are sent together, in the order in which they are given or at once.
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

    async fn add(&mut self, statement: impl Into<SubQueryStatement>, values: usize) -> Result<(), DbErr> {
        if self.values + values > MOST_VALUES {
            Box::pin(self.send()).await?;
        }
        self.waiting.push(statement.into());
        self.values += values;
        Ok(())
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

    // On the heap wherever it is waited for: every change of the service has it within it.
    async fn send(&mut self) -> Result<(), DbErr> {
        self.values = 0;
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.len() < 2 || !database::writes_together(self.db) {
            for statement in waiting {
                execute(self.db, statement).await?;
            }
            return Ok(());
        }
        let mut together = WithClause::new();
        for (place, statement) in waiting.into_iter().enumerate() {
            let mut part = CommonTableExpression::new();
            part.table_name(Alias::new(format!("w{place}"))).query(statement);
            together.cte(part);
        }
        self.db.execute(&together.query(Query::select().expr(Expr::val(1)).take())).await.map(drop)
    }
}

async fn execute(db: &impl ConnectionTrait, statement: SubQueryStatement) -> Result<(), DbErr> {
    let done = match &statement {
        SubQueryStatement::SelectStatement(statement) => db.execute(statement).await,
        SubQueryStatement::InsertStatement(statement) => db.execute(statement).await,
        SubQueryStatement::UpdateStatement(statement) => db.execute(statement).await,
        SubQueryStatement::DeleteStatement(statement) => db.execute(statement).await,
        SubQueryStatement::WithStatement(statement) => db.execute(statement).await,
    };
    done.map(drop)
}
