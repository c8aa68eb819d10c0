//! The catalogue of another day: as it was at the end of a day, from the versions that are kept, or as it will be, from the
//! days that products name. Snapshots like that of today, of which a few are kept.
//!
//! What has no history is told as of today: names and facts of providers, municipalities, categories and standard products,
//! members of customer groups, contacts.

use std::{collections::HashMap, sync::Arc};

use ::entity::{
    freeze, phase, phase_exception, product, product_relation,
    product_version::{self, Column},
};
use quick_cache::sync::Cache;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    prelude::{Date, DateTimeUtc, Uuid},
    sea_query::{Alias, Expr, ExprTrait, Query},
};
use tokio::sync::Semaphore;

use crate::{
    catalogue::{self, Rows, Snapshot, stands_on},
    clock::{beginning_of, day_of},
    database::Database,
    error::{Error, Result},
    portfolios::{
        Surroundings, lifecycle,
        store::{Stored, Writing},
        versions::{self, Content},
    },
    text::german_day,
};

/// How many snapshots are kept.
const MOST_KEPT: usize = 4;

/// Which catalogue: its version, and the day that stands for all days on which it is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Wanted {
    version: i64,
    day: Date,
    is_past: bool,
}

/// Catalogues of other days: a few, made one after the other, each once for all who ask at the same time.
#[derive(Debug)]
pub struct Days {
    database: Database,
    kept: Cache<Wanted, Arc<Snapshot>>,
    /// The first day of which everything is known, by version of the catalogue.
    first_days: Cache<i64, Option<Date>>,
    turn: Semaphore,
}

impl Days {
    /// None yet.
    pub fn new(database: Database) -> Self {
        let (kept, first_days) = (Cache::new(MOST_KEPT), Cache::new(MOST_KEPT));
        Self { database, kept, first_days, turn: Semaphore::new(1) }
    }

    /// The catalogue of a day, beside the one of today. BAD_USER_INPUT for a day that nothing is known of.
    pub async fn snapshot(&self, current: Arc<Snapshot>, day: Date, today: Date) -> Result<Arc<Snapshot>> {
        let is_past = day < today;
        if is_past || day > last_day() {
            let first = self.first_day(current.version).await?.map_or(today, |first| std::cmp::min(first, today));
            check(first, day)?;
        }
        let of_day = if is_past { Some(day) } else { last_step(&current, today, day) };
        // Until the next day that a product names, nothing is another than today.
        let Some(of_day) = of_day else { return Ok(current) };
        let wanted = Wanted { version: current.version, day: of_day, is_past };
        self.kept.get_or_insert_async(&wanted, self.load(wanted, current)).await
    }

    async fn first_day(&self, version: i64) -> Result<Option<Date>> {
        let since = async {
            let since = versions::kept_since(self.database.connection()).await?;
            Ok::<_, Error>(since.map(day_of))
        };
        self.first_days.get_or_insert_async(&version, since).await
    }

    async fn load(&self, wanted: Wanted, current: Arc<Snapshot>) -> Result<Arc<Snapshot>> {
        let _turn = self.turn.acquire().await.map_err(Error::internal)?;
        let db = self.database.begin_consistent_read().await?;
        let mut rows = catalogue::rows(&db).await?;
        if wanted.is_past {
            rewind(&db, &mut rows, &current, wanted.day).await?;
        }
        db.rollback().await?;
        for row in &mut rows.products {
            row.lifecycle = stands_on(row, wanted.day);
        }
        let built = tokio::task::spawn_blocking(move || Snapshot::build(rows)).await;
        built.map(Arc::new).map_err(Error::internal)
    }
}

fn last_day() -> Date {
    Date::from_ymd_opt(2100, 12, 31).unwrap_or(Date::MAX)
}

/// Days of which something is known: from the first one of which all versions are kept, to as far as days are written.
fn check(first: Date, day: Date) -> Result<()> {
    let last = last_day();
    if (first..=last).contains(&day) {
        return Ok(());
    }
    let (from, to) = (german_day(first), german_day(last));
    Err(Error::bad_input(
        "asOf",
        format!(
            "asOf liegt außerhalb dessen, was bekannt ist. Möglich ist vom {from} (erster aufgezeichneter Tag) bis zum {to}."
        ),
        format!("asOf lies outside of what is known. Possible is from {first} (the first recorded day) to {last}."),
    ))
}

/// The last day until `day` on which a product moves on by itself.
fn last_step(current: &Snapshot, today: Date, day: Date) -> Option<Date> {
    let rows = current.products.iter().map(|(_, product)| &product.row);
    let days = rows.flat_map(|row| [row.available_from, row.phase_out_from, row.retired_from]).flatten();
    days.filter(|step| today < *step && *step <= day).max()
}

