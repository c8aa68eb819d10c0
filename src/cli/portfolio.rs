//! `itkatalog portfolio`: a template, a check of a file, and its registration.

mod offline;
mod remote;
mod report;

use std::{
    io::{Read, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Subcommand, ValueEnum};

use crate::{
    cli::{language_of_terminal, languages, own_address},
    config::{Config, Flags, TOKEN_VARIABLE},
    portfolios::file::{self, File},
    text::{Language, Text},
};

use remote::{Missing, OnError, Sending};

/// How files are written and how the exit code is to be read.
const HELP: &str = r#"Files
  CSV, JSON (a list of objects) or JSON Lines (an object on each line), told by the ending .csv, .json, .jsonl; --format
  overrides it. Columns are named as the fields of PortfolioRowInput in the schema, in any case.
  CSV: semicolons or commas, as the header has them; UTF-8 or Windows-1252; decimal point or comma. Values of a list stand in
  one cell, parted by "|". A price has the columns prices.unit, prices.period, prices.amount and so on; each further price of
  the same product is the next line, which repeats the externalId and fills the columns of the price only.

Exit code
  0  all is well
  1  something went wrong: the arguments, the file, the network, or all of it was refused
  2  rows are rejected

Examples
  itkatalog portfolio template > portfolio.csv
  itkatalog portfolio check portfolio.csv
  itkatalog portfolio check portfolio.csv --provider itkr --endpoint https://catalogue.example/graphql
  itkatalog portfolio register portfolio.csv --provider itkr --endpoint https://catalogue.example/graphql --report wrong.jsonl
  itkatalog portfolio register portfolio.csv --provider itkr --missing phase-out --confirm-missing A-17 A-18"#;

/// What can be done with a portfolio.
#[derive(Debug, Subcommand)]
pub(super) enum Portfolio {
    /// Print a file to begin with: all columns and two examples.
    #[command(after_long_help = HELP)]
    Template {
        /// How it is written.
        #[arg(long, value_enum, default_value_t = Format::Csv)]
        format: Format,
    },
    /// Tell what is wrong with a file, and write nothing. With --endpoint the service compares it with what is there;
    /// without, it is checked here against the reference data of this program, as a first registration.
    #[command(after_long_help = HELP)]
    Check {
        #[command(flatten)]
        file: FileArguments,
        /// Key of the provider; needed with --endpoint.
        #[arg(long, value_name = "KEY")]
        provider: Option<String>,
        /// Address of the service's /graphql.
        #[arg(long, value_name = "URL", requires = "provider")]
        endpoint: Option<hyper::Uri>,
        #[command(flatten)]
        token: TokenArgument,
    },
    /// Register a whole portfolio at the service.
    #[command(after_long_help = HELP)]
    Register {
        #[command(flatten)]
        file: FileArguments,
        /// Key of the provider.
        #[arg(long, value_name = "KEY")]
        provider: String,
        /// Address of the service's /graphql; the one of the setting `listen` when left out.
        #[arg(long, value_name = "URL")]
        endpoint: Option<hyper::Uri>,
        #[command(flatten)]
        token: TokenArgument,
        /// Tell what would happen and write nothing.
        #[arg(long)]
        dry_run: bool,
        /// What becomes of the other rows when one is wrong.
        #[arg(long, value_enum, default_value_t = OnError::RejectAll)]
        on_error: OnError,
        /// What becomes of products that are in the catalogue and not in the file.
        #[arg(long, value_enum, default_value_t = Missing::Keep)]
        missing: Missing,
        /// For --missing phase-out: the externalId of every product that is missing; @FILE reads them from a file, one a line.
        #[arg(long, value_name = "KEY", num_args = 1..)]
        confirm_missing: Vec<String>,
    },
}

/// Which file, and how to tell about it.
#[derive(Debug, clap::Args)]
pub(super) struct FileArguments {
    /// The file; - reads standard input.
    file: PathBuf,
    /// How it is written, when its ending does not tell.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write every error to this file, as JSON Lines: index, line, externalId, path, code, message, nextStep.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// In which language; by LC_ALL, LC_MESSAGES or LANG when left out.
    #[arg(long, value_parser = languages())]
    lang: Option<Language>,
}

#[derive(Debug, clap::Args)]
pub(super) struct TokenArgument {
    /// Token of the provider; by the environment variable ITKATALOG_TOKEN when left out, which others on this machine can't
    /// read.
    #[arg(long, value_name = "TOKEN")]
    token: Option<Secret>,
}

/// A token: never shown.
#[derive(Clone)]
struct Secret(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Csv,
    Json,
    Jsonl,
}

impl From<Format> for file::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Csv => Self::Csv,
            Format::Json => Self::Json,
            Format::Jsonl => Self::JsonLines,
        }
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("***")
    }
}

