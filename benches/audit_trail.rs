//! Fills the audit trail of a database with chained events, for `bench/audit.py`:
//! `cargo bench --bench audit_trail -- DATABASE_URL EVENTS`. Each has what a changed subscription's has.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use entity::{audit_event, record_head};
use itkatalog::{audit, config::Config, config::Flags, database::Database, policies};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel, prelude::Uuid};

/// Rows in one statement: SQLite takes 32,766 values.
const ROWS_AT_ONCE: i64 = 1_000;

#[tokio::main]
async fn main() {
    // Cargo adds an argument of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [url, events] = arguments.as_slice() else {
        println!("usage: cargo bench --bench audit_trail -- DATABASE_URL EVENTS");
        return;
    };
    let flags = Flags { database_url: Some(url.clone()), ..Flags::default() };
    let database = Database::connect(&Config::load(&flags).unwrap()).await.unwrap();
    database.migrate_up().await.unwrap();
    fill(&database, events.parse().unwrap()).await;
    database.close().await.unwrap();
}

async fn fill(database: &Database, events: i64) {
    let engine = policies::embedded().unwrap();
    let mut last = audit::head(database).await.unwrap();
    let end = last.sequence + events;
    let db = database.begin_write().await.unwrap();
    while last.sequence < end {
        let mut rows = Vec::new();
        while last.sequence < end && (rows.len() as i64) < ROWS_AT_ONCE {
            let row = event(&last, engine.fingerprint());
            (last.sequence, last.hash) = (row.sequence, row.hash.clone());
            rows.push(row.into_active_model());
        }
        audit_event::Entity::insert_many(rows).exec_without_returning(&*db).await.unwrap();
    }
    let (audit_sequence, audit_hash) = (Set(last.sequence), Set(last.hash));
    let head = record_head::ActiveModel { id: Set(1), audit_sequence, audit_hash, ..Default::default() };
    head.update(&*db).await.unwrap();
    db.commit().await.unwrap();
}

/// An event ten seconds after the one before.
fn event(last: &audit::Head, policies: &str) -> audit_event::Model {
    let sequence = last.sequence + 1;
    let id = Uuid::from_u128(sequence as u128 / 4);
    let row = |state: &str, version: i64| {
        format!(
            "{{\"id\":\"{id}\",\"municipality_id\":\"{id}\",\"provider_id\":null,\"product_id\":\"{id}\",\"state\":\"{state}\",\
             \"version\":{version},\"quantity\":120,\"origin\":\"REQUESTED\",\"legal_basis\":\"PUBLIC_LAW_AGREEMENT\",\
             \"requested_from\":\"2027-01-01\",\"agreed_from\":\"2027-02-01\",\"price_cents\":123456,\"unit\":\"WORKPLACE\",\
             \"period\":\"YEAR\",\"open_matter\":null,\"awaits\":null,\"expires_at\":null,\"updated_at\":\"2026-11-23T09:00:00Z\"}}"
        )
    };
    audit::seal(audit_event::Model {
        sequence,
        at: chrono::DateTime::from_timestamp(1_767_225_600 + sequence * 10, 0).unwrap(),
        action: "APPROVE_SUBSCRIPTION".to_owned(),
        outcome: audit_event::Outcome::Committed,
        issuer: "https://id.example/realms/it".to_owned(),
        subject: "8a5f3c1e-account-manager".to_owned(),
        roles: "[\"ACCOUNT_MANAGER\"]".to_owned(),
        organisation: Some(id.to_string()),
        entity_type: Some("ProductSubscription".to_owned()),
        entity_id: Some(id),
        before: Some(row("REQUESTED", 1)),
        after: Some(row("APPROVED", 2)),
        content_digest: None,
        reason_code: Some("OTHER".to_owned()),
        reason_text: Some("Der Rat hat den Bezug am 3. Februar beschlossen.".to_owned()),
        reason_digest: None,
        reason_reference: Some("Ratsbeschluss 12/2026".to_owned()),
        rule: Some("account-manager-approves-initial-portfolio".to_owned()),
        policies: Some(policies.to_owned()),
        request_id: Some(id.to_string()),
        salt: Some(id.simple().to_string()),
        previous_hash: last.hash.clone(),
        hash: String::new(),
    })
}
