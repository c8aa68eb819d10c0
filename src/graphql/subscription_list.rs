//! Lists of subscriptions: filter, order, pages.

use async_graphql::{Context, Description, Enum, ID, InputObject, Object, connection::PageInfo};

use super::{
    connection::{Edge, edges},
    context::{Reading, reading},
    in_turn::{InTurn, RowsInTurn},
    input::{BooleanFilter, OrderDirection, Parts, ValueFilter, bounded, order},
    node::row_id,
    scalars::Ags,
    subscription::{ProductSubscription, SubscriptionOrigin, SubscriptionState},
};
use crate::{
    condition::Condition,
    error::{Error, Result},
    listing::Window,
    subscriptions::{
        list::{Field, Is, Wanted},
        scope::Scope,
    },
};

/// Which subscriptions. All parts that are given must hold.
#[derive(Default, InputObject)]
pub struct SubscriptionFilter {
    /// All of these hold too.
    pub and: Option<Vec<SubscriptionFilter>>,
    /// At least one of these holds too.
    pub or: Option<Vec<SubscriptionFilter>>,
    /// This does not hold.
    pub not: Option<Box<SubscriptionFilter>>,
    /// Where it stands today.
    pub state: Option<ValueFilter<SubscriptionState>>,
    /// Id of its product.
    pub product: Option<ValueFilter<ID>>,
    /// Key of the provider that offers the product, or of one that has gone into it.
    pub provider: Option<ValueFilter<String>>,
    /// AGS of the municipality that takes it.
    pub municipality: Option<ValueFilter<Ags>>,
    /// Key of the provider that takes it, or of one that has gone into it.
    pub subscribing_provider: Option<ValueFilter<String>>,
    /// How it came into the catalogue.
    pub origin: Option<ValueFilter<SubscriptionOrigin>>,
    /// Id of the collective request that it was asked in.
    pub collective_request: Option<ValueFilter<ID>>,
    /// Whether a request or change waits for a decision.
    pub waits_for_decision: Option<BooleanFilter>,
    /// Invented for demonstration.
    pub sample: Option<BooleanFilter>,
}

fn condition(filter: SubscriptionFilter, reading: &Reading) -> Result<Condition<Is>> {
    let snapshot = &reading.snapshot;
    let mut parts = Parts::default();
    parts.values("state", filter.state, |state| Ok(state.into()), Is::State)?;
    parts.values("product", filter.product, |id| row_id("where.product", "Product", &id), Is::Product)?;
    // What is unknown fits nothing.
    let provider = |keys: Vec<String>| {
        let keys = reading.with_acting(keys);
        let found = keys.iter().filter_map(|key| snapshot.provider_by_key(key));
        found.map(|at| snapshot.providers[at].row.id).collect()
    };
    parts.keys("provider", filter.provider, |keys| Is::Provider(provider(keys)))?;
    parts.keys("subscribingProvider", filter.subscribing_provider, |keys| Is::SubscribingProvider(provider(keys)))?;
    let municipality = |keys: Vec<String>| {
        let found = keys.iter().filter_map(|ags| snapshot.municipality_by_ags(ags));
        Is::Municipality(found.map(|at| snapshot.municipalities[at].row.id).collect())
    };
    parts.values("municipality", filter.municipality, |ags| Ok(ags.0), municipality)?;
    parts.values("origin", filter.origin, |origin| Ok(origin.into()), Is::Origin)?;
    let collective = |id: ID| row_id("where.collectiveRequest", "CollectiveRequest", &id);
    parts.values("collectiveRequest", filter.collective_request, collective, Is::Collective)?;
    parts.boolean(filter.waits_for_decision, Is::Open);
    parts.boolean(filter.sample, Is::Sample);
    parts.join(filter.and, filter.or, filter.not, |part| condition(part, reading))
}

/// What subscriptions can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Field")]
pub enum SubscriptionOrderField {
    /// When it was first written.
    CreatedAt,
    /// When it was last written.
    UpdatedAt,
}

