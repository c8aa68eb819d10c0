//! Area changes (Gebietsänderungen) of an import: on a day, municipalities become part of another one.
//!
//! Who has gone into another stays in the catalogue with all that it was. INVARIANT: what has gone into another takes in
//! nobody, on that day or later; so successors never lead in a circle.

use std::collections::{BTreeMap, HashMap, HashSet};

use ::entity::municipality::{Model, Type};
use chrono::Months;
use sea_orm::prelude::Date;
use serde::Serialize;

use super::plan::{Write, find};
use crate::{
    catalogue::Snapshot,
    error::{Error, Result, check_text},
    text::german_day,
};

/// Most area changes of one import.
pub const MOST_CHANGES: usize = 50;
/// Most municipalities that become part of another one at once.
const MOST_PREDECESSORS: usize = 20;
/// Longest reference, in characters.
const LONGEST_REFERENCE: usize = 200;
/// How far back or ahead the day may lie, in months.
const MONTHS: Months = Months::new(12);

/// Municipalities become part of another one.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AreaChange {
    /// AGS of those that end.
    pub from: Vec<String>,
    /// AGS of the one that goes on, or begins.
    pub into: String,
    /// The first day on which they are part of it.
    pub on: Date,
    /// Where that is laid down.
    pub reference: String,
}

/// An area change as it would be written.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What was asked.
    pub change: AreaChange,
    /// Whether it is in the catalogue already, all the same.
    pub is_known: bool,
}

/// What area changes are checked against.
struct Ground<'g> {
    snapshot: &'g Snapshot,
    lines: &'g HashMap<String, usize>,
    ending: HashSet<String>,
    today: Date,
}

/// Plans the area changes of an import and adds what they write; what is wrong with them is told.
pub fn plan(
    snapshot: &Snapshot,
    changes: &[AreaChange],
    lines: &HashMap<String, usize>,
    writes: &mut BTreeMap<String, Write>,
    today: Date,
) -> (Vec<Planned>, Vec<Error>) {
    let ending = changes.iter().flat_map(|change| change.from.iter().cloned()).collect();
    let ground = Ground { snapshot, lines, ending, today };
    let (mut planned, mut errors) = (Vec::new(), Vec::new());
    if changes.len() > MOST_CHANGES {
        errors.push(too_many("areaChanges", changes.len(), MOST_CHANGES));
        return (planned, errors);
    }
    let mut seen = HashSet::new();
    for (place, change) in changes.iter().enumerate() {
        let field = |name: &str| format!("areaChanges.{place}.{name}");
        let is_known = ground.is_known(change);
        if !is_known {
            let wrong = ground.check(change, writes, &mut seen);
            errors.extend(wrong.into_iter().map(|(name, error)| error.with("field", field(&name))));
            ground.write(change, writes);
        }
        planned.push(Planned { change: change.clone(), is_known });
    }
    (planned, errors)
}

