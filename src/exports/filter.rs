//! Which things of a kind go into an export: decided by their canonical rows, so it holds as of the same moment as they do.

use std::{borrow::Cow, collections::HashSet};

use ::entity::{change::Type, product_subscription::State};
use sea_orm::prelude::Uuid;
use serde::{Deserialize, Serialize};

use crate::{
    catalogue::Snapshot,
    error::{Error, Result},
    ids::global_id,
};

/// Which things of a kind. All parts that are given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Filter {
    /// Of this Kreis and the municipalities in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub district: Option<Uuid>,
    /// Of this municipality.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub municipality: Option<Uuid>,
    /// Of this provider: its products; subscriptions to them, and those that it takes itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Uuid>,
    /// In one of these states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub states: Option<Vec<State>>,
}

impl Filter {
    /// Refuses what says nothing about things of a kind.
    pub fn check(&self, kind: Type) -> Result<()> {
        let parts = [
            ("filter.district", self.district.is_some(), [Type::ProductSubscription, Type::Municipality].as_slice()),
            ("filter.municipality", self.municipality.is_some(), &[Type::ProductSubscription]),
            ("filter.provider", self.provider.is_some(), &[Type::ProductSubscription, Type::Product]),
            ("filter.states", self.states.is_some(), &[Type::ProductSubscription]),
        ];
        if let Some((field, ..)) = parts.iter().find(|(_, is_given, kinds)| *is_given && !kinds.contains(&kind)) {
            return Err(Error::bad_input(
                field,
                format!("{field} sagt nichts über das, was exportiert werden soll. Bitte weglassen."),
                format!("{field} says nothing about what is to be exported. Please leave it out."),
            ));
        }
        if self.states.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::bad_input(
                "filter.states",
                "filter.states ist leer. Bitte Zustände nennen oder weglassen.",
                "filter.states is empty. Please name states, or leave it out.",
            ));
        }
        Ok(())
    }

    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The filter, ready to be asked about many rows. A Kreis has the municipalities, and a provider the products, that it has in
    /// the catalogue of today.
    pub(super) fn compile(&self, snapshot: &Snapshot) -> Compiled {
        let id_of = |id: Uuid| global_id("Municipality", id);
        let in_district = self.district.map(|district| {
            let members = snapshot.municipalities.find(district).map(|at| &snapshot.municipalities[at].members);
            let members = members.into_iter().flatten().map(|at| snapshot.municipalities[*at].row.id);
            members.chain([district]).map(id_of).collect()
        });
        let of_provider = self.provider.map(|provider| {
            let products = snapshot.providers.find(provider).map(|at| &snapshot.providers[at].products);
            let products = products.into_iter().flatten().map(|at| snapshot.products[*at].row.id);
            products.map(|id| global_id("Product", id)).chain([global_id("Provider", provider)]).collect()
        });
        Compiled { in_district, municipality: self.municipality.map(id_of), of_provider, states: self.states.clone() }
    }
}

/// A filter that many rows are asked about.
#[derive(Debug)]
pub(super) struct Compiled {
    in_district: Option<HashSet<String>>,
    municipality: Option<String>,
    /// The provider, and its products.
    of_provider: Option<HashSet<String>>,
    states: Option<Vec<State>>,
}

/// What a canonical row says that can be asked for.
#[derive(Deserialize)]
struct Told<'r> {
    #[serde(borrow)]
    id: Cow<'r, str>,
    #[serde(borrow)]
    municipality: Option<Cow<'r, str>>,
    #[serde(borrow)]
    provider: Option<Cow<'r, str>>,
    #[serde(borrow)]
    product: Option<Cow<'r, str>>,
    state: Option<State>,
}

impl Compiled {
    /// Whether a canonical row of a kind goes through.
    pub(super) fn takes(&self, kind: Type, row: &str) -> Result<bool> {
        let Self { in_district, municipality, of_provider, states } = self;
        if in_district.is_none() && municipality.is_none() && of_provider.is_none() && states.is_none() {
            return Ok(true);
        }
        let told: Told<'_> = serde_json::from_str(row).map_err(Error::internal)?;
        let place = if kind == Type::Municipality { Some(&told.id) } else { told.municipality.as_ref() };
        let is_in = |ids: &Option<HashSet<String>>, told: &[Option<&Cow<'_, str>>]| {
            ids.as_ref().is_none_or(|ids| told.iter().flatten().any(|id| ids.contains(&***id)))
        };
        let is_there = municipality.as_ref().is_none_or(|wanted| place.is_some_and(|place| place == wanted));
        let has_state = states.as_ref().is_none_or(|states| told.state.is_some_and(|state| states.contains(&state)));
        let has_provider = is_in(of_provider, &[told.provider.as_ref(), told.product.as_ref()]);
        Ok(is_in(in_district, &[place]) && is_there && has_provider && has_state)
    }
}
