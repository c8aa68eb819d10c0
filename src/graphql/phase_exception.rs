//! Exceptions to the current phase.

use ::entity::phase_exception;
use async_graphql::{Context, Description, ID, Object, OneofObject};
use sea_orm::prelude::Uuid;

use super::{
    context::{Reading, reading, snapshot},
    node::{global_id, row_id},
    phase::PhaseKey,
    product::Product,
    provider::{Provider, ProviderBy},
    scalars::{Date, DateTime},
};
use crate::{
    catalogue::Snapshot,
    error::{Error, Result},
    phase_exceptions,
};

/// For one product, or all products of one provider, another phase rules than the current one (Ausnahme). Decisions that it
/// changes name it.
#[derive(Description, Clone)]
pub struct PhaseException(pub phase_exception::Model);

#[Object(use_type_description)]
impl PhaseException {
    /// Opaque id.
    async fn id(&self) -> ID {
        global_id("PhaseException", self.0.id)
    }

    /// The phase that rules.
    async fn phase(&self) -> PhaseKey {
        self.0.phase.into()
    }

    /// The product that it is about; null when it is about a provider.
    async fn product(&self, context: &Context<'_>) -> Option<Product> {
        snapshot(context).products.find(self.0.product_id?).map(Product::at)
    }

    /// The provider whose products it is about; null when it is about one product. An exception for a product goes before
    /// one for its provider.
    async fn provider(&self, context: &Context<'_>) -> Option<Provider> {
        snapshot(context).providers.find(self.0.provider_id?).map(Provider)
    }

    /// First day.
    async fn from(&self) -> Date {
        Date(self.0.from_day)
    }

    /// Last day; null until another proposal ends it.
    async fn until(&self) -> Option<Date> {
        self.0.until_day.map(Date)
    }

    /// When it was ended before its last day; null while it holds.
    async fn ended_at(&self) -> Option<DateTime> {
        self.0.ended_at.map(DateTime)
    }
}

impl PhaseException {
    /// Those that hold today, oldest first.
    pub fn held(reading: &Reading) -> Vec<Self> {
        let held = phase_exceptions::held(&reading.snapshot, reading.today);
        held.cloned().map(Self).collect()
    }

    /// The exception with this id; none when it has ended.
    pub fn find(snapshot: &Snapshot, id: Uuid) -> Option<Self> {
        snapshot.phase_exceptions.iter().find(|exception| exception.id == id).cloned().map(Self)
    }
}

/// What an exception is about: exactly one of these.
#[derive(OneofObject)]
pub enum PhaseScope {
    /// One product, by its id.
    Product(ID),
    /// All products of a provider.
    Provider(ProviderBy),
}

impl PhaseScope {
    /// Provider or product that is meant.
    pub fn find(&self, snapshot: &Snapshot) -> Result<(Option<Uuid>, Option<Uuid>)> {
        match self {
            Self::Product(id) => {
                let row = row_id("scope.product", "Product", id)?;
                let found = snapshot.products.find(row);
                found.ok_or_else(|| Error::not_found(id).with("field", "scope.product"))?;
                Ok((None, Some(row)))
            }
            Self::Provider(by) => {
                let at = by.find(snapshot).map_err(|error| error.with("field", "scope.provider"))?;
                Ok((Some(snapshot.providers[at].row.id), None))
            }
        }
    }
}

/// Root fields for exceptions to the current phase.
#[derive(Default)]
pub struct PhaseExceptionQuery;

#[Object]
impl PhaseExceptionQuery {
    /// Exceptions to the current phase that hold today, oldest first.
    async fn phase_exceptions(&self, context: &Context<'_>) -> Vec<PhaseException> {
        PhaseException::held(reading(context))
    }
}
