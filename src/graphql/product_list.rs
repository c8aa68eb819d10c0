//! Lists and lookups of products: filters, orders, search.

use async_graphql::{Context, Enum, ID, InputObject, Object, OneofObject};

use super::{
    context::{Reading, reading_as_of},
    facet::{Listed, ProductPage, product_page},
    input::{BooleanFilter, LONGEST_TEXT, OrderDirection, Parts, TextFilter, ValueFilter, bounded, order},
    node::row_id,
    product::{DeliveryMode, Lifecycle, MandatedTask, Product},
    scalars::Date,
};
use crate::{
    catalogue::search::Question,
    condition::Condition,
    error::{Error, Result, check_text},
    listing::Window,
    products::{self, Field, Is},
};

/// Which product: exactly one of these.
#[derive(OneofObject)]
pub enum ProductBy {
    /// By global id.
    Id(ID),
    /// By its provider's key and the provider's own key for it.
    ExternalId(ProductKey),
}

/// A product by its provider's own key.
#[derive(InputObject)]
pub struct ProductKey {
    /// Key of the provider.
    pub provider: String,
    /// The provider's own key for the product.
    pub external_id: String,
}

/// Which products. All parts that are given must hold.
#[derive(Default, InputObject)]
pub struct ProductFilter {
    /// All of these hold too.
    pub and: Option<Vec<ProductFilter>>,
    /// At least one of these holds too.
    pub or: Option<Vec<ProductFilter>>,
    /// This does not hold.
    pub not: Option<Box<ProductFilter>>,
    /// Where it stands.
    pub lifecycle: Option<ValueFilter<Lifecycle>>,
    /// Key of its category; the key of a top category means all below it too.
    pub category: Option<ValueFilter<String>>,
    /// Key of its provider; that of one which has gone into another finds what the other offers now.
    pub provider: Option<ValueFilter<String>>,
    /// Key of the standard product that it implements.
    pub standard_product: Option<ValueFilter<String>>,
    /// How it is delivered.
    pub delivery_mode: Option<ValueFilter<DeliveryMode>>,
    /// Whether it serves a task by mandate.
    pub mandated_task: Option<ValueFilter<MandatedTask>>,
    /// Whether it is a base service.
    pub base_service: Option<BooleanFilter>,
    /// Whether it belongs to the initial portfolio.
    pub initial_portfolio: Option<BooleanFilter>,
    /// Whether it is invented for demonstration.
    pub sample: Option<BooleanFilter>,
    /// LeiKa key.
    pub leika_key: Option<ValueFilter<String>>,
    /// Its name.
    pub name: Option<TextFilter>,
}

/// The condition that a filter means.
pub fn condition(filter: ProductFilter, reading: &Reading) -> Result<Condition<Is>> {
    let mut parts = Parts::default();
    parts.values("lifecycle", filter.lifecycle, |value| Ok(value.into()), Is::Lifecycle)?;
    parts.keys("category", filter.category, Is::Category)?;
    parts.keys("provider", filter.provider, |keys| Is::Provider(reading.with_acting(keys)))?;
    parts.keys("standardProduct", filter.standard_product, Is::StandardProduct)?;
    parts.values("deliveryMode", filter.delivery_mode, |value| Ok(value.into()), Is::DeliveryMode)?;
    parts.values("mandatedTask", filter.mandated_task, |value| Ok(value.into()), Is::MandatedTask)?;
    parts.boolean(filter.base_service, Is::BaseService);
    parts.boolean(filter.initial_portfolio, Is::InitialPortfolio);
    parts.boolean(filter.sample, Is::Sample);
    parts.keys("leikaKey", filter.leika_key, Is::LeikaKey)?;
    parts.text("name.contains", filter.name, Is::NameContains)?;
    parts.join(filter.and, filter.or, filter.not, |part| condition(part, reading))
}

/// What to search for; nothing for a blank text.
pub fn question(search: Option<String>) -> Result<Option<Question>> {
    let Some(text) = search else { return Ok(None) };
    check_text("search", &text, LONGEST_TEXT)?;
    Ok(Question::new(&text))
}

/// What products can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Field")]
pub enum ProductOrderField {
    /// Name; umlauts as in a telephone book.
    Name,
    /// Name of the provider.
    Provider,
    /// Order of the categories.
    Category,
    /// First day; products without one first.
    AvailableFrom,
    /// When it was last written.
    UpdatedAt,
}

/// An order of products. Equal ones stand by name.
#[derive(InputObject)]
pub struct ProductOrder {
    /// What is compared.
    pub field: ProductOrderField,
    /// In which direction.
    #[graphql(default_with = "OrderDirection::Asc")]
    pub direction: OrderDirection,
}

/// Root fields for products.
#[derive(Default)]
pub struct ProductQuery;

#[Object]
impl ProductQuery {
    /// Published products. With `search` and without `orderBy` the best match comes first, otherwise by name.
    #[allow(clippy::too_many_arguments)]
    async fn products(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
        #[graphql(name = "where", desc = "Only these products.")] filter: Option<ProductFilter>,
        #[graphql(
            desc = "Words that must all be found, little ones (von, für) aside; umlauts, ß, case and hyphens do not matter. Finds beginnings of words, parts of compounds and other forms (Akten, Akte); a compound also finds its parts. When no product has them all, words of five letters or more may have one mistake. At most 200 characters."
        )]
        search: Option<String>,
        #[graphql(desc = "In this order.")] order_by: Option<Vec<ProductOrder>>,
        #[graphql(
            desc = "The catalogue as it was at the end of this day, or as it will be by the days that are known; today when left out. Names and facts of providers, municipalities, categories and standard products, members of groups, and contacts are those of today. BAD_USER_INPUT names the first day that is recorded."
        )]
        as_of: Option<Date>,
    ) -> Result<ProductPage<Product>> {
        let reading = reading_as_of(context, as_of).await?;
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let condition = bounded(condition(filter.unwrap_or_default(), reading)?, Is::size)?;
        let order_by = order_by.unwrap_or_default().into_iter();
        let order = order(order_by.map(|order| (order.field.into(), order.direction)))?;
        let listing = products::list(&reading.snapshot, &condition, question(search)?, order);
        product_page(listing, &window, Listed::Found, |found| Product::at(found.product))
    }

    /// One published product; null and NOT_FOUND when there is none.
    async fn product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] by: ProductBy,
        #[graphql(
            desc = "The catalogue as it was at the end of this day, or as it will be by the days that are known; today when left out. Names and facts of providers, municipalities, categories and standard products, members of groups, and contacts are those of today. BAD_USER_INPUT names the first day that is recorded."
        )]
        as_of: Option<Date>,
    ) -> Result<Option<Product>> {
        let snapshot = &reading_as_of(context, as_of).await?.snapshot;
        let (found, named) = match by {
            ProductBy::Id(id) => (snapshot.products.find(row_id("by.id", "Product", &id)?), id.0),
            ProductBy::ExternalId(key) => {
                check_text("by.externalId.provider", &key.provider, LONGEST_TEXT)?;
                check_text("by.externalId.externalId", &key.external_id, LONGEST_TEXT)?;
                let provider = snapshot.provider_by_key(&key.provider);
                let found = provider.and_then(|at| snapshot.product_by_external_id(at, &key.external_id));
                (found, format!("{}/{}", key.provider, key.external_id))
            }
        };
        found.map_or_else(|| Err(Error::not_found(&named)), |at| Ok(Some(Product::at(at))))
    }
}
