//! The rows of the snapshot: what the tables hold, joined.

use std::{collections::HashMap, sync::Arc};

use ::entity::{
    category, contact, contact_assignment, customer_group, joining, landschaftsverband, municipality, phase,
    phase_exit_criterion, price,
    product::{self, Lifecycle},
    provider, provider_merger, provider_merger_predecessor, standard_product,
};
use sea_orm::{
    FromQueryResult,
    prelude::{Date, Uuid},
};

use super::At;

/// A municipality or Kreis.
#[derive(Debug)]
pub struct Municipality {
    /// Its table row.
    pub row: municipality::Model,
    /// Folded name, for ordering.
    pub name_key: String,
    /// Its Kreis.
    pub district: Option<At<Municipality>>,
    /// Municipalities of this Kreis.
    pub members: Vec<At<Municipality>>,
    /// Its Landschaftsverband.
    pub landschaftsverband: landschaftsverband::Code,
    /// Customer groups it belongs to, smallest first.
    pub groups: Vec<At<CustomerGroup>>,
    /// Providers that serve it.
    pub served_by: Vec<Served<Provider>>,
    /// Levels of joining, oldest first.
    pub joinings: Vec<joining::Model>,
    /// The municipality that it goes into on its `dissolved_on`, or has gone into.
    pub merged_into: Option<At<Municipality>>,
    /// Municipalities that have gone into it, or will, by name.
    pub predecessors: Vec<At<Municipality>>,
}

/// One end of a coverage, with its validity.
#[derive(Debug)]
pub struct Served<T> {
    /// The other end.
    pub at: At<T>,
    /// First day.
    pub from: Option<Date>,
    /// Last day.
    pub to: Option<Date>,
}

/// A provider.
#[derive(Debug)]
pub struct Provider {
    /// Its table row.
    pub row: provider::Model,
    /// Folded name, for ordering.
    pub name_key: String,
    /// Folded short name.
    pub short_name_key: String,
    /// Municipalities it serves.
    pub serves: Vec<Served<Municipality>>,
    /// Its published products, by name.
    pub products: Vec<At<Product>>,
    /// Published products that it had before it merged, by its own keys of then.
    pub former_products: HashMap<String, At<Product>>,
    /// Levels of joining, oldest first.
    pub joinings: Vec<joining::Model>,
    /// Providers that it has gone into, or will, each with its first day.
    pub went_into: Vec<(Date, At<Self>)>,
}

/// A merger of providers.
#[derive(Clone, Debug)]
pub struct Merger {
    /// Its table row.
    pub row: provider_merger::Model,
    /// Who went into it.
    pub predecessors: Vec<provider_merger_predecessor::Model>,
}

/// A category.
#[derive(Debug)]
pub struct Category {
    /// Its table row.
    pub row: category::Model,
    /// The upper level.
    pub parent: Option<At<Category>>,
    /// The lower level, in order.
    pub children: Vec<At<Category>>,
}

/// A standard product.
#[derive(Debug)]
pub struct StandardProduct {
    /// Its table row.
    pub row: standard_product::Model,
    /// Folded name, for ordering.
    pub name_key: String,
    /// Its category.
    pub category: At<Category>,
    /// Published products that implement it, by name.
    pub implementations: Vec<At<Product>>,
}

/// A published product.
#[derive(Debug)]
pub struct Product {
    /// Its table row, which later snapshots share while it stays as it is.
    pub row: Arc<product::Model>,
    /// Folded name, for ordering.
    pub name_key: String,
    /// Whose portfolio.
    pub provider: At<Provider>,
    /// Its category.
    pub category: At<Category>,
    /// The standard product it implements.
    pub standard_product: Option<At<StandardProduct>>,
    /// LeiKa keys.
    pub leika_keys: Vec<String>,
    /// OZG ids.
    pub ozg_ids: Vec<String>,
    /// Municipalities it is offered to, when its service area is a list.
    pub listed: Vec<At<Municipality>>,
    /// Groups whose members may have it; empty for no restriction.
    pub eligible_groups: Vec<At<CustomerGroup>>,
    /// Prices, oldest first.
    pub prices: Vec<Price>,
    /// Products that it can't be used without, by name.
    pub requires: Vec<At<Product>>,
    /// Products whose place it takes, by name.
    pub replaces: Vec<At<Product>>,
    /// Products that take its place, by name.
    pub replaced_by: Vec<At<Product>>,
    /// Products that it can't be used together with, as it says itself, by name.
    pub excludes: Vec<At<Product>>,
}

