//! Products that one act changes: written with their versions, and recorded one by one, so that the records of a large portfolio
//! never stand in memory together.

use ::entity::change::Type;
use sea_orm::{
    ConnectionTrait, DbErr,
    prelude::{DateTimeUtc, Uuid},
};
use serde::Serialize;

use super::{
    lifecycle::is_published,
    plan::Facts,
    store::{self, Stored},
    versions::{self, Content},
};
use crate::{
    access::DutyPermit,
    audit::Event,
    desk::Desk,
    error::Result,
    feed::Changed,
    orders::{Act, Order},
};

/// Versions that are kept in one statement.
const VERSIONS_AT_ONCE: usize = 500;

/// Products of one provider that an act changes.
pub struct Changes<'a, 'f, D> {
    /// Rules and database.
    pub desk: &'a Desk,
    /// Who asked.
    pub order: &'a Order<D>,
    /// The right to do it.
    pub permit: &'a DutyPermit,
    /// What they were compared with.
    pub facts: &'f Facts<'f>,
    /// What each was, none for a new one, and what it becomes.
    pub products: Vec<(Option<&'f Stored>, &'f Stored)>,
    /// Now.
    pub now: DateTimeUtc,
}

impl<'a, D: Serialize> Changes<'a, '_, D> {
    /// Writes the products and keeps their versions; to be recorded by the caller, right before the commit.
    pub async fn write(&self, db: &impl ConnectionTrait) -> Result<()> {
        let after: Vec<&Stored> = self.products.iter().map(|(_, after)| *after).collect();
        store::write(db, &after).await?;
        for products in self.products.chunks(VERSIONS_AT_ONCE) {
            let version = |(before, after): &(Option<&Stored>, &Stored)| {
                let was_published = before.is_some_and(|before| is_published(before.row.lifecycle));
                let waits = was_published && !self.order.is_of_steward();
                let done = versions::Done { action: self.permit.duty().into(), now: self.now, waits };
                Ok(done.version(&after.row, self.content(after)?))
            };
            versions::keep(db, products.iter().map(version).collect::<Result<_, DbErr>>()?).await?;
        }
        Ok(())
    }

    /// Entries of the change feed.
    pub fn changed(&self) -> impl Iterator<Item = Changed> {
        let changed =
            |after: &Stored| Changed { kind: Type::Product, id: after.row.id, version: Some(after.row.version) };
        self.products.iter().map(move |(_, after)| changed(after))
    }

    /// Audit events, each made when it is asked for.
    pub fn events(&self) -> Box<dyn Iterator<Item = Result<Event<'a>, DbErr>> + Send + '_>
    where
        D: Sync,
    {
        let event = |(before, after): &(Option<&Stored>, &Stored)| {
            let content = |stored: &Stored| self.content(stored);
            let (before, entity) = (before.map(content).transpose()?, ("Product", after.row.id));
            Ok(Event { before, after: Some(content(after)?), ..self.event(entity) })
        };
        Box::new(self.products.iter().map(event))
    }

    fn event(&self, entity: (&'static str, Uuid)) -> Event<'a> {
        self.order.event(self.desk, Act { permit: self.permit, entity, before: None, after: None })
    }

    fn content(&self, stored: &Stored) -> Result<String, DbErr> {
        let content = Content::of(stored, self.facts.around.snapshot, self.facts.around.today);
        let unknown = || DbErr::Custom("a product refers to what the catalogue does not hold".to_owned());
        serde_json::to_string(&content.ok_or_else(unknown)?).map_err(|error| DbErr::Json(error.to_string()))
    }
}
