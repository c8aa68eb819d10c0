//! The audit trail: who did or tried what, when, why, by which rule. Append-only and chained by hash.
//!
//! Texts that may have to be erased enter the chain as salted digests and stand beside it, so that an erasure leaves the
//! chain whole. Actors are the token's issuer and subject, never names. Old events can be moved to a file; the chain then
//! goes on from an anchor.

mod archive;
mod chain;
mod file;
mod rows;
mod verify;

use ::entity::{
    audit_event::{self, Column, Outcome},
    product_subscription,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    prelude::{DateTimeUtc, Uuid},
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    access::Caller,
    batch::Batch,
    error::{Error, Result, check_text},
    listing::{self, Cut, Key, Position, Window},
    records::Heads,
};

pub use archive::{Archiving, archive};
pub use chain::{Head, holds, seal};
pub use verify::{Evidence, Fault, Whole, head, verify};

/// Longest text of a reason, in characters.
const LONGEST_REASON: usize = 2000;
/// Longest reference of a resolution, in characters.
const LONGEST_REFERENCE: usize = 200;
/// Action of the event that tells of an archive.
const ARCHIVE: &str = "ARCHIVE_AUDIT_EVENTS";
/// Name of the list, for its cursors.
const LIST: &str = "audit events";

/// Why something was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// A code; any code goes with any action.
    pub code: ::entity::subscription_history::ReasonCode,
    /// A sentence.
    pub text: String,
    /// Reference of a resolution (Beschluss).
    pub reference: Option<String>,
}

impl Reason {
    /// Checks the texts: a sentence, not endless, no NUL.
    pub fn check(&self) -> Result<()> {
        check_text("reason.text", &self.text, LONGEST_REASON)?;
        if self.text.trim().is_empty() {
            return Err(Error::bad_input(
                "reason.text",
                "reason.text ist leer. Bitte einen Satz zur Begründung schreiben.",
                "reason.text is empty. Please write a sentence that gives the reason.",
            ));
        }
        self.reference.as_ref().map_or(Ok(()), |text| check_text("reason.reference", text, LONGEST_REFERENCE))
    }
}

/// Who did it.
#[derive(Clone, Debug)]
pub struct Actor {
    issuer: String,
    subject: String,
    roles: Vec<&'static str>,
    organisation: Option<String>,
}

impl Actor {
    /// The service itself, for what no caller asked for.
    pub fn service(part: &str) -> Self {
        Self { issuer: "itkatalog".to_owned(), subject: part.to_owned(), roles: Vec::new(), organisation: None }
    }
}

impl From<&Caller> for Actor {
    fn from(caller: &Caller) -> Self {
        let organisations = caller.municipality.iter().chain(&caller.provider).chain(&caller.customer_groups);
        let organisations: Vec<String> = organisations.map(Uuid::to_string).collect();
        Self {
            issuer: caller.issuer.clone(),
            subject: caller.subject.clone(),
            roles: caller.roles.iter().map(Into::into).collect(),
            organisation: (!organisations.is_empty()).then(|| organisations.join(" ")),
        }
    }
}

/// Something that is to be recorded.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// Who.
    pub actor: Actor,
    /// What, as the action is named in the schema.
    pub action: &'a str,
    /// Whether it was done.
    pub outcome: Outcome,
    /// To what: type and id.
    pub entity: Option<(&'static str, Uuid)>,
    /// How that was before, as JSON.
    pub before: Option<String>,
    /// How it is since, as JSON; of a refusal what was asked.
    pub after: Option<String>,
    /// Why.
    pub reason: Option<&'a Reason>,
    /// By which rule.
    pub rule: Option<&'a str>,
    /// Fingerprint of the set of policies that is in force.
    pub policies: &'a str,
    /// In which request.
    pub request_id: Option<&'a str>,
}

/// Events in one statement: SQLite takes 32,766 values, but a statement costs memory with each.
const EVENTS_AT_ONCE: usize = 250;

/// Appends events to the chain, in their order.
pub async fn append<'e>(
    batch: &mut Batch<'_, impl ConnectionTrait>,
    heads: &mut Heads,
    mut events: impl Iterator<Item = Result<Event<'e>, DbErr>> + Send,
    now: DateTimeUtc,
) -> Result<(), DbErr> {
    loop {
        let next = events.by_ref().take(EVENTS_AT_ONCE);
        let row = |event: Result<Event<'e>, DbErr>| Ok(sealed(heads, event?, now));
        let rows = next.map(row).collect::<Result<Vec<_>, DbErr>>()?;
        if rows.is_empty() {
            return Ok(());
        }
        batch.insert::<audit_event::Entity>(rows).await?;
    }
}

