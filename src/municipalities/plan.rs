//! What an import would do: the directory compared with the catalogue, line by line, and its area changes. Reads, never writes.

use std::collections::{BTreeMap, HashMap, HashSet};

use ::entity::municipality::{Model, Type};
use sea_orm::prelude::Date;
use serde_json::{Map, Value};

use super::{
    changes::{self, AreaChange, Planned},
    file::Line,
    row,
};
use crate::{
    catalogue::{At, Municipality, Snapshot},
    error::Error,
    text::hundredths,
};

/// Most municipalities that an error names.
const SHOWN: usize = 20;

/// What an import does.
#[derive(Debug)]
pub struct Plan {
    /// One for each line, in their order.
    pub rows: Vec<Row>,
    /// Municipalities that go on and stand in no line, by AGS.
    pub missing: Vec<String>,
    /// The area changes, in their order.
    pub area_changes: Vec<Planned>,
    /// What is wrong with all of it, or with an area change.
    pub errors: Vec<Error>,
    /// What is written, by AGS.
    pub writes: Vec<Write>,
}

/// What becomes of a line.
#[derive(Debug)]
pub struct Row {
    /// Its number in the file.
    pub line: usize,
    /// The AGS as it stands there.
    pub ags: String,
    /// What it comes to.
    pub outcome: Outcome,
}

/// What a line comes to.
#[derive(Debug)]
pub enum Outcome {
    /// A new municipality, with what is known of it.
    Added(Vec<FieldChange>),
    /// Another than before.
    Changed(Vec<FieldChange>),
    /// The same as before.
    Unchanged,
    /// Wrong.
    Rejected(Vec<Error>),
}

/// A field that is another than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// Its name: that of the column.
    pub field: &'static str,
    /// How it was; none where there was nothing.
    pub before: Option<String>,
    /// How it is; none where there is nothing.
    pub after: Option<String>,
}

/// A municipality that is written.
#[derive(Clone, Debug)]
pub struct Write {
    /// How it is in the catalogue; none for a new one.
    pub before: Option<Model>,
    /// How it is to be.
    pub after: Model,
}

impl Plan {
    /// Whether something is wrong, so that nothing is written.
    pub fn is_refused(&self) -> bool {
        !self.errors.is_empty() || self.rows.iter().any(|row| matches!(row.outcome, Outcome::Rejected(_)))
    }

    /// Notes what is wrong with a line, by its AGS.
    pub fn reject(&mut self, ags: &str, error: Error) {
        match self.rows.iter_mut().find(|row| row.ags == ags) {
            Some(Row { outcome: Outcome::Rejected(errors), .. }) => errors.push(error),
            Some(row) => row.outcome = Outcome::Rejected(vec![error]),
            None => self.errors.push(error),
        }
    }
}

/// Compares a directory with the catalogue.
pub fn plan(snapshot: &Snapshot, lines: &[Line], area_changes: &[AreaChange], today: Date) -> Plan {
    let (mut rows, mut writes, mut first_of) = (Vec::new(), BTreeMap::new(), HashMap::new());
    let mut ars_of = HashMap::new();
    for line in lines {
        let ags = line.cell("ags").unwrap_or_default().trim().to_owned();
        let ars = line.cell("ars").unwrap_or_default().trim().to_owned();
        let mut checked = row::check(snapshot, line, today);
        for (column, key, firsts) in [("ags", &ags, &mut first_of), ("ars", &ars, &mut ars_of)] {
            if let Some(first) = firsts.insert(key.clone(), line.number) {
                checked = Err(with(checked.err(), twice(column, key, first)));
            }
        }
        let outcome = match checked {
            Ok(after) => outcome(snapshot, after, &mut writes),
            Err(errors) => Outcome::Rejected(errors),
        };
        rows.push(Row { line: line.number, ags, outcome });
    }
    let lines_of = &first_of;
    let (area_changes, mut errors) = changes::plan(snapshot, area_changes, lines_of, &mut writes, today);
    let missing = missing(snapshot, lines_of, &writes);
    errors.extend(is_missing(&missing));
    writes.retain(|_, write: &mut Write| write.before.as_ref() != Some(&write.after));
    Plan { rows, missing, area_changes, errors, writes: writes.into_values().collect() }
}

fn with(errors: Option<Vec<Error>>, error: Error) -> Vec<Error> {
    errors.into_iter().flatten().chain([error]).collect()
}

fn outcome(snapshot: &Snapshot, after: Model, writes: &mut BTreeMap<String, Write>) -> Outcome {
    let before = find(snapshot, &after.ags).map(|at| snapshot.municipalities[at].row.clone());
    let fields = differences(snapshot, before.as_ref(), &after);
    let outcome = match &before {
        None => Outcome::Added(fields),
        Some(_) if fields.is_empty() => Outcome::Unchanged,
        Some(_) => Outcome::Changed(fields),
    };
    writes.insert(after.ags.clone(), Write { before, after });
    outcome
}

/// A town or municipality by its AGS, as the catalogue knows it.
pub fn find(snapshot: &Snapshot, ags: &str) -> Option<At<Municipality>> {
    snapshot.municipality_by_ags(ags).filter(|at| snapshot.municipalities[*at].row.kind != Type::Kreis)
}

