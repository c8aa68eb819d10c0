//! Who takes a product.

use async_graphql::{OneofObject, Union};

use super::{
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
