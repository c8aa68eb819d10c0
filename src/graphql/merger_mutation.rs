//! Merging providers.

use async_graphql::{Context, InputObject, Object, SimpleObject};

use super::{
    context::{Reading, reading},
    merger::ProviderMerger,
    merger_plan::MergerPlan,
    payload::{UserError, order, to_its_end, told},
    provider::ProviderBy,
    scalars::Date,
    subscription_input::ReasonInput,
};
use crate::{
    error::Result,
    mergers::{self, Merging},
};

/// Merges providers into another one.
#[derive(InputObject)]
pub struct MergeProvidersInput {
    /// The provider that goes on.
    into: ProviderBy,
    /// The providers that go into it, 1 to 27, each once; none that has merged already, and not the central provider.
    providers: Vec<ProviderBy>,
    /// The day of the merger: today, or up to a year back, and after the last day on which one of the providers changed its
    /// level of joining. A later day is refused: send the merger on its day.
    on: Date,
    /// Reference of the resolution (Beschluss), 1 to 200 characters.
    resolution: String,
    /// Tell the plan and write nothing.
    #[graphql(default = false)]
    dry_run: bool,
    /// `hash` of the plan that a dry run told. Needed unless `dryRun`; CONFLICT and the new plan when something has changed since.
    plan_hash: Option<String>,
    /// Why.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Outcome of a merger. Providers and products in it are told as they were when the request began.
#[derive(SimpleObject)]
pub struct MergeProvidersPayload {
    /// The merger; null when nothing was written.
    merger: Option<ProviderMerger<'static>>,
    /// What would happen, or has happened; null when the input was wrong, or when an earlier request with the same key carried
    /// the merger out.
    plan: Option<MergerPlan>,
    /// What went wrong; empty when the plan was told, or the merger carried out.
    errors: Vec<UserError>,
}

/// Merging providers.
#[derive(Default)]
pub struct MergerMutation;

#[Object]
impl MergerMutation {
    /// Merges providers into another one (Fusion): their products with all subscriptions, what they take themselves, their
    /// contacts, their coverage, freezes and exceptions to the phase go over to it, all at once. First ask for the plan with
    /// `dryRun`, then send its hash. Who has gone into another keeps its key, id and history, its keys of products find them
    /// for ever, and its tokens act for the successor.
    async fn merge_providers(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Who goes into whom, on which day, and why.")] input: MergeProvidersInput,
    ) -> Result<Option<MergeProvidersPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let merging = merging(reading, &input);
        let merged = match merging {
            Ok(merging) => {
                let order = order(reading, caller, input.idempotency_key, merging, Some(input.reason));
                to_its_end(mergers::merge(reading.desk.clone(), order)).await
            }
            Err(error) => Err(error),
        };
        let (merged, mut errors) = told(reading, merged)?;
        let Some(merged) = merged else { return Ok(Some(MergeProvidersPayload { merger: None, plan: None, errors })) };
        if let Some(refusal) = merged.refusal {
            errors = told::<()>(reading, Err(refusal))?.1;
        }
        let (merger, plan) = (merged.merger.map(ProviderMerger::written), merged.plan.map(MergerPlan));
        Ok(Some(MergeProvidersPayload { merger, plan, errors }))
    }
}

fn merging(reading: &Reading, input: &MergeProvidersInput) -> Result<Merging> {
    let find = |field: String, by: &ProviderBy| {
        let at = by.find(&reading.snapshot).map_err(|error| error.with("field", field))?;
        Ok(reading.snapshot.providers[at].row.id)
    };
    let providers = input.providers.iter().enumerate();
    Ok(Merging {
        into: find("into".to_owned(), &input.into)?,
        providers: providers.map(|(place, by)| find(format!("providers.{place}"), by)).collect::<Result<_>>()?,
        on: input.on.0,
        resolution: input.resolution.clone(),
        plan_hash: input.plan_hash.clone(),
        is_rehearsal: input.dry_run,
    })
}
