//! The one door through which every change of a subscription goes.
//!
//! One transaction: the catalogue is held still, the row is locked, the rules decide, the row, its history, the audit event
//! and the change entry are written, and the caller's key is kept. A refusal leaves nothing but its own audit event.

use std::sync::Arc;

use ::entity::{
    audit_event::Outcome,
    change::Type,
    product_subscription,
    subscription_history::{self, Action as HistoryAction},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter,
    prelude::{DateTimeUtc, Uuid},
};

use super::{
    Row, Subscriber,
    act::{Act, Beginning, Deed, Start, Step},
    opened::{Opened, open},
    refusal::{Refused, boxed, busy, conflict, is_step, no_product, not_visible, other_interest, refusal},
    scope::Scope,
    situation::{Ground, Successor},
    state_at,
    steps::{self, Taken},
};
use crate::{
    access::{Action, Caller, Decision, Offer, Permit},
    audit::Event,
    batch::Batch,
    clock::day_of,
    database::Writing,
    desk::Desk,
    error::Error,
    feed::Changed,
    idempotency::{Key, Written},
    phases, providers, records, states,
};

/// How often a change begins again because the catalogue or the caller's key moved meanwhile.
pub(super) const ATTEMPTS: usize = 5;
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
pub(super) struct Change {
    before: Option<Row>,
    after: Row,
    /// A subscription that goes on from it.
    successor: Option<Row>,
    permit: Permit,
}

impl Change {
    /// The decision that permitted it.
    pub(super) fn decision(&self) -> &Arc<Decision> {
        self.permit.decision()
    }

    /// The subscription as it would be.
    pub(super) fn after(&self) -> &Row {
        &self.after
    }

    /// What is kept under the caller's key.
    fn written(&self) -> Written {
        let decision = self.decision();
        let (rule, phase) = (decision.rule.id.clone(), phases::key(decision.phase));
        Written { entity_id: self.after.id, rule, phase }
    }
}

/// Does what an order says, or refuses it; in a transaction that was opened for it, if there is one. Goes on to its end when
/// nobody waits for it any more: a refusal can't be kept out of the audit trail by hanging up.
pub async fn perform(desk: Arc<Desk>, order: Order, opened: Option<Opened>) -> Result<Done, Box<Refused>> {
    let done = tokio::spawn(async move { attempts(&desk, &order, opened).await });
    done.await.unwrap_or_else(|error| Err(boxed(Error::internal(error))))
}

