//! Starting exports, and giving them up.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::{
    context::reading,
    export::{Export, ExportFormat},
    municipality::MunicipalityBy,
    node::row_id,
    payload::{UserError, order, to_its_end, told},
    provider::ProviderBy,
    scalars::Date,
    state_digest::ExportKind,
    subscription::SubscriptionState,
};
use crate::{
    catalogue::Snapshot,
    error::Result,
    exports::{self, Cancelling, Filter, Starting},
};

/// Which things of a kind go into an export. All parts that are given must hold, as of the same moment as the export.
#[derive(Default, InputObject)]
pub struct ExportFilter {
    /// Subscriptions of this Kreis and of the municipalities that it has today; or these municipalities themselves.
    district: Option<MunicipalityBy>,
    /// Subscriptions of this municipality.
    municipality: Option<MunicipalityBy>,
    /// Subscriptions to the products that this provider has today, and those that it takes itself; or its products.
    provider: Option<ProviderBy>,
    /// Subscriptions in one of these states.
    states: Option<Vec<SubscriptionState>>,
}

/// Starts an export.
#[derive(InputObject)]
pub struct StartExportInput {
    /// What kind of thing.
    what: ExportKind,
    /// How it is written.
    #[graphql(default_with = "ExportFormat::Jsonl")]
    format: ExportFormat,
    /// Which of them; all that the caller may read when left out.
    filter: Option<ExportFilter>,
    /// As everything stood at the end of this day, today at the latest; now when left out.
    as_of: Option<Date>,
    /// The caller's own key for this export, at most 200 characters: sent again it starts nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Gives an export up.
#[derive(InputObject)]
pub struct CancelExportInput {
    /// Id of the export.
    export: ID,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Outcome of starting an export, or of giving one up.
#[derive(SimpleObject)]
pub struct ExportPayload {
    /// The export as it stands now; null when it was refused.
    export: Option<Export>,
    /// What went wrong; empty when it was done.
    errors: Vec<UserError>,
}

/// Changes of exports.
#[derive(Default)]
pub struct ExportMutation;

#[Object]
impl ExportMutation {
    /// Starts to write everything of one kind that the caller may read into a file, as of this moment or the end of a day. It
    /// goes on in the background, also when an instance of the service stops: ask `export(id:)` until it is done. At most 10 for
    /// each account at once, kept for 24 hours, unless the operators have set it otherwise. Whoever is signed in with a role.
    async fn start_export(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What, and how it is written.")] input: StartExportInput,
    ) -> Result<Option<ExportPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let StartExportInput { what, format, filter, as_of, idempotency_key } = input;
        let started = match filter.unwrap_or_default().read(&reading.snapshot) {
            Ok(filter) => {
                let as_of = as_of.map(|Date(day)| day);
                let deed = Starting { kind: what.into(), format: format.into(), filter, as_of };
                let order = order(reading, caller, idempotency_key, deed, None);
                to_its_end(exports::start(reading.desk.clone(), order)).await
            }
            Err(error) => Err(error),
        };
        let (started, errors) = told(reading, started)?;
        Ok(Some(ExportPayload { export: started.map(Export), errors }))
    }

    /// Gives one of the caller's own exports up, or releases one that is done: its file is removed at once.
    async fn cancel_export(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which export.")] input: CancelExportInput,
    ) -> Result<Option<ExportPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let cancelled = match row_id("export", "Export", &input.export) {
            Ok(export) => {
                let order = order(reading, caller, input.idempotency_key, Cancelling { export }, None);
                to_its_end(exports::cancel(reading.desk.clone(), order)).await
            }
            Err(error) => Err(error),
        };
        let (cancelled, errors) = told(reading, cancelled)?;
        Ok(Some(ExportPayload { export: cancelled.map(Export), errors }))
    }
}

impl ExportFilter {
    fn read(self, snapshot: &Snapshot) -> Result<Filter> {
        let municipality = |field: &str, by: Option<MunicipalityBy>| {
            let found = by.map(|by| by.find(snapshot).map_err(|error| error.with("field", field))).transpose();
            found.map(|at| at.map(|at| snapshot.municipalities[at].row.id))
        };
        let provider =
            self.provider.map(|by| by.find(snapshot).map_err(|error| error.with("field", "filter.provider")));
        Ok(Filter {
            district: municipality("filter.district", self.district)?,
            municipality: municipality("filter.municipality", self.municipality)?,
            provider: provider.transpose()?.map(|at| snapshot.providers[at].row.id),
            states: self.states.map(|states| states.into_iter().map(Into::into).collect()),
        })
    }
}
