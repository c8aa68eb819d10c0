//! Products: entries in a provider's portfolio.

use std::sync::Arc;

use async_graphql::{Context, Description, Enum, ID, Object};
use sea_orm::prelude::Uuid;

use super::{
    availability::{AvailableProduct, equivalents},
    category::Category,
    conditions::{Conditions, conditions},
    connection::{Connection, page},
    context::{reading, snapshot},
    customer_group::CustomerGroup,
    in_turn::InTurn,
    municipality::{Municipality, MunicipalityBy},
    node::{global_id, row_id},
    price::Price,
    product_version::{self, FieldDifference, Of, ProductVersion},
    provider::Provider,
    scalars::{Date, DateTime, Url},
    standard_product::StandardProduct,
};
use crate::{
    catalogue::{self, At, Snapshot},
    error::{Error, Result},
    listing::Window,
    municipalities, prices,
};

/// Where a product stands (Lebenszyklus).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "::entity::product::Lifecycle")]
pub enum Lifecycle {
    /// Being written; seen by its provider only.
    Draft,
    /// Waits for the steward; seen by its provider only.
    InReview,
    /// Published, to be had from a later day.
    Planned,
    /// Can be had.
    Available,
    /// Takes no new subscription; existing ones can be changed and ended.
    PhaseOut,
    /// Gone; kept for history.
    Retired,
}

/// How a product is delivered (Leistungserbringung).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "::entity::product::DeliveryMode")]
pub enum DeliveryMode {
    /// Centrally for all.
    Central,
    /// By a provider for its region.
    Regional,
    /// On site.
    Decentral,
}

/// Whether a product serves a task by mandate (Pflichtaufgabe zur Erfüllung nach Weisung).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "::entity::product::MandatedTask")]
pub enum MandatedTask {
    /// It does.
    Yes,
    /// In part.
    Partly,
    /// It does not.
    No,
}

/// Where a product is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "::entity::product::ServiceArea")]
pub enum ServiceArea {
    /// In all of North Rhine-Westphalia.
    StateWide,
    /// To the municipalities that its provider serves.
    ProviderCoverage,
    /// To the municipalities that are listed.
    Listed,
}

/// An entry in one provider's portfolio (Leistung, Produkt).
#[derive(Description, Clone)]
pub struct Product(Source);

#[derive(Clone)]
enum Source {
    Published(At<catalogue::Product>),
    /// Not in the snapshot: for those who may see it before the public does.
    Unpublished(Arc<catalogue::Product>),
}

/// The row's id of a published product that a change names; `field` tells where.
pub fn product_id(snapshot: &Snapshot, field: &str, id: &ID) -> Result<Uuid> {
    let row = row_id(field, "Product", id)?;
    snapshot.products.find(row).map(|_| row).ok_or_else(|| Error::not_found(id).with("field", field))
}

impl Product {
    /// A product of the published catalogue.
    pub fn at(at: At<catalogue::Product>) -> Self {
        Self(Source::Published(at))
    }

    /// A product that the public does not see yet.
    pub fn unpublished(product: impl Into<Arc<catalogue::Product>>) -> Self {
        Self(Source::Unpublished(product.into()))
    }

    fn of(&self, context: &Context<'_>) -> Of {
        let id = self.row(context).row.id;
        match self.0 {
            Source::Published(_) => Of::Published(id),
            Source::Unpublished(_) => Of::Unpublished(id),
        }
    }

    fn row<'c>(&'c self, context: &Context<'c>) -> &'c catalogue::Product {
        match &self.0 {
            Source::Published(at) => &snapshot(context).products[*at],
            Source::Unpublished(product) => product,
        }
    }
}

#[Object(use_type_description)]
impl Product {
    /// Opaque global id, the same for ever.
    pub async fn id(&self, context: &Context<'_>) -> ID {
        global_id("Product", self.row(context).row.id)
    }

    /// The provider's own key, unique within its portfolio.
    async fn external_id<'c>(&'c self, context: &Context<'c>) -> &'c str {
        &self.row(context).row.external_id
    }

    /// Name.
    async fn name<'c>(&'c self, context: &Context<'c>) -> &'c str {
        &self.row(context).row.name
    }

    /// What it is, in a sentence.
    async fn summary<'c>(&'c self, context: &Context<'c>) -> &'c str {
        &self.row(context).row.summary
    }