impl Ground<'_> {
    fn row(&self, ags: &str) -> Option<&Model> {
        find(self.snapshot, ags).map(|at| &self.snapshot.municipalities[at].row)
    }

    /// Whether the catalogue says the same already.
    fn is_known(&self, change: &AreaChange) -> bool {
        let into = self.row(&change.into).map(|row| row.id);
        let says_so = |ags: &String| {
            self.row(ags).is_some_and(|row| {
                row.dissolved_on == Some(change.on)
                    && row.merged_into_id == into
                    && row.area_change_reference.as_deref() == Some(change.reference.trim())
            })
        };
        !change.from.is_empty() && change.from.iter().all(says_so)
    }

    /// Everything that is wrong with an area change, by its field.
    fn check<'c>(
        &self,
        change: &'c AreaChange,
        writes: &BTreeMap<String, Write>,
        seen: &mut HashSet<&'c str>,
    ) -> Vec<(String, Error)> {
        let mut wrong = Vec::new();
        let mut note = |field: String, result: Result<()>| wrong.extend(result.err().map(|error| (field, error)));
        note("reference".to_owned(), check_reference(&change.reference));
        note("on".to_owned(), check_day(change.on, self.today));
        note("into".to_owned(), self.check_successor(change, writes));
        if !(1..=MOST_PREDECESSORS).contains(&change.from.len()) {
            note("from".to_owned(), Err(too_many("from", change.from.len(), MOST_PREDECESSORS)));
            return wrong;
        }
        for (place, ags) in change.from.iter().enumerate() {
            let field = format!("from.{place}");
            if !seen.insert(ags) {
                note(
                    field,
                    Err(said(
                        format!("{ags} steht zweimal in areaChanges."),
                        format!("{ags} stands in areaChanges twice."),
                    )),
                );
                continue;
            }
            note(field, self.check_predecessor(ags, change));
        }
        wrong
    }

    fn check_successor(&self, change: &AreaChange, writes: &BTreeMap<String, Write>) -> Result<()> {
        let into = &change.into;
        self.check_no_kreis(into)?;
        if self.ending.contains(into) {
            return Err(said(
                format!(
                    "{into} geht selbst in einer anderen Kommune auf. Bitte die Kommune angeben, die am Ende besteht."
                ),
                format!("{into} goes into another municipality itself. Please give the one that goes on in the end."),
            ));
        }
        match self.row(into) {
            Some(row) => match row.dissolved_on {
                Some(on) => Err(already(into, on)),
                None => Ok(()),
            },
            None if writes.contains_key(into) => Ok(()),
            None => Err(Error::not_found(&format!("AGS {into}"))
                .next("Die Nachfolgerin als Zeile in die Datei aufnehmen.", "Give the successor a line in the file.")),
        }
    }

    fn check_predecessor(&self, ags: &str, change: &AreaChange) -> Result<()> {
        self.check_no_kreis(ags)?;
        if ags == change.into {
            return Err(said(
                format!("{ags} kann nicht in sich selbst aufgehen."),
                format!("{ags} can't go into itself."),
            ));
        }
        let row = self.row(ags).ok_or_else(|| Error::not_found(&format!("AGS {ags}")))?;
        if let Some(on) = row.dissolved_on {
            return Err(already(ags, on));
        }
        let later =
            self.snapshot.municipalities.iter().map(|(_, other)| &other.row).find(|other| {
                other.merged_into_id == Some(row.id) && other.dissolved_on.is_some_and(|on| on >= change.on)
            });
        if let Some(other) = later {
            let (other, on) = (&other.ags, other.dissolved_on.unwrap_or(change.on));
            return Err(said(
                format!("In {ags} geht am {} noch {other} auf; on muss danach liegen.", german_day(on)),
                format!("{other} goes into {ags} on {on}; on must lie after that."),
            ));
        }
        match self.lines.get(ags).filter(|_| change.on <= self.today) {
            Some(line) => Err(said(
                format!("{ags} steht noch in Zeile {line} der Datei. Bitte die Zeile weglassen."),
                format!("{ags} still stands in line {line} of the file. Please leave the line out."),
            )),
            None => Ok(()),
        }
    }

    fn check_no_kreis(&self, ags: &str) -> Result<()> {
        let found = self.snapshot.municipality_by_ags(ags).map(|at| self.snapshot.municipalities[at].row.kind);
        if found != Some(Type::Kreis) {
            return Ok(());
        }
        Err(said(
            format!("{ags} ist ein Kreis; nur Städte und Gemeinden gehen ineinander auf."),
            format!("{ags} is a Kreis; only towns and municipalities go into one another."),
        ))
    }

    /// Adds what an area change writes; where something is wrong with it, nothing comes of that.
    fn write(&self, change: &AreaChange, writes: &mut BTreeMap<String, Write>) {
        let known = self.row(&change.into).map(|row| row.id);
        let Some(into) = known.or_else(|| writes.get(&change.into).map(|write| write.after.id)) else { return };
        for ags in &change.from {
            let Some(row) = self.row(ags).filter(|row| row.dissolved_on.is_none()) else { continue };
            let write =
                writes.entry(ags.clone()).or_insert_with(|| Write { before: Some(row.clone()), after: row.clone() });
            write.after.dissolved_on = Some(change.on);
            write.after.merged_into_id = Some(into);
            write.after.area_change_reference = Some(change.reference.trim().to_owned());
        }
    }
}

fn check_reference(reference: &str) -> Result<()> {
    check_text("reference", reference, LONGEST_REFERENCE)?;
    if reference.trim().is_empty() {
        return Err(said(
            "reference ist leer. Bitte angeben, wo die Gebietsänderung festgelegt ist.",
            "reference is empty. Please name where the area change is laid down.",
        ));
    }
    Ok(())
}

fn check_day(on: Date, today: Date) -> Result<()> {
    let earliest = today.checked_sub_months(MONTHS).unwrap_or(today);
    let latest = today.checked_add_months(MONTHS).unwrap_or(today);
    if (earliest..=latest).contains(&on) {
        return Ok(());
    }
    Err(said(
        format!("on ist der {}; möglich ist der {} bis {}.", german_day(on), german_day(earliest), german_day(latest)),
        format!("on is {on}; possible is {earliest} to {latest}."),
    ))
}

fn already(ags: &str, on: Date) -> Error {
    said(
        format!("{ags} ist schon in einer anderen Kommune aufgegangen, oder wird es am {}.", german_day(on)),
        format!("{ags} has gone into another municipality already, or will on {on}."),
    )
    .next(
        "municipality(by: {ags: …}) mit mergedInto ansehen und die Zeile weglassen.",
        "Look at municipality(by: {ags: …}) with mergedInto and leave the row out.",
    )
}

fn too_many(field: &str, count: usize, most: usize) -> Error {
    Error::bad_input(
        field,
        format!("{field} hat {count} Einträge; möglich sind 1 bis {most}."),
        format!("{field} has {count} entries; possible are 1 to {most}."),
    )
}

fn said(de: impl Into<String>, en: impl Into<String>) -> Error {
    Error::bad_input("areaChanges", de, en)
}
