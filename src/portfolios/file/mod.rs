//! Portfolios as files: CSV, JSON and JSON Lines to rows, and back to a template.
//!
//! Columns are named as the fields of the schema, in any case. CSV: semicolons or commas, as the header has them; in UTF-8
//! or Windows-1252; lists within a cell are parted by [`SEPARATOR`]; a price has columns `prices.unit`, `prices.period` and so
//! on, and each further price of the same product a line of its own that repeats only the `externalId`.

mod json;
mod table;
mod template;

use rapidfuzz::distance::damerau_levenshtein;
use serde_json::{Map, Value};

use super::Row;
use crate::error::{Error, Result};

pub use table::records;
pub use template::template;

/// Parts the values of a list within one cell of a CSV file.
pub const SEPARATOR: char = '|';
/// Stands before the name of a price's field in the header of a CSV file.
const PRICES: &str = "prices.";
/// The field of a row that holds prices.
const OF_PRICES: &str = "prices";
/// Fields of a row, in the order of the template.
const FIELDS: [&str; 25] = [
    "externalId",
    "name",
    "summary",
    "description",
    "category",
    "standardProduct",
    "lifecycle",
    "availableFrom",
    "phaseOutFrom",
    "retiredFrom",
    "deliveryMode",
    "baseService",
    "mandatedTask",
    "serviceArea",
    "municipalities",
    "customerGroups",
    "organisationalConditions",
    "technicalConditions",
    "leadTimeDays",
    "noticeMonths",
    "termMonths",
    "slaUrl",
    "dataProcessingAgreementUrl",
    "leikaKeys",
    "ozgIds",
];
/// Fields that hold lists.
const LISTS: [&str; 4] = ["municipalities", "customerGroups", "leikaKeys", "ozgIds"];
/// Fields of a price.
const PRICE_FIELDS: [&str; 8] =
    ["unit", "period", "amount", "percent", "vatRate", "validFrom", "validTo", "customerGroup"];
/// Columns without which no row can be right.
const NEEDED: [&str; 4] = ["externalId", "name", "category", "deliveryMode"];

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table with a header.
    Csv,
    /// A list of rows.
    Json,
    /// A row on each line.
    JsonLines,
}

/// The rows of a file, and where they stand in it.
#[derive(Debug, Default)]
pub struct File {
    /// The rows, in their order.
    pub rows: Vec<Row>,
    places: Vec<Place>,
}

/// Where a row begins, and where each of its prices does: lines, from 1.
#[derive(Debug, Default)]
struct Place {
    line: usize,
    prices: Vec<usize>,
}

impl Format {
    /// The format that the ending of a file's name tells.
    pub fn of(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        match ending.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            _ => None,
        }
    }
}

impl File {
    /// Reads a file. The first thing that is wrong with it is told with line and column; what is wrong with the values of
    /// a row is not looked at here.
    pub fn read(bytes: &[u8], format: Format) -> Result<Self> {
        let text = text_of(bytes)?;
        let file = match format {
            Format::Csv => table::read(&text),
            Format::Json => json::read_list(&text),
            Format::JsonLines => json::read_lines(&text),
        }?;
        if file.rows.is_empty() {
            return Err(Error::bad_input(
                "file",
                "Die Datei enthält keine Leistung. Bitte mindestens eine Zeile angeben.",
                "The file holds no product. Please give at least one row.",
            ));
        }
        Ok(file)
    }

    /// The line of a row, or of the price in it that a path such as `prices.1.amount` leads to.
    pub fn line(&self, index: usize, path: &[String]) -> Option<usize> {
        let place = self.places.get(index)?;
        let price = match path {
            [first, number, ..] if first == OF_PRICES => number.parse().ok(),
            _ => None,
        };
        Some(price.and_then(|number: usize| place.prices.get(number)).copied().unwrap_or(place.line))
    }

    fn push(&mut self, row: Row, place: Place) {
        self.rows.push(row);
        self.places.push(place);
    }
}

/// UTF-8 where the bytes are, or what a byte order mark tells; else Windows-1252, as older programs write it.
fn text_of(bytes: &[u8]) -> Result<String> {
    let marked = encoding_rs::Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let usual = if std::str::from_utf8(bytes).is_ok() { encoding_rs::UTF_8 } else { encoding_rs::WINDOWS_1252 };
    let (text, _, is_broken) = marked.unwrap_or(usual).decode(bytes);
    if is_broken {
        return Err(Error::bad_input(
            "file",
            "Die Datei ist kein lesbarer Text. Bitte als UTF-8 speichern.",
            "The file is no readable text. Please save it as UTF-8.",
        ));
    }
    Ok(text.into_owned())
}

/// Something is wrong at a place of the file.
fn wrong(line: usize, column: impl std::fmt::Display, de: &str, en: &str) -> Error {
    Error::bad_input(
        "file",
        format!("Zeile {line}, Spalte {column}: {de}"),
        format!("Line {line}, column {column}: {en}"),
    )
}

/// The name as the schema has it, whatever the case; an error that names the nearest one for one that there is not.
fn known<'n>(names: impl Iterator<Item = &'n str> + Clone, given: &str, line: usize, column: usize) -> Result<&'n str> {
    if let Some(name) = names.clone().find(|name| name.eq_ignore_ascii_case(given)) {
        return Ok(name);
    }
    let lower = given.to_lowercase();
    let distance = |name: &str| damerau_levenshtein::distance(name.to_lowercase().chars(), lower.chars());
    let nearest = names.min_by_key(|name| distance(name)).unwrap_or_default();
    let given = super::values::shown(given);
    Err(wrong(
        line,
        column,
        &format!(
            "„{given}“ gibt es nicht. Am nächsten kommt „{nearest}“; alle Namen zeigt `itkatalog portfolio template`."
        ),
        &format!(
            "there is no “{given}”. The nearest is “{nearest}”; all names are shown by `itkatalog portfolio template`."
        ),
    ))
}

/// A row from its fields, which have names of the schema and fit their kinds.
fn row(fields: Map<String, Value>) -> Result<Row> {
    serde_json::from_value(Value::Object(fields)).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portfolios::RowPrice;

    #[test]
    fn every_field_of_a_row_is_a_column() {
        let text = || Some("x".to_owned());
        let full = template::examples().into_iter().next().unwrap();
        let price = RowPrice {
            percent: text(),
            valid_from: text(),
            valid_to: text(),
            customer_group: text(),
            ..full.prices[0].clone()
        };
        let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let mut fields: Vec<String> = FIELDS.iter().map(|name| (*name).to_owned()).collect();
        fields.push(OF_PRICES.to_owned());
        fields.sort();
        let all = Row {
            standard_product: text(),
            phase_out_from: text(),
            retired_from: text(),
            municipalities: vec!["x".to_owned()],
            customer_groups: vec!["x".to_owned()],
            ..full
        };
        let mut found = names(&serde_json::to_value(&all).unwrap());
        found.sort();
        assert_eq!(found, fields);
        let mut found = names(&serde_json::to_value(&price).unwrap());
        let mut fields = PRICE_FIELDS.map(str::to_owned).to_vec();
        found.sort();
        fields.sort();
        assert_eq!(found, fields);
    }
}
