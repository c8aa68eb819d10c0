//! The directory of municipalities as the Land sends it, and files with something else in them.

use serde_json::{Value, json};

use super::{TestApp, acts::reason, land};

/// The directory that the sample data came from.
pub const SHIPPED: &str = include_str!("../../../data/municipalities.csv");
/// Municipalities in it.
pub const COUNT: usize = 396;

const IMPORT: &str = "mutation($input: ImportMunicipalitiesInput!) { importMunicipalities(input: $input) {
    report { dryRun written total added changed unchanged rejected missing missingMunicipalities
        areaChanges { from into on reference known }
        rows { index line ags outcome changes { field before after } municipality { ags name population } errors { code path message nextStep } } }
    errors { code rule path message nextStep } } }";
const FOLLOW: &str = "mutation($input: FollowAreaChangeInput!) { followAreaChange(input: $input) { written
    plan { hash on municipality { ags } successor { ags }
        subscriptions(first: 100) { totalCount edges { node { subscription { id version state subscriber { ... on Municipality { ags } } } collidesWith { id } } } }
        collisions { subscription { id } collidesWith { id } } }
    errors { code rule path message nextStep } } }";

/// A file as rows of cells, the header first.
pub fn table(csv: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// Rows of cells as a file.
pub fn file(table: &[Vec<String>], delimiter: u8) -> String {
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
    table.iter().for_each(|row| writer.write_record(row).unwrap());
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

/// The file with another value in one cell.
pub fn with(csv: &str, ags: &str, column: &str, value: &str) -> String {
    let mut table = table(csv);
    let column = table[0].iter().position(|name| name == column).unwrap();
    table.iter_mut().find(|row| row[0] == ags).unwrap()[column] = value.to_owned();
    file(&table, b',')
}

/// The file without some municipalities.
pub fn without(csv: &str, gone: &[&str]) -> String {
    let mut table = table(csv);
    table.retain(|row| !gone.contains(&row[0].as_str()));
    file(&table, b',')
}

/// The file with a municipality more, like one that is in it.
pub fn and(csv: &str, like: &str, ags: &str, name: &str) -> String {
    let mut table = table(csv);
    let mut row = table.iter().find(|row| row[0] == like).unwrap().clone();
    (row[0], row[1]) = (ags.to_owned(), format!("{}{}{}", &ags[..5], &row[1][5..9], &ags[5..]));
    (row[2], row[3]) = (name.to_owned(), name.to_owned());
    table.push(row);
    file(&table, b',')
}

/// The input of an import, with as many rows as the file has and a key of its own.
pub fn importing(csv: &str, more: Value) -> Value {
    let key = sea_orm::prelude::Uuid::new_v4().to_string();
    let count = table(csv.trim_start_matches('\u{feff}')).len() - 1;
    let mut input = json!({ "csv": csv, "count": count, "reason": reason("CORRECTION"), "idempotencyKey": key });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

/// An area change as it stands in an input.
pub fn becoming(from: &[&str], into: &str, on: &str) -> Value {
    json!({ "from": from, "into": into, "on": on, "reference": "GV. NRW. 2026 S. 123" })
}

impl TestApp {
    /// The payload of an import, whatever it says.
    pub async fn import_as(&self, token: &str, input: Value) -> Value {
        self.data_as(token, IMPORT, json!({ "input": input })).await["importMunicipalities"].clone()
    }

    /// The report of an import that is expected to succeed.
    pub async fn imported(&self, input: Value) -> Value {
        let payload = self.import_as(&land(), input).await;
        assert_eq!(payload["errors"], json!([]), "{}", payload["errors"]);
        payload["report"].clone()
    }

    /// Dissolves municipalities, which leave the shipped directory.
    pub async fn dissolve(&self, from: &[&str], into: &str, on: &str) -> Value {
        let more = json!({ "areaChanges": [becoming(from, into, on)] });
        self.imported(importing(&without(SHIPPED, from), more)).await
    }

    /// The payload of letting subscriptions follow, whatever it says.
    pub async fn follow_as(&self, token: &str, ags: &str, more: Value) -> Value {
        let key = sea_orm::prelude::Uuid::new_v4().to_string();
        let mut input = json!({ "municipality": { "ags": ags }, "reason": reason("DECISION"), "idempotencyKey": key });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.data_as(token, FOLLOW, json!({ "input": input })).await["followAreaChange"].clone()
    }
}
