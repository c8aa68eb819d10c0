//! Mergers of providers.

use std::borrow::Cow;

use async_graphql::{Context, Description, Enum, Object};

use super::{context::snapshot, provider::Provider, scalars::Date};
use crate::catalogue;

/// What happened to the providers of a merger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "::entity::provider_merger::Kind")]
pub enum MergerKind {
    /// Two or more became one.
    Merger,
    /// One joined another.
    Accession,
    /// One joined another and handed over its operations.
    AccessionWithTransfer,
    /// A common data centre was founded; all went on.
    JointDataCentre,
    /// A contract; all went on.
    Cooperation,
    /// Announced, not carried out as far as known.
    Planned,
}

/// A merger of providers (Fusion), or an accession, as a dated event.
#[derive(Description)]
pub struct ProviderMerger<'s>(Cow<'s, catalogue::Merger>);

impl<'s> ProviderMerger<'s> {
    /// A merger of the catalogue.
    pub fn new(merger: &'s catalogue::Merger) -> Self {
        Self(Cow::Borrowed(merger))
    }
}

impl ProviderMerger<'static> {
    /// A merger that was just written.
    pub fn written(merger: catalogue::Merger) -> Self {
        Self(Cow::Owned(merger))
    }
}

/// Who went into a merger.
#[derive(Description)]
pub struct MergerPredecessor<'s>(&'s ::entity::provider_merger_predecessor::Model);

#[Object(use_type_description)]
impl ProviderMerger<'_> {
    /// Natural key.
    async fn key(&self) -> &str {
        &self.0.row.key
    }

    /// What happened.
    async fn kind(&self) -> MergerKind {
        self.0.row.kind.into()
    }

    /// The day on which it took effect; null where the source names no day.
    async fn on(&self) -> Option<Date> {
        self.0.row.on_date.map(Date)
    }

    /// The date as the source gives it.
    async fn date_text(&self) -> &str {
        &self.0.row.date_text
    }

    /// Who went into it.
    async fn predecessors(&self) -> Vec<MergerPredecessor<'_>> {
        self.0.predecessors.iter().map(MergerPredecessor).collect()
    }

    /// Who went on, by name.
    async fn successor_name(&self) -> &str {
        &self.0.row.successor_name
    }

    /// Who went on, where it is a provider of the catalogue.
    async fn successor(&self, context: &Context<'_>) -> Option<Provider> {
        snapshot(context).providers.find(self.0.row.successor_id?).map(Provider)
    }

    /// Municipalities or area affected, in words.
    async fn affected(&self) -> Option<&str> {
        self.0.row.affected.as_deref()
    }

    /// Where this comes from.
    async fn source(&self) -> &str {
        &self.0.row.source
    }

    /// How sure it is, in the words of the collection.
    async fn confidence(&self) -> &str {
        &self.0.row.confidence
    }
}

#[Object(use_type_description)]
impl MergerPredecessor<'_> {
    /// Name at that time.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The provider, where it is in the catalogue.
    async fn provider(&self, context: &Context<'_>) -> Option<Provider> {
        snapshot(context).providers.find(self.0.provider_id?).map(Provider)
    }
}
