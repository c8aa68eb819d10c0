//! Making and changing standard products, and saying which products implement them.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::{
    context::reading,
    payload::{UserError, order, to_its_end, told},
    product::{Product, product_id},
    standard_product::StandardProduct,
    subscription_input::ReasonInput,
};
use crate::{
    error::Result,
    product_matches::{self, Matching},
    standard_products::{self, Saving},
};

/// A standard product as it is to be.
#[derive(InputObject)]
pub struct SaveStandardProductInput {
    /// Natural key, the same for ever: small letters, digits and hyphens, at most 200 characters.
    key: String,
    /// Name, 1 to 200 characters.
    name: String,
    /// What it is, in a sentence of 1 to 500 characters.
    summary: String,
    /// Key of its category.
    category: String,
    /// The version that the change starts from; left out, a new one is made.
    version: Option<i64>,
    /// Why.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Outcome of saving a standard product.
#[derive(SimpleObject)]
pub struct SaveStandardProductPayload {
    /// The standard product as it stands now; null when it was refused.
    standard_product: Option<StandardProduct>,
    /// What went wrong; empty when it was saved.
    errors: Vec<UserError>,
}

/// Says which standard product a product implements.
#[derive(InputObject)]
pub struct MatchProductInput {
    /// Id of the product.
    product: ID,
    /// The version of the product that the change starts from.
    version: i64,
    /// Key of the standard product; none when left out or null.
    standard_product: Option<String>,
    /// Why.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Outcome of matching a product.
#[derive(SimpleObject)]
pub struct MatchProductPayload {
    /// The product as it stands now; null when it was refused.
    product: Option<Product>,
    /// What went wrong; empty when it was matched.
    errors: Vec<UserError>,
}

/// Changes of standard products.
#[derive(Default)]
pub struct StandardProductMutation;

#[Object]
impl StandardProductMutation {
    /// Makes a standard product, or changes one.
    async fn save_standard_product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The standard product, and why.")] input: SaveStandardProductInput,
    ) -> Result<Option<SaveStandardProductPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let SaveStandardProductInput { key, name, summary, category, version, reason, idempotency_key } = input;
        let deed = Saving { key, name, summary, category, version };
        let order = order(reading, caller, idempotency_key, deed, Some(reason));
        let saved = to_its_end(standard_products::save(reading.desk.clone(), order)).await;
        reading.renew();
        let (id, errors) = told(reading, saved)?;
        let found = id.and_then(|id| reading.snapshot.standard_products.find(id));
        Ok(Some(SaveStandardProductPayload { standard_product: found.map(StandardProduct), errors }))
    }

    /// Says which standard product a product implements, or that it implements none. The rules see it at once: what
    /// implements a standard product is of the kind STANDARD, unless it is in the initial portfolio.
    async fn match_product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which product, which standard product, and why.")] input: MatchProductInput,
    ) -> Result<Option<MatchProductPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let MatchProductInput { product, version, standard_product, reason, idempotency_key } = input;
        let matched = match product_id(&reading.snapshot, "product", &product) {
            Ok(product) => {
                let deed = Matching { product, version, standard_product };
                let order = order(reading, caller, idempotency_key, deed, Some(reason));
                to_its_end(product_matches::match_product(reading.desk.clone(), order)).await
            }
            Err(error) => Err(error),
        };
        reading.renew();
        let (id, errors) = told(reading, matched)?;
        let found = id.and_then(|id| reading.snapshot.products.find(id));
        Ok(Some(MatchProductPayload { product: found.map(Product::at), errors }))
    }
}
