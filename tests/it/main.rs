//! Everything through the real router, on SQLite and on PostgreSQL, with a fresh database for each test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[macro_use]
mod support;

mod access_table;
mod as_of;
mod audit;
mod audit_archive;
mod audit_chain;
mod availability;
mod catalogue;
mod cli;
mod collective;
mod contact_changes;
mod contact_persons;
mod contact_sequences;
mod contacts;
mod contract;
mod contract_subscriptions;
mod contracts_and_time;
mod customer_groups;
mod database;
mod equivalents;
mod explain;
mod four_eyes;
mod freezes;
mod http;
mod identity;
mod input;
mod joinings;
mod layers;
mod limits;
mod mergers;
mod moves;
mod overlaps;
mod paging;
mod phase_changes;
mod phase_exceptions;
mod phase_rehearsals;
mod policies;
mod portfolios;
mod product_relations;
mod product_steps;
mod product_versions;
mod records;
mod refusals;
mod schema;
mod seeds;
mod sequences;
mod standard_products;
mod subscription_input;
mod subscription_lists;
mod subscriptions;
