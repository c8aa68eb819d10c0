//! The parameters of a GraphQL request: from a bounded body, or from the query string.

use std::collections::HashMap;

use async_graphql::Variables;
use axum::body::{Body, Bytes};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    error::{Code, Error, Result},
    graphql::bulk::Rows,
};

/// What a request asks for.
#[derive(Debug)]
pub struct Parameters {
    /// The document.
    pub document: Asked,
    /// Which operation of the document.
    pub operation_name: Option<String>,
    /// Values of its variables.
    pub variables: Variables,
    /// Rows of a portfolio, taken out of the variables.
    pub rows: Option<Rows>,
}

/// The document that is asked for.
#[derive(Debug)]
pub enum Asked {
    /// By its text.
    Text(String),
    /// By its SHA-256.
    Id(String),
    /// By its SHA-256 as the clients of Apollo and urql send it: they send the text when they are told that it is not known.
    Persisted(String),
}

/// The query string of a GET.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryString {
    query: Option<String>,
    document_id: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

/// Reads a body of at most so many bytes as the limit of this name allows; `said` is what its header tells of its length.
pub async fn read(body: Body, (name, limit): (&str, usize), said: Option<u64>) -> Result<Bytes> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let least = limit as u64 + 1;
            Err(Error::limit(name, limit as u64, said.unwrap_or(least).max(least)))
        }
        Err(_) => Err(bad_request("Der Inhalt kam nicht vollständig an.", "The body did not arrive completely.")),
    }
}

/// Reads the parameters from a JSON body.
pub fn from_json(body: &[u8]) -> Result<Parameters> {
    let invalid = |error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        bad_request(
            &format!("Der Inhalt ist kein gültiges JSON (Zeile {line}, Spalte {column})."),
            &format!("The body is no valid JSON (line {line}, column {column})."),
        )
    };
    let json: &RawValue = serde_json::from_slice(body).map_err(invalid)?;
    if !json.get().starts_with('{') {
        return Err(bad_request(
            "Erwartet wird ein JSON-Objekt mit query; Listen von Anfragen werden nicht angenommen.",
            "A JSON object with query is expected; lists of requests are not accepted.",
        ));
    }
    let mut fields: HashMap<String, &RawValue> = serde_json::from_str(json.get()).map_err(invalid)?;
    fields.retain(|_, value| value.get() != "null");
    let map = |name: &'static str| match fields.get(name) {
        Some(value) if !value.get().starts_with('{') => Err(wrong_kind(name, "ein JSON-Objekt", "a JSON object")),
        value => Ok(value.copied()),
    };
    let text = |name: &'static str| {
        let text = fields.get(name).map(|value| serde_json::from_str::<String>(value.get()));
        text.transpose().map_err(|_| wrong_kind(name, "ein Text", "a text"))
    };
    let extensions = map("extensions")?.map(|extensions| serde_json::from_str(extensions.get()));
    let extensions: serde_json::Value = extensions.transpose().map_err(invalid)?.unwrap_or_default();
    let (variables, rows) = match map("variables")? {
        None => (Variables::default(), None),
        Some(given) => match Rows::take(given) {
            Some((variables, rows)) => (variables, Some(rows)),
            // Read without a copy in between.
            None => (serde_json::from_str(given.get()).map_err(invalid)?, None),
        },
    };
    let document = asked(text("query")?, text("documentId")?, &extensions)?;
    Ok(Parameters { rows, ..parameters(document, text("operationName")?, variables) })
}

/// Reads the parameters from a JSON value.
pub fn from_value(json: &serde_json::Value) -> Result<Parameters> {
    from_json(json.to_string().as_bytes())
}

/// Reads the parameters from the query string.
pub fn from_query_string(given: QueryString) -> Result<Parameters> {
    let object = |name: &'static str, text: Option<String>| {
        let json = text.filter(|text| !text.is_empty()).map(|text| serde_json::from_str::<serde_json::Value>(&text));
        let json = json.transpose().map_err(|_| wrong_kind(name, "ein JSON-Objekt", "a JSON object"))?;
        check_map(name, json.as_ref()).map(|()| json.unwrap_or_default())
    };
    let extensions = object("extensions", given.extensions)?;
    let variables = object("variables", given.variables)?;
    let document = asked(given.query, given.document_id, &extensions)?;
    Ok(parameters(document, given.operation_name, Variables::from_json(variables)))
}

/// The query string can't be decoded.
pub fn broken_query_string() -> Error {
    bad_request(
        "Die Parameter der Adresse sind nicht lesbar. Bitte prozentkodieren, jeder nur einmal.",
        "The parameters of the address can't be read. Please percent-encode them, each only once.",
    )
}

/// The text counts; without one the id, as `documentId` or as the clients of Apollo and urql send it.
fn asked(query: Option<String>, document_id: Option<String>, extensions: &serde_json::Value) -> Result<Asked> {
    let of_client = || extensions["persistedQuery"]["sha256Hash"].as_str().map(str::to_owned).map(Asked::Persisted);
    let query = query.filter(|query| !query.trim().is_empty()).map(Asked::Text);
    query.or_else(|| document_id.map(Asked::Id)).or_else(of_client).ok_or_else(|| {
        bad_request(
            "query fehlt. Bitte ein GraphQL-Dokument angeben, oder die documentId eines hinterlegten.",
            "query is missing. Please give a GraphQL document, or the documentId of one that is kept here.",
        )
    })
}

fn parameters(document: Asked, operation_name: Option<String>, variables: Variables) -> Parameters {
    // Some clients send an empty name when they mean none.
    let operation_name = operation_name.filter(|name| !name.is_empty());
    Parameters { document, operation_name, variables, rows: None }
}

fn check_map(name: &'static str, value: Option<&serde_json::Value>) -> Result<()> {
    match value {
        None | Some(serde_json::Value::Null | serde_json::Value::Object(_)) => Ok(()),
        Some(_) => Err(wrong_kind(name, "ein JSON-Objekt", "a JSON object")),
    }
}

fn wrong_kind(name: &'static str, de: &str, en: &str) -> Error {
    bad_request(&format!("{name} muss {de} sein."), &format!("{name} must be {en}.")).with("field", name)
}

fn bad_request(de: &str, en: &str) -> Error {
    Error::new(Code::BadRequest, de, en)
}
