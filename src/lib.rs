//! itkatalog: the IT catalogue of North Rhine-Westphalia as a GraphQL service.
//!
//! Each layer may use those named before it: plain things first (`text`, `error`, `clock`,
//! `config`, `database`), the rules (`access`), what is published (`catalogue`), the nouns with their
//! behaviour, data to start with (`seed`), GraphQL, HTTP, the server, and the command line on top.

// The futures of all queries are one type, and an optimised build looks through it.
#![recursion_limit = "256"]

pub mod access;
pub mod area_changes;
pub mod as_of;
pub mod audit;
pub mod availability;
pub mod batch;
pub mod catalogue;
pub mod changes;
pub mod cli;
pub mod clock;
pub mod condition;
pub mod config;
pub mod contacts;
pub mod customer_groups;
pub mod database;
pub mod desk;
pub mod equivalents;
pub mod error;
pub mod exports;
pub mod feed;
pub mod feed_watch;
pub mod freezes;
pub mod graphql;
pub mod http;
pub mod idempotency;
pub mod identity;
pub mod ids;
pub mod joinings;
pub mod listing;
pub mod merger_coverage;
pub mod merger_moves;
pub mod merger_plans;
pub mod mergers;
pub mod municipalities;
pub mod orders;
pub mod outbound;
pub mod overlaps;
pub mod phase_changes;
pub mod phase_exceptions;
pub mod phase_rehearsals;
pub mod phases;
pub mod policies;
pub mod portfolios;
pub mod prices;
pub mod product_matches;
pub mod product_relations;
pub mod products;
pub mod providers;
pub mod publishing;
pub mod records;
pub mod seed;
pub mod server;
pub mod standard_products;
pub mod states;
pub mod subscriptions;
pub mod text;
pub mod usage;
pub mod webhooks;
