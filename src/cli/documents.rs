//! `itkatalog documents`: keeping documents that callers then ask for by their SHA-256.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::Value;

use crate::{
    config::Config,
    graphql::{self, documents::Documents, trusted},
};

/// What can be done with trusted documents.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check documents against the schema, keep them, and print the id of each: callers send it as `documentId`. A running
    /// server finds them at once.
    #[command(after_help = "Example: itkatalog documents add portal/*.graphql --folder documents")]
    Add {
        /// GraphQL documents, one a file; or manifests in JSON: {"ID": "DOCUMENT"} as Relay writes them, or Apollo's persisted
        /// query manifest.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Where to; the setting `documents` when left out.
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
}

pub(super) async fn run(config: &Config, command: Command) -> Result<(), String> {
    let Command::Add { files, folder } = command;
    let folder = folder.or_else(|| config.documents.clone());
    let folder = folder.ok_or("no folder: please give --folder FOLDER, or set `documents`")?;
    let mut found = Vec::new();
    for file in &files {
        found.extend(read(file)?.into_iter().map(|text| (file, text)));
    }
    // All or none: a manifest that holds half is worse than an error.
    let known = Documents::new(&config.limits);
    let schema = graphql::schema();
    for (file, text) in &found {
        let fault = |message: &str| format!("{}: {message}", file.display());
        known.parse(text).map_err(|error| fault(&error.to_string()))?;
        trusted::check(&schema, text).await.map_err(|error| fault(&error))?;
    }
    for (_, text) in &found {
        println!("{}", trusted::add(&folder, text)?);
    }
    Ok(())
}

fn read(file: &Path) -> Result<Vec<String>, String> {
    let fault = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let text = std::fs::read_to_string(file).map_err(|error| fault(&error))?;
    if file.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("json")) {
        return Ok(vec![text]);
    }
    let manifest: Value = serde_json::from_str(&text).map_err(|error| fault(&error))?;
    let texts = match (manifest.get("operations").and_then(Value::as_array), &manifest) {
        (Some(operations), _) => {
            operations.iter().map(|operation| operation["body"].as_str()).collect::<Option<Vec<_>>>()
        }
        (None, Value::Object(documents)) => documents.values().map(Value::as_str).collect(),
        _ => None,
    };
    let texts = texts
        .ok_or_else(|| fault(&"is no manifest: expected {\"ID\": \"DOCUMENT\"}, or operations with a body each"))?;
    Ok(texts.into_iter().map(str::to_owned).collect())
}