async fn attempts(desk: &Desk, order: &Order, mut opened: Option<Opened>) -> Result<Done, Box<Refused>> {
    for _ in 0..ATTEMPTS {
        let opened = match opened.take() {
            Some(opened) => Some(opened),
            None => open(desk).await.map_err(|error| Box::new(error.into()))?,
        };
        let Some(opened) = opened else { continue };
        match attempt(desk, order, opened).await {
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

async fn attempt(desk: &Desk, order: &Order, opened: Opened) -> Result<Done, Stopped> {
    let Opened { transaction, snapshot } = opened;
    let act = &order.act;
    let now = desk.clock.now();
    let phase = phases::current(&snapshot)?;
    let ground =
        Ground { snapshot: &snapshot, engine: &desk.engine, now, today: day_of(now), phase, assumed_phase: None };
    // Its provider may have merged since the request began.
    let provider = order.caller.provider.map(|id| providers::acting_id(&snapshot, id, ground.today));
    let caller = &Caller { provider, ..order.caller.clone() };
    let mut before = None;
    if let Some(known) = act.known() {
        before = Scope::of(Some(caller), ground.snapshot).find_locked(&*transaction, known.id).await?;
        if before.is_none() {
            transaction.roll_back().await?;
            records::append_refusal(&desk.database, refusal_event(desk, order, NOT_VISIBLE)?, now).await?;
            return Err(not_visible(act).into());
        }
    }
    let with_row = |error: Error| Box::new(Refused { error, row: before.clone(), decision: None });
    let key = Key::new(caller, act.action().into(), &order.key, act).map_err(with_row)?;
    let permitted =
        act.check(ground.today).map_err(with_row).and_then(|()| permit(&ground, caller, act, before.clone()));
    let refused = match permitted {
        Ok(change) => return carry_out(desk, transaction, &ground, (order, caller, &key), change).await,
        Err(refused) => refused,
    };
    if let Some(written) = key.find(&*transaction, now).await.map_err(with_row)? {
        return Ok(repeat(&*transaction, &ground, caller, act, &written).await?);
    }
    transaction.roll_back().await?;
    record_refusal(desk, order, &refused, now).await?;
    Err(Stopped::Refused(refused))
}

/// Writes a change under its key. The key is kept before it is looked for, so that who comes with a new one needs no look: whoever
/// was first with the same key has committed then.
async fn carry_out(
    desk: &Desk,
    transaction: Writing,
    ground: &Ground<'_>,
    (order, caller, key): (&Order, &Caller, &Key),
    change: Change,
) -> Result<Done, Stopped> {
    let now = ground.now;
    let mut batch = Batch::new(&*transaction);
    key.claim(&mut batch, change.written(), now).await?;
    if write(desk, batch, &[(order, &change)], Vec::new(), now).await? {
        transaction.commit().await?;
        return Ok(Done { decision: change.decision().clone(), row: change.after });
    }
    // What was written here goes before anybody looks.
    transaction.roll_back().await?;
    let db = desk.database.connection();
    let with_row = |error: Error| Box::new(Refused { error, row: change.before.clone(), decision: None });
    match key.find(db, now).await.map_err(with_row)? {
        Some(written) => Ok(repeat(db, ground, caller, &order.act, &written).await?),
        None => Err(Stopped::Again),
    }
}

/// Records that a rule refused, if one did.
async fn record_refusal(desk: &Desk, order: &Order, refused: &Refused, now: DateTimeUtc) -> Result<(), Refused> {
    let Some(decision) = &refused.decision else { return Ok(()) };
    let event = refusal_event(desk, order, &decision.rule.id)?;
    Ok(records::append_refusal(&desk.database, event, now).await?)
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
    Ok(Done { row, decision: Arc::new(decision) })
}

/// Asks the rules and works out the row that would be written.
fn permit(ground: &Ground<'_>, caller: &Caller, act: &Act, before: Option<Row>) -> Result<Change, Box<Refused>> {
    match (&act.deed, before) {
        (Deed::Begin(beginning), interest) => begin(ground, caller, act.action(), beginning, interest),
        (Deed::Continue { version, step, .. }, Some(before)) => {
            let successor = successor(ground, *step).map_err(|error| shown(error, &before))?;
            let mut situation = ground.existing(caller, step.action(), &before, successor).map_err(boxed)?;
            if matches!(step, Step::Confirm { accept: false }) {
                // What is refused may be gone.
                situation.offer = Offer::Open;
            }
            let decided = ground.engine.permit(&situation);
            // A caller without the right learns of that first; one with it, that somebody else was faster.
            if before.version != *version && decided.as_ref().map_or_else(|refusal| is_step(refusal), |_| true) {
                return Err(shown(conflict(before.version, *version), &before));
            }
            let permit = decided.map_err(|decision| refusal(&situation, decision, Some(&before)))?;
            let taken = steps::take(ground, &permit, caller, &before, *step, new_id(ground));
            let Taken { row: after, successor } = taken.map_err(|error| shown(error, &before))?;
            Ok(Change { before: Some(before), after, successor, permit })
        }
        (Deed::Continue { .. }, None) => Err(boxed(Error::internal("a step without a subscription"))),
    }
}

/// The product that a step moves to, and its first day.
fn successor(ground: &Ground<'_>, step: Step) -> Result<Option<Successor>, Error> {
    let Step::Migrate { successor, on, .. } = step else { return Ok(None) };
    let at = ground.snapshot.products.find(successor).ok_or_else(|| no_product().with("field", "successor"))?;
    Ok(Some(Successor { at, from: on }))
}

/// An error that shows the subscription as it stands.
fn shown(error: Error, row: &Row) -> Box<Refused> {
    Box::new(Refused { error, row: Some(row.clone()), decision: None })
}

/// Ids grow with time, but not by the wall clock.
pub(super) fn new_id(ground: &Ground<'_>) -> Uuid {
    let seconds = u64::try_from(ground.now.timestamp()).unwrap_or_default();
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, ground.now.timestamp_subsec_nanos()))
}

/// Works out the row of a beginning: a new one, or an interest that becomes a request.
pub(super) fn begin(
    ground: &Ground<'_>,
    caller: &Caller,
    action: Action,
    beginning: &Beginning,
    interest: Option<Row>,
) -> Result<Change, Box<Refused>> {
    let beginning = &Beginning { subscriber: ground.acting(beginning.subscriber), ..beginning.clone() };
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
    let new = steps::begin(ground, &permit, caller, new_id(ground), beginning, at).map_err(boxed)?;
    let after = interest.as_ref().map_or_else(|| new.clone(), |interest| steps::turn(interest, new.clone()));
    Ok(Change { before: interest, after, successor: None, permit })
}

/// Writes changes after what a batch has, each with its history, its entry of the feed and its audit event, and events of what
/// was refused beside them; the caller commits, but not where this is false: what the batch has claimed was there already.
pub(super) async fn write<'a>(
    desk: &'a Desk,
    mut batch: Batch<'_, impl ConnectionTrait>,
    changes: &'a [(&'a Order, &'a Change)],
    mut events: Vec<Event<'a>>,
    now: DateTimeUtc,
) -> Result<bool, Refused> {
    let json = |row: &Row| serde_json::to_value(row).map(|row| row.to_string()).map_err(Error::internal);
    let mut changed = Vec::new();
    for (order, change) in changes {
        let written = [(change.before.as_ref(), Some(&change.after)), (None, change.successor.as_ref())];
        let written = written.into_iter().filter_map(|(before, after)| Some((before, after?)));
        for (before, after) in written {
            store(&mut batch, after, before.is_none(), history(order, change.decision(), after, now)).await?;
            changed.push(Changed { kind: Type::ProductSubscription, id: after.id, version: Some(after.version) });
            events.push(Event {
                outcome: Outcome::Committed,
                entity: Some(("ProductSubscription", after.id)),
                before: before.map(json).transpose()?,
                after: Some(json(after)?),
                ..event(desk, order, &change.decision().rule.id)
            });
        }
    }
    let after = changes.iter().flat_map(|(_, change)| std::iter::once(&change.after).chain(&change.successor));
    let known = states::of_subscriptions(after)?;
    Ok(records::append_after(batch, &changed, &known, events, now).await?)
}

