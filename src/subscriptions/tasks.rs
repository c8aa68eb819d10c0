//! What waits for a caller: approvals, confirmations, what is about to expire, and deadlines for giving notice.
//!
//! One scoped statement reads what is open or near its term; the rules then say which of it the caller can act on. What is
//! open at one time is little compared with what runs, so the list is put in order in memory.

use ::entity::product_subscription::{self, Column, State};
use chrono::{Days, Months};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, prelude::Date};

use super::{Row, Subscriber, has_expired, scope::Scope, situation::Ground, state_at, steps};
use crate::{
    access::{Action, Caller, Role},
    clock::day_of,
    error::Result,
    listing::{Key, Listing, Position},
};

/// How long before its deadline a notice is a task, in days.
const NOTICE_AHEAD: u64 = 90;
/// How long before it expires somebody's own proposal is a task, in days.
const EXPIRY_AHEAD: u64 = 14;
/// Longest notice period that is looked ahead for, in months.
const LONGEST_NOTICE: u32 = 60;

/// What kind of task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Approve or reject what somebody asked.
    Approve,
    /// Confirm or refuse what was asked on one's behalf.
    Confirm,
    /// Something that the caller asked is about to expire.
    Expiring,
    /// Notice has to be given by a day, or the subscription goes on.
    NoticeDeadline,
}

/// Something that waits for a caller.
#[derive(Clone, Debug)]
pub struct Task {
    /// What kind.
    pub kind: Kind,
    /// Until when; none when it does not run out.
    pub due_on: Option<Date>,
    /// About which subscription.
    pub row: Row,
}

/// Everything that waits for a caller, most urgent first.
pub async fn of(
    db: &impl ConnectionTrait,
    ground: &Ground<'_>,
    caller: Option<&Caller>,
) -> Result<Listing<'static, Task>> {
    let Some(caller) = caller else { return Ok(Listing::ordered("tasks".to_owned(), Vec::new(), position)) };
    let scope = Scope::of(Some(caller), ground.snapshot);
    let horizon = ground.today.checked_add_months(Months::new(LONGEST_NOTICE)).unwrap_or(ground.today);
    let near_term =
        Condition::all().add(Column::State.eq(State::Active)).add(Column::TermEnd.between(ground.today, horizon));
    let candidates = product_subscription::Entity::find()
        .filter(scope.predicate())
        .filter(Condition::any().add(Column::OpenMatter.is_not_null()).add(near_term))
        .all(db)
        .await?;
    let mut tasks = Vec::new();
    for row in candidates {
        tasks.extend(task(ground, caller, row)?);
    }
    Ok(Listing::sorted("tasks".to_owned(), tasks, position))
}

fn position(task: &Task) -> Position {
    let due = task.due_on.map_or(i64::MAX, |day| i64::from(chrono::Datelike::num_days_from_ce(&day)));
    Position(vec![Key::new(due, false), Key::new(task.row.created_at.timestamp_micros(), false)], task.row.id)
}

fn task(ground: &Ground<'_>, caller: &Caller, row: Row) -> Result<Option<Task>> {
    let can = |action: Action| -> Result<bool> {
        Ok(ground.engine.decide(&ground.existing(caller, action, &row, None)?).is_allowed)
    };
    let expires_on = row.expires_at.map(day_of);
    let found = if row.open_matter.is_some() && !has_expired(&row, ground.now) {
        if can(Action::ApproveSubscription)? {
            Some((Kind::Approve, expires_on))
        } else if can(Action::ConfirmSubscription)? {
            Some((Kind::Confirm, expires_on))
        } else {
            let asked = row.asked_by_issuer.as_deref().zip(row.asked_by_subject.as_deref());
            let is_own = asked.is_some_and(|(issuer, subject)| caller.is_person(issuer, subject));
            let soon = ground.today.checked_add_days(Days::new(EXPIRY_AHEAD));
            (is_own && expires_on <= soon).then_some((Kind::Expiring, expires_on))
        }
    } else {
        notice_deadline(ground, caller, &row)
            .filter(|_| state_at(&row, ground.now) == State::Active)
            .map(|day| (Kind::NoticeDeadline, Some(day)))
    };
    Ok(found.map(|(kind, due_on)| Task { kind, due_on, row }))
}

/// The last day to give notice to the end of the term, when it is near: for the subscriber and its account managers.
fn notice_deadline(ground: &Ground<'_>, caller: &Caller, row: &Row) -> Option<Date> {
    let concerns = match Subscriber::of(row)? {
        Subscriber::Municipality(id) => {
            caller.municipality == Some(id) && caller.is(Role::Municipality) || caller.acts_as(Role::AccountManager)
        }
        Subscriber::Provider(id) => caller.provider == Some(id) && caller.is(Role::Provider),
    };
    let deadline = row.term_end?.checked_sub_months(Months::new(u32::try_from(row.notice_months).ok()?))?;
    let is_near = deadline >= ground.today && deadline <= ground.today.checked_add_days(Days::new(NOTICE_AHEAD))?;
    // Notice on the last possible day must still be in time.
    (concerns && is_near && steps::earliest_end(row, deadline) <= row.term_end?).then_some(deadline)
}
