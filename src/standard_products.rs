//! Standard products: which ones a caller looks for.

use crate::{
    catalogue::{At, Snapshot, StandardProduct},
    condition::Condition,
    listing::{self, Key, Listing, Order, Position},
    products::is_in_category,
};

/// A plain condition on a standard product. Lists of values mean one of them.
#[derive(Clone, Debug)]
pub enum Is {
    /// Its key.
    Key(Vec<String>),
    /// Key of its category, or of the category above.
    Category(Vec<String>),
    /// Part of its name, folded.
    NameContains(String),
}

impl Is {
    /// How much there is to compare.
    pub fn size(&self) -> usize {
        match self {
            Self::Key(values) | Self::Category(values) => values.len() + 1,
            Self::NameContains(_) => 1,
        }
    }
}

/// What standard products can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Name.
    Name,
    /// Order of the category.
    Category,
    /// Number of published products that implement it.
    ImplementationCount,
}

/// The standard products that fulfil a condition, in the order given, or by name.
pub fn list<'s>(
    snapshot: &'s Snapshot,
    condition: &Condition<Is>,
    order: Vec<Order<Field>>,
) -> Listing<'s, At<StandardProduct>> {
    let holds = |standard_product: &StandardProduct| {
        condition.holds(&|is| match is {
            Is::Key(keys) => keys.contains(&standard_product.row.key),
            Is::Category(keys) => is_in_category(snapshot, standard_product.category, keys),
            Is::NameContains(part) => standard_product.name_key.contains(part),
        })
    };
    let found = snapshot.standard_products.iter().filter(|(_, row)| holds(row)).map(|(at, _)| at).collect();
    let signature = listing::signature(&order);
    Listing::sorted(format!("standard products {signature}"), found, move |at| {
        let row = &snapshot.standard_products[*at];
        let key = |order: &Order<Field>| match order.field {
            Field::Name => Key::new(row.name_key.as_str(), order.is_descending),
            Field::Category => Key::new(i64::from(snapshot.categories[row.category].row.ordinal), order.is_descending),
            Field::ImplementationCount => Key::new(row.implementations.len() as i64, order.is_descending),
        };
        let by_name = Key::new(row.name_key.as_str(), false);
        Position(order.iter().map(key).chain([by_name]).collect(), row.row.id)
    })
}
