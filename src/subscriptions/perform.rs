//! The one door through which every change of a subscription goes.
//!
//! One transaction: the catalogue is held still, the row is locked, the rules decide, the row, its history, the audit event
//! and the change entry are written, and the caller's key is kept. A refusal leaves nothing but its own audit event.

use std::sync::Arc;

use ::entity::{
    audit_event::Outcome,
    change::Type,
    subscription_history::{self, Action as HistoryAction},
};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel,
    prelude::{DateTimeUtc, Uuid},
};

use super::{
    Row, Subscriber,
    act::{Act, Beginning, Deed, Start},
    refusal::{Refused, boxed, busy, conflict, is_step, no_product, not_visible, other_interest, refusal},
    scope::Scope,
    situation::Ground,
    state_at, steps,
};
use crate::{
    access::{Action, Caller, Decision, Permit},
    audit::Event,
    clock::day_of,
    desk::Desk,
    error::Error,
    feed::Changed,
    idempotency::{Key, Written},
    phases, records,
};

/// How often a change begins again because the catalogue or the caller's key moved meanwhile.
const ATTEMPTS: usize = 5;
/// The rule by which nobody changes what it may not see.
const NOT_VISIBLE: &str = "no-rule-permits";

/// Who asks for a change, and under which key.
#[derive(Clone, Debug)]
pub struct Order {
    /// Who.
    pub caller: Caller,
    /// The caller's own key for this change.
    pub key: String,
    /// The request that it came with.
    pub request_id: String,
    /// What is to be done, and why.
    pub act: Act,
}

/// What was done.
#[derive(Debug)]
pub struct Done {
    /// The subscription since then.
    pub row: Row,
    /// The decision that allowed it.
    pub decision: Arc<Decision>,
}

/// A change that was permitted and is about to be written.
struct Change {
    before: Option<Row>,
    after: Row,
    permit: Permit,
}

/// Does what an order says, or refuses it. Goes on to its end when nobody waits for it any more: a refusal can't be kept out
/// of the audit trail by hanging up.
pub async fn perform(desk: Arc<Desk>, order: Order) -> Result<Done, Box<Refused>> {
    let done = tokio::spawn(async move { attempts(&desk, &order).await });
    done.await.unwrap_or_else(|error| Err(boxed(Error::internal(error))))
}

async fn attempts(desk: &Desk, order: &Order) -> Result<Done, Box<Refused>> {
    for _ in 0..ATTEMPTS {
        match attempt(desk, order).await {
            Ok(done) => return Ok(done),
            Err(Stopped::Refused(refused)) => return Err(refused),
            Err(Stopped::Again) => {}
        }
    }
    Err(boxed(busy()))
}

enum Stopped {
    Again,
    Refused(Box<Refused>),
}

impl<E: Into<Refused>> From<E> for Stopped {
    fn from(refused: E) -> Self {
        Self::Refused(Box::new(refused.into()))
    }
}

impl From<Box<Refused>> for Stopped {
    fn from(refused: Box<Refused>) -> Self {
        Self::Refused(refused)
    }
}

async fn attempt(desk: &Desk, order: &Order) -> Result<Done, Stopped> {
    let (act, caller) = (&order.act, &order.caller);
    let now = desk.clock.now();
    let transaction = desk.database.begin_write().await?;
    let Some(snapshot) = desk.live.snapshot_for(&*transaction).await? else {
        transaction.roll_back().await?;
        desk.live.refresh().await;
        return Err(Stopped::Again);
    };
    let phase = phases::current(&snapshot)?;
    let ground = Ground { snapshot: &snapshot, engine: &desk.engine, now, today: day_of(now), phase };
    let mut before = None;
    if let Some(known) = act.known() {
        before = Scope::of(Some(caller), ground.snapshot).find_locked(&*transaction, known.id).await?;
        if before.is_none() {
            transaction.roll_back().await?;
            record_refusal(desk, order, NOT_VISIBLE, now).await?;
            return Err(not_visible(act).into());
        }
    }
    let with_row = |error: Error| Box::new(Refused { error, row: before.clone(), decision: None });
    let key = Key::new(caller, act.action().into(), &order.key, act).map_err(with_row)?;
    // Looked for after the row is locked: whoever was first with the same key has committed then.
    if let Some(written) = key.find(&*transaction, now).await.map_err(with_row)? {
        return Ok(repeat(&*transaction, &ground, caller, act, &written).await?);
    }
    act.check(ground.today).map_err(with_row)?;
    match permit(&ground, caller, act, before) {
        Ok(change) => {
            let rule = change.permit.decision().rule.id.clone();
            let written = Written { entity_id: change.after.id, rule, phase: phases::key(phase) };
            if !key.keep(&*transaction, written, now).await? {
                transaction.roll_back().await?;
                return Err(Stopped::Again);
            }
            let done = write(desk, &*transaction, order, change, now).await?;
            transaction.commit().await?;
            Ok(done)
        }
        Err(refused) => {
            transaction.roll_back().await?;
            if let Some(decision) = &refused.decision {
                record_refusal(desk, order, &decision.rule.id, now).await?;
            }
            Err(Stopped::Refused(refused))
        }
    }
}

