//! The database schema, step by step. Each step can go up and down on SQLite and PostgreSQL.
//!
//! Identifiers are frozen here as text: a later rename of an entity never changes an old step.

pub use sea_orm_migration::{prelude::*, seaql_migrations};

mod columns;
mod m20261122_000001_create_municipalities;
mod m20261122_000002_create_providers;
mod m20261122_000003_create_customer_groups;
mod m20261122_000004_create_products;
mod m20261122_000005_create_contacts;
mod m20261122_000006_create_phases;
mod m20261122_000007_create_product_subscriptions;
mod m20261122_000008_create_catalogue_state;
mod m20261123_000009_extend_product_subscriptions;
mod m20261123_000010_create_subscription_history;
mod m20261123_000011_create_records;
mod m20261123_000012_create_idempotency_keys;
mod m20261123_000013_protect_audit_events;
mod m20261123_000014_create_phase_proposals;
mod m20261123_000015_create_freezes;
mod m20261125_000016_anchor_audit_events;
mod m20261125_000017_link_product_subscriptions;
mod m20261125_000018_create_phase_exceptions;
mod m20261125_000019_create_product_versions;
mod m20261125_000020_extend_contacts;
mod m20261125_000022_create_product_aliases;
mod m20261125_000024_create_product_relations;
mod m20261125_000026_extend_product_versions;
mod m20261125_000027_extend_changes;
mod m20261125_000028_create_entity_states;
mod m20261125_000031_create_webhooks;
mod m20261125_000032_create_usage_days;
mod m20261125_000033_add_area_changes;
mod m20261125_000040_create_exports;
mod m20261128_000041_announce_changes;
mod m20261129_000042_hold_catalogue;

/// All steps in order.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_create_municipalities::Migration),
            Box::new(m20261122_000002_create_providers::Migration),
            Box::new(m20261122_000003_create_customer_groups::Migration),
            Box::new(m20261122_000004_create_products::Migration),
            Box::new(m20261122_000005_create_contacts::Migration),
            Box::new(m20261122_000006_create_phases::Migration),
            Box::new(m20261122_000007_create_product_subscriptions::Migration),
            Box::new(m20261122_000008_create_catalogue_state::Migration),
            Box::new(m20261123_000009_extend_product_subscriptions::Migration),
            Box::new(m20261123_000010_create_subscription_history::Migration),
            Box::new(m20261123_000011_create_records::Migration),
            Box::new(m20261123_000012_create_idempotency_keys::Migration),
            Box::new(m20261123_000013_protect_audit_events::Migration),
            Box::new(m20261123_000014_create_phase_proposals::Migration),
            Box::new(m20261123_000015_create_freezes::Migration),
            Box::new(m20261125_000016_anchor_audit_events::Migration),
            Box::new(m20261125_000017_link_product_subscriptions::Migration),
            Box::new(m20261125_000018_create_phase_exceptions::Migration),
            Box::new(m20261125_000019_create_product_versions::Migration),
            Box::new(m20261125_000020_extend_contacts::Migration),
            Box::new(m20261125_000022_create_product_aliases::Migration),
            Box::new(m20261125_000024_create_product_relations::Migration),
            Box::new(m20261125_000026_extend_product_versions::Migration),
            Box::new(m20261125_000027_extend_changes::Migration),
            Box::new(m20261125_000028_create_entity_states::Migration),
            Box::new(m20261125_000031_create_webhooks::Migration),
            Box::new(m20261125_000032_create_usage_days::Migration),
            Box::new(m20261125_000033_add_area_changes::Migration),
            Box::new(m20261125_000040_create_exports::Migration),
            Box::new(m20261128_000041_announce_changes::Migration),
            Box::new(m20261129_000042_hold_catalogue::Migration),
        ]
    }
}
