//! Trusted documents: texts that were looked at before, asked for by their SHA-256. They lie in a folder, a file each.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_graphql::Request;
use parking_lot::RwLock;
use sha2::{Digest, Sha256};

use super::Schema;
use crate::error::{Code, Error, Result};

/// Ending of a document's file; its name is the id.
const ENDING: &str = "graphql";
/// What an id may begin with.
const ALGORITHM: &str = "sha256:";
/// Digits of an id.
const DIGITS: usize = 64;

/// The folder's documents; those that come later are found when they are asked for.
#[derive(Debug, Default)]
pub struct Trusted {
    folder: Option<PathBuf>,
    known: RwLock<HashMap<String, Arc<str>>>,
}

/// The id of a document: the SHA-256 of its text, in hexadecimal.
pub fn id(text: &str) -> String {
    base16ct::lower::encode_string(&Sha256::digest(text))
}

impl Trusted {
    /// Reads a folder. An error when it can't be read, or when a file is not what its name says.
    pub fn read(folder: Option<&Path>) -> std::result::Result<Self, String> {
        let Some(folder) = folder else { return Ok(Self::default()) };
        let fault = |error| format!("documents: the folder {} can't be read: {error}", folder.display());
        let mut known = HashMap::new();
        for file in fs::read_dir(folder).map_err(fault)? {
            let path = file.map_err(fault)?.path();
            if path.extension().is_some_and(|ending| ending == ENDING) {
                let (id, text) = read_file(&path)?;
                known.insert(id, text);
            }
        }
        Ok(Self { folder: Some(folder.to_owned()), known: RwLock::new(known) })
    }

    /// The text with an id, written with or without `sha256:` before it.
    pub fn find(&self, id: &str) -> Result<Arc<str>> {
        let id = id.strip_prefix(ALGORITHM).unwrap_or(id).to_ascii_lowercase();
        if id.len() != DIGITS || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Error::bad_input(
                "documentId",
                "documentId ist kein SHA-256: 64 Ziffern 0-9a-f, davor wahlweise sha256:.",
                "documentId is no SHA-256: 64 digits 0-9a-f, with or without sha256: before them.",
            ));
        }
        if let Some(text) = self.known.read().get(&id) {
            return Ok(text.clone());
        }
        // INVARIANT: an id is digits only, so that it names a file of this folder and no other.
        let path = self.folder.as_ref().map(|folder| folder.join(&id).with_extension(ENDING));
        let text = path.filter(|path| path.exists()).and_then(|path| read_file(&path).ok()).map(|(_, text)| text);
        let text = text.ok_or_else(|| unknown(&id))?;
        self.known.write().insert(id, text.clone());
        Ok(text)
    }

    /// The same for clients that understand two words only: the text has to be sent this time (`PersistedQueryNotFound`), or
    /// always, because no documents are kept here at all (`PersistedQueryNotSupported`).
    pub fn find_persisted(&self, id: &str) -> Result<Arc<str>> {
        let word = if self.folder.is_some() { "PersistedQueryNotFound" } else { "PersistedQueryNotSupported" };
        self.find(id).map_err(|error| match error.code {
            Code::NotFound => send_text(Error::new(Code::NotFound, word, word)),
            _ => error,
        })
    }
}

/// Puts a document into a folder; gives its id.
pub fn add(folder: &Path, text: &str) -> std::result::Result<String, String> {
    let fault = |error| format!("{}: {error}", folder.display());
    fs::create_dir_all(folder).map_err(fault)?;
    let id = id(text);
    // Under another name first: a server that reads meanwhile never finds half of it.
    let mut draft = tempfile::NamedTempFile::new_in(folder).map_err(fault)?;
    std::io::Write::write_all(&mut draft, text.as_bytes()).map_err(fault)?;
    draft.persist(folder.join(&id).with_extension(ENDING)).map_err(|error| fault(error.error))?;
    Ok(id)
}

/// Whether a document fits the schema; values of its variables come with the request.
pub async fn check(schema: &Schema, text: &str) -> std::result::Result<(), String> {
    let is_about_variables =
        |message: &str| message.starts_with("Variable ") && message.ends_with(" is required but not provided.");
    // Nothing but introspection is answered; whether the rest fits is told all the same.
    let checked = schema.execute(Request::new(text).only_introspection()).await;
    let mut misfits = checked.errors.into_iter().filter(|error| error.path.is_empty());
    misfits.find(|error| !is_about_variables(&error.message)).map_or(Ok(()), |error| Err(error.message))
}

fn read_file(path: &Path) -> std::result::Result<(String, Arc<str>), String> {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let text = fs::read_to_string(path).map_err(|error| format!("documents: {}: {error}", path.display()))?;
    let found = id(&text);
    if found != name {
        return Err(format!(
            "documents: {} holds another text than its name says ({found}). Please add documents with `itkatalog documents add`.",
            path.display()
        ));
    }
    Ok((found, text.into()))
}

fn unknown(id: &str) -> Error {
    send_text(Error::new(
        Code::NotFound,
        format!("Ein Dokument mit der documentId {id} ist hier nicht hinterlegt."),
        format!("No document with documentId {id} is kept here."),
    ))
}

fn send_text(error: Error) -> Error {
    error.with("field", "documentId").next(
        "Das ganze Dokument als query senden, oder es vom Betrieb hinterlegen lassen.",
        "Send the whole document as query, or have the operators add it.",
    )
}
