//! Recording how far providers and municipalities have joined.

use async_graphql::{Context, InputObject, Object, SimpleObject};

use super::{
    context::{Reading, reading},
    municipality::MunicipalityBy,
    payload::{UserError, order, to_its_end, told},
    provider::{Joining, JoiningLevel, ProviderBy},
    scalars::Date,
    subscription_input::ReasonInput,
};
use crate::{
    error::Result,
    joinings::{self, Organisation},
};

/// Records how far a provider has joined.
#[derive(InputObject)]
pub struct JoinProviderInput {
    /// Which provider.
    provider: ProviderBy,
    /// How far: any level but MERGED. PORTFOLIO needs a published portfolio without drafts and without products in review.
    level: JoiningLevel,
    /// First day of this level, after that of the level before; at most 10 years back or ahead.
    since: Date,
    /// Reference of the resolution (Beschluss), at most 200 characters.
    resolution: Option<String>,
    /// Correct the last level instead of following it: level, day and resolution take the place of what stands there.
    #[graphql(default = false)]
    correction: bool,
    /// Why.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Records how far a municipality has joined.
#[derive(InputObject)]
pub struct JoinMunicipalityInput {
    /// Which municipality or Kreis.
    municipality: MunicipalityBy,
    /// How far: NOT_JOINED, SINGLE_PRODUCTS or JOINED.
    level: JoiningLevel,
    /// First day of this level, after that of the level before; at most 10 years back or ahead.
    since: Date,
    /// Reference of the resolution (Beschluss), at most 200 characters.
    resolution: Option<String>,
    /// Correct the last level instead of following it: level, day and resolution take the place of what stands there.
    #[graphql(default = false)]
    correction: bool,
    /// Why.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Outcome of recording a level of joining.
#[derive(SimpleObject)]
pub struct JoiningPayload {
    /// The level as it is recorded now; null when it was refused.
    joining: Option<Joining>,
    /// What went wrong; empty when it was recorded, or stood there already.
    errors: Vec<UserError>,
}

/// Recording levels of joining.
#[derive(Default)]
pub struct JoiningMutation;

#[Object]
impl JoiningMutation {
    /// Records how far a provider has joined the central provider (Beitritt), from a day on. The same again changes nothing.
    async fn join_provider(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which provider, how far, since when, and why.")] input: JoinProviderInput,
    ) -> Result<Option<JoiningPayload>> {
        let JoinProviderInput { provider, level, since, resolution, correction, reason, idempotency_key } = input;
        let snapshot = &reading(context).snapshot;
        let found = provider.find(snapshot).map_err(|error| error.with("field", "provider"));
        let joining = found.map(|at| joinings::Joining {
            organisation: Organisation::Provider(snapshot.providers[at].row.id),
            level: level.into(),
            since: since.0,
            resolution,
            is_correction: correction,
        });
        join(reading(context), joining, reason, idempotency_key).await
    }

    /// Records how far a municipality has joined the central provider (Beitritt), from a day on. The same again changes nothing.
    async fn join_municipality(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which municipality, how far, since when, and why.")] input: JoinMunicipalityInput,
    ) -> Result<Option<JoiningPayload>> {
        let JoinMunicipalityInput { municipality, level, since, resolution, correction, reason, idempotency_key } =
            input;
        let snapshot = &reading(context).snapshot;
        let found = municipality.find(snapshot).map_err(|error| error.with("field", "municipality"));
        let joining = found.map(|at| joinings::Joining {
            organisation: Organisation::Municipality(snapshot.municipalities[at].row.id),
            level: level.into(),
            since: since.0,
            resolution,
            is_correction: correction,
        });
        join(reading(context), joining, reason, idempotency_key).await
    }
}

async fn join(
    reading: &Reading,
    joining: Result<joinings::Joining>,
    reason: ReasonInput,
    key: String,
) -> Result<Option<JoiningPayload>> {
    let caller = reading.signed_in()?;
    let joined = match joining {
        Ok(joining) => {
            let order = order(reading, caller, key, joining, Some(reason));
            to_its_end(joinings::join(reading.desk.clone(), order)).await
        }
        Err(error) => Err(error),
    };
    let (joining, errors) = told(reading, joined)?;
    Ok(Some(JoiningPayload { joining: joining.as_ref().map(Joining::new), errors }))
}