impl TokenArgument {
    fn find(self) -> Option<Secret> {
        self.token.or_else(|| std::env::var(TOKEN_VARIABLE).ok().map(Secret)).filter(|token| !token.0.trim().is_empty())
    }
}

pub(super) async fn run(what: Portfolio) -> Result<ExitCode, String> {
    match what {
        Portfolio::Template { format } => {
            let text = file::template(format.into()).map_err(|error| error.to_string())?;
            std::io::stdout().write_all(text.as_bytes()).map_err(|error| error.to_string())?;
            Ok(ExitCode::SUCCESS)
        }
        Portfolio::Check { file, provider, endpoint, token } => {
            let reading = file.read()?;
            let report = match (endpoint, provider) {
                (Some(endpoint), Some(provider)) => {
                    let sending = Sending::rehearsal(endpoint, token.find(), provider);
                    sending.send(&reading.file.rows, reading.language).await?
                }
                (_, provider) => offline::check(&reading.file.rows, provider.as_deref(), reading.language).await?,
            };
            reading.tell(&report)
        }
        Portfolio::Register { file, provider, endpoint, token, dry_run, on_error, missing, confirm_missing } => {
            let reading = file.read()?;
            let endpoint = endpoint.map_or_else(usual_endpoint, Ok)?;
            let sending = Sending {
                dry_run,
                on_error,
                missing,
                confirm_missing: keys(confirm_missing)?,
                ..Sending::rehearsal(endpoint, token.find(), provider)
            };
            let report = sending.send(&reading.file.rows, reading.language).await?;
            reading.tell(&report)
        }
    }
}

/// A file that was read, and how to tell about it.
struct Reading {
    file: File,
    report: Option<PathBuf>,
    language: Language,
}

impl FileArguments {
    fn read(self) -> Result<Reading, String> {
        let language = self.lang.unwrap_or_else(language_of_terminal);
        let say = |de: String, en: String| Text { de, en }.in_language(language);
        let name = self.file.display();
        let format = self.format.map(Into::into).or_else(|| file::Format::of(&self.file.to_string_lossy()));
        let format = format.ok_or_else(|| {
            say(
                format!("{name}: Das Format ist nicht erkennbar. Bitte --format csv, json oder jsonl angeben."),
                format!("{name}: the format can't be told. Please give --format csv, json or jsonl."),
            )
        })?;
        let mut bytes = Vec::new();
        let read = match self.file.as_os_str() == "-" {
            true => std::io::stdin().lock().read_to_end(&mut bytes).map(drop),
            false => std::fs::read(&self.file).map(|read| bytes = read),
        };
        read.map_err(|error| {
            say(format!("{name} ist nicht lesbar: {error}"), format!("{name} can't be read: {error}"))
        })?;
        let file = File::read(&bytes, format).map_err(|error| format!("{name}: {}", error.message(language)))?;
        Ok(Reading { file, report: self.report, language })
    }
}

impl Reading {
    fn tell(&self, report: &report::Report) -> Result<ExitCode, String> {
        if let Some(path) = &self.report {
            let lines = report.error_lines(&self.file)?;
            std::fs::write(path, lines).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        report.tell(&self.file, self.language)?;
        Ok(if report.rejected > 0 { ExitCode::from(2) } else { ExitCode::SUCCESS })
    }
}

fn usual_endpoint() -> Result<hyper::Uri, String> {
    let address = own_address(&Config::load(&Flags::default())?);
    format!("http://{address}/graphql").parse().map_err(|error| format!("{address}: {error}"))
}

/// Keys as they are given, or the lines of files that are named with `@`.
fn keys(given: Vec<String>) -> Result<Vec<String>, String> {
    let mut keys = Vec::new();
    for key in given {
        match key.strip_prefix('@') {
            Some(path) => {
                let text =
                    std::fs::read_to_string(path).map_err(|error| format!("--confirm-missing @{path}: {error}"))?;
                keys.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
            }
            None => keys.push(key),
        }
    }
    Ok(keys)
}
