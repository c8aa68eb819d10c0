//! The review of products that wait for their place in the catalogue.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::{
    context::reading,
    node::row_id,
    payload::{UserError, order, to_its_end, told, user_errors},
    product::Product,
    subscription_input::ReasonInput,
};
use crate::{
    error::Result,
    portfolios::reviews::{self, Reviewing, Said},
};

/// What a steward says of one product.
#[derive(InputObject)]
pub struct ReviewRowInput {
    /// Id of the product.
    product: ID,
    /// The version that was looked at.
    version: i64,
    /// Why it is returned, 1 to 2000 characters; accepted when left out.
    returned: Option<String>,
}

/// Reviews products.
#[derive(InputObject)]
pub struct ReviewProductsInput {
    /// What is said of each, 1 to 1000; each counts by itself.
    rows: Vec<ReviewRowInput>,
    /// Tell what would happen and write nothing.
    #[graphql(default = false)]
    dry_run: bool,
    /// Why, for the records.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// What became of one product of a review.
#[derive(SimpleObject)]
pub struct ReviewRow {
    /// Place in the input, from 0.
    index: usize,
    /// The product as it stands since then; null when something was wrong.
    product: Option<Product>,
    /// What is wrong; empty when nothing is.
    errors: Vec<UserError>,
}

/// Outcome of a review.
#[derive(SimpleObject)]
pub struct ReviewProductsPayload {
    /// One for each row, in their order; empty when all of it was refused.
    rows: Vec<ReviewRow>,
    /// What is wrong with all of it.
    errors: Vec<UserError>,
}

/// Reviews of products.
#[derive(Default)]
pub struct ProductReviewMutation;

#[Object]
impl ProductReviewMutation {
    /// Accepts products that wait for a review into the catalogue, or returns them with a reason; each counts by itself.
    async fn review_products(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is said of which product.")] input: ReviewProductsInput,
    ) -> Result<Option<ReviewProductsPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let said = |row: ReviewRowInput| {
            // What is no id of a product is none that exists.
            let product = row_id("product", "Product", &row.product).unwrap_or_default();
            Said { product, version: row.version, returned: row.returned }
        };
        let deed = Reviewing { rows: input.rows.into_iter().map(said).collect(), is_rehearsal: input.dry_run };
        let order = order(reading, caller, input.idempotency_key, deed, Some(input.reason));
        let reviewed = to_its_end(reviews::review(reading.desk.clone(), order)).await;
        let (reviewed, errors) = told(reading, reviewed)?;
        let rows = reviewed.unwrap_or_default().into_iter().enumerate().map(|(index, outcome)| {
            let place = index.to_string();
            Ok(match outcome {
                Ok(stored) => {
                    let product = stored.product(&reading.snapshot).map(Product::unpublished);
                    ReviewRow { index, product, errors: Vec::new() }
                }
                Err(error) => {
                    ReviewRow { index, product: None, errors: user_errors(reading, &["rows", &place], &[error])? }
                }
            })
        });
        Ok(Some(ReviewProductsPayload { rows: rows.collect::<Result<_>>()?, errors }))
    }
}
