//! What waits for a caller: approvals, confirmations, what is about to expire, and deadlines for giving notice.
//!
//! One scoped statement reads what is open or near its term; the rules then say which of it the caller can act on. What is
//! open at one time is little compared with what runs, so the list is put in order in memory.

use ::entity::product_subscription::{self, Column, State};
use chrono::{Days, Months};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, prelude::Date};

use super::{Row, list::in_state, open_at, scope::Scope, situation::Ground, state_at, terms};
use crate::{
    access::{Action, Caller, Role, Standing},
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
/// Who gives notice for municipalities.
const GIVE_NOTICE: [Role; 2] = [Role::Municipality, Role::AccountManager];

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
    let mut tasks = Vec::new();
    if let Some(caller) = caller {
        let scope = Scope::of(Some(caller), ground.snapshot);
        let candidates = Condition::any().add(Column::OpenMatter.is_not_null()).add(near_deadline(ground, caller));
        let candidates =
            product_subscription::Entity::find().filter(scope.predicate()).filter(candidates).all(db).await?;
        for row in candidates {
            tasks.extend(task(ground, caller, row)?);
        }
    }
    Ok(Listing::sorted("tasks".to_owned(), tasks, position))
}

fn position(task: &Task) -> Position {
    let due = task.due_on.map_or(i64::MAX, |day| i64::from(chrono::Datelike::num_days_from_ce(&day)));
    Position(vec![Key::new(due, false), Key::new(task.row.created_at.timestamp_micros(), false)], task.row.id)
}

/// Running subscriptions of the municipalities that the caller gives notice for, whose deadline is near. The deadline
/// itself is worked out of the row; here a window of days around it is enough.
fn near_deadline(ground: &Ground<'_>, caller: &Caller) -> Condition {
    let givers = Caller {
        roles: caller.roles.iter().copied().filter(|role| GIVE_NOTICE.contains(role)).collect(),
        ..caller.clone()
    };
    let ends = |months: u32| {
        let from = ground.today.checked_add_months(Months::new(months))?;
        let to = from.checked_add_days(Days::new(NOTICE_AHEAD + 4))?;
        let of_notice = Column::NoticeMonths.eq(i32::try_from(months).ok()?);
        Some(Condition::all().add(of_notice).add(Column::TermEnd.between(from, to)))
    };
    let near = (0..=LONGEST_NOTICE).filter_map(ends).fold(Condition::any(), Condition::add);
    let of_givers = Scope::of(Some(&givers), ground.snapshot).predicate();
    Condition::all().add(in_state(State::Active, ground.now)).add(near).add(of_givers)
}

fn task(ground: &Ground<'_>, caller: &Caller, row: Row) -> Result<Option<Task>> {
    // A product that this request's catalogue does not hold yet: the next request will see the task.
    if ground.snapshot.products.find(row.product_id).is_none() {
        return Ok(None);
    }
    let can = |action: Action| -> Result<bool> {
        Ok(ground.engine.decide(&ground.existing(caller, action, &row, None)?).is_allowed)
    };
    let expires_on = row.expires_at.map(day_of);
    let found = if open_at(&row, ground.now).is_some() {
        if can(Action::ApproveSubscription)? || can(Action::RejectSubscription)? {
            Some((Kind::Approve, expires_on))
        } else if can(Action::ConfirmSubscription)? {
            Some((Kind::Confirm, expires_on))
        } else {
            let asked = row.asked_by_issuer.as_deref().zip(row.asked_by_subject.as_deref());
            let is_own = asked.is_some_and(|(issuer, subject)| caller.is_person(issuer, subject));
            let soon = ground.today.checked_add_days(Days::new(EXPIRY_AHEAD));
            (is_own && expires_on.is_some() && expires_on <= soon).then_some((Kind::Expiring, expires_on))
        }
    } else {
        notice_deadline(ground, caller, &row)?.map(|day| (Kind::NoticeDeadline, Some(day)))
    };
    Ok(found.map(|(kind, due_on)| Task { kind, due_on, row }))
}

/// The last day to give notice to the end of the term, when it is near and the caller is one who gives it.
fn notice_deadline(ground: &Ground<'_>, caller: &Caller, row: &Row) -> Result<Option<Date>> {
    let standings = ground.existing(caller, Action::TerminateSubscription, row, None)?.standings;
    let concerns = GIVE_NOTICE.iter().any(|role| standings[*role as usize] == Some(Standing::Own));
    if !concerns || state_at(row, ground.now) != State::Active {
        return Ok(None);
    }
    let deadline = row.term_end.and_then(|end| terms::last_day_of_notice(row, end));
    let horizon = ground.today.checked_add_days(Days::new(NOTICE_AHEAD)).unwrap_or(ground.today);
    Ok(deadline.filter(|day| (ground.today..=horizon).contains(day)))
}
