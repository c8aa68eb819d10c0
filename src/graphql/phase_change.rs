//! Changes of phase: proposed by one person, confirmed by another.

use ::entity::phase_proposal;
use async_graphql::{Context, Description, ID, InputObject, Object, SimpleObject};

use super::{
    context::reading,
    node::{global_id, row_id},
    payload::{UserError, order, to_its_end, told},
    phase::{PhaseKey, TransformationPhase},
    scalars::DateTime,
    subscription_input::ReasonInput,
};
use crate::{
    error::Result,
    phase_changes::{self, Confirming, Proposing},
};

/// A proposal to enter another phase.
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
    /// What went wrong; empty when the phase was entered.
    errors: Vec<UserError>,
}

/// Proposes to enter another phase.
#[derive(InputObject)]
pub struct ProposePhaseChangeInput {
    /// The phase to enter.
    to: PhaseKey,
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

/// Changes of phase.
#[derive(Default)]
pub struct PhaseChangeMutation;

#[Object]
impl PhaseChangeMutation {
    /// Proposes to enter another phase; it holds for 90 days and for the current phase. Open exit criteria refuse a step
    /// forward unless they are overridden.
    async fn propose_phase_change(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which phase, and why.")] input: ProposePhaseChangeInput,
    ) -> Result<Option<ProposePhaseChangePayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let deed = Proposing { to: input.to.into(), overrides_open_criteria: input.override_open_criteria };
        let order = order(reading, caller, input.idempotency_key, deed, Some(input.reason));
        let proposed = to_its_end(phase_changes::propose(reading.desk.clone(), order));
        let (proposal, errors) = told(reading, proposed.await)?;
        Ok(Some(ProposePhaseChangePayload { proposal: proposal.map(PhaseChangeProposal), errors }))
    }

    /// Confirms a proposal: the phase changes at once. Never by whoever proposed it.
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
        let (phase, errors) = told(reading, confirmed)?;
        let phase = phase.and_then(|row| TransformationPhase::as_written(&reading.snapshot, row));
        Ok(Some(ConfirmPhaseChangePayload { phase, errors }))
    }
}
