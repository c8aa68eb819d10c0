//! Facets: what the products of a list have in common, counted over all of its pages.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use ::entity::product::{DeliveryMode, Lifecycle};
use async_graphql::{
    Context, Description, Object, ObjectType, SimpleObject, connection::PageInfo, resolver_utils::EnumType,
};

use super::{
    availability::AvailableProduct,
    connection::{Connection, Edge, page},
    context::{reading, snapshot},
    in_turn::InTurn,
    product::{self, Product},
};
use crate::{
    availability::Availability,
    catalogue::{self, At, Found, Snapshot},
    error,
    listing::{Listing, Window},
    text::Text,
};

/// A page of a list of products, after Relay's connection specification.
#[derive(SimpleObject)]
#[graphql(concrete(name = "ProductConnection", params(Product)))]
#[graphql(concrete(name = "AvailableProductConnection", params(AvailableProduct)))]
pub struct ProductPage<N: ObjectType>
where
    Edge<N>: ObjectType,
{
    /// The rows of this page, each with its cursor.
    edges: Vec<InTurn<Edge<N>>>,
    /// Whether there is more, and the cursors to go on with.
    page_info: PageInfo,
    /// Rows of the whole list, all pages together.
    total_count: i32,
    /// What the products of the whole list have in common, all pages together.
    facets: ProductFacets,
}

/// How many products of a list have what in common (Facetten): of the whole list as it is filtered and searched, all pages together,
/// and of nothing that the caller may not see. A filter also narrows its own facet (conjunctive facets): to offer other values of it, ask
/// without that filter. The highest count first, equal ones by key; values that no product has are left out.
#[derive(Description)]
pub struct ProductFacets(Listed);

/// A value and how many products of the list have it.
#[derive(SimpleObject)]
pub struct Facet {
    /// The value as the filter of the same name takes it with `eq`.
    key: String,
    /// The value for people: the name of a category or provider as it is, all others in the language of the request.
    name: String,
    /// Products of the list that have it: `totalCount` of the same list with this filter too.
    count: i32,
}

/// The products of a list, for its facets: nothing is worked out for those who ask for none.
pub enum Listed {
    /// Of the published catalogue.
    Published(Arc<[At<catalogue::Product>]>),
    /// That were looked for.
    Found(Arc<[Found]>),
    /// That a municipality can have or not.
    Available(Arc<[Availability]>),
    /// Some of them in no snapshot.
    Mixed(Arc<[Result<At<catalogue::Product>, Arc<catalogue::Product>>]>),
}

/// Cuts a page out of a list of products and turns its rows into nodes.
pub fn product_page<T: Clone, N: ObjectType>(
    listing: Listing<'_, T>,
    window: &Window,
    listed: fn(Arc<[T]>) -> Listed,
    node: impl Fn(T) -> N,
) -> error::Result<ProductPage<N>>
where
    Edge<N>: ObjectType,
{
    let facets = ProductFacets(listed(listing.whole()));
    let Connection { edges, page_info, total_count } = page(listing, window, node)?;
    Ok(ProductPage { edges, page_info, total_count, facets })
}

impl Listed {
    fn each<'p>(&'p self, snapshot: &'p Snapshot, mut take: impl FnMut(&'p catalogue::Product)) {
        match self {
            Self::Published(rows) => rows.iter().for_each(|at| take(&snapshot.products[*at])),
            Self::Found(rows) => rows.iter().for_each(|found| take(&snapshot.products[found.product])),
            Self::Available(rows) => rows.iter().for_each(|found| take(&snapshot.products[found.product])),
            Self::Mixed(rows) => rows.iter().for_each(|row| match row {
                Ok(at) => take(&snapshot.products[*at]),
                Err(product) => take(product),
            }),
        }
    }
}

impl ProductFacets {
    /// Counts what products have, and names each value.
    fn count<K: Ord>(
        &self,
        context: &Context<'_>,
        value: impl Fn(&catalogue::Product) -> K,
        named: impl Fn(&K) -> (String, String),
    ) -> Vec<Facet> {
        let mut counts: BTreeMap<K, i32> = BTreeMap::new();
        self.0.each(snapshot(context), |product| *counts.entry(value(product)).or_default() += 1);
        let facet = |(value, count): (K, i32)| {
            let (key, name) = named(&value);
            Facet { key, name, count }
        };
        let mut facets: Vec<Facet> = counts.into_iter().map(facet).collect();
        facets.sort_by(|one, other| (Reverse(one.count), &one.key).cmp(&(Reverse(other.count), &other.key)));
        facets
    }
}

#[Object(use_type_description)]
impl ProductFacets {
    /// By category, the one that the product names; a top category is the sum of those below it.
    async fn category(&self, context: &Context<'_>) -> Vec<Facet> {
        self.count(
            context,
            |product| product.category,
            |at| {
                let row = &snapshot(context).categories[*at].row;
                (row.key.clone(), row.name.clone())
            },
        )
    }

    /// By provider.
    async fn provider(&self, context: &Context<'_>) -> Vec<Facet> {
        self.count(
            context,
            |product| product.provider,
            |at| {
                let row = &snapshot(context).providers[*at].row;
                (row.key.clone(), row.name.clone())
            },
        )
    }

    /// By where the product stands.
    async fn lifecycle(&self, context: &Context<'_>) -> Vec<Facet> {
        let language = reading(context).language;
        self.count(
            context,
            |product| product.row.lifecycle,
            |value| (key(product::Lifecycle::from(*value)), lifecycle(*value).in_language(language)),
        )
    }

    /// By how it is delivered.
    async fn delivery_mode(&self, context: &Context<'_>) -> Vec<Facet> {
        let language = reading(context).language;
        self.count(
            context,
            |product| product.row.delivery_mode,
            |value| (key(product::DeliveryMode::from(*value)), delivery_mode(*value).in_language(language)),
        )
    }

    /// By whether it is a base service: `true` and `false`.
    async fn base_service(&self, context: &Context<'_>) -> Vec<Facet> {
        let language = reading(context).language;
        self.count(
            context,
            |product| product.row.base_service,
            |value| (value.to_string(), base_service(*value).in_language(language)),
        )
    }
}

/// The name of an enum's value in the schema.
fn key<T: EnumType>(value: T) -> String {
    T::items().iter().find(|item| item.value == value).map_or_else(String::new, |item| item.name.to_owned())
}

fn lifecycle(value: Lifecycle) -> Text {
    match value {
        Lifecycle::Draft => Text::new("Entwurf", "Draft"),
        Lifecycle::InReview => Text::new("In Prüfung", "In review"),
        Lifecycle::Planned => Text::new("Geplant", "Planned"),
        Lifecycle::Available => Text::new("Verfügbar", "Available"),
        Lifecycle::PhaseOut => Text::new("Läuft aus", "Being phased out"),
        Lifecycle::Retired => Text::new("Eingestellt", "Retired"),
    }
}

fn delivery_mode(value: DeliveryMode) -> Text {
    match value {
        DeliveryMode::Central => Text::new("Zentral", "Central"),
        DeliveryMode::Regional => Text::new("Regional", "Regional"),
        DeliveryMode::Decentral => Text::new("Dezentral", "Decentral"),
    }
}

fn base_service(is_base_service: bool) -> Text {
    if is_base_service {
        Text::new("Basisdienst", "Base service")
    } else {
        Text::new("Kein Basisdienst", "No base service")
    }
}
