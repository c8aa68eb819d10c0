//! Steps of one product: to the review, out of the offers, and back to an earlier version.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::{
    context::{Reading, reading},
    node::row_id,
    payload::{UserError, order, to_its_end},
    portfolio,
    product::Product,
    scalars::Date,
    subscription_input::ReasonInput,
};
use crate::{
    access::Duty,
    error::Result,
    portfolios::{
        register::{Registering, register},
        steps::{Step, Stepping},
        versions,
    },
};

/// Gives a product that is being written to the review.
#[derive(InputObject)]
pub struct SubmitProductInput {
    /// Id of the product.
    product: ID,
    /// The version that the step starts from.
    version: i64,
    /// Tell what would happen and write nothing.
    #[graphql(default = false)]
    dry_run: bool,
    /// Why.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Phases a product out.
#[derive(InputObject)]
pub struct PhaseOutProductInput {
    /// Id of the product.
    product: ID,
    /// The version that the step starts from.
    version: i64,
    /// From this day no new subscription: today when left out, or a later day, until which it stands as it does.
    phase_out_from: Option<Date>,
    /// From this day it is gone; what was set before when left out. It can also be set while it is being phased out.
    retired_from: Option<Date>,
    /// Tell what would happen and write nothing.
    #[graphql(default = false)]
    dry_run: bool,
    /// Why.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Retires a product.
#[derive(InputObject)]
pub struct RetireProductInput {
    /// Id of the product.
    product: ID,
    /// The version that the step starts from.
    version: i64,
    /// Tell what would happen and write nothing.
    #[graphql(default = false)]
    dry_run: bool,
    /// Why.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Brings back what a product was in an earlier version.
#[derive(InputObject)]
pub struct RevertProductInput {
    /// Id of the product.
    product: ID,
    /// The version that the step starts from.
    version: i64,
    /// Number of the version whose words come back.
    to_version: i64,
    /// Tell what would happen and write nothing.
    #[graphql(default = false)]
    dry_run: bool,
    /// Why.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Outcome of a step of a product.
#[derive(SimpleObject)]
pub struct ProductStepPayload {
    /// The product as it is, or would be; null when it was refused.
    product: Option<Product>,
    /// The fields that are others than before; the step may also change only where it stands.
    changed_fields: Vec<String>,
    /// What went wrong; empty when nothing did.
    errors: Vec<UserError>,
}

/// Steps of products.
#[derive(Default)]
pub struct ProductStepMutation;

#[Object]
impl ProductStepMutation {
    /// Gives a product that is a DRAFT to the review, also one that a steward returned: it is IN_REVIEW then.
    async fn submit_product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which product, and why.")] input: SubmitProductInput,
    ) -> Result<Option<ProductStepPayload>> {
        let SubmitProductInput { product, version, dry_run, reason, idempotency_key } = input;
        let asked = Asked { product, version, dry_run, reason, idempotency_key };
        asked.take(reading(context), Step::Submit, Duty::SubmitProduct).await
    }

    /// Lets a published product take no new subscriptions from a day on; existing ones go on until they are ended or moved.
    async fn phase_out_product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which product, from when, and why.")] input: PhaseOutProductInput,
    ) -> Result<Option<ProductStepPayload>> {
        let PhaseOutProductInput { product, version, phase_out_from, retired_from, dry_run, reason, idempotency_key } =
            input;
        let step =
            Step::PhaseOut { from: phase_out_from.map(|day| day.0), retired_from: retired_from.map(|day| day.0) };
        let asked = Asked { product, version, dry_run, reason, idempotency_key };
        asked.take(reading(context), step, Duty::PhaseOutProduct).await
    }

    /// Takes a product out of the offers for ever: one that is phased out, or that was never to be had. ILLEGAL_STEP while
    /// somebody takes it or has asked for it.
    async fn retire_product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which product, and why.")] input: RetireProductInput,
    ) -> Result<Option<ProductStepPayload>> {
        let RetireProductInput { product, version, dry_run, reason, idempotency_key } = input;
        let asked = Asked { product, version, dry_run, reason, idempotency_key };
        asked.take(reading(context), Step::Retire, Duty::RetireProduct).await
    }

    /// Brings back the words of an earlier version, as a new version and by the same rules as `saveProduct`. Where the product
    /// stands, its days, its key and its standard product stay. Prices of a published product come back from the first day
    /// after the notice period; until then those of now go on.
    async fn revert_product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which product, to which version, and why.")] input: RevertProductInput,
    ) -> Result<Option<ProductStepPayload>> {
        let RevertProductInput { product, version, to_version, dry_run, reason, idempotency_key } = input;
        let asked = Asked { product, version, dry_run, reason, idempotency_key };
        asked.take(reading(context), Step::Revert { to: to_version }, Duty::RevertProduct).await
    }
}

/// What every step names.
struct Asked {
    product: ID,
    version: i64,
    dry_run: bool,
    reason: ReasonInput,
    idempotency_key: String,
}

impl Asked {
    async fn take(self, reading: &Reading, step: Step, duty: Duty) -> Result<Option<ProductStepPayload>> {
        let caller = reading.signed_in()?;
        let of_product = async {
            let product = row_id("product", "Product", &self.product)?;
            Ok((product, versions::provider_of(reading.db(), caller, product).await?))
        };
        let done = match of_product.await {
            Ok((product, provider)) => {
                let deed = Registering {
                    provider,
                    count: None,
                    digest: None,
                    rows: Vec::new(),
                    accepts_valid: false,
                    phases_out: None,
                    step: Some(Stepping { product, version: self.version, step }),
                    is_rehearsal: self.dry_run,
                };
                let order = order(reading, caller, self.idempotency_key, deed, Some(self.reason));
                to_its_end(register(reading.desk.clone(), order, duty)).await
            }
            Err(error) => Err(error),
        };
        // What is wrong with words that come back is told at the version that they come from.
        let place = if matches!(step, Step::Revert { .. }) { &["toVersion"][..] } else { &[] };
        let (product, changed_fields, errors) = portfolio::one(reading, done, place)?;
        Ok(Some(ProductStepPayload { product, changed_fields, errors }))
    }
}