/// A price.
#[derive(Debug)]
pub struct Price {
    /// Its table row.
    pub row: price::Model,
    /// For members of this group only.
    pub group: Option<At<CustomerGroup>>,
}

/// A customer group.
#[derive(Debug)]
pub struct CustomerGroup {
    /// Its table row.
    pub row: customer_group::Model,
    /// Members by rule and by hand, by name.
    pub members: Vec<At<Municipality>>,
}

/// The public part of a contact: its function. What concerns a person is never loaded into the snapshot.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Contact {
    /// Identity.
    pub id: Uuid,
    /// The function, as people know it.
    pub function: String,
    /// Mailbox of the function.
    pub email: String,
    /// Telephone of the function.
    pub phone: Option<String>,
    /// When somebody last confirmed that this is right.
    pub confirmed_at: Option<Date>,
    /// Last day.
    pub valid_until: Option<Date>,
    /// Invented for demonstration.
    pub sample: bool,
    /// Whose it is: a provider,
    pub provider_id: Option<Uuid>,
    /// or the account managers of a customer group; the central provider when neither is set.
    pub customer_group_id: Option<Uuid>,
    /// Rises with every change.
    pub version: i64,
}

/// What a contact is responsible for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Responsibility {
    /// A product.
    Product(At<Product>),
    /// A provider's whole portfolio.
    Provider(At<Provider>),
    /// The members of a customer group.
    Group(At<CustomerGroup>),
    /// The municipalities of a Kreis.
    District(At<Municipality>),
    /// Everything else.
    CentralDesk,
}

/// A contact in its place.
#[derive(Debug)]
pub struct Assignment {
    /// Its table row.
    pub row: contact_assignment::Model,
    /// Who.
    pub contact: At<Contact>,
}

/// A transformation phase.
#[derive(Debug)]
pub struct Phase {
    /// Its table row.
    pub row: phase::Model,
    /// Its exit criteria, in order.
    pub exit_criteria: Vec<phase_exit_criterion::Model>,
}

impl From<contact::Model> for Contact {
    fn from(row: contact::Model) -> Self {
        Self {
            id: row.id,
            function: row.function,
            email: row.email,
            phone: row.phone,
            confirmed_at: row.confirmed_at,
            valid_until: row.valid_until,
            sample: row.sample,
            provider_id: row.provider_id,
            customer_group_id: row.customer_group_id,
            version: row.version,
        }
    }
}

/// Where a published product stands on a day, by the days that it names: they move it on, whoever writes it down.
pub fn stands_on(row: &product::Model, day: Date) -> Lifecycle {
    let reached = |date: Option<Date>| date.is_some_and(|date| date <= day);
    match row.lifecycle {
        hidden @ (Lifecycle::Draft | Lifecycle::InReview) => hidden,
        _ if reached(row.retired_from) => Lifecycle::Retired,
        Lifecycle::Planned | Lifecycle::Available if reached(row.phase_out_from) => Lifecycle::PhaseOut,
        Lifecycle::Planned if reached(row.available_from) => Lifecycle::Available,
        stands => stands,
    }
}

/// The level of joining on a day, from a list that is oldest first.
pub fn joining_on(joinings: &[joining::Model], day: Date) -> Option<&joining::Model> {
    joinings.iter().rev().find(|joining| joining.valid_from <= day)
}

impl Municipality {
    /// Whether it has gone into another one by a day.
    pub fn is_dissolved_on(&self, day: Date) -> bool {
        self.row.dissolved_on.is_some_and(|on| on <= day)
    }
}

impl Assignment {
    /// Whether it holds on a day, as far as the place goes.
    pub fn holds_on(&self, day: Date) -> bool {
        self.row.valid_from.is_none_or(|from| from <= day) && self.row.valid_until.is_none_or(|until| day <= until)
    }
}

impl<T> Served<T> {
    /// Whether the coverage holds on a day.
    pub fn holds_on(&self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }
}
