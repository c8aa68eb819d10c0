//! One request for several municipalities at once: by an account manager for its groups, or by a Kreis for its
//! municipalities. Each municipality gets a request of its own and confirms it itself; the report tells of each.
//!
//! All in one transaction. What is wrong with one row is told at its place; whether the others are written all the same is
//! the caller's choice.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use ::entity::{
    audit_event::Outcome as Refusal,
    product_subscription::{self, Column, LegalBasis},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    prelude::{Date, Uuid},
};
use serde::Serialize;

use super::{
    Row, Subscriber,
    act::{Act, Beginning, Deed, Start, check_not_past},
    opened::{Opened, open},
    perform::{self, ATTEMPTS, Change, Order, begin, write},
    refusal::{Refused, busy, no_product},
    scope::Scope,
    situation::Ground,
};
use crate::{
    access::{Action, Caller, Decision},
    audit::{Event, Reason},
    batch::Batch,
    clock::day_of,
    desk::Desk,
    error::{Error, Result},
    idempotency::{Key, Written},
    phases, records,
};

/// Most municipalities of one request: all of the Land.
pub const MOST_ROWS: usize = 500;

/// A request for several municipalities.
///
/// Its JSON is digested for idempotency: what is left out must stay left out when parts are added.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Collective {
    /// Which product.
    pub product: Uuid,
    /// From which day on.
    pub from: Date,
    /// On which legal basis.
    pub legal_basis: Option<LegalBasis>,
    /// For whom.
    pub rows: Vec<Wish>,
    /// Write what is right, whatever is wrong with other rows.
    pub accepts_valid: bool,
    /// Only tell what would happen.
    pub is_rehearsal: bool,
    /// Why.
    pub reason: Reason,
}

/// What is wanted for one municipality.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Wish {
    /// Which one; none when the catalogue has no such municipality.
    pub municipality: Option<Uuid>,
    /// How many units.
    pub quantity: i64,
}

/// Who asks for it, and under which key.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who.
    pub caller: Caller,
    /// The caller's own key for this change.
    pub key: String,
    /// The request that it came with.
    pub request_id: String,
    /// What.
    pub collective: Collective,
}

/// What became of a collective request.
#[derive(Debug)]
pub struct Report {
    /// Its id; none when nothing was written.
    pub id: Option<Uuid>,
    /// One for each row, in their order.
    pub rows: Vec<Outcome>,
}

/// What became of one row.
#[derive(Debug)]
pub enum Outcome {
    /// It is written.
    Requested(Box<Row>, Option<Arc<Decision>>),
    /// It is right, but nothing was to be written, or not without the others.
    Valid(Arc<Decision>),
    /// Something is wrong with it.
    Rejected(Box<Refused>),
}

/// Requests for all municipalities of an order, or tells what is wrong.
pub async fn request(desk: Arc<Desk>, asked: Asked) -> Result<Report> {
    for _ in 0..ATTEMPTS {
        if let Some(report) = attempt(&desk, &asked).await? {
            return Ok(report);
        }
    }
    Err(busy())
}

/// None when it has to begin again.
async fn attempt(desk: &Desk, asked: &Asked) -> Result<Option<Report>> {
    let collective = &asked.collective;
    let now = desk.clock.now();
    let Some(Opened { transaction, snapshot }) = open(desk).await? else { return Ok(None) };
    let phase = phases::current(&snapshot)?;
    let ground =
        Ground { snapshot: &snapshot, engine: &desk.engine, now, today: day_of(now), phase, assumed_phase: None };
    let key = Key::new(&asked.caller, Action::RequestForMany.into(), &asked.key, collective)?;
    if let Some(written) = key.find(&*transaction, now).await? {
        return repeat(&*transaction, &ground, asked, written.entity_id).await.map(Some);
    }
    check(collective, ground.today)?;
    let at = ground.snapshot.products.find(collective.product).ok_or_else(no_product)?;
    let id = perform::new_id(&ground);
    let orders: Vec<Option<Order>> = collective.rows.iter().map(|wish| order(asked, *wish, id)).collect();
    let judged = judge(&ground, &orders);
    let wrong = judged.iter().filter(|row| row.is_err()).count();
    let is_written = !collective.is_rehearsal && wrong < judged.len() && (wrong == 0 || collective.accepts_valid);
    let refusals = refusals(&orders, &judged);
    let mut events = Vec::new();
    for (rule, municipalities) in refusals.iter().filter(|_| !collective.is_rehearsal) {
        events.push(refusal(desk, asked, rule, municipalities));
    }
    if is_written {
        let changes = orders.iter().zip(&judged).filter_map(|(order, row)| Some((order.as_ref()?, row.as_ref().ok()?)));
        let changes: Vec<(&Order, &Change)> = changes.collect();
        let rule = changes.first().map(|(_, change)| change.decision().rule.id.clone()).unwrap_or_default();
        let phase = phases::key(ground.ruling(at).phase);
        let mut batch = Batch::new(&*transaction);
        key.claim(&mut batch, Written { entity_id: id, rule, phase }, now).await?;
        let written = write(desk, batch, &changes, events, now).await;
        if !written.map_err(|refused| refused.error)? {
            transaction.roll_back().await?;
            return Ok(None);
        }
        transaction.commit().await?;
    } else {
        transaction.roll_back().await?;
        if !events.is_empty() {
            records::append_refusals(&desk.database, events, now).await?;
        }
    }
    Ok(Some(report(judged, is_written.then_some(id))))
}

