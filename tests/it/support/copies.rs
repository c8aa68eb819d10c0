//! What a reader of the change feed writes down, and keeps when it is killed: its place, and its copy of everything.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::TestApp;

/// Kinds of things that have states: as `stateDigest` names them, and as the feed does.
pub const KINDS: [(&str, &str); 4] = [
    ("MUNICIPALITIES", "MUNICIPALITY"),
    ("PROVIDERS", "PROVIDER"),
    ("PRODUCTS", "PRODUCT"),
    ("SUBSCRIPTIONS", "PRODUCT_SUBSCRIPTION"),
];

/// What an entry has to be asked for to be written down.
pub const ENTRY: &str = "sequence previous type entityId entityVersion state";

/// A copy of everything that a reader sees, as a script keeps it.
#[derive(Clone, Debug, Default)]
pub struct Copy {
    /// The last state of each thing, by its kind and id.
    pub rows: BTreeMap<(String, String), Value>,
    /// Where to go on.
    pub cursor: Value,
    /// The last entry that was read.
    pub last: Option<i64>,
    /// How many were.
    pub entries: u64,
    /// The versions of each thing, as they came.
    pub versions: BTreeMap<String, Vec<i64>>,
}

impl Copy {
    /// Writes down an entry and the place after it, at once.
    pub fn note(&mut self, entry: &Value, cursor: &Value) {
        let sequence = entry["sequence"].as_i64().unwrap();
        assert!(self.last.is_none_or(|last| last < sequence), "{sequence} came again after {:?}", self.last);
        assert_eq!(entry["previous"].as_i64(), self.last, "something is missing before {sequence}");
        let [kind, id] = ["type", "entityId"].map(|name| entry[name].as_str().unwrap().to_owned());
        if let Some(version) = entry["entityVersion"].as_i64() {
            self.versions.entry(id.clone()).or_default().push(version);
        }
        match &entry["state"] {
            Value::Null => drop(self.rows.remove(&(kind, id))),
            state => drop(self.rows.insert((kind, id), state.clone())),
        }
        (self.last, self.entries, self.cursor) = (Some(sequence), self.entries + 1, cursor.clone());
    }

    /// What a script works out of its copy.
    pub fn digest(&self, of: &str) -> (u64, String) {
        // As scripts do it: keys sorted, no spaces.
        let line = |row: &Value| format!("{}\n", sha256(&serde_json_canonicalizer::to_string(row).unwrap()));
        let rows = self.rows.iter().filter(|((kind, _), _)| kind == of);
        let mut lines: Vec<String> = rows.map(|(_, row)| line(row)).collect();
        lines.sort();
        (lines.len() as u64, sha256(&lines.concat()))
    }

    /// Holds the copy against what the service tells of a place in the feed.
    pub async fn proves_itself(&self, app: &TestApp, token: &str, at: &Value) {
        for (what, kind) in KINDS {
            let told = app.state_digest(token, what, at).await;
            let (count, sha256) = self.digest(kind);
            assert_eq!((&told["count"], &told["sha256"], &told["what"]), (&json!(count), &json!(sha256), &json!(what)));
        }
    }
}

fn sha256(text: &str) -> String {
    base16ct::lower::encode_string(&Sha256::digest(text))
}