/// Those that go on, are in no line, and are not dissolved by this import.
fn missing(snapshot: &Snapshot, lines: &HashMap<String, usize>, writes: &BTreeMap<String, Write>) -> Vec<String> {
    let is_dissolved = |row: &Model| {
        row.dissolved_on.is_some() || writes.get(&row.ags).is_some_and(|write| write.after.dissolved_on.is_some())
    };
    let rows = snapshot.municipalities.iter().map(|(_, municipality)| &municipality.row);
    let rows = rows.filter(|row| row.kind != Type::Kreis && !lines.contains_key(&row.ags) && !is_dissolved(row));
    let mut missing: Vec<String> = rows.map(|row| row.ags.clone()).collect();
    missing.sort_unstable();
    missing
}

/// Nothing disappears silently.
fn is_missing(missing: &[String]) -> Option<Error> {
    let count = missing.len();
    let mut named = missing.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if count > SHOWN {
        named.push_str(", …");
    }
    let error = Error::bad_input(
        "csv",
        format!("In der Datei fehlen {count} Kommunen, die es im Katalog gibt: {named}. Nichts wurde eingespielt."),
        format!("The file lacks {count} municipalities that are in the catalogue: {named}. Nothing was imported."),
    )
    .next(
        "Die Zeilen ergänzen; ist eine Kommune aufgegangen, ihre Gebietsänderung in areaChanges angeben.",
        "Add the lines; where a municipality has gone into another one, give its area change in areaChanges.",
    );
    (count > 0).then_some(error)
}

fn twice(column: &str, key: &str, first: usize) -> Error {
    let key: String = key.chars().filter(|letter| !letter.is_control()).take(60).collect();
    Error::bad_input(
        column,
        format!("{column} {key} steht schon in Zeile {first}. Bitte eine der beiden Zeilen entfernen."),
        format!("{column} {key} stands in line {first} already. Please remove one of the two lines."),
    )
}

/// The fields that differ; of a new one all that are known.
pub fn differences(snapshot: &Snapshot, before: Option<&Model>, after: &Model) -> Vec<FieldChange> {
    let known: HashMap<&str, Option<String>> = before.map(|row| fields(snapshot, row)).into_iter().flatten().collect();
    let changed = fields(snapshot, after).into_iter().map(|(field, after)| {
        let before = known.get(field).cloned().flatten();
        FieldChange { field, before, after }
    });
    changed.filter(|change| change.before != change.after).collect()
}

fn fields(snapshot: &Snapshot, row: &Model) -> Vec<(&'static str, Option<String>)> {
    let ags_of = |id| snapshot.municipalities.find(id).map(|at| snapshot.municipalities[at].row.ags.clone());
    let kreis = row.district_id.and_then(ags_of).map(|ags| ags.chars().take(5).collect());
    let verband = snapshot.landschaftsverbaende.find(row.landschaftsverband_id);
    let verband = verband.map(|at| snapshot.landschaftsverbaende[at].code);
    vec![
        ("ags", Some(row.ags.clone())),
        ("ars", Some(row.ars.clone())),
        ("name", Some(row.name.clone())),
        ("official_name", Some(row.official_name.clone())),
        ("type", row::type_word(row.kind).map(str::to_owned)),
        ("special_status", row.special_status.clone()),
        ("kreis_ags", kreis),
        ("regierungsbezirk", Some(row.government_district.clone())),
        ("landschaftsverband", verband.map(row::verband_word).map(str::to_owned)),
        ("population", Some(row.population.to_string())),
        ("population_date", Some(row.population_date.to_string())),
        ("area_km2", Some(hundredths(row.area_hectares))),
        ("plz_seat", row.postcode.clone()),
        ("lon", row.longitude.map(|degrees| degrees.to_string())),
        ("lat", row.latitude.map(|degrees| degrees.to_string())),
        ("kgst_groessenklasse", Some(row.kgst_size_class.to_string())),
        ("go_nrw_status", row.go_nrw_status.clone()),
        ("dissolved_on", row.dissolved_on.map(|day| day.to_string())),
        ("merged_into", row.merged_into_id.map(|id| ags_of(id).unwrap_or_else(|| id.to_string()))),
        ("area_change_reference", row.area_change_reference.clone()),
    ]
}

/// Fields as the audit trail tells them: how they were, and how they are.
pub fn told(changes: &[FieldChange]) -> (Option<Value>, Option<Value>) {
    let object = |value: fn(&FieldChange) -> &Option<String>| {
        let fields = changes.iter().filter_map(|change| {
            let value = value(change).as_ref()?;
            Some((change.field.to_owned(), Value::from(value.as_str())))
        });
        Value::Object(fields.collect::<Map<_, _>>())
    };
    (Some(object(|change| &change.before)), Some(object(|change| &change.after)))
}

/// Ids of municipalities that others of a plan go into.
pub fn successors(plan: &Plan) -> HashSet<sea_orm::prelude::Uuid> {
    let dissolved = plan.writes.iter().filter(|write| write.newly_dissolved());
    dissolved.filter_map(|write| write.after.merged_into_id).collect()
}

impl Write {
    /// Whether this import dissolves it.
    pub fn newly_dissolved(&self) -> bool {
        self.after.dissolved_on.is_some() && self.before.as_ref().is_none_or(|before| before.dissolved_on.is_none())
    }
}
