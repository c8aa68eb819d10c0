//! What a webhook may be: its address, its description, its types.

use ::entity::change::Type;
use sha2::{Digest, Sha256};
use url::Url;

use super::Office;
use crate::error::{Error, Result, check_text};

/// Longest address, in characters.
const LONGEST_URL: usize = 2000;
/// Longest description, in characters.
const LONGEST_DESCRIPTION: usize = 200;

/// Checks an address, and gives it as it is kept.
pub fn url(office: &Office, text: &str) -> Result<String> {
    check_text("url", text, LONGEST_URL)?;
    let url = Url::parse(text).map_err(|_| {
        wrong(
            "url ist keine vollständige Web-Adresse, wie https://land.example/hooks/itkatalog.",
            "url is no whole web address, such as https://land.example/hooks/itkatalog.",
        )
    })?;
    match url.scheme() {
        "https" => {}
        "http" if office.is_http_allowed => {}
        _ => {
            return Err(wrong(
                "url muss mit https:// beginnen. Bitte eine Adresse mit TLS angeben.",
                "url has to begin with https://. Please give an address with TLS.",
            ));
        }
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "url enthält Zugangsdaten. Bitte weglassen: Nachrichten sind signiert.",
            "url holds credentials. Please leave them out: messages are signed.",
        ));
    }
    if url.fragment().is_some() {
        return Err(wrong(
            "url enthält einen Teil nach #, der nie gesendet wird. Bitte weglassen.",
            "url has a part after #, which is never sent. Please leave it out.",
        ));
    }
    let is_allowed = url.host().is_some_and(|host| office.allowed.check_host(&host).is_ok());
    if !is_allowed || url.port() == Some(0) {
        return Err(wrong(
            "url führt zu keiner Adresse des öffentlichen Internets. Bitte eine öffentliche Adresse angeben, oder den Betrieb bitten, ihr Netz freizugeben (webhook_allow_private).",
            "url leads to no address of the public internet. Please give a public address, or ask the operators to allow its network (webhook_allow_private).",
        ));
    }
    Ok(url.into())
}

/// Checks a description: 1 to 200 characters.
pub fn description(text: &str) -> Result<()> {
    check_text("description", text, LONGEST_DESCRIPTION)?;
    if text.trim().is_empty() {
        return Err(Error::bad_input(
            "description",
            "description ist leer. Bitte in ein paar Worten sagen, wofür der Webhook ist.",
            "description is empty. Please say in a few words what the webhook is for.",
        ));
    }
    Ok(())
}

/// Checks the types, and gives them as they are kept: each once. None for all.
pub fn types(types: Option<&[Type]>) -> Result<Option<String>> {
    let Some(types) = types else { return Ok(None) };
    if types.is_empty() {
        return Err(Error::bad_input(
            "types",
            "types ist leer. Bitte Arten nennen oder types weglassen.",
            "types is empty. Please name types, or leave types out.",
        ));
    }
    let mut each = types.to_vec();
    each.sort_unstable();
    each.dedup();
    serde_json::to_string(&each).map(Some).map_err(Error::internal)
}

/// Scheme, host and port of an address: what may be told of it to others than its owner.
pub fn origin(text: &str) -> String {
    Url::parse(text).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

/// Writes an address so that two are told apart and neither is told: its path may be a secret.
pub fn veiled<S: serde::Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let digest = base16ct::lower::encode_string(&Sha256::digest(text));
    serializer.serialize_str(&format!("{} sha256:{digest}", origin(text)))
}

fn wrong(de: &str, en: &str) -> Error {
    Error::bad_input("url", de, en)
}