    /// More about it.
    async fn description<'c>(&'c self, context: &Context<'c>) -> Option<&'c str> {
        self.row(context).row.description.as_deref()
    }

    /// Its category (Kategorie).
    async fn category(&self, context: &Context<'_>) -> InTurn<Category> {
        InTurn(Category(self.row(context).category))
    }

    /// Whose portfolio it belongs to.
    async fn provider(&self, context: &Context<'_>) -> InTurn<Provider> {
        InTurn(Provider(self.row(context).provider))
    }

    /// The standard product (Standardprodukt) that it implements.
    async fn standard_product(&self, context: &Context<'_>) -> Option<StandardProduct> {
        self.row(context).standard_product.map(StandardProduct)
    }

    /// Where it stands.
    async fn lifecycle(&self, context: &Context<'_>) -> Lifecycle {
        self.row(context).row.lifecycle.into()
    }

    /// Of one that is not published yet: where it will stand once a steward accepts it. Null for what is published.
    async fn requested_lifecycle(&self, context: &Context<'_>) -> Option<Lifecycle> {
        self.row(context).row.requested_lifecycle.map(Into::into)
    }

    /// Why a steward returned it; null when none did. Once it is written anew it waits for a review again.
    async fn return_reason<'c>(&'c self, context: &Context<'c>) -> Option<&'c str> {
        self.row(context).row.return_reason.as_deref()
    }

    /// First day on which it can be had; null when no day is set.
    async fn available_from(&self, context: &Context<'_>) -> Option<Date> {
        self.row(context).row.available_from.map(Date)
    }

    /// From this day on it takes no new subscription.
    async fn phase_out_from(&self, context: &Context<'_>) -> Option<Date> {
        self.row(context).row.phase_out_from.map(Date)
    }

    /// From this day on it is gone.
    async fn retired_from(&self, context: &Context<'_>) -> Option<Date> {
        self.row(context).row.retired_from.map(Date)
    }

    /// How it is delivered.
    async fn delivery_mode(&self, context: &Context<'_>) -> DeliveryMode {
        self.row(context).row.delivery_mode.into()
    }

    /// Whether it is a base service (Basisdienst).
    async fn base_service(&self, context: &Context<'_>) -> bool {
        self.row(context).row.base_service
    }

    /// Whether it serves a task by mandate.
    async fn mandated_task(&self, context: &Context<'_>) -> MandatedTask {
        self.row(context).row.mandated_task.into()
    }

    /// Whether it belongs to the portfolio that the central provider starts with (initial definiertes Portfolio).
    async fn initial_portfolio(&self, context: &Context<'_>) -> bool {
        self.row(context).row.initial_portfolio
    }

    /// Where it is offered.
    async fn service_area(&self, context: &Context<'_>) -> ServiceArea {
        self.row(context).row.service_area.into()
    }

