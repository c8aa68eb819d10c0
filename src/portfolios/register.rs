//! The one door through which portfolios are written: all of a provider's products in one act, or one of them.
//!
//! One transaction: the catalogue is held still, the rows are compared with what is there, and products, versions, audit
//! events and change entries are written, each in as few statements as there are tables. A portfolio that changes nothing
//! writes nothing.

use std::{borrow::Cow, sync::Arc};

use ::entity::{portfolio_registration as registration, product::Lifecycle};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    prelude::{DateTimeUtc, Uuid},
};
use serde::Serialize;

use super::{
    Row, Surroundings, digest,
    plan::{Facts, Outcome, Plan, plan},
    steps::Stepping,
    store::{self, Stored},
    written::Changes,
};
use crate::{
    access::{Duty, DutyPermit},
    catalogue::Snapshot,
    clock::day_of,
    desk::Desk,
    error::{Code, Error, Result},
    feed::Changed,
    orders::{Act, Order, busy, written},
    phases, providers, records, subscriptions,
};

/// Most products of a portfolio.
pub const MOST_ROWS: usize = 10_000;
/// How often it begins again because the catalogue or the caller's key moved meanwhile.
const ATTEMPTS: usize = 5;

/// A portfolio that is to be registered.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Registering {
    /// Whose.
    pub provider: Uuid,
    /// How many rows the sender counted; none for a single product.
    pub count: Option<i64>,
    /// The digest that the sender worked out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The products.
    pub rows: Vec<Row>,
    /// Write what is right, whatever is wrong with other rows.
    pub accepts_valid: bool,
    /// Products that are not among the rows are phased out; these are meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phases_out: Option<Vec<String>>,
    /// A step of one product, in the place of rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Stepping>,
    /// Only tell what would happen.
    pub is_rehearsal: bool,
}

impl Registering {
    fn is_whole(&self) -> bool {
        self.count.is_some()
    }

    /// The rows that it comes to; of what was carried out before, the products as they stand.
    async fn rows(&self, db: &impl ConnectionTrait, facts: &Facts<'_>, is_repeated: bool) -> Result<Cow<'_, [Row]>> {
        Ok(match &self.step {
            // Which rows were right then is not known any more.
            None if is_repeated && !self.accepts_valid => Cow::Owned(self.rows_as_they_stand(facts)),
            None => Cow::Borrowed(&self.rows),
            Some(step) if is_repeated => Cow::Owned(vec![step.as_it_stands(facts)?]),
            Some(step) => Cow::Owned(vec![step.row(db, facts).await?]),
        })
    }

    fn rows_as_they_stand(&self, facts: &Facts<'_>) -> Vec<Row> {
        let stands = |row: &Row| {
            let stored = facts.existing.get(row.external_id.trim())?;
            Some(stored.known(facts.around.snapshot, facts.around.today)?.entry.row())
        };
        self.rows.iter().map(|row| stands(row).unwrap_or_else(|| row.clone())).collect()
    }
}

/// What became of a portfolio.
#[derive(Debug)]
pub struct Report {
    /// One for each row, in their order.
    pub outcomes: Vec<Outcome>,
    /// Products that are there and not among the rows.
    pub missing: Vec<String>,
    /// Whether it was written.
    pub is_written: bool,
}

/// Registers a portfolio, saves a product, or takes a step with one: by its own provider.
pub async fn register(desk: Arc<Desk>, order: Order<Registering>, duty: Duty) -> Result<Report> {
    let is_own = order.caller.provider == Some(order.deed.provider);
    let permit = order.check(&desk, duty, is_own).await?;
    let key = order.key(permit.duty())?;
    for _ in 0..ATTEMPTS {
        let now = desk.clock.now();
        let db = desk.database.begin_write().await?;
        let Some(snapshot) = desk.live.snapshot_to_change(&*db, now).await? else {
            db.roll_back().await?;
            desk.live.refresh().await;
            continue;
        };
        let mut facts = facts(&*db, &snapshot, order.deed.provider, now).await?;
        let is_repeated = key.find(&*db, now).await?.is_some();
        facts.is_submission = order.deed.step.as_ref().is_some_and(|step| !is_repeated && step.is_submission());
        let rows = order.deed.rows(&*db, &facts, is_repeated).await?;
        let plan = plan(&facts, &rows);
        if is_repeated {
            db.roll_back().await?;
            let outcomes = plan.outcomes.into_iter().map(Outcome::unwritten).collect();
            return Ok(Report { outcomes, missing: plan.missing, is_written: true });
        }
        check(&order.deed, rows.len(), &plan)?;
        let is_refused = plan.outcomes.iter().any(|outcome| matches!(outcome, Outcome::Rejected(_)));
        if order.deed.is_rehearsal || (is_refused && !order.deed.accepts_valid) {
            db.roll_back().await?;
            return Ok(Report { outcomes: plan.outcomes, missing: plan.missing, is_written: false });
        }
        let phase = phases::key(phases::current(&snapshot)?);
        if !key.keep(&*db, written(order.deed.provider, &permit, phase), now).await? {
            db.roll_back().await?;
            continue;
        }
        if !write(&desk, &*db, &order, &permit, &facts, &plan, now).await? {
            // Nothing is another than before: nothing to record, and no new version of the catalogue.
            db.roll_back().await?;
            return Ok(Report { outcomes: plan.outcomes, missing: plan.missing, is_written: true });
        }
        db.commit().await?;
        desk.live.refresh().await;
        return Ok(Report { outcomes: plan.outcomes, missing: plan.missing, is_written: true });
    }
    Err(busy())
}

/// What a portfolio is compared with.
pub async fn facts<'s>(
    db: &impl ConnectionTrait,
    snapshot: &'s Snapshot,
    provider: Uuid,
    now: DateTimeUtc,
) -> Result<Facts<'s>> {
    let at = snapshot.providers.find(provider).ok_or_else(|| Error::not_found("provider"))?;
    if providers::has_merged(snapshot, at, day_of(now)) {
        let acting = &snapshot.providers[snapshot.acting_for(at, day_of(now))].row.key;
        return Err(Error::bad_input(
            "provider",
            format!("Dieser IT-Dienstleister ist in einem anderen aufgegangen. Bitte {acting} angeben."),
            format!("This provider has gone into another one. Please give {acting}."),
        ));
    }
    Ok(Facts {
        around: Surroundings { snapshot, provider: at, today: day_of(now) },
        existing: store::load(db, provider).await?,
        in_use: subscriptions::figures::products_in_use(db, provider, now).await?,
        now,
        is_submission: false,
    })
}