/// Puts what was at the end of a day in the place of what is.
async fn rewind(db: &impl ConnectionTrait, rows: &mut Rows, current: &Snapshot, day: Date) -> Result<()> {
    let end = day.succ_opt().and_then(beginning_of).ok_or_else(|| Error::internal("a day without an end"))?;
    let versions = last_versions(db, end).await?;
    rewind_products(rows, current, &versions)?;
    rows.mergers.retain(|merger| merger.on_date.is_none_or(|on| on <= day));
    for phase in &mut rows.phases {
        rewind_phase(phase, day);
    }
    for criterion in &mut rows.exit_criteria {
        criterion.met &= criterion.met_at.is_none_or(|met| met <= day);
        criterion.met_at = criterion.met_at.filter(|_| criterion.met);
    }
    let still = |column: Expr| Condition::any().add(column.clone().is_null()).add(column.gte(end));
    rows.freezes = freeze::Entity::find()
        .filter(freeze::Column::CreatedAt.lt(end))
        .filter(still(Expr::col(freeze::Column::LiftedAt)))
        .order_by_asc(freeze::Column::CreatedAt)
        .order_by_asc(freeze::Column::Id)
        .all(db)
        .await?;
    rows.phase_exceptions = phase_exception::Entity::find()
        .filter(phase_exception::Column::CreatedAt.lt(end))
        .filter(still(Expr::col(phase_exception::Column::EndedAt)))
        .order_by_asc(phase_exception::Column::CreatedAt)
        .order_by_asc(phase_exception::Column::Id)
        .all(db)
        .await?;
    Ok(())
}

fn rewind_phase(phase: &mut phase::Model, day: Date) {
    phase.started_at = phase.started_at.filter(|started| *started <= day);
    phase.ended_at = phase.ended_at.filter(|ended| *ended < day);
    phase.state = match (phase.started_at, phase.ended_at) {
        (None, _) => phase::State::Upcoming,
        (Some(_), None) => phase::State::Current,
        (Some(_), Some(_)) => phase::State::Done,
    };
}

/// The last version of each product before a moment.
async fn last_versions(db: &impl ConnectionTrait, end: DateTimeUtc) -> Result<Vec<product_version::Model>> {
    let later = Alias::new("later");
    let a_later_one = Query::select()
        .expr(Expr::val(1))
        .from_as(product_version::Entity, later.clone())
        .and_where(Expr::col((later.clone(), Column::ProductId)).equals((product_version::Entity, Column::ProductId)))
        .and_where(
            Expr::col((later.clone(), Column::Version)).gt(Expr::col((product_version::Entity, Column::Version))),
        )
        .and_where(Expr::col((later, Column::At)).lt(end))
        .take();
    let last = product_version::Entity::find().filter(Column::At.lt(end)).filter(Expr::exists(a_later_one).not());
    Ok(last.all(db).await?)
}

/// Products, with everything that belongs to them, as they were in these versions.
fn rewind_products(rows: &mut Rows, current: &Snapshot, versions: &[product_version::Model]) -> Result<()> {
    let mut prices: HashMap<Uuid, Vec<_>> = HashMap::new();
    for price in rows.prices.drain(..) {
        prices.entry(price.product_id).or_default().push(price);
    }
    let now: HashMap<Uuid, product::Model> = rows.products.drain(..).map(|row| (row.id, row)).collect();
    rows.product_keys.clear();
    rows.product_municipalities.clear();
    rows.product_groups.clear();
    rows.product_relations.clear();
    for version in versions.iter().filter(|version| lifecycle::is_published(version.lifecycle)) {
        let Some(row) = now.get(&version.product_id) else { continue };
        let prices = prices.remove(&row.id).unwrap_or_default();
        let content = Content::read(version)?;
        relate(rows, row.id, &content);
        let Some(then) = as_of_version(row, prices, version, content, current) else { continue };
        rows.products.push(then.row);
        rows.product_keys.extend(then.keys);
        rows.product_municipalities.extend(then.municipalities);
        rows.product_groups.extend(then.groups);
        rows.prices.extend(then.prices);
    }
    Ok(())
}

/// A product as a version says it was. None when that refers to what the catalogue does not hold any more.
fn as_of_version(
    now: &product::Model,
    prices: Vec<::entity::price::Model>,
    version: &product_version::Model,
    content: Content,
    current: &Snapshot,
) -> Option<Stored> {
    let today = day_of(version.at);
    let mut entry = content.entry;
    // What a version that was made by a change of one part still names, though it was over.
    entry.prices.retain(|price| price.valid_to.is_none_or(|to| to >= today));
    let provider = current.providers.find(version.provider_id.unwrap_or(now.provider_id))?;
    let (keys, municipalities, groups) = (Vec::new(), Vec::new(), Vec::new());
    let before = Stored { row: now.clone(), keys, municipalities, groups, prices };
    let around = Surroundings { snapshot: current, provider, today };
    let writing = Writing { entry: &entry, lifecycle: version.lifecycle, before: Some(&before), id: now.id };
    let mut then = writing.rows(around, version.at)?;
    then.row.version = version.version;
    Some(then)
}

fn relate(rows: &mut Rows, product_id: Uuid, content: &Content) {
    use product_relation::Kind;
    let kinds =
        [(Kind::Requires, &content.requires), (Kind::Replaces, &content.replaces), (Kind::Excludes, &content.excludes)];
    for (kind, others) in kinds {
        let relation = |other_id: &Uuid| product_relation::Model { product_id, kind, other_id: *other_id };
        rows.product_relations.extend(others.iter().map(relation));
    }
}
