//! Audit events name the set of policies in force, and old ones can be archived: an anchor tells up to where, and only
//! events at or below the newest anchor may be deleted. Anchors are append-only themselves.

#[allow(clippy::wildcard_imports)]
use sea_orm_migration::schema::*;
use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::columns::*;

/// This step.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

/// What the chain covered before this step, and so never changes.
const CHAINED: [&str; 18] = [
    "sequence",
    "at",
    "action",
    "outcome",
    "issuer",
    "subject",
    "roles",
    "organisation",
    "entity_type",
    "entity_id",
    "content_digest",
    "reason_code",
    "reason_digest",
    "reason_reference",
    "rule",
    "hash",
    "request_id",
    "previous_hash",
];
/// What the chain covers since.
const NEW: &str = "policies";
/// What may be emptied, but not rewritten.
const ERASABLE: [&str; 4] = ["before", "after", "reason_text", "salt"];
/// Whether an event is in an archive.
const IS_ARCHIVED: &str = "EXISTS (SELECT 1 FROM audit_anchors WHERE audit_anchors.sequence >= OLD.sequence)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut table = Table::create().table("audit_anchors").take();
        table.col(big_integer("sequence")).col(text("hash")).col(big_integer("events")).col(text("file_digest"));
        table.col(timestamp_with_time_zone("archived_at"));
        table.primary_key(Index::create().col("sequence"));
        manager.create_table(table).await?;
        let add = Table::alter().table("audit_events").add_column(text_null(NEW)).take();
        manager.alter_table(add).await?;
        let columns: Vec<&str> = CHAINED.into_iter().chain([NEW]).collect();
        match manager.get_database_backend() {
            DbBackend::Postgres => {
                execute(manager, &[postgres_function(&columns, true), POSTGRES_ANCHORS.to_owned()]).await
            }
            _ => {
                execute(manager, &SQLITE_DROP.map(str::to_owned)).await?;
                execute(manager, &sqlite_triggers(&columns, true)).await?;
                execute(manager, &SQLITE_ANCHORS.map(str::to_owned)).await
            }
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let is_postgres = manager.get_database_backend() == DbBackend::Postgres;
        // SQLite drops no column that a trigger names.
        match is_postgres {
            true => execute(manager, &[postgres_function(&CHAINED, false)]).await?,
            false => execute(manager, &SQLITE_DROP.map(str::to_owned)).await?,
        }
        manager.alter_table(Table::alter().table("audit_events").drop_column(NEW).take()).await?;
        drop_tables(manager, &["audit_anchors"]).await?;
        match is_postgres {
            true => execute(manager, &["DROP FUNCTION audit_anchors_refuse()".to_owned()]).await,
            false => execute(manager, &sqlite_triggers(&CHAINED, false)).await,
        }
    }
}

async fn execute(manager: &SchemaManager<'_>, statements: &[String]) -> Result<(), DbErr> {
    for statement in statements {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}

/// Whether an update changes what must not be changed.
fn forbidden(chained: &[&str], differs: &str) -> String {
    let chained = chained.iter().map(|column| format!("NEW.\"{column}\" {differs} OLD.\"{column}\""));
    let erasable = ERASABLE
        .iter()
        .map(|column| format!("(NEW.\"{column}\" IS NOT NULL AND NEW.\"{column}\" {differs} OLD.\"{column}\")"));
    chained.chain(erasable).collect::<Vec<_>>().join(" OR ")
}

const SQLITE_DROP: [&str; 2] = ["DROP TRIGGER audit_events_no_update", "DROP TRIGGER audit_events_no_delete"];
const SQLITE_ANCHORS: [&str; 2] = [
    "CREATE TRIGGER audit_anchors_no_update BEFORE UPDATE ON audit_anchors \
     BEGIN SELECT RAISE(ABORT, 'audit_anchors is append-only'); END",
    "CREATE TRIGGER audit_anchors_no_delete BEFORE DELETE ON audit_anchors \
     BEGIN SELECT RAISE(ABORT, 'audit_anchors is append-only'); END",
];

fn sqlite_triggers(chained: &[&str], has_anchors: bool) -> [String; 2] {
    let condition = forbidden(chained, "IS NOT");
    let unless_archived = if has_anchors { format!("WHEN NOT {IS_ARCHIVED} ") } else { String::new() };
    [
        format!(
            "CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events WHEN {condition} \
             BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END"
        ),
        format!(
            "CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events {unless_archived}\
             BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END"
        ),
    ]
}

const POSTGRES_ANCHORS: &str = "CREATE FUNCTION audit_anchors_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
     RAISE EXCEPTION 'audit_anchors is append-only'; END $$; \
     CREATE TRIGGER audit_anchors_protect BEFORE UPDATE OR DELETE ON audit_anchors \
     FOR EACH ROW EXECUTE FUNCTION audit_anchors_refuse(); \
     CREATE TRIGGER audit_anchors_protect_all BEFORE TRUNCATE ON audit_anchors \
     FOR EACH STATEMENT EXECUTE FUNCTION audit_anchors_refuse()";

/// The triggers stay; the function that they call is another one.
fn postgres_function(chained: &[&str], has_anchors: bool) -> String {
    let condition = forbidden(chained, "IS DISTINCT FROM");
    let delete = format!("IF TG_OP = 'DELETE' THEN IF {IS_ARCHIVED} THEN RETURN OLD; END IF; END IF; ");
    let delete = if has_anchors { delete } else { String::new() };
    format!(
        "CREATE OR REPLACE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF TG_OP = 'UPDATE' THEN IF NOT ({condition}) THEN RETURN NEW; END IF; END IF; \
         {delete}RAISE EXCEPTION 'audit_events is append-only'; END $$"
    )
}
