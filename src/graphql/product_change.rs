//! Changes of published products, which took effect at once: the steward looks at them afterwards.

use async_graphql::{Context, Description, ID, InputObject, Object, SimpleObject};

use super::{
    connection::{Connection, edges},
    context::reading,
    node::row_id,
    payload::{UserError, order, to_its_end, told},
    product::Product,
    product_version::ProductVersion,
    provider::ProviderBy,
    scalars::DateTime,
    subscription_input::ReasonInput,
};
use crate::{
    access::Duty,
    error::Result,
    listing::{Cut, Place, Window},
    orders,
    portfolios::{
        changes::{self, Seeing},
        versions::Version,
    },
    subscriptions::catalogue_moved,
};

/// A change of a published product, which took effect at once.
#[derive(Description)]
pub struct ProductChange(Version);

#[Object(use_type_description)]
impl ProductChange {
    /// The product as it is today.
    async fn product(&self, context: &Context<'_>) -> Result<Product> {
        let found = reading(context).snapshot.products.find(self.0.row.product_id);
        found.map(Product::at).ok_or_else(catalogue_moved)
    }

    /// The version that the change made, with what changed.
    async fn version(&self) -> ProductVersion {
        ProductVersion(self.0.clone())
    }

    /// When a steward noted that it was seen; null while it waits for that.
    async fn seen_at(&self) -> Option<DateTime> {
        self.0.row.seen_at.map(DateTime)
    }
}

/// A product whose changes were seen.
#[derive(InputObject)]
pub struct SeenProductInput {
    /// Id of the product.
    product: ID,
    /// The last version that was looked at: this one and those before are seen.
    version: i64,
}

/// Notes that changes of products were seen.
#[derive(InputObject)]
pub struct MarkProductsSeenInput {
    /// Which ones, 1 to 1000; all of them or none.
    products: Vec<SeenProductInput>,
    /// Tell what would happen and write nothing.
    #[graphql(default = false)]
    dry_run: bool,
    /// Why, for the records.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Outcome of noting that changes were seen.
#[derive(SimpleObject)]
pub struct MarkProductsSeenPayload {
    /// How many versions were not seen before; 0 when all were, or when it was sent again. Null when it was refused.
    seen: Option<u64>,
    /// What went wrong; empty when nothing did.
    errors: Vec<UserError>,
}

/// Root fields for changes of published products.
#[derive(Default)]
pub struct ProductChangeQuery;

#[Object]
impl ProductChangeQuery {
    /// Changes of published products, which took effect at once, the oldest first: those that no steward has looked at, or all.
    /// What stewards do themselves counts as seen. For stewards; `totalCount` is for their start page.
    #[allow(clippy::too_many_arguments)]
    async fn changed_products(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only products of this provider.")] provider: Option<ProviderBy>,
        #[graphql(default = true, desc = "Only what no steward has looked at.")] unseen_only: bool,
    ) -> Result<Connection<ProductChange>> {
        let reading = reading(context);
        let (caller, duty, phase) = (reading.signed_in()?, Duty::MarkProductsSeen, reading.phase()?);
        let permitted = reading.desk.engine.duty(caller, duty, false, phase);
        permitted.map_err(|rule| orders::refusal(&reading.desk, duty, phase, &rule))?;
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let provider = provider.map(|by| by.find(&reading.snapshot)).transpose();
        let provider = provider.map_err(|error| error.with("field", "provider"))?;
        let provider = provider.map(|at| reading.snapshot.providers[at].row.id);
        let page = changes::list(reading.db(), provider, unseen_only).await?.page(&window)?;
        let (places, rows): (Vec<Place>, Vec<changes::Changed>) = page.rows.into_iter().unzip();
        let versions = changes::versions(reading.db(), &rows).await?;
        let rows = places.into_iter().zip(versions).collect();
        let cut = Cut { rows, has_previous: page.has_previous, has_next: page.has_next };
        let (edges, page_info) = edges(cut, ProductChange);
        Ok(Connection { edges, page_info, total_count: i32::try_from(page.total).unwrap_or(i32::MAX) })
    }
}

/// Noting that changes were seen.
#[derive(Default)]
pub struct ProductChangeMutation;

#[Object]
impl ProductChangeMutation {
    /// Notes that a steward has looked at changes of published products: they leave `changedProducts`.
    async fn mark_products_seen(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which changes, and why.")] input: MarkProductsSeenInput,
    ) -> Result<Option<MarkProductsSeenPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let MarkProductsSeenInput { products, dry_run, reason, idempotency_key } = input;
        // What is no id of a product is none that exists.
        let seen =
            |row: SeenProductInput| (row_id("product", "Product", &row.product).unwrap_or_default(), row.version);
        let deed = Seeing { products: products.into_iter().map(seen).collect(), is_rehearsal: dry_run };
        let order = order(reading, caller, idempotency_key, deed, Some(reason));
        let (seen, errors) = told(reading, to_its_end(changes::mark_seen(reading.desk.clone(), order)).await)?;
        Ok(Some(MarkProductsSeenPayload { seen, errors }))
    }
}