/// What is wrong with all of it.
fn check(collective: &Collective, today: Date) -> Result<()> {
    collective.reason.check()?;
    check_not_past("from", collective.from, today)?;
    if (1..=MOST_ROWS).contains(&collective.rows.len()) {
        return Ok(());
    }
    let rows = collective.rows.len();
    Err(Error::bad_input(
        "rows",
        format!("rows hat {rows} Zeilen; möglich ist 1 bis {MOST_ROWS}. Bitte aufteilen oder ergänzen."),
        format!("rows has {rows} rows; possible is 1 to {MOST_ROWS}. Please split or complete them."),
    ))
}

/// The request of one municipality, as if it came alone; none when there is no such municipality.
fn order(asked: &Asked, wish: Wish, id: Uuid) -> Option<Order> {
    let collective = &asked.collective;
    let beginning = Beginning {
        start: Start::Request { interest: None },
        subscriber: Subscriber::Municipality(wish.municipality?),
        product: collective.product,
        quantity: wish.quantity,
        from: Some(collective.from),
        legal_basis: collective.legal_basis,
        collective: Some(id),
    };
    Some(Order {
        caller: asked.caller.clone(),
        key: asked.key.clone(),
        request_id: asked.request_id.clone(),
        act: Act { deed: Deed::Begin(beginning), reason: collective.reason.clone() },
    })
}

/// Asks the rules about every row.
fn judge(ground: &Ground<'_>, orders: &[Option<Order>]) -> Vec<Result<Change, Box<Refused>>> {
    let mut seen = HashSet::new();
    let judge_row = |order: &Option<Order>| {
        let Some(Order { caller, act, .. }) = order else { return Err(rejected(unknown())) };
        let Deed::Begin(beginning) = &act.deed else { return Err(rejected(unknown())) };
        if !seen.insert(beginning.subscriber) {
            return Err(rejected(twice()));
        }
        act.check(ground.today).map_err(rejected)?;
        begin(ground, caller, act.action(), beginning, None)
    };
    orders.iter().map(judge_row).collect()
}

/// The rules that refused rows, each with its municipalities: one event for each rule, however many rows there are.
fn refusals(orders: &[Option<Order>], judged: &[Result<Change, Box<Refused>>]) -> Vec<(String, Vec<Uuid>)> {
    let mut refused: BTreeMap<String, Vec<Uuid>> = BTreeMap::new();
    for (order, row) in orders.iter().zip(judged) {
        let decision = row.as_ref().err().and_then(|refused| refused.decision.as_ref());
        let deed = order.as_ref().map(|order| &order.act.deed);
        if let (Some(decision), Some(Deed::Begin(Beginning { subscriber: Subscriber::Municipality(id), .. }))) =
            (decision, deed)
        {
            refused.entry(decision.rule.id.clone()).or_default().push(*id);
        }
    }
    refused.into_iter().collect()
}

/// The audit event of a refusal, with what was asked for whom.
fn refusal<'a>(desk: &'a Desk, asked: &'a Asked, rule: &'a str, municipalities: &[Uuid]) -> Event<'a> {
    let collective = &asked.collective;
    Event {
        actor: (&asked.caller).into(),
        action: Action::RequestForMany.into(),
        outcome: Refusal::Refused,
        entity: Some(("Product", collective.product)),
        before: None,
        after: Some(serde_json::json!({ "from": collective.from, "municipalities": municipalities }).to_string()),
        reason: Some(&collective.reason),
        rule: Some(rule),
        policies: desk.engine.fingerprint(),
        request_id: Some(&asked.request_id),
    }
}

fn report(judged: Vec<Result<Change, Box<Refused>>>, id: Option<Uuid>) -> Report {
    let rows = judged.into_iter().map(|row| match row {
        Ok(change) if id.is_some() => {
            Outcome::Requested(Box::new(change.after().clone()), Some(change.decision().clone()))
        }
        Ok(change) => Outcome::Valid(change.decision().clone()),
        Err(refused) => Outcome::Rejected(refused),
    });
    Report { id, rows: rows.collect() }
}

/// Answers a request that was carried out before: with the subscriptions as they stand, and what is wrong with the others.
async fn repeat(db: &impl ConnectionTrait, ground: &Ground<'_>, asked: &Asked, id: Uuid) -> Result<Report> {
    let scope = Scope::of(Some(&asked.caller), ground.snapshot);
    let rows = product_subscription::Entity::find().filter(Column::CollectiveId.eq(id));
    let rows = rows.filter(scope.predicate()).all(db).await?;
    let mut known: HashMap<Uuid, Row> = rows.into_iter().filter_map(|row| Some((row.municipality_id?, row))).collect();
    let orders: Vec<Option<Order>> = asked.collective.rows.iter().map(|wish| order(asked, *wish, id)).collect();
    let judged = judge(ground, &orders);
    let rows = asked.collective.rows.iter().zip(judged).map(|(wish, judged)| {
        match (wish.municipality.and_then(|municipality| known.remove(&municipality)), judged) {
            (Some(row), judged) => {
                Outcome::Requested(Box::new(row), judged.ok().map(|change| change.decision().clone()))
            }
            (None, Ok(change)) => Outcome::Valid(change.decision().clone()),
            (None, Err(refused)) => Outcome::Rejected(refused),
        }
    });
    Ok(Report { id: Some(id), rows: rows.collect() })
}

fn rejected(error: Error) -> Box<Refused> {
    Box::new(error.into())
}

fn unknown() -> Error {
    Error::new(
        crate::error::Code::NotFound,
        "Diese Kommune gibt es nicht im Katalog. Bitte AGS, ARS oder Kennung prüfen.",
        "This municipality is not in the catalogue. Please check AGS, ARS or id.",
    )
    .with("field", "municipality")
}

fn twice() -> Error {
    Error::bad_input(
        "municipality",
        "Diese Kommune steht schon in einer früheren Zeile. Bitte jede nur einmal angeben.",
        "This municipality stands in an earlier row already. Please give each only once.",
    )
}
