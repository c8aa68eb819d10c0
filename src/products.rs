//! Published products: which ones a caller looks for, in which order, and what kind the rules see in them.

use std::sync::Arc;

use ::entity::{
    joining,
    product::{self, DeliveryMode, Lifecycle, MandatedTask},
    product_key::Scheme,
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ConnectionTrait, EntityTrait,
    prelude::{Date, DateTimeUtc, Uuid},
};

use crate::{
    access::{Caller, ProductKind},
    catalogue::{At, Category, Found, Product, Provider, Snapshot, StandardProduct, search::Question},
    condition::Condition,
    desk::Desk,
    error::{Error, Result},
    listing::{self, Key, Listing, Order, Position},
    providers,
};

/// A plain condition on a product. Lists of values mean one of them.
#[derive(Clone, Debug)]
pub enum Is {
    /// Where it stands.
    Lifecycle(Vec<Lifecycle>),
    /// Key of its category, or of the category above.
    Category(Vec<String>),
    /// Key of its provider.
    Provider(Vec<String>),
    /// Key of the standard product it implements.
    StandardProduct(Vec<String>),
    /// How it is delivered.
    DeliveryMode(Vec<DeliveryMode>),
    /// Whether it serves a mandated task.
    MandatedTask(Vec<MandatedTask>),
    /// Basisdienst.
    BaseService(bool),
    /// Part of the initial portfolio.
    InitialPortfolio(bool),
    /// Invented for demonstration.
    Sample(bool),
    /// LeiKa key.
    LeikaKey(Vec<String>),
    /// Part of its name, folded.
    NameContains(String),
}

impl Is {
    /// How much there is to compare.
    pub fn size(&self) -> usize {
        match self {
            Self::Lifecycle(values) => values.len() + 1,
            Self::Category(values)
            | Self::Provider(values)
            | Self::StandardProduct(values)
            | Self::LeikaKey(values) => values.len() + 1,
            Self::DeliveryMode(values) => values.len() + 1,
            Self::MandatedTask(values) => values.len() + 1,
            Self::BaseService(_) | Self::InitialPortfolio(_) | Self::Sample(_) | Self::NameContains(_) => 1,
        }
    }
}

/// What products can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Name.
    Name,
    /// Name of the provider.
    Provider,
    /// Order of the category.
    Category,
    /// First day.
    AvailableFrom,
    /// When it was last written.
    UpdatedAt,
}

/// The products that fulfil a condition and answer a question: in the order given, or best match first, or by name.
pub fn list<'s>(
    snapshot: &'s Snapshot,
    condition: &Condition<Is>,
    question: Option<Question>,
    order: Vec<Order<Field>>,
) -> Listing<'s, Found> {
    let is_ranked = question.is_some() && order.is_empty();
    let searched = question.as_ref().map_or("", Question::folded);
    let name = match is_ranked {
        true => format!("products ~{searched}"),
        false => format!("products {}", listing::signature(&order)),
    };
    let rows = snapshot.lists.get(&format!("{name} ~{searched} {condition:?}"), || {
        let mut found = snapshot.search(question.as_ref(), |product| holds(snapshot, product, condition));
        let is_by_name = order.iter().all(|order| order.field == Field::Name && !order.is_descending);
        match (is_ranked, is_by_name) {
            (true, _) => {}
            // Places are in the order of names.
            (false, true) => found.sort_unstable_by_key(|found| found.product),
            (false, false) => found.sort_by_cached_key(|found| position(snapshot, found.product, &order)),
        }
        found
    });
    Listing::shared(name, rows, move |found: &Found| match is_ranked {
        true => by_rank(snapshot, found),
        false => position(snapshot, found.product, &order),
    })
}

/// The products that implement a standard product, by name.
pub fn implementing(snapshot: &Snapshot, at: At<StandardProduct>) -> Listing<'_, At<Product>> {
    let found = snapshot.standard_products[at].implementations.clone();
    Listing::ordered("implementations".to_owned(), found, |at| position(snapshot, *at, &[]))
}

/// The products of a provider, by name.
pub fn of_provider(snapshot: &Snapshot, at: At<Provider>) -> Listing<'_, At<Product>> {
    let found = snapshot.providers[at].products.clone();
    Listing::ordered("products of a provider".to_owned(), found, |at| position(snapshot, *at, &[]))
}

/// The products of a provider by name, together with those that are in no snapshot.
pub fn of_provider_with(
    snapshot: &Snapshot,
    at: At<Provider>,
    unpublished: Vec<Product>,
) -> Listing<'_, Result<At<Product>, Arc<Product>>> {
    let published = snapshot.providers[at].products.iter().map(|at| Ok(*at));
    let all = published.chain(unpublished.into_iter().map(|product| Err(Arc::new(product)))).collect();
    Listing::sorted("products of a provider".to_owned(), all, |product: &Result<At<Product>, Arc<Product>>| {
        let product = match product {
            Ok(at) => &snapshot.products[*at],
            Err(unpublished) => unpublished,
        };
        Position(vec![Key::new(product.name_key.as_str(), false)], product.row.id)
    })
}

