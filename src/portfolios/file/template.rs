//! A file to begin with: all columns, and two examples that are evidently examples.

use serde_json::Value;

use super::{FIELDS, Format, OF_PRICES, PRICE_FIELDS, PRICES, SEPARATOR};
use crate::{
    error::{Error, Result},
    portfolios::{Row, RowPrice},
};

/// So that Excel takes the file for UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The template in a format.
pub fn template(format: Format) -> Result<String> {
    let rows = examples();
    match format {
        Format::Csv => table(&rows),
        Format::Json => serde_json::to_string_pretty(&rows).map(|text| text + "\n").map_err(Error::internal),
        Format::JsonLines => {
            let lines: Result<Vec<String>, _> = rows.iter().map(serde_json::to_string).collect();
            lines.map(|lines| lines.join("\n") + "\n").map_err(Error::internal)
        }
    }
}

pub(super) fn examples() -> [Row; 2] {
    let text = |text: &str| Some(text.to_owned());
    let price = |unit: &str, amount: &str| RowPrice {
        unit: unit.to_owned(),
        period: "YEAR".to_owned(),
        amount: text(amount),
        vat_rate: text("19"),
        ..RowPrice::default()
    };
    let archive = Row {
        external_id: "BEISPIEL-1".to_owned(),
        name: "BEISPIEL: Langzeitarchiv (bitte ersetzen)".to_owned(),
        summary: text("Ein Satz, der die Leistung beschreibt."),
        description: text("Mehr dazu, bis 5000 Zeichen."),
        category: "dms".to_owned(),
        lifecycle: text("AVAILABLE"),
        available_from: text("01.01.2026"),
        delivery_mode: "REGIONAL".to_owned(),
        base_service: text("nein"),
        mandated_task: text("NO"),
        service_area: text("PROVIDER_COVERAGE"),
        organisational_conditions: text("Aktenplan und Dienstanweisung"),
        technical_conditions: text("Anschluss an das Landesverwaltungsnetz"),
        lead_time_days: text("90"),
        notice_months: text("6"),
        term_months: text("24"),
        sla_url: text("https://www.example.org/sla"),
        data_processing_agreement_url: text("https://www.example.org/avv"),
        leika_keys: vec!["99107023017000".to_owned(), "99107023080000".to_owned()],
        ozg_ids: vec!["10001".to_owned()],
        prices: vec![price("INHABITANT", "0,35"), price("FLAT", "1200,00")],
        ..Row::default()
    };
    let support = Row {
        external_id: "BEISPIEL-2".to_owned(),
        name: "BEISPIEL: Vor-Ort-Betreuung (bitte ersetzen)".to_owned(),
        category: "dms".to_owned(),
        delivery_mode: "DECENTRAL".to_owned(),
        service_area: text("LISTED"),
        municipalities: vec!["05334002".to_owned(), "05315000".to_owned()],
        prices: vec![price("WORKPLACE", "48,50")],
        ..Row::default()
    };
    [archive, support]
}

fn table(rows: &[Row]) -> Result<String> {
    let mut writer =
        csv::WriterBuilder::new().delimiter(b';').terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let of_prices = PRICE_FIELDS.iter().map(|name| format!("{PRICES}{name}"));
    writer.write_record(FIELDS.iter().map(|name| (*name).to_owned()).chain(of_prices)).map_err(Error::internal)?;
    for row in rows {
        for record in records(row)? {
            writer.write_record(record).map_err(Error::internal)?;
        }
    }
    let bytes = writer.into_inner().map_err(Error::internal)?;
    String::from_utf8(bytes).map(|text| BYTE_ORDER_MARK.to_owned() + &text).map_err(Error::internal)
}

/// The lines of a product: a further one for every price after the first.
fn records(row: &Row) -> Result<Vec<Vec<String>>> {
    let fields = serde_json::to_value(row).map_err(Error::internal)?;
    let prices: &[Value] = fields[OF_PRICES].as_array().map_or(&[], Vec::as_slice);
    let none = Value::Null;
    let lines = (0..prices.len().max(1)).map(|line| {
        let own = FIELDS.iter().enumerate().map(|(column, name)| match line == 0 || column == 0 {
            true => cell(&fields[*name]),
            false => String::new(),
        });
        let price = prices.get(line).unwrap_or(&none);
        own.chain(PRICE_FIELDS.iter().map(|name| cell(&price[*name]))).collect()
    });
    Ok(lines.collect())
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(&SEPARATOR.to_string()),
        _ => String::new(),
    }
}
