//! Everything through the real router, on SQLite and on PostgreSQL, with a fresh database for each test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[macro_use]
mod support;

mod access_table;
mod audit;
mod availability;
mod catalogue;
mod cli;
mod contacts;
mod contract;
mod contract_subscriptions;
mod contracts_and_time;
mod database;
mod explain;
mod freezes;
mod http;
mod identity;
mod input;
mod layers;
mod limits;
mod paging;
mod phase_changes;
mod policies;
mod records;
mod refusals;
mod schema;
mod seeds;
mod subscription_input;
mod subscription_lists;
mod subscriptions;
