//! Standard products: which ones a caller looks for.

use crate::{
    catalogue::{At, Snapshot, StandardProduct},
    condition::Condition,
    listing::{Key, Listing, Position},
    products::is_in_category,
    text::fold,
};

/// A plain condition on a standard product. Lists of values mean one of them.
#[derive(Clone, Debug)]
pub enum Is {
    /// Its key.
    Key(Vec<String>),
    /// Key of its category, or of the category above.
    Category(Vec<String>),
    /// Part of its name.
    NameContains(String),
}

/// The standard products that fulfil a condition, by name.
pub fn list<'s>(snapshot: &'s Snapshot, condition: &Condition<Is>) -> Listing<'s, At<StandardProduct>> {
    let holds = |standard_product: &StandardProduct| {
        condition.holds(&|is| match is {
            Is::Key(keys) => keys.contains(&standard_product.row.key),
            Is::Category(keys) => is_in_category(snapshot, standard_product.category, keys),
            Is::NameContains(part) => standard_product.name_key.contains(&fold(part)),
        })
    };
    let found = snapshot.standard_products.iter().filter(|(_, row)| holds(row)).map(|(at, _)| at).collect();
    Listing::ordered("standard products by name".to_owned(), found, move |at| {
        let standard_product = &snapshot.standard_products[*at];
        Position(vec![Key::new(standard_product.name_key.as_str(), false)], standard_product.row.id)
    })
}