fn history(order: &Order, decision: &Decision, after: &Row, now: DateTimeUtc) -> subscription_history::Model {
    let act = &order.act;
    // A successor begins its own history with the move, whoever agreed to it last.
    let is_move = after.version == 1 && after.predecessor_id.is_some();
    subscription_history::Model {
        subscription_id: after.id,
        version: after.version,
        at: now,
        action: history_action(if is_move { Action::MigrateSubscription } else { act.action() }),
        state: state_at(after, now),
        role: decision.role.map(|role| <&str>::from(role).to_owned()),
        reason_code: act.reason.code,
        reason_text: Some(act.reason.text.clone()),
        reason_reference: act.reason.reference.clone(),
        former_municipality_id: None,
    }
}

/// Writes a row with the entry of its history.
pub(super) async fn store(
    batch: &mut Batch<'_, impl ConnectionTrait>,
    row: &Row,
    is_new: bool,
    history: subscription_history::Model,
) -> Result<(), DbErr> {
    if is_new {
        batch.insert::<product_subscription::Entity>(vec![row.clone()]).await?;
    } else {
        let updated = product_subscription::Entity::update_many().set(row.clone().into_active_model().reset_all());
        batch.update(updated.filter(product_subscription::Column::Id.eq(row.id))).await?;
    }
    batch.insert::<subscription_history::Entity>(vec![history]).await
}

/// The audit event of a refusal, with what was asked.
fn refusal_event<'a>(desk: &'a Desk, order: &'a Order, rule: &'a str) -> Result<Event<'a>, Error> {
    let entity = match &order.act.deed {
        Deed::Begin(beginning) => ("Product", beginning.product),
        Deed::Continue { id, .. } => ("ProductSubscription", *id),
    };
    let asked = serde_json::to_value(&order.act.deed).map_err(Error::internal)?;
    Ok(Event { entity: Some(entity), after: Some(asked.to_string()), ..event(desk, order, rule) })
}

/// What all events of an order have in common.
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