/// What is wrong with all of it.
pub fn check(deed: &Registering, rows: usize, plan: &Plan) -> Result<()> {
    if let Some(count) = deed.count.filter(|count| usize::try_from(*count) != Ok(rows)) {
        return Err(Error::bad_input(
            "count",
            format!(
                "count ist {count}, products hat aber {rows} Zeilen: Etwas fehlt oder ist zu viel. Nichts wurde geändert."
            ),
            format!(
                "count is {count}, but products has {rows} rows: something is missing or too much. Nothing was changed."
            ),
        ));
    }
    if !(1..=MOST_ROWS).contains(&rows) {
        return Err(Error::bad_input(
            "products",
            format!("products hat {rows} Zeilen; möglich ist 1 bis {MOST_ROWS}."),
            format!("products has {rows} rows; possible is 1 to {MOST_ROWS}."),
        ));
    }
    if let Some(given) = &deed.digest {
        let found = digest(&deed.rows).map_err(Error::internal)?;
        if !given.trim().eq_ignore_ascii_case(&found) {
            return Err(Error::bad_input(
                "digest",
                format!(
                    "digest passt nicht zu den Zeilen: Sie kommen auf {found}. Unterwegs wurde etwas verändert, oder er wurde anders gerechnet."
                ),
                format!(
                    "digest does not fit the rows: they come to {found}. Something was changed on the way, or it was worked out otherwise."
                ),
            ));
        }
    }
    match &deed.phases_out {
        Some(meant) => check_meant(meant, &plan.missing),
        None => Ok(()),
    }
}

/// Nothing disappears silently: what is to be phased out is named.
fn check_meant(meant: &[String], missing: &[String]) -> Result<()> {
    let mut meant: Vec<&str> = meant.iter().map(|key| key.trim()).collect();
    meant.sort_unstable();
    meant.dedup();
    if meant == missing {
        return Ok(());
    }
    const SHOWN: usize = 20;
    let mut named = missing.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if missing.len() > SHOWN {
        named.push_str(", …");
    }
    let count = missing.len();
    Err(Error::new(
        Code::Conflict,
        format!("Es fehlen {count} Leistungen, confirmMissing nennt andere. Es fehlen: {named}"),
        format!("{count} products are missing, confirmMissing names others. Missing are: {named}"),
    )
    .with("field", "confirmMissing")
    .next(
        "Diese Schlüssel in confirmMissing angeben, wenn sie auslaufen sollen; sonst missing: KEEP.",
        "Give these keys in confirmMissing if they are to be phased out; otherwise missing: KEEP.",
    ))
}