/// Whether a product fulfils a condition.
pub fn holds(snapshot: &Snapshot, product: &Product, condition: &Condition<Is>) -> bool {
    let row = &product.row;
    condition.holds(&|is| match is {
        Is::Lifecycle(wanted) => wanted.contains(&row.lifecycle),
        Is::Category(keys) => is_in_category(snapshot, product.category, keys),
        Is::Provider(keys) => keys.contains(&snapshot.providers[product.provider].row.key),
        Is::StandardProduct(keys) => {
            product.standard_product.is_some_and(|at| keys.contains(&snapshot.standard_products[at].row.key))
        }
        Is::DeliveryMode(wanted) => wanted.contains(&row.delivery_mode),
        Is::MandatedTask(wanted) => wanted.contains(&row.mandated_task),
        Is::BaseService(wanted) => row.base_service == *wanted,
        Is::InitialPortfolio(wanted) => row.initial_portfolio == *wanted,
        Is::Sample(wanted) => row.sample == *wanted,
        Is::LeikaKey(keys) => keys.iter().any(|key| product.leika_keys.contains(key)),
        Is::NameContains(part) => product.name_key.contains(part),
    })
}

/// Whether a category, or the one above it, has one of these keys.
pub fn is_in_category(snapshot: &Snapshot, at: At<Category>, keys: &[String]) -> bool {
    let category = &snapshot.categories[at];
    keys.contains(&category.row.key) || category.parent.is_some_and(|parent| is_in_category(snapshot, parent, keys))
}

/// Best match first, then by name.
fn by_rank(snapshot: &Snapshot, found: &Found) -> Position {
    let product = &snapshot.products[found.product];
    Position(
        vec![Key::new(found.rank.map(i64::from), true), Key::new(product.name_key.as_str(), false)],
        product.row.id,
    )
}

fn position(snapshot: &Snapshot, at: At<Product>, order: &[Order<Field>]) -> Position {
    let product = &snapshot.products[at];
    let key = |order: &Order<Field>| match order.field {
        Field::Name => Key::new(product.name_key.as_str(), order.is_descending),
        Field::Provider => Key::new(snapshot.providers[product.provider].name_key.as_str(), order.is_descending),
        Field::Category => Key::new(i64::from(snapshot.categories[product.category].row.ordinal), order.is_descending),
        Field::AvailableFrom => Key::new(product.row.available_from.map(days), order.is_descending),
        Field::UpdatedAt => Key::new(product.row.updated_at.timestamp_micros(), order.is_descending),
    };
    let by_name = Key::new(product.name_key.as_str(), false);
    Position(order.iter().map(key).chain([by_name]).collect(), product.row.id)
}

fn days(day: Date) -> i64 {
    use chrono::Datelike;
    i64::from(day.num_days_from_ce())
}

/// Whether a key has the format of its catalogue: LeiKa 14 digits beginning with 99 (77 while provisional), OZG 5 digits.
pub fn has_format(scheme: Scheme, key: &str) -> bool {
    let is_digits = |count: usize| key.len() == count && key.bytes().all(|byte| byte.is_ascii_digit());
    match scheme {
        Scheme::Leika => is_digits(14) && (key.starts_with("99") || key.starts_with("77")),
        Scheme::Ozg => is_digits(5),
    }
}

/// What kind of product the rules of a phase see on a day: the first that fits.
pub fn kind_on(snapshot: &Snapshot, product: &Product, day: Date) -> ProductKind {
    let provider = &snapshot.providers[product.provider];
    let has_joined = matches!(providers::level_of(provider, day), joining::Level::Portfolio | joining::Level::Joined);
    if has_joined { kind_if_joined(product) } else { ProductKind::NotJoined }
}

/// What kind of product it is once its provider has joined.
pub fn kind_if_joined(product: &Product) -> ProductKind {
    if product.row.initial_portfolio {
        ProductKind::Initial
    } else if product.standard_product.is_some() {
        ProductKind::Standard
    } else {
        ProductKind::Other
    }
}

/// Whether a product is in the portfolio of the provider that a caller acts for.
pub async fn is_own(desk: &Desk, caller: &Caller, product: Uuid) -> bool {
    // Another process may just have moved it to another portfolio.
    desk.live.refresh().await;
    let snapshot = desk.live.snapshot();
    let provider = snapshot.products.find(product).map(|at| snapshot.providers[snapshot.products[at].provider].row.id);
    provider.is_some() && provider == caller.provider
}

/// A published product as the database has it, for a change.
pub async fn load(db: &impl ConnectionTrait, field: &'static str, id: Uuid) -> Result<product::Model> {
    let found = product::Entity::find_by_id(id).one(db).await?;
    let published = found.filter(|row| !matches!(row.lifecycle, Lifecycle::Draft | Lifecycle::InReview));
    published.ok_or_else(|| Error::not_found(&id.to_string()).with("field", field))
}

/// Writes what was set of a product, with its next version.
pub async fn write(
    db: &impl ConnectionTrait,
    row: &product::Model,
    set: product::ActiveModel,
    now: DateTimeUtc,
) -> Result<product::Model> {
    let next = product::ActiveModel { id: Set(row.id), version: Set(row.version + 1), updated_at: Set(now), ..set };
    Ok(next.update(db).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_other_catalogues_are_checked_by_format() {
        assert!(has_format(Scheme::Leika, "99107023037000") && has_format(Scheme::Leika, "77000000000316"));
        assert!(!has_format(Scheme::Leika, "98107023037000") && !has_format(Scheme::Leika, "9910702303700"));
        assert!(has_format(Scheme::Ozg, "10169") && !has_format(Scheme::Ozg, "1016x") && !has_format(Scheme::Ozg, ""));
    }
}
