//! Standard products: the same thing across providers.

use async_graphql::{Context, Description, Enum, ID, InputObject, Object};

use super::{
    category::Category,
    connection::{Connection, page},
    context::{reading_as_of, snapshot},
    facet::{Listed, ProductPage, product_page},
    input::{OrderDirection, Parts, TextFilter, ValueFilter, bounded, order},
    node::global_id,
    product::Product,
    scalars::Date,
};
use crate::{
    catalogue::{self, At},
    condition::Condition,
    error::Result,
    listing::Window,
    products,
    standard_products::{self, Field, Is},
};

/// The same thing across providers (Standardprodukt), for example the E-Akte: the basis for comparing offers.
#[derive(Description, Clone, Copy)]
pub struct StandardProduct(pub At<catalogue::StandardProduct>);

impl StandardProduct {
    fn row<'c>(&self, context: &Context<'c>) -> &'c catalogue::StandardProduct {
        &snapshot(context).standard_products[self.0]
    }
}

#[Object(use_type_description)]
impl StandardProduct {
    /// Opaque global id, the same for ever.
    pub async fn id(&self, context: &Context<'_>) -> ID {
        global_id("StandardProduct", self.row(context).row.id)
    }

    /// Natural key.
    async fn key<'c>(&self, context: &Context<'c>) -> &'c str {
        &self.row(context).row.key
    }

    /// Name.
    async fn name<'c>(&self, context: &Context<'c>) -> &'c str {
        &self.row(context).row.name
    }

    /// What it is, in a sentence.
    async fn summary<'c>(&self, context: &Context<'c>) -> &'c str {
        &self.row(context).row.summary
    }

    /// Its category.
    async fn category(&self, context: &Context<'_>) -> Category {
        Category(self.row(context).category)
    }

    /// Published products that implement it, by name.
    async fn implementations(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
    ) -> Result<ProductPage<Product>> {
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let listing = products::implementing(snapshot(context), self.0);
        product_page(listing, &window, Listed::Published, Product::at)
    }

    /// Grows by one with every change.
    async fn version(&self, context: &Context<'_>) -> i64 {
        self.row(context).row.version
    }

    /// Invented for demonstration.
    async fn sample(&self, context: &Context<'_>) -> bool {
        self.row(context).row.sample
    }
}

/// Which standard products. All parts that are given must hold.
#[derive(Default, InputObject)]
pub struct StandardProductFilter {
    /// All of these hold too.
    pub and: Option<Vec<StandardProductFilter>>,
    /// At least one of these holds too.
    pub or: Option<Vec<StandardProductFilter>>,
    /// This does not hold.
    pub not: Option<Box<StandardProductFilter>>,
    /// Its key.
    pub key: Option<ValueFilter<String>>,
    /// Key of its category; the key of a top category means all below it too.
    pub category: Option<ValueFilter<String>>,
    /// Its name.
    pub name: Option<TextFilter>,
}

fn condition(filter: StandardProductFilter) -> Result<Condition<Is>> {
    let mut parts = Parts::default();
    parts.keys("key", filter.key, Is::Key)?;
    parts.keys("category", filter.category, Is::Category)?;
    parts.text("name.contains", filter.name, Is::NameContains)?;
    parts.join(filter.and, filter.or, filter.not, condition)
}

/// What standard products can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Field")]
pub enum StandardProductOrderField {
    /// Name; umlauts as in a telephone book.
    Name,
    /// Order of the categories.
    Category,
    /// Number of published products that implement it.
    ImplementationCount,
}

/// An order of standard products. Equal ones stand by name.
#[derive(InputObject)]
pub struct StandardProductOrder {
    /// What is compared.
    pub field: StandardProductOrderField,
    /// In which direction.
    #[graphql(default_with = "OrderDirection::Asc")]
    pub direction: OrderDirection,
}

/// Root fields for standard products.
#[derive(Default)]
pub struct StandardProductQuery;

#[Object]
impl StandardProductQuery {
    /// Standard products, by name unless ordered.
    #[allow(clippy::too_many_arguments)]
    async fn standard_products(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
        #[graphql(name = "where", desc = "Only these standard products.")] filter: Option<StandardProductFilter>,
        #[graphql(desc = "In this order.")] order_by: Option<Vec<StandardProductOrder>>,
        #[graphql(
            desc = "The catalogue as it was at the end of this day, or as it will be by the days that are known; today when left out. Names and facts of providers, municipalities, categories and standard products, members of groups, and contacts are those of today. BAD_USER_INPUT names the first day that is recorded."
        )]
        as_of: Option<Date>,
    ) -> Result<Connection<StandardProduct>> {
        let reading = reading_as_of(context, as_of).await?;
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let condition = bounded(condition(filter.unwrap_or_default())?, Is::size)?;
        let order_by = order_by.unwrap_or_default().into_iter();
        let order = order(order_by.map(|order| (order.field.into(), order.direction)))?;
        page(standard_products::list(&reading.snapshot, &condition, order), &window, StandardProduct)
    }
}