/// Writes what is another than before; false when nothing is.
async fn write(
    desk: &Desk,
    db: &impl ConnectionTrait,
    order: &Order<Registering>,
    permit: &DutyPermit,
    facts: &Facts<'_>,
    plan: &Plan,
    now: DateTimeUtc,
) -> Result<bool> {
    let phased_out = phased_out(facts, &order.deed, plan, now);
    let mut changes: Vec<(Option<&Stored>, &Stored)> = Vec::new();
    for outcome in &plan.outcomes {
        match outcome {
            Outcome::Added(after) => changes.push((None, after)),
            Outcome::Changed { before, after, .. } => changes.push((Some(before), after)),
            Outcome::Unchanged(_) | Outcome::Rejected(_) => {}
        }
    }
    changes.extend(phased_out.iter().map(|(before, after)| (Some(*before), after)));
    let registration = match order.deed.is_whole() {
        true => {
            Some(registration(db, &order.deed, plan, now).await?).filter(|(_, is_new)| *is_new || !changes.is_empty())
        }
        false => None,
    };
    if changes.is_empty() && registration.is_none() {
        return Ok(false);
    }
    let written = Changes { desk, order, permit, facts, products: changes, now };
    written.write(db).await?;
    let of_all = match registration {
        Some((row, _)) => {
            let after = serde_json::to_value(&row).map_err(Error::internal)?;
            registration::Entity::insert(row.into_active_model()).exec_without_returning(db).await?;
            let act = Act { permit, entity: ("Provider", order.deed.provider), before: None, after: Some(after) };
            Some(Ok(order.event(desk, act)))
        }
        None => None,
    };
    let changed: Vec<Changed> = written.changed().collect();
    records::append_each(db, &changed, Box::new(written.events().chain(of_all)), now).await?;
    Ok(true)
}

/// Products that the portfolio does not name any more and that the sender wants to end with that.
fn phased_out<'f>(
    facts: &'f Facts<'_>,
    deed: &Registering,
    plan: &Plan,
    now: DateTimeUtc,
) -> Vec<(&'f Stored, Stored)> {
    if deed.phases_out.is_none() {
        return Vec::new();
    }
    let missing = plan.missing.iter().filter_map(|key| facts.existing.get(key)).map(AsRef::as_ref);
    let running = missing.filter(|stored| matches!(stored.row.lifecycle, Lifecycle::Planned | Lifecycle::Available));
    let ended = running.map(|stored: &Stored| {
        let mut after = stored.clone();
        after.row.lifecycle = Lifecycle::PhaseOut;
        after.row.phase_out_from = Some(facts.around.today);
        after.row.version += 1;
        after.row.updated_at = now;
        (stored, after)
    });
    ended.collect()
}

/// The record of a registration, and whether it is another than the last one.
async fn registration(
    db: &impl ConnectionTrait,
    deed: &Registering,
    plan: &Plan,
    now: DateTimeUtc,
) -> Result<(registration::Model, bool)> {
    let count = |is: fn(&Outcome) -> bool| plan.outcomes.iter().filter(|outcome| is(outcome)).count() as i64;
    let row = registration::Model {
        id: Uuid::new_v4(),
        provider_id: deed.provider,
        at: now,
        total: plan.outcomes.len() as i64,
        digest: digest(&deed.rows).map_err(Error::internal)?,
        added: count(|outcome| matches!(outcome, Outcome::Added(_))),
        changed: count(|outcome| matches!(outcome, Outcome::Changed { .. })),
        unchanged: count(|outcome| matches!(outcome, Outcome::Unchanged(_))),
        missing: plan.missing.len() as i64,
        rejected: count(|outcome| matches!(outcome, Outcome::Rejected(_))),
    };
    let last = last_registration(db, deed.provider).await?;
    let is_same = last.is_some_and(|last| (last.digest, last.missing) == (row.digest.clone(), row.missing));
    Ok((row, !is_same))
}

/// The last registration of a provider's whole portfolio; none when there was none.
pub async fn last_registration(
    db: &impl ConnectionTrait,
    provider: Uuid,
) -> std::result::Result<Option<registration::Model>, DbErr> {
    registration::Entity::find()
        .filter(registration::Column::ProviderId.eq(provider))
        .order_by_desc(registration::Column::At)
        .one(db)
        .await
}
