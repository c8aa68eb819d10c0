//! A change that is sent twice with the same key happens once.
//!
//! The scope of a key is issuer, subject and mutation. Only committed results are kept.

use std::io::BufWriter;

use ::entity::{
    idempotency_key::{self, Column},
    phase,
};
use digest_io::IoWrapper;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, Insert, IntoActiveModel, QueryFilter,
    prelude::{DateTimeUtc, Uuid},
    sea_query::{Expr, ExprTrait, OnConflict},
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    access::Caller,
    batch::Batch,
    database::Database,
    error::{Code, Error, Result, check_text},
};

/// How long a result is kept.
const KEPT: chrono::TimeDelta = chrono::TimeDelta::days(90);
/// Longest key, in characters.
const LONGEST_KEY: usize = 200;

/// A caller's key for one change.
#[derive(Clone, Debug)]
pub struct Key {
    issuer: String,
    subject: String,
    mutation: &'static str,
    key: String,
    input_digest: String,
}

/// What was written under a key.
#[derive(Clone, Debug)]
pub struct Written {
    /// What was written.
    pub entity_id: Uuid,
    /// The rule that allowed it,
    pub rule: String,
    /// in this phase.
    pub phase: phase::Key,
}

impl Key {
    /// Checks a key, and digests the input that came with it.
    pub fn new(caller: &Caller, mutation: &'static str, key: &str, input: &impl Serialize) -> Result<Self> {
        check_text("idempotencyKey", key, LONGEST_KEY)?;
        if key.trim().is_empty() {
            return Err(Error::bad_input(
                "idempotencyKey",
                "idempotencyKey ist leer. Bitte für jede Änderung einen eigenen Schlüssel vergeben, zum Beispiel eine UUID.",
                "idempotencyKey is empty. Please give every change a key of its own, for example a UUID.",
            ));
        }
        // Not held as a whole: a portfolio has megabytes.
        let mut digest = BufWriter::new(IoWrapper(Sha256::new()));
        serde_json::to_writer(&mut digest, input).map_err(Error::internal)?;
        let digest = digest.into_inner().map_err(Error::internal)?.0;
        Ok(Self {
            issuer: caller.issuer.clone(),
            subject: caller.subject.clone(),
            mutation,
            key: key.to_owned(),
            input_digest: base16ct::lower::encode_string(&digest.finalize()),
        })
    }

    /// What was written under this key; IDEMPOTENCY_KEY_REUSED when it came with another input.
    pub async fn find(&self, db: &impl ConnectionTrait, now: DateTimeUtc) -> Result<Option<Written>> {
        let id = (self.issuer.clone(), self.subject.clone(), self.mutation.to_owned(), self.key.clone());
        let Some(row) = idempotency_key::Entity::find_by_id(id).one(db).await? else { return Ok(None) };
        if row.created_at + KEPT <= now {
            return Ok(None);
        }
        if row.input_digest != self.input_digest {
            return Err(Error::new(
                Code::IdempotencyKeyReused,
                "Der idempotencyKey wurde schon mit anderen Angaben verwendet; nichts wurde geändert. Bitte einen neuen Schlüssel vergeben.",
                "The idempotencyKey was used with another input already; nothing was changed. Please choose a new key.",
            )
            .with("field", "idempotencyKey"));
        }
        Ok(Some(Written { entity_id: row.entity_id, rule: row.rule, phase: row.phase }))
    }

    /// Keeps what was written, in place of what is too old. False when somebody else wrote under the key meanwhile: then nothing
    /// may be committed.
    pub async fn keep(&self, db: &impl ConnectionTrait, written: Written, now: DateTimeUtc) -> Result<bool, DbErr> {
        Ok(self.kept(written, now).exec_without_returning(db).await? > 0)
    }

    /// The same as the claim of a batch.
    pub async fn claim(
        &self,
        batch: &mut Batch<'_, impl ConnectionTrait>,
        written: Written,
        now: DateTimeUtc,
    ) -> Result<(), DbErr> {
        batch.claim(self.kept(written, now)).await
    }

    fn kept(&self, written: Written, now: DateTimeUtc) -> Insert<idempotency_key::ActiveModel> {
        let row = idempotency_key::Model {
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
            mutation: self.mutation.to_owned(),
            key: self.key.clone(),
            input_digest: self.input_digest.clone(),
            entity_id: written.entity_id,
            rule: written.rule,
            phase: written.phase,
            created_at: now,
        };
        let is_too_old = Expr::col((idempotency_key::Entity, Column::CreatedAt)).lte(now - KEPT);
        let replace_old = OnConflict::columns([Column::Issuer, Column::Subject, Column::Mutation, Column::Key])
            .update_columns([Column::InputDigest, Column::EntityId, Column::Rule, Column::Phase, Column::CreatedAt])
            .action_and_where(is_too_old)
            .to_owned();
        idempotency_key::Entity::insert(row.into_active_model()).on_conflict(replace_old)
    }
}

/// Removes what is too old. How many rows.
pub async fn prune(database: &Database, now: DateTimeUtc) -> Result<u64, DbErr> {
    let db = database.begin_write().await?;
    let old = idempotency_key::Entity::delete_many().filter(Column::CreatedAt.lte(now - KEPT));
    let removed = old.exec(&*db).await?.rows_affected;
    db.commit().await?;
    Ok(removed)
}
