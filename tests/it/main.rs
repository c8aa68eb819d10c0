//! Everything through the real router, on SQLite and on PostgreSQL, with a fresh database for each test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[macro_use]
mod support;

mod availability;
mod catalogue;
mod cli;
mod contacts;
mod contract;
mod database;
mod http;
mod input;
mod layers;
mod limits;
mod paging;
mod schema;
mod seeds;
