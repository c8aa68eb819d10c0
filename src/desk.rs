//! What a change needs from its surroundings: database, catalogue, clock, rules.

use std::sync::Arc;

use crate::{
    access::Engine, catalogue::Live, clock::Clock, database::Database, exports::Writer, feed_watch::Watch,
    usage::Meter, webhooks::Office,
};

/// The surroundings of every change; one for the whole process.
#[derive(Clone, Debug)]
pub struct Desk {
    /// The database.
    pub database: Database,
    /// The published catalogue.
    pub live: Arc<Live>,
    /// How far the change feed has gone.
    pub feed: Arc<Watch>,
    /// The clock.
    pub clock: Clock,
    /// The rules.
    pub engine: Arc<Engine>,
    /// What sending webhooks needs.
    pub webhooks: Arc<Office>,
    /// What writing exports needs.
    pub exports: Arc<Writer>,
    /// How often clients ask.
    pub usage: Arc<Meter>,
}
