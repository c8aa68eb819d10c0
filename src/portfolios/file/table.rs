//! CSV to rows.

use serde_json::{Map, Value};

use super::{FIELDS, File, LISTS, NEEDED, OF_PRICES, PRICE_FIELDS, PRICES, Place, SEPARATOR, known, row, wrong};
use crate::error::{Error, Result};

/// A last line that comes out whole only where every quotation mark before it was closed.
const END: &str = "\u{1}end";

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    /// A field of the product.
    Field(&'static str),
    /// A field of a price.
    Price(&'static str),
    /// Nothing: it has no name, and may have no content.
    Empty,
}

/// Cells of one line that belong together.
struct Line {
    number: usize,
    fields: Map<String, Value>,
    price: Map<String, Value>,
}

/// A product whose prices go on as long as lines repeat its key and nothing else.
struct Open {
    fields: Map<String, Value>,
    prices: Vec<Value>,
    place: Place,
}

pub(super) fn read(text: &str) -> Result<File> {
    let mut records = records(text)?.into_iter();
    let mut file = File::default();
    let Some((number, first)) = records.next() else { return Ok(file) };
    let columns = header(&first, number)?;
    let mut open: Option<Open> = None;
    for (number, record) in records {
        let line = line(&columns, &record, number)?;
        match &mut open {
            Some(open) if line.goes_on(open) => open.add(line),
            _ => {
                if let Some(done) = open.replace(Open::new(line)) {
                    done.close(&mut file)?;
                }
            }
        }
    }
    if let Some(done) = open {
        done.close(&mut file)?;
    }
    Ok(file)
}

/// The lines of a CSV file that are not empty, with their numbers; semicolons or commas, as the first of them has.
pub fn records(text: &str) -> Result<Vec<(usize, csv::StringRecord)>> {
    let delimiter = delimiter(text);
    let text = format!("{text}\n{END}");
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut records = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(&error))?;
        let number = record.position().map_or(0, |position| line_of(&text, position));
        if record.iter().any(|cell| !cell.trim().is_empty()) {
            records.push((number, record));
        }
    }
    match records.pop() {
        Some((_, end)) if end.len() == 1 && end.get(0) == Some(END) => Ok(records),
        last => Err(wrong(
            last.map_or(1, |(number, _)| number),
            1,
            "Ein Anführungszeichen dieser Zeile wird nicht geschlossen, alles danach wäre verloren. Bitte schließen.",
            "a quotation mark of this line is not closed, everything after it would be lost. Please close it.",
        )),
    }
}

/// The line of a record: its position is that of the line feeds that are skipped before it.
fn line_of(text: &str, position: &csv::Position) -> usize {
    let rest = text.as_bytes().get(position.byte() as usize..).unwrap_or(&[]);
    let skipped = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| **byte == b'\n').count();
    position.line() as usize + skipped
}

/// Semicolon or comma, whichever the header has more of.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if header.matches(',').count() > header.matches(';').count() { b',' } else { b';' }
}

fn unreadable(error: &csv::Error) -> Error {
    let line = error.position().map_or(1, csv::Position::line) as usize;
    wrong(line, 1, &format!("nicht lesbar ({error})."), &format!("can't be read ({error})."))
}

fn header(record: &csv::StringRecord, line: usize) -> Result<Vec<Column>> {
    let of_prices: Vec<String> = PRICE_FIELDS.iter().map(|name| format!("{PRICES}{name}")).collect();
    let names = FIELDS.into_iter().chain(of_prices.iter().map(String::as_str));
    let mut columns: Vec<Column> = Vec::new();
    for (place, cell) in record.iter().enumerate() {
        let column = match cell.trim() {
            "" => Column::Empty,
            cell => {
                let name = known(names.clone(), cell, line, place + 1)?;
                let field = FIELDS.into_iter().find(|field| *field == name).map(Column::Field);
                let price = || PRICE_FIELDS.into_iter().find(|field| name.strip_prefix(PRICES) == Some(field));
                field.or_else(|| price().map(Column::Price)).unwrap_or(Column::Empty)
            }
        };
        if column != Column::Empty && columns.contains(&column) {
            let cell = cell.trim();
            return Err(wrong(
                line,
                place + 1,
                &format!("„{cell}“ steht zweimal im Kopf. Bitte eine der Spalten entfernen."),
                &format!("“{cell}” stands in the header twice. Please remove one of the columns."),
            ));
        }
        columns.push(column);
    }
    match NEEDED
        .iter()
        .find(|name| !columns.iter().any(|column| matches!(column, Column::Field(field) if field == *name)))
    {
        Some(missing) => Err(wrong(
            line,
            columns.len() + 1,
            &format!("Die Spalte {missing} fehlt. Bitte ergänzen."),
            &format!("the column {missing} is missing. Please add it."),
        )),
        None => Ok(columns),
    }
}

fn line(columns: &[Column], record: &csv::StringRecord, number: usize) -> Result<Line> {
    if record.len() < columns.len() {
        let (has, wanted) = (record.len(), columns.len());
        return Err(wrong(
            number,
            has,
            &format!(
                "Die Zeile endet nach {has} Zellen, der Kopf hat {wanted}. Bitte die fehlenden Zellen leer ergänzen."
            ),
            &format!("the line ends after {has} cells, the header has {wanted}. Please add the missing cells, empty."),
        ));
    }
    let mut line = Line { number, fields: Map::new(), price: Map::new() };
    for (place, cell) in record.iter().enumerate() {
        let cell = cell.trim();
        match columns.get(place) {
            _ if cell.is_empty() => {}
            Some(Column::Field(name)) => drop(line.fields.insert((*name).to_owned(), field(name, cell))),
            Some(Column::Price(name)) => drop(line.price.insert((*name).to_owned(), cell.into())),
            Some(Column::Empty) | None => {
                return Err(wrong(
                    number,
                    place + 1,
                    "Diese Zelle gehört zu keiner Spalte des Kopfes. Steht ein Trennzeichen in einem Text, der nicht in Anführungszeichen steht?",
                    "this cell belongs to no column of the header. Does a text without quotation marks contain the delimiter?",
                ));
            }
        }
    }
    Ok(line)
}

fn field(name: &str, cell: &str) -> Value {
    if !LISTS.contains(&name) {
        return cell.into();
    }
    cell.split(SEPARATOR).map(str::trim).filter(|value| !value.is_empty()).map(Value::from).collect()
}

impl Line {
    /// Whether it is a further price of the product before it.
    fn goes_on(&self, open: &Open) -> bool {
        let is_key_alone = self.fields.len() == 1 && self.fields.get("externalId") == open.fields.get("externalId");
        is_key_alone && !self.price.is_empty()
    }
}

impl Open {
    fn new(line: Line) -> Self {
        let place = Place { line: line.number, prices: Vec::new() };
        let mut open = Self { fields: Map::new(), prices: Vec::new(), place };
        open.add(Line { fields: Map::new(), ..line });
        Self { fields: line.fields, ..open }
    }

    fn add(&mut self, line: Line) {
        if !line.price.is_empty() {
            self.prices.push(line.price.into());
            self.place.prices.push(line.number);
        }
    }

    fn close(mut self, file: &mut File) -> Result<()> {
        self.fields.insert(OF_PRICES.to_owned(), self.prices.into());
        file.push(row(self.fields)?, self.place);
        Ok(())
    }
}
