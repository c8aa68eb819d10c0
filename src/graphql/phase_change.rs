//! Changes of phase: proposed by one person, confirmed by another.

use ::entity::phase_proposal;
use async_graphql::{Context, Description, ID, InputObject, Object, SimpleObject};

use super::{
    context::{reading, snapshot},
    node::{global_id, row_id},
    payload::{UserError, order, to_its_end, told},
    phase::{PhaseKey, TransformationPhase},
    phase_exception::{PhaseException, PhaseScope},
    product::Product,
    provider::Provider,
    scalars::{Date, DateTime},
    subscription_input::ReasonInput,
};
use crate::{
    access::Duty,
    error::Result,
    orders,
    phase_changes::{self, Confirming, Proposing},
};

/// A proposal to enter another phase, or of an exception to the current one.
#[derive(Description)]
pub struct PhaseChangeProposal(phase_proposal::Model);

#[Object(use_type_description)]
impl PhaseChangeProposal {
    /// Opaque id, to confirm it with.
    async fn id(&self) -> ID {
        global_id("PhaseChangeProposal", self.0.id)
    }

    /// The phase that was current when it was proposed.
    async fn from(&self) -> PhaseKey {
        self.0.from_phase.into()
    }

    /// The phase to enter.
    async fn to(&self) -> PhaseKey {
        self.0.to_phase.into()
    }

    /// Of an exception: the product that it is about.
    async fn product(&self, context: &Context<'_>) -> Option<Product> {
        snapshot(context).products.find(self.0.product_id?).map(Product::at)
    }

    /// Of an exception: the provider that it is about. Null with `product` for a change of phase for all.
    async fn provider(&self, context: &Context<'_>) -> Option<Provider> {
        snapshot(context).providers.find(self.0.provider_id?).map(Provider)
    }

    /// Of an exception: its last day.
    async fn until(&self) -> Option<Date> {
        self.0.until_day.map(Date)
    }

    /// Whether it goes beyond open exit criteria.
    async fn overrides_open_criteria(&self) -> bool {
        self.0.overrides_open_criteria
    }

    /// Who proposed it: the subject of the token, never a name.
    async fn proposed_by(&self) -> &str {
        &self.0.proposed_by_subject
    }

    /// Until when it can be confirmed.
    async fn expires_at(&self) -> DateTime {
        DateTime(self.0.expires_at)
    }
}

/// Outcome of a proposal.
#[derive(SimpleObject)]
pub struct ProposePhaseChangePayload {
    /// The proposal; null when it was refused.
    proposal: Option<PhaseChangeProposal>,
    /// What went wrong; empty when it was proposed.
    errors: Vec<UserError>,
}

/// Outcome of a confirmation.
#[derive(SimpleObject)]
pub struct ConfirmPhaseChangePayload {
    /// The phase that is current since then; null when it was refused.
    phase: Option<TransformationPhase>,
    /// The exception that has begun or ended; null for a change of phase for all, and when it was refused.
    exception: Option<PhaseException>,
    /// What went wrong; empty when the phase was entered.
    errors: Vec<UserError>,
}

/// Proposes to enter another phase, or an exception to the current one.
#[derive(InputObject)]
pub struct ProposePhaseChangeInput {
    /// The phase to enter.
    to: PhaseKey,
    /// Only for one product or provider: an exception, which begins with the confirmation. The current phase as `to` ends it.
    scope: Option<PhaseScope>,
    /// Of an exception: its last day, from today to 10 years ahead; until another proposal ends it when left out.
    until: Option<Date>,
    /// Although exit criteria of the current phase are open; the reason says why.
    #[graphql(default = false)]
    override_open_criteria: bool,
    /// Why.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Confirms a proposal.
#[derive(InputObject)]
pub struct ConfirmPhaseChangeInput {
    /// Id of the proposal.
    proposal: ID,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Root fields for proposals.
#[derive(Default)]
pub struct PhaseChangeQuery;

#[Object]
impl PhaseChangeQuery {
    /// Proposals that can still be confirmed, oldest first. For those who rehearse changes of phase: the transformation
    /// office, stewards and auditors.
    async fn phase_change_proposals(&self, context: &Context<'_>) -> Result<Vec<PhaseChangeProposal>> {
        let reading = reading(context);
        let (caller, phase) = (reading.signed_in()?, reading.phase()?);
        let permitted = reading.desk.engine.duty(caller, Duty::RehearsePhaseChange, false, phase);
        permitted.map_err(|rule| orders::refusal(&reading.desk, Duty::RehearsePhaseChange, phase, &rule))?;
        let open = phase_changes::open(reading.db(), reading.now).await?;
        Ok(open.into_iter().map(PhaseChangeProposal).collect())
    }
}

/// Changes of phase.
#[derive(Default)]
pub struct PhaseChangeMutation;

#[Object]
impl PhaseChangeMutation {
    /// Proposes to enter another phase, for all or, as an exception, for one product or provider; it holds for 90 days and for
    /// the current phase. Open exit criteria refuse a step forward for all unless they are overridden.
    async fn propose_phase_change(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which phase, and why.")] input: ProposePhaseChangeInput,
    ) -> Result<Option<ProposePhaseChangePayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let proposed = match input.scope.as_ref().map(|scope| scope.find(&reading.snapshot)).transpose() {
            Ok(scope) => {
                let (provider, product) = scope.unwrap_or_default();
                let (until, overrides_open_criteria) = (input.until.map(|day| day.0), input.override_open_criteria);
                let deed = Proposing { to: input.to.into(), provider, product, until, overrides_open_criteria };
                let order = order(reading, caller, input.idempotency_key, deed, Some(input.reason));
                to_its_end(phase_changes::propose(reading.desk.clone(), order)).await
            }
            Err(error) => Err(error),
        };
        let (proposal, errors) = told(reading, proposed)?;
        Ok(Some(ProposePhaseChangePayload { proposal: proposal.map(PhaseChangeProposal), errors }))
    }

    /// Confirms a proposal: the phase changes at once, or the exception begins or ends. Never by whoever proposed it.
    async fn confirm_phase_change(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which proposal.")] input: ConfirmPhaseChangeInput,
    ) -> Result<Option<ConfirmPhaseChangePayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let confirmed = match row_id("proposal", "PhaseChangeProposal", &input.proposal) {
            Ok(proposal) => {
                let order = order(reading, caller, input.idempotency_key, Confirming { proposal }, None);
                to_its_end(phase_changes::confirm(reading.desk.clone(), order)).await
            }
            Err(error) => Err(error),
        };
        let (confirmed, errors) = told(reading, confirmed)?;
        let (phase, exception) = confirmed.map(|confirmed| (confirmed.phase, confirmed.exception)).unzip();
        let phase = phase.and_then(|row| TransformationPhase::as_written(&reading.snapshot, row));
        Ok(Some(ConfirmPhaseChangePayload { phase, exception: exception.flatten().map(PhaseException), errors }))
    }
}
