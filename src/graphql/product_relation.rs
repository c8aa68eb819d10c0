//! What products have to do with each other.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use sea_orm::prelude::Uuid;

use super::{
    context::{Reading, reading},
    payload::{UserError, order, to_its_end, told},
    product::{Product, product_id},
    subscription_input::ReasonInput,
};
use crate::{
    error::Result,
    product_relations::{self, Relating},
};

/// All relations that a product is to have. What is not named is taken away.
#[derive(InputObject)]
pub struct SaveProductRelationsInput {
    /// Id of the product.
    product: ID,
    /// The version of the product that the change starts from.
    version: i64,
    /// Ids of products that it can't be used without, at most 50; never in a circle.
    requires: Vec<ID>,
    /// Ids of products whose place it takes, at most 50; never in a circle.
    replaces: Vec<ID>,
    /// Ids of products that it can't be used together with, at most 50; none that it requires, or that requires it.
    excludes: Vec<ID>,
    /// Only tells what would be wrong; nothing is written, and the product is shown as it stands.
    #[graphql(default = false)]
    dry_run: bool,
    /// Why.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Outcome of saving the relations of a product.
#[derive(SimpleObject)]
pub struct SaveProductRelationsPayload {
    /// The product as it stands now; null when it was refused.
    product: Option<Product>,
    /// What went wrong; empty when nothing did.
    errors: Vec<UserError>,
}

/// Changes of relations between products.
#[derive(Default)]
pub struct ProductRelationMutation;

#[Object]
impl ProductRelationMutation {
    /// Sets all relations of a product: which ones it requires, replaces and excludes.
    async fn save_product_relations(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which product, its relations, and why.")] input: SaveProductRelationsInput,
    ) -> Result<Option<SaveProductRelationsPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let saved = match relating(reading, &input) {
            Ok(deed) => {
                let order = order(reading, caller, input.idempotency_key, deed, Some(input.reason));
                to_its_end(product_relations::save(reading.desk.clone(), order, input.dry_run)).await
            }
            Err(error) => Err(error),
        };
        reading.renew();
        let (id, errors) = told(reading, saved)?;
        let found = id.and_then(|id| reading.snapshot.products.find(id));
        Ok(Some(SaveProductRelationsPayload { product: found.map(Product::at), errors }))
    }
}

fn relating(reading: &Reading, input: &SaveProductRelationsInput) -> Result<Relating> {
    let ids = |field: &str, ids: &[ID]| -> Result<Vec<Uuid>> {
        let ids = ids.iter().enumerate();
        ids.map(|(place, id)| product_id(&reading.snapshot, &format!("{field}.{place}"), id)).collect()
    };
    Ok(Relating {
        product: product_id(&reading.snapshot, "product", &input.product)?,
        version: input.version,
        requires: ids("requires", &input.requires)?,
        replaces: ids("replaces", &input.replaces)?,
        excludes: ids("excludes", &input.excludes)?,
    })
}
