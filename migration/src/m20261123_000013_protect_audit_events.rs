//! The audit trail is append-only, in the database too: an event is never deleted, and of what was written only that may be
//! emptied which stands beside the chain (texts, contents, and the salt of their digests).

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

/// This step.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

/// What the chain covers, and so never changes.
const CHAINED: [&str; 16] = [
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
];
/// What may be emptied, but not rewritten.
const ERASABLE: [&str; 4] = ["before", "after", "reason_text", "salt"];
/// What the chain covers besides.
const CHAINED_TOO: [&str; 2] = ["request_id", "previous_hash"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements = match manager.get_database_backend() {
            DbBackend::Postgres => postgres(),
            _ => sqlite(),
        };
        for statement in statements {
            manager.get_connection().execute_unprepared(&statement).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements: &[&str] = match manager.get_database_backend() {
            DbBackend::Postgres => &[
                "DROP TRIGGER audit_events_protect ON audit_events",
                "DROP TRIGGER audit_events_protect_all ON audit_events",
                "DROP FUNCTION audit_events_refuse()",
            ],
            _ => &["DROP TRIGGER audit_events_no_update", "DROP TRIGGER audit_events_no_delete"],
        };
        for statement in statements {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

/// Whether an update changes what must not be changed.
fn forbidden(differs: &str) -> String {
    let chained =
        CHAINED.iter().chain(&CHAINED_TOO).map(|column| format!("NEW.\"{column}\" {differs} OLD.\"{column}\""));
    let erasable = ERASABLE
        .iter()
        .map(|column| format!("(NEW.\"{column}\" IS NOT NULL AND NEW.\"{column}\" {differs} OLD.\"{column}\")"));
    chained.chain(erasable).collect::<Vec<_>>().join(" OR ")
}

fn sqlite() -> Vec<String> {
    let condition = forbidden("IS NOT");
    vec![
        format!(
            "CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events WHEN {condition} \
             BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END"
        ),
        "CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events \
         BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END"
            .to_owned(),
    ]
}

fn postgres() -> Vec<String> {
    let condition = forbidden("IS DISTINCT FROM");
    vec![
        format!(
            "CREATE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF TG_OP = 'UPDATE' THEN IF NOT ({condition}) THEN RETURN NEW; END IF; END IF; \
             RAISE EXCEPTION 'audit_events is append-only'; END $$"
        ),
        "CREATE TRIGGER audit_events_protect BEFORE UPDATE OR DELETE ON audit_events \
         FOR EACH ROW EXECUTE FUNCTION audit_events_refuse()"
            .to_owned(),
        "CREATE TRIGGER audit_events_protect_all BEFORE TRUNCATE ON audit_events \
         FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse()"
            .to_owned(),
    ]
}
