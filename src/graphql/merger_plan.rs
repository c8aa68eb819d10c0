//! What a merger would do, before anybody carries it out.

use ::entity::product_subscription;
use async_graphql::{Context, Description, Object, SimpleObject};

use super::{
    connection::{Connection, page},
    context::snapshot,
    municipality::Municipality,
    price::Money,
    product::Product,
    provider::Provider,
    scalars::{Date, DateTime},
    standard_product::StandardProduct,
    subscription::ProductSubscription,
};
use crate::{
    catalogue::Snapshot,
    error::Result,
    listing::{Key, Listing, Position, Window},
    merger_plans::{self, Plan},
};

/// What a merger of providers does: what moves, what collides, what is open, and what it could cost whom. The merger carries
/// out exactly this.
#[derive(Description)]
pub struct MergerPlan(pub Plan);

/// How much a merger moves.
#[derive(SimpleObject)]
pub struct MergerCounts {
    /// Products, drafts too.
    products: usize,
    /// Products whose key changes because the successor has the same.
    renamed_products: usize,
    /// Subscriptions to these products, in any state; they keep their ids and versions.
    subscriptions: i64,
    /// Those of them that are agreed or running.
    running_subscriptions: i64,
    /// Subscriptions that these providers take themselves, in any state; each gets a new version.
    taken_subscriptions: i64,
    /// Requests and changes that wait for a decision.
    open_requests: usize,
    /// Assignments of contacts.
    contact_assignments: usize,
    /// Those of them that become deputies because the successor has a primary contact.
    new_deputies: usize,
    /// Municipalities that the successor serves in addition.
    municipalities: usize,
    /// Freezes of these providers, which go on for each of their products.
    freezes: usize,
    /// Exceptions to the phase for these providers, which go on for each of their products.
    phase_exceptions: usize,
    /// Standard products that the successor would have several products for.
    same_standard_products: usize,
}

/// A product that moves to another provider.
#[derive(SimpleObject)]
pub struct MovedProduct {
    /// The product; null for one that is not published.
    product: Option<Product>,
    /// Its name.
    name: String,
    /// The provider that it comes from.
    from: Option<Provider>,
    /// Its key there; it finds the product for ever.
    external_id: String,
    /// Its key with the successor. Where that one has the same, the old provider's key and a hyphen stand before it.
    external_id_after: String,
    /// Subscriptions to it, in any state.
    subscriptions: i64,
    /// Those of them that are agreed or running.
    running_subscriptions: i64,
}

/// A standard product that the successor would have several products for. All are kept; somebody has to decide.
#[derive(SimpleObject)]
pub struct SameStandardProduct {
    /// The standard product.
    standard_product: Option<StandardProduct>,
    /// The products, the successor's own first.
    products: Vec<Product>,
}

/// Something that waits for a decision and moves to another provider with its deadline.
#[derive(SimpleObject)]
pub struct MergerRequest {
    /// The subscription.
    subscription: ProductSubscription,
    /// When what is open expires; null when it does not.
    expires_at: Option<DateTime>,
}

/// What a municipality pays in a year for a product that moves, and what it would for a product of the successor that implements
/// the same standard product. Estimates, net, for the day of the merger; the merger itself changes no price.
#[derive(SimpleObject)]
pub struct PriceEffect {
    /// Who.
    municipality: Option<Municipality>,
    /// The product that moves.
    product: Option<Product>,
    /// The successor's product.
    alternative: Option<Product>,
    /// A year with the product that moves; null where it can't be estimated.
    before: Option<Money>,
    /// A year with the successor's product; null where it can't be estimated.
    after: Option<Money>,
    /// After less before; null where one of them is.
    difference: Option<Money>,
}

#[Object(use_type_description)]
impl MergerPlan {
    /// Names this plan: to be sent as `planHash`. Another one as soon as anything of it changes.
    async fn hash(&self) -> &str {
        &self.0.hash
    }

    /// The provider that goes on.
    async fn into(&self, context: &Context<'_>) -> Option<Provider> {
        snapshot(context).providers.find(self.0.into).map(Provider)
    }

    /// The providers that go into it, by key.
    async fn providers(&self, context: &Context<'_>) -> Vec<Provider> {
        self.0.providers.iter().filter_map(|id| snapshot(context).providers.find(*id)).map(Provider).collect()
    }

