//! Published products: which ones a caller looks for, in which order, and what kind the rules see in them.

use ::entity::{
    joining,
    product::{DeliveryMode, Lifecycle, MandatedTask},
    product_key::Scheme,
};
use sea_orm::prelude::Date;

use crate::{
    access::ProductKind,
    catalogue::{At, Category, Product, Provider, Snapshot, StandardProduct, search::Question},
    condition::Condition,
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
) -> Listing<'s, At<Product>> {
    let wanted = |product: &Product| holds(snapshot, product, condition);
    let answers = |product: &Product| question.as_ref().is_none_or(|question| question.rank(&product.terms).is_some());
    let found = snapshot.products.iter().filter(|(_, product)| wanted(product) && answers(product)).map(|(at, _)| at);
    let found: Vec<_> = found.collect();
    if let (Some(question), true) = (question, order.is_empty()) {
        let name = format!("products ~{}", question.folded());
        return Listing::sorted(name, found, move |at| by_rank(snapshot, *at, &question));
    }
    let name = format!("products {}", listing::signature(&order));
    let is_by_name = order.iter().all(|order| order.field == Field::Name && !order.is_descending);
    let position = move |at: &At<Product>| position(snapshot, *at, &order);
    if is_by_name { Listing::ordered(name, found, position) } else { Listing::sorted(name, found, position) }
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
) -> Listing<'_, Result<At<Product>, Box<Product>>> {
    let published = snapshot.providers[at].products.iter().map(|at| Ok(*at));
    let all = published.chain(unpublished.into_iter().map(|product| Err(Box::new(product)))).collect();
    Listing::sorted("products of a provider".to_owned(), all, |product: &Result<At<Product>, Box<Product>>| {
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
pub fn by_rank(snapshot: &Snapshot, at: At<Product>, question: &Question) -> Position {
    let product = &snapshot.products[at];
    let rank = Key::new(question.rank(&product.terms), true);
    Position(vec![rank, Key::new(product.name_key.as_str(), false)], product.row.id)
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
