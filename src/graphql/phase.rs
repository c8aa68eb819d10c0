//! Transformation phases.

use std::sync::Arc;

use ::entity::phase;
use async_graphql::{Context, Description, Enum, ID, Object, SimpleObject};

use super::{context::snapshot, node::global_id, scalars::Date};
use crate::{
    catalogue::{self, At, Snapshot},
    error::Result,
    phases::no_reference_data,
};

/// A phase of the transformation. Number, order and themes are from S1; names and split are ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "::entity::phase::Key")]
pub enum PhaseKey {
    /// Before the independent unit exists (Vorbereitung).
    Preparation,
    /// The unit offers the initial portfolio; single products without joining (Gründung).
    Foundation,
    /// More municipalities and providers join, the portfolio grows (Integration).
    Integration,
    /// One full-service provider (verstetigter Betrieb).
    SteadyState,
}

/// Where a phase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "::entity::phase::State")]
pub enum PhaseState {
    /// Has ended.
    Done,
    /// Is now; exactly one phase is.
    Current,
    /// Is to come.
    Upcoming,
}

/// What must hold before a phase is left (Austrittskriterium).
#[derive(SimpleObject)]
pub struct ExitCriterion<'s> {
    /// The criterion, in German.
    text: &'s str,
    /// Whether it holds.
    met: bool,
    /// Since when it holds.
    met_at: Option<Date>,
    /// Founding document and passage, or `ours`.
    source: &'s str,
}

/// A phase of the transformation to one central municipal provider.
#[derive(Description, Clone)]
pub struct TransformationPhase {
    at: At<catalogue::Phase>,
    // As it was just written, newer than the snapshot of this request.
    written: Option<Arc<phase::Model>>,
}

impl TransformationPhase {
    /// The phase at a place of the snapshot.
    pub fn at(at: At<catalogue::Phase>) -> Self {
        Self { at, written: None }
    }

    /// The phase as it was just written; none when the snapshot does not know it.
    pub fn as_written(snapshot: &Snapshot, row: phase::Model) -> Option<Self> {
        Some(Self { at: snapshot.phases.find(row.id)?, written: Some(Arc::new(row)) })
    }

    fn row<'c>(&'c self, context: &Context<'c>) -> &'c phase::Model {
        self.written.as_deref().unwrap_or_else(|| &snapshot(context).phases[self.at].row)
    }
}

#[Object(use_type_description)]
impl TransformationPhase {
    /// Opaque global id, the same for ever.
    pub async fn id(&self, context: &Context<'_>) -> ID {
        global_id("TransformationPhase", self.row(context).id)
    }

    /// Natural key.
    async fn key(&self, context: &Context<'_>) -> PhaseKey {
        self.row(context).key.into()
    }

    /// Place in the order, from 1.
    async fn ordinal(&self, context: &Context<'_>) -> i32 {
        self.row(context).ordinal
    }

    /// Name, in German.
    async fn name<'c>(&'c self, context: &Context<'c>) -> &'c str {
        &self.row(context).name
    }

    /// What the phase is about, in German.
    async fn theme<'c>(&'c self, context: &Context<'c>) -> &'c str {
        &self.row(context).theme
    }

    /// Where it stands.
    async fn state(&self, context: &Context<'_>) -> PhaseState {
        self.row(context).state.into()
    }

    /// Planned first day; null while nothing is planned.
    async fn planned_start(&self, context: &Context<'_>) -> Option<Date> {
        self.row(context).planned_start.map(Date)
    }

    /// First day.
    async fn started_at(&self, context: &Context<'_>) -> Option<Date> {
        self.row(context).started_at.map(Date)
    }

    /// Last day.
    async fn ended_at(&self, context: &Context<'_>) -> Option<Date> {
        self.row(context).ended_at.map(Date)
    }

    /// What must hold before it is left.
    async fn exit_criteria<'c>(&self, context: &Context<'c>) -> Vec<ExitCriterion<'c>> {
        let criteria = snapshot(context).phases[self.at].exit_criteria.iter();
        criteria
            .map(|row| ExitCriterion {
                text: &row.text,
                met: row.met,
                met_at: row.met_at.map(Date),
                source: &row.source,
            })
            .collect()
    }

    /// Founding document and passage, and what is `ours`.
    async fn source<'c>(&'c self, context: &Context<'c>) -> &'c str {
        &self.row(context).source
    }
}

/// Root fields for phases.
#[derive(Default)]
pub struct PhaseQuery;

#[Object]
impl PhaseQuery {
    /// The four phases in order; exactly one is current.
    async fn phases(&self, context: &Context<'_>) -> Vec<TransformationPhase> {
        snapshot(context).phases.places().map(TransformationPhase::at).collect()
    }

    /// The phase that is current today.
    async fn current_phase(&self, context: &Context<'_>) -> Result<TransformationPhase> {
        snapshot(context).current_phase().map(TransformationPhase::at).ok_or_else(no_reference_data)
    }
}
