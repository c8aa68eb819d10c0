//! Changes that are about no subscription: who asks for one, and how it is recorded.

use ::entity::{audit_event::Outcome, phase};
use sea_orm::{ConnectionTrait, prelude::DateTimeUtc, prelude::Uuid};
use serde::Serialize;
use serde_json::Value;

use crate::{
    access::{Caller, Duty, DutyPermit, Phase, Role, Rule},
    audit::{Event, Reason},
    database::Writing,
    desk::Desk,
    error::{Code, Error, Result},
    feed::Changed,
    idempotency::{Key, Written},
    phases, records,
    text::Text,
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
pub struct Act<'p> {
    /// The right to do it: names the action and the rule.
    pub permit: &'p DutyPermit,
    /// To what: type and id.
    pub entity: (&'static str, Uuid),
    /// How that was before.
    pub before: Option<Value>,
    /// How it is since.
    pub after: Option<Value>,
}

impl<D: Serialize> Order<D> {
    /// Whether a steward asks: what it does itself it has seen.
    pub fn is_of_steward(&self) -> bool {
        self.caller.is(Role::Steward)
    }

    /// Checks the reason, and the caller's key with everything that came with it.
    pub fn key(&self, duty: Duty) -> Result<Key> {
        self.reason.as_ref().map_or(Ok(()), Reason::check)?;
        Key::new(&self.caller, duty.into(), &self.key, &(&self.deed, &self.reason))
    }

    /// A permit by the rules of the phase that is current now; else a refusal, which is recorded. `is_own`: it is about
    /// something of the caller's own organisation.
    pub async fn check(&self, desk: &Desk, duty: Duty, is_own: bool) -> Result<DutyPermit> {
        // Another process may just have changed the phase.
        desk.live.refresh().await;
        let phase = phases::current(&desk.live.snapshot())?;
        match desk.engine.duty(&self.caller, duty, is_own, phase) {
            Ok(permit) => Ok(permit),
            Err(rule) => {
                self.refuse(desk, duty, &rule.id).await?;
                Err(refusal(desk, duty, phase, &rule))
            }
        }
    }

    /// Records what a transaction has written; to be called right before the commit.
    pub async fn record(
        &self,
        desk: &Desk,
        db: &impl ConnectionTrait,
        act: Act<'_>,
        changed: &[Changed],
        now: DateTimeUtc,
    ) -> Result<()> {
        self.record_all(desk, db, vec![act], changed, now).await
    }

    /// Records a transaction that did the same to several things.
    pub async fn record_all(
        &self,
        desk: &Desk,
        db: &impl ConnectionTrait,
        acts: Vec<Act<'_>>,
        changed: &[Changed],
        now: DateTimeUtc,
    ) -> Result<()> {
        let mut events = Vec::with_capacity(acts.len());
        for act in acts {
            events.push(self.event(desk, act));
        }
        Ok(records::append(db, changed, events, now).await?)
    }

    /// The audit event of what was done.
    pub fn event<'a>(&'a self, desk: &'a Desk, act: Act<'a>) -> Event<'a> {
        Event {
            actor: (&self.caller).into(),
            action: act.permit.duty().into(),
            outcome: Outcome::Committed,
            entity: Some(act.entity),
            before: act.before.map(|before| before.to_string()),
            after: act.after.map(|after| after.to_string()),
            reason: self.reason.as_ref(),
            rule: Some(&act.permit.rule().id),
            policies: desk.engine.fingerprint(),
            request_id: Some(&self.request_id),
        }
    }

    /// Keeps the caller's key, records, commits, and takes the catalogue over as it is since then. For changes that hold the
    /// catalogue alone from their beginning: nobody else can have written under the same key meanwhile.
    pub async fn finish(
        &self,
        desk: &Desk,
        db: Writing,
        key: &Key,
        act: Act<'_>,
        changed: &[Changed],
        now: DateTimeUtc,
    ) -> Result<()> {
        let phase = phases::key(phases::current(&desk.live.snapshot())?);
        if !key.keep(&*db, written(act.entity.1, act.permit, phase), now).await? {
            return Err(busy());
        }
        self.record(desk, &*db, act, changed, now).await?;
        db.commit().await?;
        desk.live.refresh().await;
        Ok(())
    }

    /// Records that a rule refused, in a transaction of its own.
    pub async fn refuse(&self, desk: &Desk, duty: Duty, rule: &str) -> Result<()> {
        let event = Event {
            actor: (&self.caller).into(),
            action: duty.into(),
            outcome: Outcome::Refused,
            entity: None,
            before: None,
            after: Some(serde_json::to_value(&self.deed).map_err(Error::internal)?.to_string()),
            reason: self.reason.as_ref(),
            rule: Some(rule),
            policies: desk.engine.fingerprint(),
            request_id: Some(&self.request_id),
        };
        Ok(records::append_refusal(&desk.database, event, desk.clock.now()).await?)
    }
}