/// The row of an event, chained to the one before; the head moves on to it.
fn sealed(heads: &mut Heads, event: Event<'_>, now: DateTimeUtc) -> audit_event::Model {
    let row = chain::seal(audit_event::Model {
        sequence: heads.audit_sequence + 1,
        at: now,
        action: event.action.to_owned(),
        outcome: event.outcome,
        issuer: event.actor.issuer,
        subject: event.actor.subject,
        roles: Value::from(event.actor.roles).to_string(),
        organisation: event.actor.organisation,
        entity_type: event.entity.map(|(kind, _)| kind.to_owned()),
        entity_id: event.entity.map(|(_, id)| id),
        before: event.before,
        after: event.after,
        content_digest: None,
        reason_code: event.reason.map(|reason| sea_orm::ActiveEnum::to_value(&reason.code)),
        reason_digest: None,
        reason_text: event.reason.map(|reason| reason.text.clone()),
        reason_reference: event.reason.and_then(|reason| reason.reference.clone()),
        rule: event.rule.map(str::to_owned),
        policies: Some(event.policies.to_owned()),
        request_id: event.request_id.map(str::to_owned),
        salt: Some(Uuid::new_v4().simple().to_string()),
        previous_hash: heads.audit_hash.clone(),
        hash: String::new(),
    });
    heads.audit_sequence = row.sequence;
    heads.audit_hash.clone_from(&row.hash);
    row
}

/// Which events a caller looks for. All parts that are given must hold.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Subject of the actor.
    pub subject: Option<String>,
    /// What was done or tried.
    pub action: Option<String>,
    /// Whether it was done.
    pub outcome: Option<Outcome>,
    /// To what.
    pub entity: Option<Uuid>,
    /// By which rule.
    pub rule: Option<String>,
    /// At this moment or later.
    pub from: Option<DateTimeUtc>,
    /// Before this moment.
    pub before: Option<DateTimeUtc>,
    /// Only what was done to subscriptions of this municipality.
    pub municipality: Option<Uuid>,
}

/// A page of events, newest first.
pub async fn page(db: &impl ConnectionTrait, wanted: &Wanted, window: &Window) -> Result<Cut<audit_event::Model>> {
    let keyset = window.keyset(LIST)?;
    let sequence = |field: &str, position: &Position| match position.0.as_slice() {
        [Key::Down(std::cmp::Reverse(listing::Value::Int(sequence)))] => Ok(*sequence),
        _ => Err(Error::bad_input(
            field,
            format!("{field} ist kein Cursor dieser Liste."),
            format!("{field} is no cursor of this list."),
        )),
    };
    let mut condition = condition(wanted);
    if let Some(after) = keyset.after {
        condition = condition.add(Column::Sequence.lt(sequence("after", after)?));
    }
    if let Some(before) = keyset.before {
        condition = condition.add(Column::Sequence.gt(sequence("before", before)?));
    }
    let direction = if keyset.is_backwards { sea_orm::Order::Asc } else { sea_orm::Order::Desc };
    let query = audit_event::Entity::find().filter(condition).order_by(Column::Sequence, direction);
    let rows = query.limit(keyset.limit()).all(db).await?;
    Ok(keyset.cut(LIST, rows, |event| Position(vec![Key::new(event.sequence, true)], Uuid::nil())))
}

fn condition(wanted: &Wanted) -> Condition {
    let of_municipality = wanted.municipality.map(|municipality| {
        use product_subscription::Column as Subscription;
        let own = product_subscription::Entity::find().select_only().column(Subscription::Id);
        let own = own.filter(Subscription::MunicipalityId.eq(municipality)).into_query();
        Column::EntityId.in_subquery(own)
    });
    Condition::all()
        .add_option(wanted.subject.as_ref().map(|subject| Column::Subject.eq(subject)))
        .add_option(wanted.action.as_ref().map(|action| Column::Action.eq(action)))
        .add_option(wanted.outcome.map(|outcome| Column::Outcome.eq(outcome)))
        .add_option(wanted.entity.map(|entity| Column::EntityId.eq(entity)))
        .add_option(wanted.rule.as_ref().map(|rule| Column::Rule.eq(rule)))
        .add_option(wanted.from.map(|from| Column::At.gte(from)))
        .add_option(wanted.before.map(|before| Column::At.lt(before)))
        .add_option(of_municipality)
}
