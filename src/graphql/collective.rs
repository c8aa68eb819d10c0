//! Requests for several municipalities at once.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};

use super::{
    context::{Reading, reading},
    decision::Decision,
    municipality::{Municipality, MunicipalityBy},
    node::{global_id, row_id},
    payload::{UserError, row_errors, to_its_end, told},
    scalars::Date,
    subscription::{LegalBasis, ProductSubscription},
    subscription_input::ReasonInput,
};
use crate::{
    error::{Code, Result},
    subscriptions::collective::{self, Asked, Collective, Outcome, Report, Wish},
};

/// What becomes of rows that are right when others are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OnError {
    /// Nothing is written as long as one row is wrong.
    RejectAll,
    /// What is right is written; what is wrong is told.
    AcceptValid,
}

/// One municipality of a collective request.
#[derive(InputObject)]
pub struct RequestForManyRow {
    /// Which municipality.
    municipality: MunicipalityBy,
    /// How many units of the product's price, 1 to 2147483647.
    #[graphql(default = 1)]
    quantity: i64,
}

/// Requests a product for several municipalities at once.
#[derive(InputObject)]
pub struct RequestForManyInput {
    /// Id of the product.
    product: ID,
    /// First day, from today to 10 years ahead.
    from: Date,
    /// Legal basis, when it is known.
    legal_basis: Option<LegalBasis>,
    /// For whom, 1 to 500 rows, each municipality once.
    rows: Vec<RequestForManyRow>,
    /// What becomes of the other rows when one is wrong.
    #[graphql(default_with = "OnError::RejectAll")]
    on_error: OnError,
    /// Tell what would happen and write nothing.
    #[graphql(default = false)]
    dry_run: bool,
    /// Why.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum CollectiveOutcome {
    /// Requested; the municipality has to confirm it.
    Requested,
    /// Right, but not written: a dry run, or another row was wrong.
    Valid,
    /// Wrong, or refused by a rule; see `errors`.
    Rejected,
}

/// What became of one row of a collective request.
#[derive(SimpleObject)]
pub struct CollectiveRow {
    /// Place in the input, from 0.
    index: usize,
    /// The municipality; null when it is unknown.
    municipality: Option<Municipality>,
    /// What became of it.
    outcome: CollectiveOutcome,
    /// Its request; null when none was written.
    subscription: Option<ProductSubscription>,
    /// What the rules say; null when it did not come to that.
    decision: Option<Decision>,
    /// What is wrong; empty when nothing is.
    errors: Vec<UserError>,
}

/// What became of a collective request (Sammelanfrage), row by row.
#[derive(SimpleObject)]
pub struct CollectiveReport {
    /// Opaque id, to find its subscriptions by: `subscriptions(where: {collectiveRequest: {eq: …}})`. Null when nothing was
    /// written.
    id: Option<ID>,
    /// Whether it only told what would happen.
    dry_run: bool,
    /// Rows in all.
    total: usize,
    /// Rows that were requested.
    requested: usize,
    /// Rows that are right but were not written.
    valid: usize,
    /// Rows that are wrong or were refused.
    rejected: usize,
    /// One for each row, in their order.
    rows: Vec<CollectiveRow>,
}

/// Outcome of a collective request.
#[derive(SimpleObject)]
pub struct RequestForManyPayload {
    /// What became of each row; null when all of it was refused for a reason in `errors`.
    report: Option<CollectiveReport>,
    /// What is wrong with all of it; empty when only rows are wrong, or nothing.
    errors: Vec<UserError>,
}

/// Requests for several municipalities at once.
#[derive(Default)]
pub struct CollectiveMutation;

#[Object]
impl CollectiveMutation {
    /// Requests a product for several municipalities at once: each gets a request of its own and confirms it itself. By an
    /// account manager for municipalities of its groups, or by a Kreis for its own; from the founding on.
    async fn request_for_many(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What, for whom, from when.")] input: RequestForManyInput,
    ) -> Result<Option<RequestForManyPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?.clone();
        let (key, dry_run) = (input.idempotency_key.clone(), input.dry_run);
        let municipalities: Vec<_> =
            input.rows.iter().map(|row| row.municipality.find(&reading.snapshot).ok()).collect();
        let requested = match collective(reading, input) {
            Ok(collective) => {
                let asked = Asked { caller, key, request_id: reading.request_id.clone(), collective };
                to_its_end(collective::request(reading.desk.clone(), asked)).await
            }
            Err(error) => Err(error),
        };
        let (report, errors) = told(reading, requested)?;
        let municipalities = municipalities.into_iter().map(|at| at.map(Municipality)).collect();
        let report = report.map(|report| shown(reading, report, municipalities, dry_run)).transpose()?;
        Ok(Some(RequestForManyPayload { report, errors }))
    }
}

fn collective(reading: &Reading, input: RequestForManyInput) -> Result<Collective> {
    let snapshot = &reading.snapshot;
    let wish = |row: RequestForManyRow| Wish {
        municipality: row.municipality.find(snapshot).ok().map(|at| snapshot.municipalities[at].row.id),
        quantity: row.quantity,
    };
    Ok(Collective {
        product: row_id("product", "Product", &input.product)?,
        from: input.from.0,
        legal_basis: input.legal_basis.map(Into::into),
        rows: input.rows.into_iter().map(wish).collect(),
        accepts_valid: input.on_error == OnError::AcceptValid,
        is_rehearsal: input.dry_run,
        reason: input.reason.into(),
    })
}

fn shown(
    reading: &Reading,
    report: Report,
    municipalities: Vec<Option<Municipality>>,
    dry_run: bool,
) -> Result<CollectiveReport> {
    let rows = report.rows.into_iter().zip(municipalities).enumerate();
    let rows = rows.map(|(index, (outcome, municipality))| row(reading, index, outcome, municipality));
    let mut rows = rows.collect::<Result<Vec<CollectiveRow>>>()?;
    ProductSubscription::join(rows.iter_mut().filter_map(|row| row.subscription.as_mut()));
    let count = |outcome| rows.iter().filter(|row| row.outcome == outcome).count();
    Ok(CollectiveReport {
        id: report.id.map(|id| global_id("CollectiveRequest", id)),
        dry_run,
        total: rows.len(),
        requested: count(CollectiveOutcome::Requested),
        valid: count(CollectiveOutcome::Valid),
        rejected: count(CollectiveOutcome::Rejected),
        rows,
    })
}

fn row(reading: &Reading, index: usize, outcome: Outcome, municipality: Option<Municipality>) -> Result<CollectiveRow> {
    let mut shown = CollectiveRow {
        index,
        municipality,
        outcome: CollectiveOutcome::Valid,
        subscription: None,
        decision: None,
        errors: Vec::new(),
    };
    match outcome {
        Outcome::Requested(row, decision) => {
            shown.outcome = CollectiveOutcome::Requested;
            shown.subscription = Some(ProductSubscription::one(*row));
            shown.decision = decision.map(Decision);
        }
        Outcome::Valid(decision) => shown.decision = Some(Decision(decision)),
        Outcome::Rejected(refused) if refused.error.code == Code::Internal => return Err(refused.error),
        Outcome::Rejected(refused) => {
            shown.outcome = CollectiveOutcome::Rejected;
            shown.errors = row_errors(reading, index, &refused.error);
            shown.decision = refused.decision.map(Decision);
        }
    }
    Ok(shown)
}