    /// The day.
    async fn on(&self) -> Date {
        Date(self.0.on)
    }

    /// How much moves.
    async fn counts(&self) -> MergerCounts {
        let (plan, to_products) = (&self.0, self.0.subscriptions());
        MergerCounts {
            products: plan.products.len(),
            renamed_products: plan.renamed().count(),
            subscriptions: to_products.subscriptions,
            running_subscriptions: to_products.running,
            taken_subscriptions: plan.taken.subscriptions,
            open_requests: plan.waiting.len(),
            contact_assignments: plan.assignments.len(),
            new_deputies: plan.assignments.iter().filter(|assignment| assignment.becomes_deputy).count(),
            municipalities: plan.coverage.begun.len(),
            freezes: plan.freezes.len(),
            phase_exceptions: plan.phase_exceptions.len(),
            same_standard_products: plan.same_standards.len(),
        }
    }

    /// Products that move, by provider and key.
    async fn products(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
    ) -> Result<Connection<MovedProduct>> {
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let snapshot = snapshot(context);
        page(in_order("moved products", &self.0.products, |row| row.id), &window, |(_, row)| moved(snapshot, row))
    }

    /// Standard products that the successor would have several products for.
    async fn same_standard_products(&self, context: &Context<'_>) -> Vec<SameStandardProduct> {
        let snapshot = snapshot(context);
        let shown = self.0.same_standards.iter().map(|same| SameStandardProduct {
            standard_product: snapshot.standard_products.find(same.standard_product).map(StandardProduct),
            products: same.products.iter().filter_map(|id| snapshot.products.find(*id)).map(Product::at).collect(),
        });
        shown.collect()
    }

    /// What waits for a decision, the nearest deadline first.
    async fn open_requests(
        &self,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
    ) -> Result<Connection<MergerRequest>> {
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let listing = in_order("open requests of a merger", &self.0.waiting, |row| row.id);
        let mut connection = page(listing, &window, |(_, row)| request(row))?;
        ProductSubscription::join(connection.edges.iter_mut().map(|edge| &mut edge.0.node.0.subscription));
        Ok(connection)
    }

    /// What it could cost a municipality, or save, to take the successor's product of the same standard instead.
    async fn price_effects(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
    ) -> Result<Connection<PriceEffect>> {
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let snapshot = snapshot(context);
        page(in_order("price effects", &self.0.price_effects, |row| row.product), &window, |(_, row)| {
            effect(snapshot, row)
        })
    }
}

/// A list in the order of the plan.
fn in_order<'p, T>(name: &str, rows: &'p [T], id: fn(&T) -> sea_orm::prelude::Uuid) -> Listing<'p, (usize, &'p T)> {
    let rows = rows.iter().enumerate().collect();
    Listing::ordered(name.to_owned(), rows, move |(place, row)| {
        Position(vec![Key::new(i64::try_from(*place).unwrap_or(i64::MAX), false)], id(row))
    })
}

fn moved(snapshot: &Snapshot, row: &merger_plans::MovedProduct) -> MovedProduct {
    MovedProduct {
        product: snapshot.products.find(row.id).map(Product::at),
        name: row.name.clone(),
        from: snapshot.providers.find(row.provider).map(Provider),
        external_id: row.external_id.clone(),
        external_id_after: row.external_id_after.clone(),
        subscriptions: row.subscriptions.subscriptions,
        running_subscriptions: row.subscriptions.running,
    }
}

fn request(row: &product_subscription::Model) -> MergerRequest {
    MergerRequest { subscription: ProductSubscription::one(row.clone()), expires_at: row.expires_at.map(DateTime) }
}

fn effect(snapshot: &Snapshot, row: &merger_plans::PriceEffect) -> PriceEffect {
    let difference = row.after_cents.zip(row.before_cents).and_then(|(after, before)| after.checked_sub(before));
    PriceEffect {
        municipality: snapshot.municipalities.find(row.municipality).map(Municipality),
        product: snapshot.products.find(row.product).map(Product::at),
        alternative: snapshot.products.find(row.alternative).map(Product::at),
        before: row.before_cents.map(Money::from_cents),
        after: row.after_cents.map(Money::from_cents),
        difference: difference.map(Money::from_cents),
    }
}
