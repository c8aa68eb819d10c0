//! Versions of products: what each was in its provider's words, kept with every change, whoever makes it.

use ::entity::{
    product::{self, Lifecycle},
    product_version::{self, Column},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    prelude::{Date, DateTimeUtc, Uuid},
    sea_query::{Alias, Expr, ExprTrait, Query},
};
use serde::{Deserialize, Serialize};

use super::{
    Entry,
    lifecycle::is_published,
    store::{self, Stored},
};
use crate::{
    access::{Caller, Role},
    catalogue::Snapshot,
    clock::day_of,
    error::{Code, Error, Result},
};

/// What is told of a version that was there before versions were kept.
const FIRST_RECORD: &str = "FIRST_RECORD";

/// What a product was in one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    /// What it was in its provider's words.
    #[serde(flatten)]
    pub entry: Entry,
    /// Where it stood.
    pub stands: Lifecycle,
    /// Products that it could not be used without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Uuid>,
    /// Products whose place it took.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<Uuid>,
    /// Products that it could not be used together with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excludes: Vec<Uuid>,
}

impl Content {
    /// What a product comes to on a day. None when it refers to what the catalogue does not hold.
    pub fn of(stored: &Stored, snapshot: &Snapshot, day: Date) -> Option<Self> {
        let entry = stored.known(snapshot, day)?.entry;
        let published = snapshot.products.find(stored.row.id).map(|at| &snapshot.products[at]);
        let ids = |list: Option<&Vec<_>>| {
            list.map(|list| list.iter().map(|at| snapshot.products[*at].row.id).collect()).unwrap_or_default()
        };
        Some(Self {
            entry,
            stands: stored.row.lifecycle,
            requires: ids(published.map(|product| &product.requires)),
            replaces: ids(published.map(|product| &product.replaces)),
            excludes: ids(published.map(|product| &product.excludes)),
        })
    }

    /// What a version says.
    pub fn read(row: &product_version::Model) -> Result<Self> {
        serde_json::from_str(&row.content).map_err(Error::internal)
    }
}

/// What made a version.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    /// What was done, as in the audit trail.
    pub action: &'static str,
    /// When.
    pub now: DateTimeUtc,
    /// Whether a steward has to look at it.
    pub waits: bool,
}

impl Done {
    /// The version that a product has since then.
    pub fn version(&self, row: &product::Model, content: String) -> product_version::Model {
        product_version::Model {
            product_id: row.id,
            version: row.version,
            provider_id: Some(row.provider_id),
            at: self.now,
            action: self.action.to_owned(),
            lifecycle: row.lifecycle,
            content,
            seen_at: (!self.waits).then_some(self.now),
        }
    }
}

/// Keeps versions.
pub async fn keep(db: &impl ConnectionTrait, versions: Vec<product_version::Model>) -> Result<(), DbErr> {
    store::insert::<product_version::Entity>(db, versions).await
}

/// Keeps the version of a product that was changed in one part: what it was before, with that change.
pub async fn keep_next(
    db: &impl ConnectionTrait,
    row: &product::Model,
    done: Done,
    change: impl FnOnce(&mut Content),
) -> Result<()> {
    let last = product_version::Entity::find()
        .filter(Column::ProductId.eq(row.id))
        .filter(Column::Version.lt(row.version))
        .order_by_desc(Column::Version)
        .one(db)
        .await?;
    let mut content = Content::read(&last.ok_or_else(|| Error::internal("a product without a version"))?)?;
    change(&mut content);
    let content = serde_json::to_string(&content).map_err(Error::internal)?;
    Ok(keep(db, vec![done.version(row, content)]).await?)
}

/// Since when every version of every product is kept: no version is missing before another any more. None while
/// there is no product.
pub async fn kept_since(db: &impl ConnectionTrait) -> Result<Option<DateTimeUtc>, DbErr> {
    let earlier = Alias::new("earlier");
    let one_before = Query::select()
        .expr(Expr::val(1))
        .from_as(product_version::Entity, earlier.clone())
        .and_where(Expr::col((earlier.clone(), Column::ProductId)).equals((product_version::Entity, Column::ProductId)))
        .and_where(
            Expr::col((earlier, Column::Version)).add(1).eq(Expr::col((product_version::Entity, Column::Version))),
        )
        .take();
    let at = || product_version::Entity::find().select_only().column(Column::At);
    let with_gap = at().filter(Column::Version.gt(1)).filter(Expr::exists(one_before).not());
    let last_gap: Option<DateTimeUtc> = with_gap.order_by_desc(Column::At).into_tuple().one(db).await?;
    let first: Option<DateTimeUtc> = at().order_by_asc(Column::At).into_tuple().one(db).await?;
    Ok(std::cmp::max(last_gap, first))
}

