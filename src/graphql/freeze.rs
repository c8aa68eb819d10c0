//! Freezes of a product, of a provider, or of everything.

use ::entity::freeze;
use async_graphql::{Context, Description, ID, InputObject, Object, OneofObject, SimpleObject};

use super::{
    context::{reading, snapshot},
    node::{global_id, row_id},
    payload::{UserError, order, to_its_end, told},
    product::Product,
    provider::{Provider, ProviderBy},
    scalars::Date,
    subscription_input::ReasonInput,
};
use crate::{
    catalogue::Snapshot,
    error::{Error, Result},
    freezes::{self, Freezing, Lifting},
};

/// For a while, nobody but the transformation office changes subscriptions of a product, of a provider, or at all (Sperre).
/// Giving notice stays possible.
#[derive(Description)]
pub struct Freeze(freeze::Model);

#[Object(use_type_description)]
impl Freeze {
    /// Opaque id, to lift it with.
    async fn id(&self) -> ID {
        global_id("Freeze", self.0.id)
    }

    /// The product that is frozen; null when more is.
    async fn product(&self, context: &Context<'_>) -> Option<Product> {
        snapshot(context).products.find(self.0.product_id?).map(Product::at)
    }

    /// The provider whose products are all frozen; null when it is one product, or everything.
    async fn provider(&self, context: &Context<'_>) -> Option<Provider> {
        snapshot(context).providers.find(self.0.provider_id?).map(Provider)
    }

    /// Why, for those who are refused.
    async fn message(&self) -> &str {
        &self.0.message
    }

    /// First day.
    async fn from(&self) -> Date {
        Date(self.0.from_day)
    }

    /// Last day; null until it is lifted.
    async fn until(&self) -> Option<Date> {
        self.0.until_day.map(Date)
    }

    /// Whether it was lifted.
    async fn lifted(&self) -> bool {
        self.0.lifted_at.is_some()
    }
}

/// Outcome of a freeze, or of lifting one.
#[derive(SimpleObject)]
pub struct FreezePayload {
    /// The freeze as it stands now; null when it was refused.
    freeze: Option<Freeze>,
    /// What went wrong; empty when it was done.
    errors: Vec<UserError>,
}

/// What is frozen: exactly one of these.
#[derive(OneofObject)]
pub enum FreezeScope {
    /// One product, by its id.
    Product(ID),
    /// All products of a provider.
    Provider(ProviderBy),
    /// Everything: true.
    Everything(bool),
}

/// Freezes a product, a provider, or everything.
#[derive(InputObject)]
pub struct FreezeInput {
    /// What.
    scope: FreezeScope,
    /// Why, for those who are refused; 1 to 500 characters.
    message: String,
    /// First day, not before today; today when left out.
    from: Option<Date>,
    /// Last day; until it is lifted when left out.
    until: Option<Date>,
    /// Why, for the records.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Lifts a freeze.
#[derive(InputObject)]
pub struct UnfreezeInput {
    /// Id of the freeze.
    freeze: ID,
    /// Why.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Root fields for freezes.
#[derive(Default)]
pub struct FreezeQuery;

#[Object]
impl FreezeQuery {
    /// Freezes that are not lifted, oldest first.
    async fn freezes(&self, context: &Context<'_>) -> Vec<Freeze> {
        snapshot(context).freezes.iter().cloned().map(Freeze).collect()
    }
}

/// Freezing and lifting.
#[derive(Default)]
pub struct FreezeMutation;

#[Object]
impl FreezeMutation {
    /// Freezes a product, all products of a provider, or everything. While it holds, only the transformation office changes
    /// these subscriptions; giving notice stays possible.
    async fn freeze(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What, from when, until when, and why.")] input: FreezeInput,
    ) -> Result<Option<FreezePayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let FreezeInput { scope, message, from, until, reason, idempotency_key } = input;
        let frozen = match parts(&scope, &reading.snapshot) {
            Ok((product, provider)) => {
                let (from, until) = (from.map(|day| day.0), until.map(|day| day.0));
                let deed = Freezing { provider, product, message, from, until };
                let order = order(reading, caller, idempotency_key, deed, Some(reason));
                to_its_end(freezes::freeze(reading.desk.clone(), order)).await
            }
            Err(error) => Err(error),
        };
        let (freeze, errors) = told(reading, frozen)?;
        Ok(Some(FreezePayload { freeze: freeze.map(Freeze), errors }))
    }

    /// Lifts a freeze.
    async fn unfreeze(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which freeze, and why.")] input: UnfreezeInput,
    ) -> Result<Option<FreezePayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let lifted = match row_id("freeze", "Freeze", &input.freeze) {
            Ok(freeze) => {
                let order = order(reading, caller, input.idempotency_key, Lifting { freeze }, Some(input.reason));
                to_its_end(freezes::unfreeze(reading.desk.clone(), order)).await
            }
            Err(error) => Err(error),
        };
        let (freeze, errors) = told(reading, lifted)?;
        Ok(Some(FreezePayload { freeze: freeze.map(Freeze), errors }))
    }
}

type Parts = (Option<sea_orm::prelude::Uuid>, Option<sea_orm::prelude::Uuid>);

/// Product and provider that are meant.
fn parts(scope: &FreezeScope, snapshot: &Snapshot) -> Result<Parts> {
    match scope {
        FreezeScope::Product(id) => {
            let row = row_id("scope.product", "Product", id)?;
            let found =
                snapshot.products.find(row).ok_or_else(|| Error::not_found(id).with("field", "scope.product"))?;
            Ok((Some(snapshot.products[found].row.id), None))
        }
        FreezeScope::Provider(by) => {
            let at = by.find(snapshot).map_err(|error| error.with("field", "scope.provider"))?;
            Ok((None, Some(snapshot.providers[at].row.id)))
        }
        FreezeScope::Everything(true) => Ok((None, None)),
        FreezeScope::Everything(false) => Err(Error::bad_input(
            "scope.everything",
            "everything ist false. Bitte true angeben, oder product oder provider.",
            "everything is false. Please give true, or product, or provider.",
        )),
    }
}
