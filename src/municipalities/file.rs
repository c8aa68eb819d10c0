//! The directory of municipalities as a CSV file: one line for each, its cells by the names of the columns.
//!
//! A file that was cut is found out before anything in it is looked at: a quotation mark that is not closed, a line with
//! other columns than the header, a last line without its end, another number of lines than was said.

use std::collections::HashMap;

use crate::{
    error::{Error, Result},
    portfolios::file::records,
};

/// Columns that are kept, or that others are checked with; a file has all of them.
pub const NEEDED: [&str; 17] = [
    "ags",
    "ars",
    "name",
    "official_name",
    "type",
    "special_status",
    "kreis_ags",
    "regierungsbezirk",
    "landschaftsverband",
    "population",
    "population_date",
    "area_km2",
    "plz_seat",
    "lon",
    "lat",
    "kgst_groessenklasse",
    "go_nrw_status",
];
/// Columns that are checked where a file has them, and not kept.
pub const CHECKED: [&str; 7] = [
    "kreis_name",
    "regierungsbezirk_code",
    "population_male",
    "area_date",
    "density",
    "go_nrw_population_band",
    "go_nrw_status_basis",
];
/// Most lines: far more than there are municipalities.
const MOST_LINES: usize = 1_000;

/// One line.
#[derive(Debug)]
pub struct Line {
    /// Its number in the file, from 1.
    pub number: usize,
    cells: HashMap<&'static str, String>,
}

impl Line {
    /// A cell as it stands there; none where the file has no such column.
    pub fn cell(&self, column: &str) -> Option<&str> {
        self.cells.get(column).map(String::as_str)
    }
}

/// The lines of a file that is to have so many.
pub fn read(csv: &str, count: i64) -> Result<Vec<Line>> {
    let text = csv.strip_prefix('\u{feff}').unwrap_or(csv);
    let mut records = records(text).map_err(|error| error.with("field", "csv"))?.into_iter();
    let Some((number, header)) = records.next() else {
        return Err(wrong("Die Datei ist leer.", "The file is empty."));
    };
    let columns = columns(&header, number)?;
    let mut lines = Vec::new();
    for (number, record) in records {
        check_width(&record, number, columns.len())?;
        let cells = columns.iter().copied().zip(record.iter().map(str::to_owned));
        lines.push(Line { number, cells: cells.collect() });
    }
    check_whole(text, &lines, count)?;
    Ok(lines)
}

/// What each column of the file is.
fn columns(header: &csv::StringRecord, line: usize) -> Result<Vec<&'static str>> {
    let mut columns = Vec::with_capacity(header.len());
    for cell in header {
        let given = cell.trim().to_lowercase();
        let Some(column) = NEEDED.into_iter().chain(CHECKED).find(|column| *column == given) else {
            return Err(unknown(&given, line));
        };
        if columns.contains(&column) {
            return Err(wrong(
                format!("Zeile {line}: Die Spalte {column} steht zweimal da."),
                format!("Line {line}: the column {column} stands there twice."),
            ));
        }
        columns.push(column);
    }
    let missing: Vec<&str> = NEEDED.into_iter().filter(|column| !columns.contains(column)).collect();
    if missing.is_empty() {
        return Ok(columns);
    }
    let missing = missing.join(", ");
    Err(wrong(
        format!("Zeile {line}: Es fehlen die Spalten {missing}."),
        format!("Line {line}: these columns are missing: {missing}."),
    )
    .next("Die Spalten ergänzen und die Datei noch einmal senden.", "Add the columns and send the file again."))
}

fn unknown(given: &str, line: usize) -> Error {
    let distance = |column: &&str| rapidfuzz::distance::damerau_levenshtein::distance(column.chars(), given.chars());
    let nearest = NEEDED.into_iter().chain(CHECKED).min_by_key(distance).unwrap_or_default();
    let given: String = given.chars().filter(|letter| !letter.is_control()).take(60).collect();
    let all = NEEDED.into_iter().chain(CHECKED).collect::<Vec<_>>().join(", ");
    wrong(
        format!("Zeile {line}: Die Spalte „{given}“ gibt es nicht. Am nächsten kommt {nearest}."),
        format!("Line {line}: there is no column “{given}”. The nearest is {nearest}."),
    )
    .next(format!("Möglich sind: {all}."), format!("Possible are: {all}."))
}

fn check_width(record: &csv::StringRecord, line: usize, expected: usize) -> Result<()> {
    let found = record.len();
    if found == expected {
        return Ok(());
    }
    Err(wrong(
        format!("Zeile {line} hat {found} Spalten, die Kopfzeile {expected}. Nichts wurde eingespielt."),
        format!("Line {line} has {found} columns, the header {expected}. Nothing was imported."),
    )
    .next(
        "Prüfen, ob die Datei hier abgeschnitten ist oder ein Trennzeichen zu viel hat, und ganz noch einmal senden.",
        "Check whether the file is cut here or has a separator too many, and send all of it again.",
    ))
}

/// Whether the file ends where it is to end.
fn check_whole(text: &str, lines: &[Line], count: i64) -> Result<()> {
    let (found, last) = (lines.len(), lines.last().map_or(1, |line| line.number));
    let again = ("Die ganze Datei noch einmal senden.", "Send the whole file again.");
    if i64::try_from(found) != Ok(count) {
        return Err(Error::bad_input(
            "count",
            format!(
                "count ist {count}, die Datei hat aber {found} Kommunen und endet mit Zeile {last}: Etwas fehlt oder ist zu viel. Nichts wurde eingespielt."
            ),
            format!(
                "count is {count}, but the file has {found} municipalities and ends with line {last}: something is missing or too much. Nothing was imported."
            ),
        )
        .next(again.0, again.1));
    }
    if !(1..=MOST_LINES).contains(&found) {
        return Err(wrong(
            format!("Die Datei hat {found} Kommunen; möglich sind 1 bis {MOST_LINES}."),
            format!("The file has {found} municipalities; possible are 1 to {MOST_LINES}."),
        ));
    }
    if !text.ends_with(['\n', '\r']) {
        return Err(wrong(
            format!("Zeile {last} endet ohne Zeilenumbruch, die Datei kann mitten im letzten Wert abgeschnitten sein."),
            format!("Line {last} ends without a line break, so the file may be cut in the middle of its last value."),
        )
        .next(again.0, again.1));
    }
    Ok(())
}

fn wrong(de: impl Into<String>, en: impl Into<String>) -> Error {
    Error::bad_input("csv", de, en)
}
