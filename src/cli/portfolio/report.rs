//! What became of a portfolio, told at a terminal or to a script.
#![allow(clippy::print_stdout)]

use std::io::IsTerminal;

use comfy_table::{ContentArrangement, Table, presets};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    error::Error,
    portfolios::file::File,
    text::{Language, Text},
};

/// Most lines of a table; a report file holds them all.
const SHOWN: usize = 50;
/// Most fields that are named of a changed product.
const SHOWN_FIELDS: usize = 8;
/// Parts of a path before the field: `input`, `products`, and the row's place.
const BEFORE_FIELD: usize = 3;

/// What became of a portfolio.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    pub(super) dry_run: bool,
    pub(super) written: bool,
    pub(super) total: usize,
    pub(super) added: usize,
    pub(super) changed: usize,
    pub(super) unchanged: usize,
    pub(super) missing: usize,
    pub(super) rejected: usize,
    pub(super) missing_products: Vec<String>,
    pub(super) rows: Vec<RowReport>,
    /// Whether no service was asked.
    #[serde(skip)]
    pub(super) is_offline: bool,
}

/// What became of a row.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RowReport {
    pub(super) index: usize,
    pub(super) external_id: String,
    pub(super) outcome: Outcome,
    pub(super) changed_fields: Vec<String>,
    pub(super) errors: Vec<Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Outcome {
    Added,
    Changed,
    Unchanged,
    Rejected,
}

/// Something that is wrong.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Fault {
    path: Vec<String>,
    code: String,
    message: String,
    next_step: String,
}

impl Fault {
    pub(super) fn new(error: &Error, place: &[&str], language: Language) -> Self {
        Self {
            path: error.path(place),
            code: error.code.as_str().to_owned(),
            message: error.message(language),
            next_step: error.next_step(language),
        }
    }

    /// Code, message and what to do, in a line.
    pub(super) fn sentence(&self) -> String {
        format!("{} ({}) {}", self.message, self.code, self.next_step)
    }

    fn field(&self) -> &[String] {
        self.path.get(BEFORE_FIELD..).unwrap_or(&[])
    }
}

impl Report {
    /// Every error as a line of JSON.
    pub(super) fn error_lines(&self, file: &File) -> Result<String, String> {
        let mut lines = String::new();
        for row in &self.rows {
            for fault in &row.errors {
                let mut line = serde_json::to_value(fault).map_err(|error| error.to_string())?;
                line["index"] = json!(row.index);
                line["line"] = json!(file.line(row.index, fault.field()));
                line["externalId"] = json!(row.external_id);
                lines.push_str(&format!("{line}\n"));
            }
        }
        Ok(lines)
    }

    /// Prints it: counts, what changes, what is wrong, what is missing.
    pub(super) fn tell(&self, file: &File, language: Language) -> Result<(), String> {
        let say = |de: &'static str, en: &'static str| if language == Language::De { de } else { en };
        println!("{}", self.headline(language));
        if self.is_offline {
            println!(
                "{}",
                say(
                    "Geprüft ohne Dienst, gegen die Stammdaten dieses Programms, wie bei einer ersten Registrierung. Ob sich \
                     Preise ändern dürfen, was fehlt und welche Standardleistungen es gibt, weiß nur der Dienst (--endpoint).",
                    "Checked without a service, against the reference data of this program, as a first registration. Whether \
                     prices may change, what is missing and which standard products there are only the service knows \
                     (--endpoint).",
                )
            );
        }
        self.tell_changes(say);
        self.tell_errors(file, say);
        if !self.missing_products.is_empty() {
            // All of them: who phases them out has to name them.
            println!("\n{}: {}", say("Nicht in der Datei", "Not in the file"), self.missing_products.join(", "));
        }
        Ok(())
    }

    fn headline(&self, language: Language) -> String {
        let Self { total, added, changed, unchanged, rejected, missing, .. } = self;
        let counts = Text::new(
            format!(
                "{total} Zeilen: {added} neu, {changed} geändert, {unchanged} unverändert, {rejected} abgelehnt; {missing} nicht in der Datei."
            ),
            format!(
                "{total} rows: {added} new, {changed} changed, {unchanged} unchanged, {rejected} rejected; {missing} not in the file."
            ),
        );
        let written = match (self.dry_run, self.written) {
            (true, _) => Text::new("Probelauf, nichts wurde geschrieben.", "A dry run, nothing was written."),
            (false, true) => Text::new("Geschrieben.", "Written."),
            (false, false) => Text::new(
                "Nichts wurde geschrieben, weil Zeilen abgelehnt sind.",
                "Nothing was written, because rows are rejected.",
            ),
        };
        format!("{} {}", counts.in_language(language), written.in_language(language))
    }

    fn tell_changes(&self, say: impl Fn(&'static str, &'static str) -> &'static str) {
        let changed = || self.rows.iter().filter(|row| row.outcome == Outcome::Changed);
        if self.changed == 0 {
            return;
        }
        let mut table = table(&["externalId", say("Geänderte Felder", "Changed fields")]);
        for row in changed().take(SHOWN) {
            let mut fields = row.changed_fields.iter().take(SHOWN_FIELDS).cloned().collect::<Vec<_>>().join(", ");
            if row.changed_fields.len() > SHOWN_FIELDS {
                fields.push_str(", ...");
            }
            table.add_row([plain(&row.external_id), fields]);
        }
        println!("\n{table}{}", rest(self.changed, &say));
    }

    fn tell_errors(&self, file: &File, say: impl Fn(&'static str, &'static str) -> &'static str) {
        let errors = || self.rows.iter().flat_map(|row| row.errors.iter().map(move |fault| (row, fault)));
        let count = errors().count();
        if count == 0 {
            return;
        }
        let mut table =
            table(&[say("Zeile", "Line"), "externalId", say("Feld", "Field"), say("Was falsch ist", "What is wrong")]);
        for (row, fault) in errors().take(SHOWN) {
            let line = file.line(row.index, fault.field()).map_or_else(String::new, |line| line.to_string());
            table.add_row([line, plain(&row.external_id), fault.field().join("."), fault.message.clone()]);
        }
        println!("\n{table}{}", rest(count, &say));
    }
}

/// A text without what would steer a terminal.
fn plain(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}

/// How many more there are than are shown.
fn rest(count: usize, say: impl Fn(&'static str, &'static str) -> &'static str) -> String {
    match count.checked_sub(SHOWN).filter(|more| *more > 0) {
        Some(more) => format!("\n... {} {more} {}", say("und", "and"), say("weitere", "more")),
        None => String::new(),
    }
}

/// A table that fits the terminal; plain columns where nobody watches.
fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    if std::io::stdout().is_terminal() {
        let (_, width) = console::Term::stdout().size();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width);
    } else {
        table.load_style(presets::NOTHING);
    }
    table.set_header(header);
    table
}
