//! Opaque global ids, the same for ever: of objects in the schema, and in what is exported.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sea_orm::prelude::Uuid;

/// Longest id that is looked at, in bytes.
const LONGEST: usize = 200;

/// The id of a thing with a natural key: the same in every installation.
pub fn natural_id(noun: &str, key: &str) -> Uuid {
    const NAMESPACE: Uuid = Uuid::from_u128(0x6e72_775f_6974_5f6b_6174_616c_6f67_2026);
    Uuid::new_v5(&NAMESPACE, format!("{noun}:{key}").as_bytes())
}

/// The global id of a row of a type of the schema.
pub fn global_id(type_name: &str, id: Uuid) -> String {
    // A row of a page has several: no formatting.
    let mut digits = [0; 32];
    let id = id.simple().encode_lower(&mut digits);
    BASE64_URL_SAFE_NO_PAD.encode([type_name, ":", id].concat())
}

/// Type and row of a global id; none for what is no such id.
pub fn parse(id: &str) -> Option<(String, Uuid)> {
    let bytes = (id.len() <= LONGEST).then(|| BASE64_URL_SAFE_NO_PAD.decode(id).ok()).flatten()?;
    let text = String::from_utf8(bytes).ok()?;
    let (type_name, row) = text.split_once(':')?;
    let is_name = !type_name.is_empty() && type_name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Some((type_name.to_owned(), Uuid::try_parse(row).ok()?)).filter(|_| is_name)
}
