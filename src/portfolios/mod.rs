//! Portfolios: what a provider offers, in its own words, registered as a whole or product by product.
//!
//! A [`Row`] is what a provider writes: texts, any of which can be wrong. [`check`] makes an [`Entry`] of it or tells
//! everything that is wrong. An entry is what a product comes to in its provider's words: two entries can be compared, one
//! can be written ([`store`]), kept as a version, and read back as a row. [`plan`] compares a portfolio with what is there,
//! and [`register`] is the door through which it is written. [`mod@file`] reads rows from files.

pub mod changes;
pub mod check;
pub mod differences;
mod entry;
pub mod file;
pub mod lifecycle;
pub mod plan;
mod pricing;
pub mod register;
pub mod reviews;
mod row;
pub mod steps;
pub mod store;
mod values;
pub mod versions;
mod written;

pub use check::Surroundings;
pub use entry::{Entry, EntryPrice};
pub use row::{Row, RowPrice, digest};
