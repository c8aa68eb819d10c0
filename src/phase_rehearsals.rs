//! What a change of phase would mean: who gains or loses what, for how many municipalities, and what becomes of that which
//! waits for a decision. Nothing is written.
//!
//! What an exception rules is left out: it goes on as it is.

use std::collections::{HashMap, HashSet};

use ::entity::product_subscription::{self, Awaits, Column};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, prelude::Uuid};

use crate::{
    access::{Action, Caller, Cell, Offer, Phase, ProductKind, Role},
    availability,
    catalogue::{At, Municipality, Product},
    error::Result,
    listing::{Key, Listing, Position},
    products,
    subscriptions::{Row, Subscriber, list::has_begun_or_waits, open_at, scope::Scope, situation::Ground},
};

/// What a role gains or loses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It could not and will.
    Gained,
    /// It can and could not any more.
    Lost,
    /// It needs nobody's decision any more.
    Eased,
    /// It will need somebody's decision.
    Restricted,
    /// Others will decide.
    OtherApprovers,
}

/// A cell of the table that changes.
#[derive(Clone, Debug)]
pub struct Difference {
    /// What becomes of it.
    pub effect: Effect,
    /// The cell of the phase that is current.
    pub before: Cell,
    /// The same in the phase that is rehearsed.
    pub after: Cell,
    /// How many municipalities it concerns: those that could have such a product, or that have a subscription of one.
    pub municipalities: usize,
}

/// Something that waits for a decision, and who could decide it.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The subscription.
    pub row: Row,
    /// In which roles it can be decided now,
    pub before: Vec<Role>,
    /// and in which ones then; nobody means that it becomes impossible.
    pub after: Vec<Role>,
}

/// Municipalities by kind of product.
type Concerned = HashMap<ProductKind, HashSet<Uuid>>;

/// What changes in the rules when a phase is entered, in the order of their table.
pub async fn differences(db: &impl ConnectionTrait, ground: &Ground<'_>, to: Phase) -> Result<Vec<Difference>> {
    Ok(compared(ground, to, &offered(ground), &subscribed(db, ground).await?))
}

/// How many of those that wait could be decided by nobody any more.
pub fn impossible(waiting: &[Waiting]) -> usize {
    waiting.iter().filter(|waiting| waiting.after.is_empty()).count()
}

/// What waits as a list: first what becomes impossible, then the oldest.
pub fn list(waiting: &[Waiting]) -> Listing<'_, &Waiting> {
    Listing::sorted("rehearsed requests".to_owned(), waiting.iter().collect(), |waiting| {
        let is_possible = i64::from(!waiting.after.is_empty());
        let keys = vec![Key::new(is_possible, false), Key::new(waiting.row.created_at.timestamp_micros(), false)];
        Position(keys, waiting.row.id)
    })
}

fn compared(ground: &Ground<'_>, to: Phase, offered: &Concerned, subscribed: &Concerned) -> Vec<Difference> {
    let of_phase = |phase: Phase| ground.engine.matrix().iter().filter(move |cell| cell.phase == phase);
    let pairs = of_phase(ground.phase).zip(of_phase(to));
    let differences = pairs.filter_map(|(before, after)| {
        let concerned = if before.action.is_beginning() { offered } else { subscribed };
        let municipalities = concerned.get(&before.kind).map_or(0, HashSet::len);
        Some(Difference {
            effect: effect(before, after)?,
            before: before.clone(),
            after: after.clone(),
            municipalities,
        })
    });
    differences.collect()
}

fn effect(before: &Cell, after: &Cell) -> Option<Effect> {
    use crate::access::Outcome::{Allow, AllowWithApproval, Deny};
    match (before.outcome, after.outcome) {
        (Deny, Deny) | (Allow, Allow) => None,
        (Deny, _) => Some(Effect::Gained),
        (_, Deny) => Some(Effect::Lost),
        (AllowWithApproval, Allow) => Some(Effect::Eased),
        (Allow, AllowWithApproval) => Some(Effect::Restricted),
        (AllowWithApproval, AllowWithApproval) => {
            (before.approvers != after.approvers).then_some(Effect::OtherApprovers)
        }
    }
}

/// The kind of a product, where the current phase rules it.
fn kind(ground: &Ground<'_>, at: At<Product>) -> Option<ProductKind> {
    let is_current = ground.ruling(at).exception.is_none();
    is_current.then(|| products::kind_on(ground.snapshot, &ground.snapshot.products[at], ground.today))
}

/// Municipalities that could have a product of a kind today.
fn offered(ground: &Ground<'_>) -> Concerned {
    let snapshot = ground.snapshot;
    let mut concerned = Concerned::new();
    for (at, product) in snapshot.products.iter() {
        let Some(kind) = kind(ground, at) else { continue };
        let found = concerned.entry(kind).or_default();
        if found.len() == snapshot.municipalities.len() {
            continue;
        }
        let takes = |at: &At<Municipality>| {
            let offer = availability::offer(snapshot, product, Some(*at), ground.today);
            matches!(offer, Offer::Open | Offer::Later(_))
        };
        found.extend(snapshot.municipalities.places().filter(takes).map(|at| snapshot.municipalities[at].row.id));
    }
    concerned
}

/// Municipalities that have, or have asked for, a product of a kind.
async fn subscribed(db: &impl ConnectionTrait, ground: &Ground<'_>) -> Result<Concerned> {
    let pairs: Vec<(Uuid, Uuid)> = product_subscription::Entity::find()
        .select_only()
        .columns([Column::MunicipalityId, Column::ProductId])
        .distinct()
        .filter(Column::MunicipalityId.is_not_null())
        .filter(has_begun_or_waits(ground.now))
        .into_tuple()
        .all(db)
        .await?;
    let mut concerned = Concerned::new();
    for (municipality, product) in pairs {
        let at = ground.snapshot.products.find(product);
        if let Some(kind) = at.and_then(|at| kind(ground, at)) {
            concerned.entry(kind).or_default().insert(municipality);
        }
    }
    Ok(concerned)
}

/// What waits for a decision and would be decided by others, or by nobody, once a phase is entered. `scope` is what the caller may
/// read: of what waits nothing else is told.
pub async fn waiting(db: &impl ConnectionTrait, ground: &Ground<'_>, scope: &Scope, to: Phase) -> Result<Vec<Waiting>> {
    let open = Condition::all().add(Column::OpenMatter.is_not_null()).add(Column::ExpiresAt.gt(ground.now));
    let rows = product_subscription::Entity::find().filter(open).filter(scope.predicate()).all(db).await?;
    let then = Ground { assumed_phase: Some(to), ..*ground };
    let mut found = Vec::new();
    for row in rows {
        let at = ground.snapshot.products.find(row.product_id);
        let is_concerned = open_at(&row, ground.now).is_some() && at.is_some_and(|at| kind(ground, at).is_some());
        if !is_concerned || Subscriber::of(&row).is_none() {
            continue;
        }
        let (before, after) = (deciders(ground, &row)?, deciders(&then, &row)?);
        if before != after {
            found.push(Waiting { row, before, after });
        }
    }
    Ok(found)
}

/// The roles in which somebody can approve or confirm what is open.
fn deciders(ground: &Ground<'_>, row: &Row) -> Result<Vec<Role>> {
    let action = match row.awaits {
        Some(Awaits::Confirmation) => Action::ConfirmSubscription,
        _ => Action::ApproveSubscription,
    };
    let situation = ground.existing(&Caller::nobody(), action, row, None)?;
    Ok(ground.engine.deciders(&situation))
}
