//! The tables as Rust types: one file per table, enumerations stored as text.
//!
//! Nothing here queries, decides or answers: that is the business of the nouns in `itkatalog`.

pub mod audit_anchor;
pub mod audit_event;
pub mod catalogue_state;
pub mod category;
pub mod change;
pub mod contact;
pub mod contact_assignment;
pub mod customer_group;
pub mod customer_group_member;
pub mod entity_state;
pub mod estimate_assumption;
pub mod export;
pub mod export_part;
pub mod freeze;
pub mod idempotency_key;
pub mod joining;
pub mod landschaftsverband;
pub mod municipality;
pub mod overlap_decision;
pub mod phase;
pub mod phase_exception;
pub mod phase_exit_criterion;
pub mod phase_proposal;
pub mod portfolio_registration;
pub mod price;
pub mod product;
pub mod product_alias;
pub mod product_customer_group;
pub mod product_key;
pub mod product_municipality;
pub mod product_relation;
pub mod product_subscription;
pub mod product_version;
pub mod provider;
pub mod provider_coverage;
pub mod provider_merger;
pub mod provider_merger_predecessor;
pub mod record_head;
pub mod standard_product;
pub mod subscription_history;
pub mod usage_day;
pub mod webhook;
pub mod webhook_delivery;
pub mod webhook_entry;