/// Answers a request that was carried out before: with the subscription as it stands, and the decision of then.
async fn repeat(
    db: &impl ConnectionTrait,
    ground: &Ground<'_>,
    caller: &Caller,
    act: &Act,
    written: &Written,
) -> Result<Done, Refused> {
    let scope = Scope::of(Some(caller), ground.snapshot);
    let row = scope.find(db, written.entity_id).await?.ok_or_else(|| not_visible(act))?;
    let decision = ground.engine.recall(act.action(), phases::from_key(written.phase), &written.rule);
    let decision = decision.ok_or_else(|| Error::internal(format!("the rule {} is gone", written.rule)))?;
    Ok(Done { row, decision: Arc::new(decision) })
}

/// Asks the rules and works out the row that would be written.
fn permit(ground: &Ground<'_>, caller: &Caller, act: &Act, before: Option<Row>) -> Result<Change, Box<Refused>> {
    match (&act.deed, before) {
        (Deed::Begin(beginning), interest) => begin(ground, caller, act.action(), beginning, interest),
        (Deed::Continue { version, step, .. }, Some(before)) => {
            let situation = ground.existing(caller, step.action(), &before, None).map_err(boxed)?;
            let decided = ground.engine.permit(&situation);
            // A caller without the right learns of that first; one with it, that somebody else was faster.
            if before.version != *version && decided.as_ref().map_or_else(|refusal| is_step(refusal), |_| true) {
                return Err(Box::new(Refused {
                    error: conflict(before.version, *version),
                    row: Some(before),
                    decision: None,
                }));
            }
            let permit = decided.map_err(|decision| refusal(&situation, decision, Some(&before)))?;
            match steps::take(ground, &permit, caller, &before, *step) {
                Ok(after) => Ok(Change { before: Some(before), after, permit }),
                Err(error) => Err(Box::new(Refused { error, row: Some(before), decision: None })),
            }
        }
        (Deed::Continue { .. }, None) => Err(boxed(Error::internal("a step without a subscription"))),
    }
}

/// Works out the row of a beginning: a new one, or an interest that becomes a request.
fn begin(
    ground: &Ground<'_>,
    caller: &Caller,
    action: Action,
    beginning: &Beginning,
    interest: Option<Row>,
) -> Result<Change, Box<Refused>> {
    let at = ground.snapshot.products.find(beginning.product).ok_or_else(no_product).map_err(boxed)?;
    let from = beginning.from.unwrap_or(ground.today);
    let decided = ground.permit_beginning(caller, action, beginning.subscriber, at, from, interest.as_ref());
    if let (Some(row), Start::Request { interest: Some(known) }) = (&interest, &beginning.start) {
        let is_same = Subscriber::of(row) == Some(beginning.subscriber) && row.product_id == beginning.product;
        let error = match is_same {
            false => Some(other_interest()),
            true if row.version != known.version => Some(conflict(row.version, known.version)),
            true => None,
        };
        // A caller without the right learns of that first.
        let may = decided.as_ref().map_or_else(|(_, refusal)| is_step(refusal), |_| true);
        if let Some(error) = error.filter(|_| may) {
            return Err(Box::new(Refused { error, row: interest, decision: None }));
        }
    }
    let permit = decided.map_err(|(situation, decision)| refusal(&situation, decision, interest.as_ref()))?;
    // Ids grow with time, but not by the wall clock.
    let seconds = u64::try_from(ground.now.timestamp()).unwrap_or_default();
    let moment = uuid::Timestamp::from_unix(uuid::NoContext, seconds, ground.now.timestamp_subsec_nanos());
    let new = steps::begin(ground, &permit, caller, Uuid::new_v7(moment), beginning, at).map_err(boxed)?;
    let after = interest.as_ref().map_or_else(|| new.clone(), |interest| steps::turn(interest, new.clone()));
    Ok(Change { before: interest, after, permit })
}