/// An order of subscriptions.
#[derive(InputObject)]
pub struct SubscriptionOrder {
    /// What is compared.
    pub field: SubscriptionOrderField,
    /// In which direction.
    #[graphql(default_with = "OrderDirection::Asc")]
    pub direction: OrderDirection,
}

/// A page of subscriptions, after Relay's connection specification.
#[derive(Description)]
pub struct ProductSubscriptionConnection {
    edges: Vec<InTurn<Edge<ProductSubscription>>>,
    page_info: PageInfo,
    /// Rows of the whole list, where they were counted with the page.
    total: Option<u64>,
    wanted: Wanted,
}

#[Object(use_type_description)]
impl ProductSubscriptionConnection {
    /// The rows of this page, each with its cursor.
    async fn edges(&self) -> RowsInTurn<'_, InTurn<Edge<ProductSubscription>>> {
        RowsInTurn(&self.edges)
    }

    /// Whether there is more, and the cursors to go on with.
    async fn page_info(&self) -> &PageInfo {
        &self.page_info
    }

    /// Rows of the whole list that the caller may read, all pages together; counted only when asked for.
    async fn total_count(&self, context: &Context<'_>) -> Result<i32> {
        let count = match self.total {
            Some(total) => total,
            None => self.wanted.count(reading(context).subscriptions_db()).await?,
        };
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }
}

/// The paging, filter and order of a list, as they come in.
pub struct Asked {
    /// Which page.
    pub window: Window,
    /// Only these.
    pub filter: Option<SubscriptionFilter>,
    /// In this order.
    pub order_by: Option<Vec<SubscriptionOrder>>,
}

/// A page of what the caller may read and looks for; `only` narrows it to one municipality.
pub async fn page(
    context: &Context<'_>,
    asked: Asked,
    only: Option<sea_orm::prelude::Uuid>,
) -> Result<ProductSubscriptionConnection> {
    let reading = reading(context);
    let condition = bounded(condition(asked.filter.unwrap_or_default(), reading)?, Is::size)?;
    let only = only.map(|id| Condition::Is(Is::Municipality(vec![id])));
    let order_by = asked.order_by.unwrap_or_default().into_iter();
    let wanted = Wanted {
        scope: Scope::of(reading.caller.as_ref(), &reading.snapshot),
        condition: Condition::All(only.into_iter().chain([condition]).collect()),
        order: order(order_by.map(|order| (order.field.into(), order.direction)))?,
        now: reading.now,
    };
    let is_counted = context.look_ahead().field("totalCount").exists();
    let (page, total) = wanted.page(reading.subscriptions_db(), &asked.window, is_counted).await?;
    let node = ProductSubscription::of_page(&page.rows);
    let (edges, page_info) = edges(page, node);
    Ok(ProductSubscriptionConnection { edges, page_info, total, wanted })
}

/// Root fields for subscriptions.
#[derive(Default)]
pub struct SubscriptionQuery;

#[Object]
impl SubscriptionQuery {
    /// Subscriptions that the caller may read, newest first unless ordered: a municipality its own, a provider those to its
    /// products and its own, an account manager those of its groups; stewards, the transformation office, the Land and auditors
    /// all. Empty for everybody else.
    #[allow(clippy::too_many_arguments)]
    async fn subscriptions(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
        #[graphql(name = "where", desc = "Only these subscriptions.")] filter: Option<SubscriptionFilter>,
        #[graphql(desc = "In this order.")] order_by: Option<Vec<SubscriptionOrder>>,
    ) -> Result<ProductSubscriptionConnection> {
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        page(context, Asked { window, filter, order_by }, None).await
    }

    /// One subscription that the caller may read; null and NOT_FOUND for any other.
    async fn subscription(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Global id of the subscription.")] id: ID,
    ) -> Result<Option<ProductSubscription>> {
        let reading = reading(context);
        let row = row_id("id", "ProductSubscription", &id)?;
        let scope = Scope::of(reading.caller.as_ref(), &reading.snapshot);
        let found = scope.find(reading.subscriptions_db(), row).await?;
        found.map(|row| Some(ProductSubscription::one(row))).ok_or_else(|| Error::not_found(&id))
    }
}