/// Whether there are products that have no version.
pub async fn is_any_missing(db: &impl ConnectionTrait) -> Result<bool> {
    Ok(without_version().one(db).await?.is_some())
}

/// Keeps the version of now of products that have none: those that came by loading data, and those of before versions were
/// kept. Gives how many.
pub async fn keep_missing(db: &impl ConnectionTrait, snapshot: &Snapshot) -> Result<usize> {
    let rows = without_version().all(db).await?;
    let mut versions = Vec::new();
    for stored in store::join(db, rows).await? {
        let row = &stored.row;
        // What refers to nothing that exists is in no catalogue either.
        let Some(content) = Content::of(&stored, snapshot, day_of(row.updated_at)) else { continue };
        let done = Done { action: FIRST_RECORD, now: row.updated_at, waits: false };
        versions.push(done.version(row, serde_json::to_string(&content).map_err(Error::internal)?));
    }
    let count = versions.len();
    keep(db, versions).await?;
    Ok(count)
}

fn without_version() -> Select<product::Entity> {
    let kept = Query::select()
        .expr(Expr::val(1))
        .from(product_version::Entity)
        .and_where(
            Expr::col((product_version::Entity, Column::ProductId)).equals((product::Entity, product::Column::Id)),
        )
        .and_where(
            Expr::col((product_version::Entity, Column::Version)).equals((product::Entity, product::Column::Version)),
        )
        .take();
    product::Entity::find().filter(Expr::exists(kept).not())
}

/// A version with the one before that the caller sees.
#[derive(Clone, Debug)]
pub struct Version {
    /// The version.
    pub row: product_version::Model,
    /// The one before.
    pub before: Option<product_version::Model>,
}

/// The versions of products, of each the oldest first: all of them, or only those that the public saw.
pub async fn of(db: &impl ConnectionTrait, products: &[Uuid], sees_all: bool) -> Result<Vec<Version>> {
    let mut query = product_version::Entity::find().filter(Column::ProductId.is_in(products.iter().copied()));
    if !sees_all {
        query = query.filter(Column::Lifecycle.is_not_in([Lifecycle::Draft, Lifecycle::InReview]));
    }
    let rows = query.order_by_asc(Column::ProductId).order_by_asc(Column::Version).all(db).await?;
    let mut versions: Vec<Version> = Vec::with_capacity(rows.len());
    for row in rows {
        let before = versions.last().map(|last| last.row.clone()).filter(|last| last.product_id == row.product_id);
        versions.push(Version { row, before });
    }
    Ok(versions)
}

/// Whether a caller sees what a provider's products were before the public saw them.
pub fn sees_all(caller: Option<&Caller>, provider: Uuid) -> bool {
    const OVERSEERS: [Role; 4] = [Role::Steward, Role::TransformationOffice, Role::Land, Role::Auditor];
    caller.is_some_and(|caller| {
        let is_own = caller.acts_as(Role::Provider) && caller.provider == Some(provider);
        is_own || OVERSEERS.iter().any(|role| caller.is(*role))
    })
}

/// Whose product it is that a caller names; NOT_FOUND when the caller may not know of it.
pub async fn provider_of(db: &impl ConnectionTrait, caller: &Caller, id: Uuid) -> Result<Uuid> {
    let row = product::Entity::find_by_id(id).one(db).await?;
    let known = row.filter(|row| is_published(row.lifecycle) || sees_all(Some(caller), row.provider_id));
    known.map(|row| row.provider_id).ok_or_else(|| unknown("product"))
}

/// There is no such product, or the caller may not know of it.
pub fn unknown(field: &str) -> Error {
    Error::new(Code::NotFound, "Eine Leistung mit dieser Kennung gibt es nicht.", "There is no product with this id.")
        .with("field", field)
}
