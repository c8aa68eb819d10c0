//! What happens by itself: terminations end on their day, successors begin on theirs, and what nobody decided expires.
//!
//! States are right without it, see [`super::state_at`]; the tick writes them down, so that history, audit trail and change
//! feed tell of them. Safe to run twice, and on several instances at once.

use ::entity::{
    audit_event::Outcome,
    change::Type,
    product_subscription::{self, Column, State},
    subscription_history::{self, Action, ReasonCode},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    prelude::DateTimeUtc,
    sea_query::{LockBehavior, LockType},
};

use super::{Row, active_since_at, perform::store, state_at, steps};
use crate::{
    audit::{Actor, Event, Reason},
    batch::Batch,
    clock::day_of,
    database::Database,
    feed::Changed,
    records, states,
};

/// Subscriptions of one transaction: others can write between two of them.
const ROWS_AT_ONCE: u64 = 200;

/// What a tick wrote down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Terminations that ended.
    pub ended: usize,
    /// Successors that began.
    pub begun: usize,
    /// Requests and pending changes that expired.
    pub expired: usize,
}

/// Writes down what is due at a moment. `policies` is the fingerprint of those in force, `now` when that is written.
pub async fn run(database: &Database, policies: &str, due_at: DateTimeUtc, now: DateTimeUtc) -> Result<Report, DbErr> {
    let mut report = Report::default();
    loop {
        let transaction = database.begin_write().await?;
        let rows = due(&*transaction, due_at).await?;
        if rows.is_empty() {
            return transaction.roll_back().await.map(|()| report);
        }
        let (mut written, mut batch) = (Vec::new(), Batch::new(&*transaction));
        for row in rows {
            let next = next(&row, due_at, now);
            let (action, count) = match (row.state, next.state) {
                (_, State::Ended) => (Action::End, &mut report.ended),
                (State::Approved, State::Active) => (Action::Begin, &mut report.begun),
                _ => (Action::Expire, &mut report.expired),
            };
            *count += 1;
            store(&mut batch, &next, false, history(&next, action, now)).await?;
            written.push((row, next, action));
        }
        batch.finish().await?;
        record(&*transaction, &written, policies, now).await?;
        transaction.commit().await?;
    }
}

/// What is due and nobody else writes at the moment.
async fn due(db: &impl ConnectionTrait, due_at: DateTimeUtc) -> Result<Vec<Row>, DbErr> {
    let has_ended = Condition::all().add(Column::State.eq(State::Terminating)).add(Column::EndsOn.lt(day_of(due_at)));
    let has_expired = Condition::all().add(Column::OpenMatter.is_not_null()).add(Column::ExpiresAt.lte(due_at));
    let has_begun = Condition::all()
        .add(Column::State.eq(State::Approved))
        .add(Column::PredecessorId.is_not_null())
        .add(Column::AgreedFrom.lte(day_of(due_at)));
    product_subscription::Entity::find()
        .filter(Condition::any().add(has_ended).add(has_begun).add(has_expired))
        .order_by_asc(Column::Id)
        .limit(ROWS_AT_ONCE)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .all(db)
        .await
}

fn next(row: &Row, due_at: DateTimeUtc, now: DateTimeUtc) -> Row {
    let (state, active_since) = (state_at(row, due_at), active_since_at(row, due_at));
    let mut next = Row { state, active_since, version: row.version + 1, updated_at: now, ..row.clone() };
    steps::close(&mut next);
    next
}

fn history(row: &Row, action: Action, now: DateTimeUtc) -> subscription_history::Model {
    let reason = reason();
    subscription_history::Model {
        subscription_id: row.id,
        version: row.version,
        at: now,
        action,
        state: row.state,
        role: None,
        reason_code: reason.code,
        reason_text: Some(reason.text),
        reason_reference: None,
        former_municipality_id: None,
    }
}

fn reason() -> Reason {
    Reason { code: ReasonCode::Other, text: "Fristablauf".to_owned(), reference: None }
}

async fn record(
    db: &impl ConnectionTrait,
    written: &[(Row, Row, Action)],
    policies: &str,
    now: DateTimeUtc,
) -> Result<(), DbErr> {
    let json = |row: &Row| serde_json::to_value(row).map_err(|error| DbErr::Custom(error.to_string()));
    let (reason, mut changed, mut events) = (reason(), Vec::new(), Vec::new());
    for (before, after, action) in written {
        changed.push(Changed { kind: Type::ProductSubscription, id: after.id, version: Some(after.version) });
        events.push(Event {
            actor: Actor::service("tick"),
            action: match action {
                Action::End => "END",
                Action::Begin => "BEGIN",
                _ => "EXPIRE",
            },
            outcome: Outcome::Committed,
            entity: Some(("ProductSubscription", after.id)),
            before: Some(json(before)?.to_string()),
            after: Some(json(after)?.to_string()),
            reason: Some(&reason),
            rule: None,
            policies,
            request_id: None,
        });
    }
    let known = states::of_subscriptions(written.iter().map(|(_, after, _)| after))?;
    records::append_known(db, &changed, &known, events, now).await
}
