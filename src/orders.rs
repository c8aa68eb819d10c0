//! Changes that are about no subscription: who asks for one, and how it is recorded.

use ::entity::{audit_event::Outcome, phase};
use sea_orm::{ConnectionTrait, prelude::DateTimeUtc, prelude::Uuid};
use serde::Serialize;
use serde_json::Value;

use crate::{
    access::{Caller, Role},
    audit::{Event, Reason},
    desk::Desk,
    error::{Code, Error, Result},
    feed::Changed,
    idempotency::{Key, Written},
    records,
};

/// Who asks, under which key, in which request, for what.
#[derive(Clone, Debug)]
pub struct Order<D> {
    /// Who.
    pub caller: Caller,
    /// The caller's own key for this change.
    pub key: String,
    /// The request that it came with.
    pub request_id: String,
    /// What is to be done.
    pub deed: D,
    /// Why; none where somebody else gave the reason before.
    pub reason: Option<Reason>,
}

/// What was done, for the records.
#[derive(Debug)]
pub struct Act {
    /// As the action is named in the audit trail.
    pub action: &'static str,
    /// To what: type and id.
    pub entity: (&'static str, Uuid),
    /// How that was before.
    pub before: Option<Value>,
    /// How it is since.
    pub after: Option<Value>,
    /// By which rule.
    pub rule: &'static str,
}

impl<D: Serialize> Order<D> {
    /// Checks the reason, and the caller's key with everything that came with it.
    pub fn key(&self, action: &'static str) -> Result<Key> {
        self.reason.as_ref().map_or(Ok(()), Reason::check)?;
        Key::new(&self.caller, action, &self.key, &(&self.deed, &self.reason))
    }

    /// Lets the transformation office go on; for anybody else a refusal, which is recorded.
    pub async fn check_office(&self, desk: &Desk, action: &'static str) -> Result<()> {
        if self.caller.is(Role::TransformationOffice) {
            return Ok(());
        }
        self.refuse(desk, action, "no-rule-permits").await?;
        Err(Error::new(
            Code::Forbidden,
            "Das kann nur das Transformationsbüro.",
            "Only the transformation office can do this.",
        )
        .with("rule", "no-rule-permits")
        .next("Das Transformationsbüro kann es.", "The transformation office can do it."))
    }

    /// Records what a transaction has written; to be called right before the commit.
    pub async fn record(
        &self,
        desk: &Desk,
        db: &impl ConnectionTrait,
        act: Act,
        changed: &[Changed],
        now: DateTimeUtc,
    ) -> Result<()> {
        let event = Event {
            actor: (&self.caller).into(),
            action: act.action,
            outcome: Outcome::Committed,
            entity: Some(act.entity),
            before: act.before,
            after: act.after,
            reason: self.reason.as_ref(),
            rule: Some(act.rule),
            policies: desk.engine.fingerprint(),
            request_id: Some(&self.request_id),
        };
        Ok(records::append(db, changed, [event], now).await?)
    }

    /// Records that a rule refused, in a transaction of its own.
    pub async fn refuse(&self, desk: &Desk, action: &'static str, rule: &str) -> Result<()> {
        let event = Event {
            actor: (&self.caller).into(),
            action,
            outcome: Outcome::Refused,
            entity: None,
            before: None,
            after: Some(serde_json::to_value(&self.deed).map_err(Error::internal)?),
            reason: self.reason.as_ref(),
            rule: Some(rule),
            policies: desk.engine.fingerprint(),
            request_id: Some(&self.request_id),
        };
        Ok(records::append_refusal(&desk.database, event, desk.clock.now()).await?)
    }
}

/// What is kept under the caller's key.
pub fn written(entity_id: Uuid, rule: &str, phase: phase::Key) -> Written {
    Written { entity_id, rule: rule.to_owned(), phase }
}

/// Somebody else writes under the same key.
pub fn busy() -> Error {
    Error::new(
        Code::Unavailable,
        "Derselbe Schlüssel wird gerade verwendet. Bitte gleich noch einmal versuchen.",
        "The same key is in use. Please try again soon.",
    )
}
