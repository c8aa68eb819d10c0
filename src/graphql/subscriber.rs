//! Who takes a product.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, OneofObject, OutputType, Positioned, ServerResult, Union, Value, parser::types::Field,
    registry::Registry,
};

use super::{
    in_turn::InTurn,
    municipality::{Municipality, MunicipalityBy},
    provider::{Provider, ProviderBy},
};
use crate::{catalogue::Snapshot, error::Result, subscriptions};

/// Who takes a product: a municipality, or a provider.
#[derive(Union)]
pub enum Subscriber {
    /// A municipality or Kreis.
    Municipality(Municipality),
    /// A provider.
    Provider(Provider),
}

impl Subscriber {
    /// The subscriber that a row names; none when the catalogue does not hold it.
    pub fn of(row: &subscriptions::Row, snapshot: &Snapshot) -> Option<Self> {
        match subscriptions::Subscriber::of(row)? {
            subscriptions::Subscriber::Municipality(id) => {
                snapshot.municipalities.find(id).map(|at| Self::Municipality(Municipality(at)))
            }
            subscriptions::Subscriber::Provider(id) => {
                snapshot.providers.find(id).map(|at| Self::Provider(Provider(at)))
            }
        }
    }
}

impl OutputType for InTurn<Subscriber> {
    fn type_name() -> Cow<'static, str> {
        Subscriber::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Subscriber::create_type_info(registry)
    }

    async fn resolve(&self, context: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        match self.0 {
            Subscriber::Municipality(municipality) => InTurn(municipality).resolve(context, field).await,
            Subscriber::Provider(provider) => InTurn(provider).resolve(context, field).await,
        }
    }
}

/// Who takes a product: exactly one of these.
#[derive(OneofObject)]
pub enum SubscriberBy {
    /// A municipality or Kreis.
    Municipality(MunicipalityBy),
    /// A provider.
    Provider(ProviderBy),
}

impl SubscriberBy {
    /// Who is meant; NOT_FOUND when there is none.
    pub fn find(&self, snapshot: &Snapshot) -> Result<subscriptions::Subscriber> {
        Ok(match self {
            Self::Municipality(by) => {
                subscriptions::Subscriber::Municipality(snapshot.municipalities[by.find(snapshot)?].row.id)
            }
            Self::Provider(by) => subscriptions::Subscriber::Provider(snapshot.providers[by.find(snapshot)?].row.id),
        })
    }
}