async fn write(
    desk: &Desk,
    db: &impl ConnectionTrait,
    order: &Order,
    change: Change,
    now: DateTimeUtc,
) -> Result<Done, Refused> {
    let Change { before, after, permit } = change;
    let act = &order.act;
    let history = subscription_history::Model {
        subscription_id: after.id,
        version: after.version,
        at: now,
        action: history_action(act.action()),
        state: state_at(&after, now),
        role: permit.decision().role.map(|role| <&str>::from(role).to_owned()),
        reason_code: act.reason.code,
        reason_text: Some(act.reason.text.clone()),
        reason_reference: act.reason.reference.clone(),
    };
    store(db, &after, before.is_none(), history).await?;
    let changed = Changed { kind: Type::ProductSubscription, id: after.id, version: Some(after.version) };
    let json = |row: &Row| serde_json::to_value(row).map_err(Error::internal);
    let event = Event {
        outcome: Outcome::Committed,
        entity: Some(("ProductSubscription", after.id)),
        before: before.as_ref().map(json).transpose()?,
        after: Some(json(&after)?),
        ..event(desk, order, &permit.decision().rule.id)
    };
    records::append(db, &[changed], [event], now).await?;
    Ok(Done { row: after, decision: permit.decision().clone() })
}

/// Writes a row with the entry of its history.
pub(super) async fn store(
    db: &impl ConnectionTrait,
    row: &Row,
    is_new: bool,
    history: subscription_history::Model,
) -> Result<(), DbErr> {
    let active = row.clone().into_active_model();
    match is_new {
        true => active.insert(db).await?,
        false => active.reset_all().update(db).await?,
    };
    subscription_history::Entity::insert(history.into_active_model()).exec_without_returning(db).await.map(drop)
}

async fn record_refusal(desk: &Desk, order: &Order, rule: &str, now: DateTimeUtc) -> Result<(), Refused> {
    let entity = match &order.act.deed {
        Deed::Begin(beginning) => ("Product", beginning.product),
        Deed::Continue { id, .. } => ("ProductSubscription", *id),
    };
    let asked = serde_json::to_value(&order.act.deed).map_err(Error::internal)?;
    let event = Event { entity: Some(entity), after: Some(asked), ..event(desk, order, rule) };
    Ok(records::append_refusal(&desk.database, event, now).await?)
}

/// The audit event of a refusal; a committed change adds to it.
fn event<'a>(desk: &'a Desk, order: &'a Order, rule: &'a str) -> Event<'a> {
    Event {
        actor: (&order.caller).into(),
        action: order.act.action().into(),
        outcome: Outcome::Refused,
        entity: None,
        before: None,
        after: None,
        reason: Some(&order.act.reason),
        rule: Some(rule),
        policies: desk.engine.fingerprint(),
        request_id: Some(&order.request_id),
    }
}

fn history_action(action: Action) -> HistoryAction {
    match action {
        Action::DeclareInterest => HistoryAction::DeclareInterest,
        Action::RequestSubscription => HistoryAction::RequestSubscription,
        Action::ReportContract => HistoryAction::ReportContract,
        Action::ApproveSubscription => HistoryAction::ApproveSubscription,
        Action::RejectSubscription => HistoryAction::RejectSubscription,
        Action::WithdrawSubscription => HistoryAction::WithdrawSubscription,
        Action::ActivateSubscription => HistoryAction::ActivateSubscription,
        Action::ConfirmSubscription => HistoryAction::ConfirmSubscription,
        Action::ChangeSubscription => HistoryAction::ChangeSubscription,
        Action::TerminateSubscription => HistoryAction::TerminateSubscription,
        Action::RevokeTermination => HistoryAction::RevokeTermination,
        Action::MigrateSubscription => HistoryAction::MigrateSubscription,
        Action::RequestForMany => HistoryAction::RequestForMany,
    }
}
