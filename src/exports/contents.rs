//! What is written into a file, page by page: the same bytes whoever writes it, and whenever.

use std::sync::Arc;

use ::entity::{change::Type, export::Format};
use sea_orm::{ConnectionTrait, prelude::Uuid};
use sha2::{Digest, Sha256};

use super::{
    columns::Table,
    filter::{Compiled, Filter},
};
use crate::{
    catalogue::Snapshot,
    error::{Error, Result},
    states::{self, View},
    subscriptions::scope::Scope,
};

/// Things that are read at once.
const AT_ONCE: usize = 1_000;

/// What is to be in a file.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What kind of thing.
    pub kind: Type,
    /// How it is written.
    pub format: Format,
    /// Which of them.
    pub filter: Filter,
    /// Which subscriptions may be read.
    pub scope: Scope,
    /// As of this entry of the change feed.
    pub at: i64,
}

/// What a whole file comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sums {
    /// Things in it.
    pub rows: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Digest of the canonical rows, as of `stateDigest`, in hexadecimal.
    pub rows_sha256: String,
}

/// A file that is being written.
pub struct Contents {
    view: View,
    filter: Compiled,
    /// How people read it; none writes the canonical rows as they are.
    table: Option<Table>,
    ids: Vec<Uuid>,
    seen: usize,
    hash: Sha256,
    digests: Vec<[u8; 32]>,
    bytes: u64,
}

impl Contents {
    /// Finds out what there is to write. CURSOR_EXPIRED when it is not known any more.
    pub async fn begin(db: &impl ConnectionTrait, snapshot: Arc<Snapshot>, wanted: Wanted) -> Result<Self> {
        let Wanted { kind, format, filter, scope, at } = wanted;
        let view = View { kind, scope, at };
        let ids = states::ids(db, &view).await?;
        let filter = filter.compile(&snapshot);
        let table = (format == Format::Csv).then(|| Table::new(kind, snapshot));
        Ok(Self { view, filter, table, ids, seen: 0, hash: Sha256::new(), digests: Vec::new(), bytes: 0 })
    }

    /// How many things there are to look at.
    pub fn total(&self) -> u64 {
        self.ids.len() as u64
    }

    /// How many were looked at.
    pub fn seen(&self) -> u64 {
        self.seen as u64
    }

    /// How many are in the file so far.
    pub fn rows(&self) -> u64 {
        self.digests.len() as u64
    }

    /// Length of the file so far, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next bytes, of some 1,000 things; none at the end.
    pub async fn next(&mut self, db: &impl ConnectionTrait) -> Result<Option<Vec<u8>>> {
        let mut page = match self.table.as_ref().filter(|_| self.bytes == 0) {
            Some(table) => table.head()?,
            None => Vec::new(),
        };
        if self.seen == self.ids.len() && page.is_empty() {
            return Ok(None);
        }
        let ids = &self.ids[self.seen..self.ids.len().min(self.seen + AT_ONCE)];
        for row in states::rows(db, &self.view, ids).await? {
            let (Some(state), Some(sha256)) = (row.state, row.sha256) else { continue };
            if !self.filter.takes(self.view.kind, &state)? {
                continue;
            }
            self.digests.push(states::digest_of(&sha256)?);
            match &self.table {
                Some(table) => table.write(&state, &mut page)?,
                None => page.extend_from_slice(state.as_bytes()),
            }
            if self.table.is_none() {
                page.push(b'\n');
            }
        }
        self.seen += ids.len();
        self.hash.update(&page);
        self.bytes += page.len() as u64;
        Ok(Some(page))
    }

    /// What the whole file comes to. CURSOR_EXPIRED when something of it was removed while it was written.
    pub async fn finish(self, db: &impl ConnectionTrait) -> Result<Sums> {
        if self.seen < self.ids.len() {
            return Err(Error::internal("a file is not written to its end"));
        }
        states::check_known(db, self.view.at).await?;
        let rows = states::sum(self.digests);
        let sha256 = base16ct::lower::encode_string(&self.hash.finalize());
        Ok(Sums { rows: rows.count, bytes: self.bytes, sha256, rows_sha256: rows.sha256 })
    }
}
