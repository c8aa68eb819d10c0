//! Portfolios that providers register, and products that they save.

use std::sync::Arc;

use async_graphql::{Context, Description, Enum, InputObject, Object, SimpleObject};

use super::{
    bulk::Rows,
    collective::OnError,
    context::{Reading, reading},
    payload::{UserError, order, to_its_end, told, user_errors},
    portfolio_row::PortfolioRowInput,
    product::Product,
    provider::ProviderBy,
    subscription_input::ReasonInput,
};
use crate::{
    access::Duty,
    error::Result,
    portfolios::{
        self,
        plan::Outcome,
        register::{Registering, Report},
        store::Stored,
    },
};

/// What becomes of products that are in the catalogue and not among the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum MissingProducts {
    /// They stay as they are, and are reported.
    Keep,
    /// They are phased out; `confirmMissing` names them all, so that nothing disappears silently.
    PhaseOut,
}

/// Registers the whole portfolio of a provider in one act.
#[derive(InputObject)]
pub struct RegisterPortfolioInput {
    /// Key of the provider.
    provider: String,
    /// How many products there are: another number than rows came is an error, so nothing is lost on the way.
    count: i64,
    /// SHA-256 in hexadecimal over the rows, each as JSON after RFC 8785 without what is left out, and a line feed.
    digest: Option<String>,
    /// The products, 1 to 10000, each once.
    products: Vec<PortfolioRowInput>,
    /// What becomes of the other rows when one is wrong.
    #[graphql(default_with = "OnError::RejectAll")]
    on_error: OnError,
    /// What becomes of products that are not among the rows.
    #[graphql(default_with = "MissingProducts::Keep")]
    missing: MissingProducts,
    /// For PHASE_OUT: the `externalId` of every product that is missing.
    #[graphql(default)]
    confirm_missing: Vec<String>,
    /// Tell what would happen and write nothing.
    #[graphql(default = false)]
    dry_run: bool,
    /// Why; a regular registration when left out.
    reason: Option<ReasonInput>,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Saves one product: a new one, or instead of what it was.
#[derive(InputObject)]
pub struct SaveProductInput {
    /// Whose product.
    provider: ProviderBy,
    /// The product as it is to be, whole.
    product: PortfolioRowInput,
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
pub enum PortfolioOutcome {
    /// A new product; it waits for a review.
    Added,
    /// A product that is another than before.
    Changed,
    /// A product that is the same as before.
    Unchanged,
    /// Wrong; see `errors`.
    Rejected,
}

/// What became of one row of a portfolio.
#[derive(Description)]
pub struct PortfolioRow {
    index: usize,
    external_id: String,
    outcome: PortfolioOutcome,
    changed_fields: Vec<String>,
    stored: Option<Arc<Stored>>,
    errors: Vec<UserError>,
}

#[Object(use_type_description)]
impl PortfolioRow {
    /// Place in the input, from 0.
    async fn index(&self) -> usize {
        self.index
    }

    /// The provider's own key, as it came.
    async fn external_id(&self) -> &str {
        &self.external_id
    }

    /// What became of it, or would.
    async fn outcome(&self) -> PortfolioOutcome {
        self.outcome
    }

    /// The fields that are others than before, by their names in the input.
    async fn changed_fields(&self) -> &[String] {
        &self.changed_fields
    }

    /// The product as it is, or would be; null for a new one that was not written, and for what was refused.
    async fn product(&self, context: &Context<'_>) -> Option<Product> {
        // Joined only where it is asked for: a portfolio has thousands.
        self.stored.as_ref()?.product(&reading(context).snapshot).map(Product::unpublished)
    }

    /// Everything that is wrong with it; empty when nothing is.
    async fn errors(&self) -> &[UserError] {
        &self.errors
    }
}

/// What became of a portfolio, row by row.
#[derive(SimpleObject)]
pub struct PortfolioReport {
    /// Whether it only told what would happen.
    dry_run: bool,
    /// Whether the portfolio is written; false for a dry run, and when rows were wrong and all was to be rejected.
    written: bool,
    /// Rows in all.
    total: usize,
    /// New products.
    added: usize,
    /// Products that are others than before.
    changed: usize,
    /// Products that are the same.
    unchanged: usize,
    /// Products that are in the catalogue and not among the rows.
    missing: usize,
    /// Rows that are wrong.
    rejected: usize,
    /// The provider's own keys of what is missing.
    missing_products: Vec<String>,
    /// One for each row, in their order.
    rows: Vec<PortfolioRow>,
}

/// Outcome of a registration.
#[derive(SimpleObject)]
pub struct RegisterPortfolioPayload {
    /// What became of each row; null when all of it was refused for a reason in `errors`.
    report: Option<PortfolioReport>,
    /// What is wrong with all of it; empty when only rows are wrong, or nothing.
    errors: Vec<UserError>,
}

/// Outcome of saving a product.
#[derive(SimpleObject)]
pub struct SaveProductPayload {
    /// The product as it is, or would be; null when it was refused.
    product: Option<Product>,
    /// The fields that are others than before.
    changed_fields: Vec<String>,
    /// What went wrong; empty when it was saved.
    errors: Vec<UserError>,
}

/// Changes of portfolios.
#[derive(Default)]
pub struct PortfolioMutation;

#[Object]
impl PortfolioMutation {
    /// Registers the whole portfolio of a provider in one act: compares it with what is there by the provider's own keys, and
    /// reports what is new, changed, the same, missing, or wrong. New products wait for a review; changes of published ones
    /// take effect at once. The same portfolio again changes nothing and writes nothing.
    async fn register_portfolio(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose portfolio, and all of it.")] input: RegisterPortfolioInput,
    ) -> Result<Option<RegisterPortfolioPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let mut input = input;
        if let Some(rows) = context.data_opt::<Rows>() {
            input.products = rows.read()?;
        }
        let (dry_run, key) = (input.dry_run, input.idempotency_key.clone());
        let keys: Vec<String> = input.products.iter().map(|row| row.external_id.clone()).collect();
        let provider = ProviderBy::Key(input.provider.clone()).find(&reading.snapshot);
        let registered = match provider.map_err(|error| error.with("field", "provider")) {
            Ok(at) => {
                let reason = input.reason.map_or_else(usual_reason, Into::into);
                let phases_out = (input.missing == MissingProducts::PhaseOut).then_some(input.confirm_missing);
                let deed = Registering {
                    provider: reading.snapshot.providers[at].row.id,
                    count: Some(input.count),
                    digest: input.digest,
                    rows: input.products.into_iter().map(Into::into).collect(),
                    accepts_valid: input.on_error == OnError::AcceptValid,
                    phases_out,
                    step: None,
                    is_rehearsal: dry_run,
                };
                let mut order = order(reading, caller, key, deed, None);
                order.reason = Some(reason);
                to_its_end(portfolios::register::register(reading.desk.clone(), order, Duty::RegisterPortfolio)).await
            }
            Err(error) => Err(error),
        };
        let (report, errors) = told(reading, registered)?;
        let report = report.map(|report| shown(reading, report, keys, dry_run)).transpose()?;
        Ok(Some(RegisterPortfolioPayload { report, errors }))
    }

