//! What every step writes again and again: an id, a foreign key, an index, a list of tables to drop.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{pk_uuid, uuid, uuid_null};

/// A new table with a UUID primary key `id`.
pub fn table_with_id(name: &'static str) -> TableCreateStatement {
    Table::create().table(name).col(pk_uuid("id")).take()
}

/// Adds a column that refers to the `id` of another table.
pub fn reference(table: &mut TableCreateStatement, column: &'static str, to: &'static str) {
    table.col(uuid(column));
    foreign_key(table, column, to);
}

/// Adds a column that may refer to the `id` of another table.
pub fn reference_null(table: &mut TableCreateStatement, column: &'static str, to: &'static str) {
    table.col(uuid_null(column));
    foreign_key(table, column, to);
}

fn foreign_key(table: &mut TableCreateStatement, column: &'static str, to: &'static str) {
    let from = table.get_table_name().cloned();
    let mut key = ForeignKey::create();
    if let Some(from) = from {
        key.from_tbl(from);
    }
    table.foreign_key(key.from_col(column).to(to, "id"));
}

/// Creates an index named after its table and columns.
pub async fn index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
    unique: bool,
) -> Result<(), DbErr> {
    let name = format!("{}_{table}_{}", if unique { "uq" } else { "ix" }, columns.join("_"));
    let mut statement = Index::create().name(name).table(table).take();
    for column in columns {
        statement.col(*column);
    }
    if unique {
        statement.unique();
    }
    manager.create_index(statement).await
}

/// Drops tables in the order given.
pub async fn drop_tables(manager: &SchemaManager<'_>, tables: &[&'static str]) -> Result<(), DbErr> {
    for table in tables {
        manager.drop_table(Table::drop().table(*table).take()).await?;
    }
    Ok(())
}
