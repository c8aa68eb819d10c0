//! The directory of municipalities that the Land brings in.

use async_graphql::{Context, Enum, InputObject, Object, SimpleObject};

use super::{
    context::{Reading, reading},
    municipality::Municipality,
    payload::{UserError, order, to_its_end, told, user_errors},
    scalars::{Ags, Date},
    subscription_input::ReasonInput,
};
use crate::{
    error::{Error, Result},
    municipalities::{
        changes::{AreaChange, Planned},
        import::{self, Importing, Report},
        plan::{self, Outcome},
    },
};

/// Municipalities that become part of another one (Gebietsänderung).
#[derive(InputObject)]
pub struct AreaChangeInput {
    /// AGS of those that end, 1 to 20; none that has gone into another already, no Kreis, each once. They stay addressable for ever.
    from: Vec<Ags>,
    /// AGS of the one that they become part of: one of the catalogue, or a new line of the file; none of those that end.
    into: Ags,
    /// The first day on which they are part of it: up to a year back or ahead.
    on: Date,
    /// Where that is laid down (Fundstelle), 1 to 200 characters.
    reference: String,
}

/// Brings in the whole directory of municipalities.
#[derive(InputObject)]
pub struct ImportMunicipalitiesInput {
    /// The file as CSV in UTF-8, with the columns of `data/municipalities.csv` in any order; semicolons or commas, with or
    /// without a byte order mark, the last line with its line break. Kreise stand in no line.
    csv: String,
    /// How many municipalities the file has: another number is an error, so nothing is lost on the way.
    count: i64,
    /// Municipalities that become part of others, at most 50. Who ends until today stands in no line of the file.
    #[graphql(default)]
    area_changes: Vec<AreaChangeInput>,
    /// Tell what would happen and write nothing.
    #[graphql(default = false)]
    dry_run: bool,
    /// Why.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// What became of a line of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum MunicipalityImportOutcome {
    /// A new municipality.
    Added,
    /// A municipality that is another than before.
    Changed,
    /// A municipality that is the same as before.
    Unchanged,
    /// Wrong; see `errors`.
    Rejected,
}

/// A field of a municipality that is another than before.
#[derive(SimpleObject)]
pub struct MunicipalityFieldChange {
    /// Name of its column.
    field: &'static str,
    /// How it was; null where there was nothing.
    before: Option<String>,
    /// How it is, or would be; null where there is nothing.
    after: Option<String>,
}

/// What became of one line of the directory.
#[derive(SimpleObject)]
pub struct MunicipalityImportRow {
    /// Its place in the file, from 0, without the header.
    index: usize,
    /// The line of the file that it begins on, from 1.
    line: usize,
    /// The AGS as it stands there.
    ags: String,
    /// What became of it.
    outcome: MunicipalityImportOutcome,
    /// What is another than before; of a new municipality all that is known.
    changes: Vec<MunicipalityFieldChange>,
    /// The municipality; null for a new one that was not written, and for an AGS that there is not.
    municipality: Option<Municipality>,
    /// Everything that is wrong with it; empty when nothing is.
    errors: Vec<UserError>,
}

/// An area change of an import (Gebietsänderung).
#[derive(SimpleObject)]
pub struct AreaChangeOutcome {
    /// AGS of those that end.
    from: Vec<Ags>,
    /// AGS of the one that they become part of.
    into: Ags,
    /// The first day on which they are part of it.
    on: Date,
    /// Where that is laid down.
    reference: String,
    /// Whether the catalogue said the same before.
    known: bool,
}

/// What became of a directory, line by line.
#[derive(SimpleObject)]
pub struct MunicipalityImportReport {
    /// Whether it only told what would happen.
    dry_run: bool,
    /// Whether the directory is in the catalogue; false for a dry run, and when anything was wrong.
    written: bool,
    /// Lines in all, without the header.
    total: usize,
    /// New municipalities.
    added: usize,
    /// Municipalities that are others than before.
    changed: usize,
    /// Municipalities that are the same.
    unchanged: usize,
    /// Lines that are wrong.
    rejected: usize,
    /// Municipalities that go on and stand in no line.
    missing: usize,
    /// Their AGS. Any is an error: nothing disappears because a line was left out.
    missing_municipalities: Vec<Ags>,
    /// Area changes, in the order of the input.
    area_changes: Vec<AreaChangeOutcome>,
    /// One for each line, in their order.
    rows: Vec<MunicipalityImportRow>,
}

/// Outcome of an import.
#[derive(SimpleObject)]
pub struct ImportMunicipalitiesPayload {
    /// What became of each line; null when the file was refused as a whole, for a reason in `errors`.
    report: Option<MunicipalityImportReport>,
    /// What is wrong with the file as a whole, with an area change, or that lines are wrong; empty when nothing is.
    errors: Vec<UserError>,
}

/// Bringing in the directory.
#[derive(Default)]
pub struct MunicipalityImportMutation;