    /// Saves one product of a portfolio, whole, by the same rules as `registerPortfolio`.
    async fn save_product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose product, and how it is to be.")] input: SaveProductInput,
    ) -> Result<Option<SaveProductPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let saved = match input.provider.find(&reading.snapshot).map_err(|error| error.with("field", "provider")) {
            Ok(at) => {
                let deed = Registering {
                    provider: reading.snapshot.providers[at].row.id,
                    count: None,
                    digest: None,
                    rows: vec![input.product.into()],
                    accepts_valid: false,
                    phases_out: None,
                    step: None,
                    is_rehearsal: input.dry_run,
                };
                let order = order(reading, caller, input.idempotency_key, deed, Some(input.reason));
                to_its_end(portfolios::register::register(reading.desk.clone(), order, Duty::SaveProduct)).await
            }
            Err(error) => Err(error),
        };
        let (product, changed_fields, errors) = one(reading, saved, &["product"])?;
        Ok(Some(SaveProductPayload { product, changed_fields, errors }))
    }
}

/// What became of the one product of a report: how it is, what changed, what is wrong at a place of the input.
pub fn one(
    reading: &Reading,
    outcome: Result<Report>,
    place: &[&str],
) -> Result<(Option<Product>, Vec<String>, Vec<UserError>)> {
    let (report, errors) = told(reading, outcome)?;
    let product = |stored: Arc<portfolios::store::Stored>| stored.product(&reading.snapshot).map(Product::unpublished);
    Ok(match report.and_then(|report| report.outcomes.into_iter().next()) {
        Some(Outcome::Rejected(wrong)) => (None, Vec::new(), user_errors(reading, place, &wrong)?),
        Some(Outcome::Added(stored) | Outcome::Unchanged(stored)) => (product(stored), Vec::new(), errors),
        Some(Outcome::Changed { after, fields, .. }) => (product(after), fields, errors),
        None => (None, Vec::new(), errors),
    })
}

fn usual_reason() -> crate::audit::Reason {
    crate::audit::Reason {
        code: ::entity::subscription_history::ReasonCode::Other,
        text: "Registrierung des Portfolios".to_owned(),
        reference: None,
    }
}

fn shown(reading: &Reading, report: Report, keys: Vec<String>, dry_run: bool) -> Result<PortfolioReport> {
    let is_written = report.is_written;
    let rows = report.outcomes.into_iter().zip(keys).enumerate();
    let rows: Result<Vec<PortfolioRow>> =
        rows.map(|(index, (outcome, key))| row(reading, index, outcome, key, is_written)).collect();
    let rows = rows?;
    let count = |outcome| rows.iter().filter(|row| row.outcome == outcome).count();
    Ok(PortfolioReport {
        dry_run,
        written: is_written,
        total: rows.len(),
        added: count(PortfolioOutcome::Added),
        changed: count(PortfolioOutcome::Changed),
        unchanged: count(PortfolioOutcome::Unchanged),
        missing: report.missing.len(),
        rejected: count(PortfolioOutcome::Rejected),
        missing_products: report.missing,
        rows,
    })
}

fn row(
    reading: &Reading,
    index: usize,
    outcome: Outcome,
    external_id: String,
    is_written: bool,
) -> Result<PortfolioRow> {
    let mut shown = PortfolioRow {
        index,
        external_id,
        outcome: PortfolioOutcome::Unchanged,
        changed_fields: Vec::new(),
        stored: None,
        errors: Vec::new(),
    };
    match outcome {
        Outcome::Unchanged(stored) => shown.stored = Some(stored),
        Outcome::Added(stored) => {
            shown.outcome = PortfolioOutcome::Added;
            shown.stored = Some(stored).filter(|_| is_written);
        }
        Outcome::Changed { after, fields, .. } => {
            shown.outcome = PortfolioOutcome::Changed;
            shown.stored = Some(after);
            shown.changed_fields = fields;
        }
        Outcome::Rejected(wrong) => {
            shown.outcome = PortfolioOutcome::Rejected;
            shown.errors = user_errors(reading, &["products", &index.to_string()], &wrong)?;
        }
    }
    Ok(shown)
}
