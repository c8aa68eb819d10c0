//! Opaque global ids, the same for ever: of objects in the schema, and in what is exported.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sea_orm::prelude::Uuid;

/// The global id of a row of a type of the schema.
pub fn global_id(type_name: &str, id: Uuid) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(format!("{type_name}:{}", id.simple()))
}