/// What is kept under the caller's key.
pub fn written(entity_id: Uuid, permit: &DutyPermit, phase: phase::Key) -> Written {
    Written { entity_id, rule: permit.rule().id.clone(), phase }
}

/// The rule that refused, and who may instead.
pub fn refusal(desk: &Desk, duty: Duty, phase: Phase, rule: &Rule) -> Error {
    let who_may = desk.engine.who_may(duty, phase);
    let (de, en): (Vec<&str>, Vec<&str>) = who_may.iter().map(|way| (way.de.as_str(), way.en.as_str())).unzip();
    let (de, en) = match who_may.is_empty() {
        true => ("In dieser Phase kann es niemand.".to_owned(), "Nobody can do it in this phase.".to_owned()),
        false => (de.join(" "), en.join(" ")),
    };
    Error::new(Code::Forbidden, rule.de.as_str(), rule.en.as_str()).with("rule", rule.id.as_str()).next(de, en)
}

/// Somebody else writes under the same key.
pub fn busy() -> Error {
    Error::new(
        Code::Unavailable,
        "Derselbe Schlüssel wird gerade verwendet. Bitte gleich noch einmal versuchen.",
        "The same key is in use. Please try again soon.",
    )
}

/// Refuses a change that started from another version than the one that is there now.
pub fn check_version(field: &str, current: i64, given: i64) -> Result<()> {
    if current == given {
        return Ok(());
    }
    Err(Error::new(
        Code::Conflict,
        format!("{field} ist {given}, inzwischen gilt Version {current}. Nichts wurde geändert."),
        format!("{field} is {given}, meanwhile it has version {current}. Nothing was changed."),
    )
    .with("field", field)
    .with("currentVersion", current)
    .next(
        "Den heutigen Stand ansehen und mit der aktuellen Version wiederholen.",
        "Look at how it stands today and repeat with the current version.",
    ))
}

/// Refuses an act whose plan nobody has looked at, or that comes to something else by now. `missing` says why a plan is needed.
pub fn check_plan(given: Option<&str>, hash: &str, missing: Text) -> Result<()> {
    match given {
        Some(given) if given == hash => Ok(()),
        Some(_) => Err(Error::new(
            Code::Conflict,
            format!("Seit diesem Plan hat sich etwas geändert; der neue hat den planHash {hash}."),
            format!("Something has changed since this plan; the new one has the planHash {hash}."),
        )
        .with("field", "planHash")
        .next(
            "Den neuen Plan ansehen und mit seinem planHash noch einmal senden.",
            "Look at the new plan and send its planHash.",
        )),
        None => Err(Error::bad_input("planHash", missing.de, missing.en).next(
            "Mit dryRun: true den Plan abfragen, dann seinen planHash mitsenden.",
            "Ask for the plan with dryRun: true, then send its planHash.",
        )),
    }
}