    /// The municipalities it is offered to, by name, when `serviceArea` is `LISTED`; empty otherwise.
    async fn listed_municipalities(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Municipality>> {
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let listed = self.row(context).listed.clone();
        page(municipalities::by_name(snapshot(context), "listed", listed), &window, Municipality)
    }

    /// The customer groups whose members may have it; empty for no restriction.
    async fn eligible_groups(&self, context: &Context<'_>) -> Vec<CustomerGroup> {
        self.row(context).eligible_groups.iter().copied().map(CustomerGroup::Published).collect()
    }

    /// What must be settled and in place before.
    async fn conditions<'c>(&'c self, context: &Context<'c>) -> InTurn<Conditions<'c>> {
        InTurn(conditions(self.row(context)))
    }

    /// Notice period in months.
    async fn notice_months(&self, context: &Context<'_>) -> i32 {
        self.row(context).row.notice_months
    }

    /// Shortest term in months; null for none.
    async fn term_months(&self, context: &Context<'_>) -> Option<i32> {
        self.row(context).row.term_months
    }

    /// Service level agreement.
    async fn sla_url(&self, context: &Context<'_>) -> Option<Url> {
        self.row(context).row.sla_url.clone().map(Url)
    }

    /// Data-processing agreement (Auftragsverarbeitungsvertrag).
    async fn data_processing_agreement_url(&self, context: &Context<'_>) -> Option<Url> {
        self.row(context).row.data_processing_agreement_url.clone().map(Url)
    }

    /// Keys of the Leistungskatalog (LeiKa/FIM), 14 digits each.
    async fn leika_keys<'c>(&'c self, context: &Context<'c>) -> &'c [String] {
        &self.row(context).leika_keys
    }

    /// Ids of the Onlinezugangsgesetz's catalogue, 5 digits each.
    async fn ozg_ids<'c>(&'c self, context: &Context<'c>) -> &'c [String] {
        &self.row(context).ozg_ids
    }

    /// Its prices, oldest first: past, present and future ones, or those of one day.
    async fn prices<'c>(
        &'c self,
        context: &Context<'c>,
        #[graphql(desc = "Only prices that are valid on this day.")] on: Option<Date>,
    ) -> Vec<InTurn<Price<'c>>> {
        let prices = self.row(context).prices.iter();
        prices
            .filter(|price| on.is_none_or(|day| prices::is_valid_on(price, day.0)))
            .map(|price| InTurn(Price(price)))
            .collect()
    }

    /// Other providers' offers of the same standard product for a municipality, each with its price estimate: the cheapest in
    /// a year first, those without an estimate last, at most 50. Empty when it implements no standard product. Offers that
    /// are gone are left out. Null and NOT_FOUND for an unknown municipality.
    async fn equivalents(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "For which municipality.")] municipality: MunicipalityBy,
        #[graphql(desc = "On which day, not before today; today when left out.")] on: Option<Date>,
    ) -> Result<Option<Vec<AvailableProduct>>> {
        match self.0 {
            Source::Published(at) => equivalents(reading(context), at, &municipality, on).map(Some),
            // What nobody sees yet is compared with nothing.
            Source::Unpublished(_) => Ok(Some(Vec::new())),
        }
    }

    /// Products that it can't be used without, by name.
    async fn requires(&self, context: &Context<'_>) -> Vec<Product> {
        self.row(context).requires.iter().copied().map(Product::at).collect()
    }

    /// Products whose place it takes, by name.
    async fn replaces(&self, context: &Context<'_>) -> Vec<Product> {
        self.row(context).replaces.iter().copied().map(Product::at).collect()
    }

    /// Products that take its place, by name.
    async fn replaced_by(&self, context: &Context<'_>) -> Vec<Product> {
        self.row(context).replaced_by.iter().copied().map(Product::at).collect()
    }

    /// Products that it can't be used together with, as its own portfolio says, by name.
    async fn excludes(&self, context: &Context<'_>) -> Vec<Product> {
        self.row(context).excludes.iter().copied().map(Product::at).collect()
    }

    /// Grows by one with every change.
    async fn version(&self, context: &Context<'_>) -> i64 {
        self.row(context).row.version
    }

    /// Its versions, newest first: what it was since when. The public sees those in which it was published; its provider,
    /// stewards, the transformation office, the Land and auditors see all. Always as of today, also with `asOf`.
    async fn versions(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ProductVersion>> {
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        product_version::page_of(context, self.of(context), &window).await
    }

    /// One of its versions; null and NOT_FOUND when there is none with this number that the caller may see.
    async fn version_numbered(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Number of the version, from 1.")] number: i64,
    ) -> Result<Option<ProductVersion>> {
        product_version::numbered(context, self.of(context), "number", number).await.map(Some)
    }

    /// What is another in one version than in an earlier or later one, by name of field; null and NOT_FOUND when the caller
    /// may not see both.
    async fn difference(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Number of the version to start from.")] from: i64,
        #[graphql(desc = "Number of the other version; the newest when left out.")] to: Option<i64>,
    ) -> Result<Option<Vec<FieldDifference>>> {
        product_version::difference(context, self.of(context), from, to).await.map(Some)
    }

    /// When it was first written.
    async fn created_at(&self, context: &Context<'_>) -> DateTime {
        DateTime(self.row(context).row.created_at)
    }

    /// When it was last written.
    async fn updated_at(&self, context: &Context<'_>) -> DateTime {
        DateTime(self.row(context).row.updated_at)
    }

    /// Invented for demonstration.
    async fn sample(&self, context: &Context<'_>) -> bool {
        self.row(context).row.sample
    }
}