#[Object]
impl MunicipalityImportMutation {
    /// Brings in the whole directory of municipalities (Gemeindeverzeichnis) in one act, all of it or nothing: compares it with
    /// what is there by AGS, and reports what is new, changed, the same, missing, or wrong. With `areaChanges` municipalities
    /// become part of others (Gebietsänderung); their subscriptions follow with `followAreaChange`. The same directory again
    /// changes nothing and writes nothing.
    async fn import_municipalities(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The directory, and why.")] input: ImportMunicipalitiesInput,
    ) -> Result<Option<ImportMunicipalitiesPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let dry_run = input.dry_run;
        let changes = input.area_changes.into_iter().map(Into::into).collect();
        let deed = Importing::new(input.csv, input.count, changes, dry_run);
        let order = order(reading, caller, input.idempotency_key, deed, Some(input.reason));
        let imported = to_its_end(import::import(reading.desk.clone(), order)).await;
        let (report, mut errors) = told(reading, imported)?;
        if let Some(report) = &report {
            errors = user_errors(reading, &[], &all_errors(report))?;
            if report.is_written {
                // New municipalities are shown as they are since.
                reading.renew();
            }
        }
        let report = report.map(|report| shown(reading, report, dry_run)).transpose()?;
        Ok(Some(ImportMunicipalitiesPayload { report, errors }))
    }
}

impl From<AreaChangeInput> for AreaChange {
    fn from(input: AreaChangeInput) -> Self {
        let AreaChangeInput { from, into, on, reference } = input;
        Self { from: from.into_iter().map(|ags| ags.0).collect(), into: into.0, on: on.0, reference }
    }
}

/// What is wrong with all of it, and that lines are.
fn all_errors(report: &Report) -> Vec<Error> {
    let rejected = report.plan.rows.iter().filter(|row| matches!(row.outcome, Outcome::Rejected(_)));
    let mut errors = report.plan.errors.clone();
    let lines: Vec<String> = rejected.map(|row| row.line.to_string()).collect();
    if let Some(first) = lines.first() {
        let count = lines.len();
        errors.push(
            Error::bad_input(
                "csv",
                format!("Falsch sind {count} Zeilen, die erste ist Zeile {first}. Nichts wurde eingespielt."),
                format!("Wrong are {count} lines, the first is line {first}. Nothing was imported."),
            )
            .next(
                "Die Fehler der Zeilen in report.rows berichtigen.",
                "Correct the errors of the lines in report.rows.",
            ),
        );
    }
    errors
}

fn shown(reading: &Reading, report: Report, dry_run: bool) -> Result<MunicipalityImportReport> {
    let rows = report.plan.rows.into_iter().enumerate();
    let rows: Vec<MunicipalityImportRow> =
        rows.map(|(index, found)| row(reading, index, found)).collect::<Result<_>>()?;
    let count = |outcome| rows.iter().filter(|row| row.outcome == outcome).count();
    Ok(MunicipalityImportReport {
        dry_run,
        written: report.is_written,
        total: rows.len(),
        added: count(MunicipalityImportOutcome::Added),
        changed: count(MunicipalityImportOutcome::Changed),
        unchanged: count(MunicipalityImportOutcome::Unchanged),
        rejected: count(MunicipalityImportOutcome::Rejected),
        missing: report.plan.missing.len(),
        missing_municipalities: report.plan.missing.into_iter().map(Ags).collect(),
        area_changes: report.plan.area_changes.into_iter().map(area_change).collect(),
        rows,
    })
}

fn area_change(planned: Planned) -> AreaChangeOutcome {
    let Planned { change, is_known } = planned;
    AreaChangeOutcome {
        from: change.from.into_iter().map(Ags).collect(),
        into: Ags(change.into),
        on: Date(change.on),
        reference: change.reference,
        known: is_known,
    }
}

fn row(reading: &Reading, index: usize, found: plan::Row) -> Result<MunicipalityImportRow> {
    let (outcome, changes, errors) = match found.outcome {
        Outcome::Added(fields) => (MunicipalityImportOutcome::Added, fields, Vec::new()),
        Outcome::Changed(fields) => (MunicipalityImportOutcome::Changed, fields, Vec::new()),
        Outcome::Unchanged => (MunicipalityImportOutcome::Unchanged, Vec::new(), Vec::new()),
        Outcome::Rejected(errors) => (MunicipalityImportOutcome::Rejected, Vec::new(), errors),
    };
    let changes = changes.into_iter().map(|change| MunicipalityFieldChange {
        field: change.field,
        before: change.before,
        after: change.after,
    });
    Ok(MunicipalityImportRow {
        index,
        line: found.line,
        municipality: plan::find(&reading.snapshot, &found.ags).map(Municipality),
        ags: found.ags,
        outcome,
        changes: changes.collect(),
        errors: user_errors(reading, &["csv", &index.to_string()], &errors)?,
    })
}
