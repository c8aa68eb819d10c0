//! What things were after each change. Every entry of the change feed has the canonical row of its thing beside it, so the state
//! of any later moment is known: for readers that prove that their copy is whole.
//!
//! INVARIANT: rows up to the end of the feed never change any more; only those that later ones have taken the place of are
//! removed, together with their entries.

mod rows;

use std::collections::{HashMap, HashSet};

use ::entity::{
    change::{self, Type},
    entity_state::{self, Column},
    product_subscription, record_head,
};
use futures_util::TryStreamExt;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, IntoActiveModel, Iterable, Order,
    QueryFilter, QuerySelect, QueryTrait, StreamTrait,
    prelude::Uuid,
    sea_query::{Alias, Expr, ExprTrait, Func, Query, SelectStatement, WindowStatement},
};
use sha2::{Digest, Sha256};

use crate::{
    batch::Batch,
    changes,
    database::Database,
    error::{Error, Result},
    feed::Changed,
    subscriptions::scope::Scope,
};

/// Things that are written down at once where nothing is known of them.
const ROWS_AT_ONCE: usize = 1_000;

/// What the digest of a state says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateDigest {
    /// How many rows.
    pub count: u64,
    /// SHA-256 over the SHA-256 of all rows, in hexadecimal and ascending, each with a line feed.
    pub sha256: String,
}

/// Which rows of which moment.
#[derive(Clone, Debug)]
pub struct View {
    /// What kind of thing.
    pub kind: Type,
    /// Which subscriptions.
    pub scope: Scope,
    /// As of this entry of the feed.
    pub at: i64,
}

impl View {
    /// Whether it has some things of its kind only.
    fn is_part(&self) -> bool {
        self.kind == Type::ProductSubscription && self.scope != Scope::Everything
    }
}

/// What is read of the last states.
#[derive(FromQueryResult)]
struct Digested {
    sha256: String,
}

#[derive(FromQueryResult)]
struct Counted {
    count: i64,
}

#[derive(FromQueryResult)]
struct Identified {
    entity_id: Uuid,
}

/// Canonical rows by thing; of products, those that are published.
pub type States = HashMap<Uuid, String>;

/// What changed things are, as the transaction leaves them; those that are known already are not read again.
pub async fn as_they_are(db: &impl ConnectionTrait, changed: &[Changed], known: &States) -> Result<States, DbErr> {
    let mut states = States::new();
    for changed in changed {
        states.extend(known.get(&changed.id).map(|state| (changed.id, state.clone())));
    }
    for kind in Type::iter() {
        let unknown = changed.iter().filter(|changed| changed.kind == kind && !known.contains_key(&changed.id));
        let ids: HashSet<Uuid> = unknown.map(|changed| changed.id).collect();
        if !ids.is_empty() {
            states.extend(rows::load(db, kind, &ids.into_iter().collect::<Vec<_>>()).await?);
        }
    }
    Ok(states)
}

/// What subscriptions are, as they are about to be written.
pub fn of_subscriptions<'r>(rows: impl IntoIterator<Item = &'r product_subscription::Model>) -> Result<States, DbErr> {
    rows.into_iter().map(|row| Ok((row.id, rows::of_subscription(row)?))).collect()
}

/// Keeps what the things are that entries are about.
pub async fn keep(
    batch: &mut Batch<'_, impl ConnectionTrait>,
    entries: &[change::Model],
    states: &States,
) -> Result<(), DbErr> {
    let row = |entry: &change::Model| state(entry.kind, entry.entity_id, entry.sequence, states.get(&entry.entity_id));
    batch.insert::<entity_state::Entity>(entries.iter().map(row).collect()).await
}

fn state(kind: Type, entity_id: Uuid, sequence: i64, state: Option<&String>) -> entity_state::Model {
    let sha256 = state.map(|state| base16ct::lower::encode_string(&Sha256::digest(state)));
    entity_state::Model { kind, entity_id, sequence, sha256, state: state.cloned() }
}

/// Keeps how everything stands where that is not known yet: once, for what was written before states were kept. How many.
pub async fn keep_missing(database: &Database) -> Result<usize, DbErr> {
    let is_missing = |head: &record_head::Model| head.states_from < 0;
    let seen = record_head::Entity::find().one(database.connection()).await?;
    if !seen.as_ref().is_some_and(is_missing) {
        return Ok(0);
    }
    let db = database.begin_exclusive().await?;
    let head = record_head::Entity::find().lock_exclusive().one(&*db).await?;
    let Some(head) = head.filter(is_missing) else {
        db.roll_back().await?;
        return Ok(0);
    };
    let (mut count, mut batch) = (0, Batch::new(&*db));
    for kind in Type::iter() {
        let ids = rows::ids(&*db, kind).await?;
        for chunk in ids.chunks(ROWS_AT_ONCE) {
            let states = rows::load(&*db, kind, chunk).await?;
            count += states.len();
            let row = |(id, text): (&Uuid, &String)| state(kind, *id, head.change_sequence, Some(text));
            batch.insert::<entity_state::Entity>(states.iter().map(row).collect()).await?;
        }
    }
    batch.finish().await?;
    let from = head.change_sequence;
    record_head::ActiveModel { states_from: Set(from), ..head.into_active_model() }.update(&*db).await?;
    db.commit().await?;
    Ok(count)
}

/// What the things of some entries were, by thing and entry; nothing for those that are not there, not published, or not kept.
pub async fn of_entries(
    db: &impl ConnectionTrait,
    entries: impl Iterator<Item = (Uuid, i64)>,
) -> Result<HashMap<(Uuid, i64), String>, DbErr> {
    let (ids, sequences): (Vec<Uuid>, Vec<i64>) = entries.unzip();
    let found = entity_state::Entity::find()
        .filter(Column::Kind.is_in(Type::iter()))
        .filter(Column::EntityId.is_in(ids))
        .filter(Column::Sequence.is_in(sequences))
        .all(db)
        .await?;
    let states = found.into_iter().filter_map(|row| Some(((row.entity_id, row.sequence), row.state?)));
    Ok(states.collect())
}

/// The digest of everything in a view. CURSOR_EXPIRED when the state of then is not known any more.
pub async fn digest(db: &(impl ConnectionTrait + StreamTrait), view: &View) -> Result<StateDigest> {
    let mut digests: Vec<[u8; 32]> = Vec::new();
    let statement = ConnectionTrait::get_database_backend(db).build(latest(view).column(Column::Sha256));
    let mut found = Digested::find_by_statement(statement).stream(db).await?;
    while let Some(Digested { sha256 }) = found.try_next().await? {
        digests.push(digest_of(&sha256)?);
    }
    drop(found);
    // Afterwards: what was removed while this was reading counts too.
    check_known(db, view.at).await?;
    Ok(sum(digests))
}

/// How many things are in a view.
pub async fn count(db: &impl ConnectionTrait, view: &View) -> Result<u64, DbErr> {
    let statement = db.get_database_backend().build(latest(view).expr_as(Expr::col(Column::EntityId).count(), "count"));
    let found = Counted::find_by_statement(statement).one(db).await?;
    Ok(found.map_or(0, |counted| counted.count.unsigned_abs()))
}

/// Ids of everything in a view, ascending: in one statement, so that all of it is of one moment, whatever the caller may read
/// by then.
pub async fn ids(db: &impl ConnectionTrait, view: &View) -> Result<Vec<Uuid>> {
    let mut select = latest(view);
    let statement =
        db.get_database_backend().build(select.column(Column::EntityId).order_by(Column::EntityId, Order::Asc));
    let ids = Identified::find_by_statement(statement).all(db).await?;
    check_known(db, view.at).await?;
    Ok(ids.into_iter().map(|identified| identified.entity_id).collect())
}

/// The states of some things of a view, which follow each other in it, in the order of their ids.
pub async fn rows(db: &impl ConnectionTrait, view: &View, ids: &[Uuid]) -> Result<Vec<entity_state::Model>, DbErr> {
    let (Some(first), Some(last_id)) = (ids.first(), ids.last()) else { return Ok(Vec::new()) };
    // With bounds a database that believes the table to be empty reads no more than these things either.
    let mut among = Condition::all().add(Column::EntityId.between(*first, *last_id));
    if view.is_part() {
        among = among.add(Column::EntityId.is_in(ids.iter().copied()));
    }
    let mut select = last(view.kind, view.at, among, Column::iter());
    let statement =
        db.get_database_backend().build(select.columns(Column::iter()).order_by(Column::EntityId, Order::Asc));
    entity_state::Model::find_by_statement(statement).all(db).await
}

/// Refuses a moment of which not everything is known: CURSOR_EXPIRED.
pub async fn check_known(db: &impl ConnectionTrait, at: i64) -> Result<()> {
    changes::check_kept(db, at).await?;
    let head = record_head::Entity::find().one(db).await?;
    let is_known = head.is_some_and(|head| (0..=at).contains(&head.states_from));
    if is_known { Ok(()) } else { Err(changes::expired()) }
}

/// A digest that is kept in hexadecimal.
pub fn digest_of(hex: &str) -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    base16ct::lower::decode(hex, &mut bytes).map_err(Error::internal)?;
    Ok(bytes)
}

/// The digest of all rows, by theirs.
pub fn sum(mut digests: Vec<[u8; 32]>) -> StateDigest {
    digests.sort_unstable();
    let mut hash = Sha256::new();
    for digest in &digests {
        hash.update(base16ct::lower::encode_string(digest));
        hash.update("\n");
    }
    StateDigest { count: digests.len() as u64, sha256: base16ct::lower::encode_string(&hash.finalize()) }
}

/// Removes states from before an entry that others up to it have taken the place of.
pub async fn remove_before(db: &impl ConnectionTrait, sequence: i64) -> Result<(), DbErr> {
    let old = entity_state::Entity::delete_many().filter(Column::Sequence.lt(sequence));
    old.filter(Expr::exists(later(sequence - 1))).exec(db).await.map(drop)
}

/// The last states of a view, without what is not there; nothing is selected of them yet.
fn latest(view: &View) -> SelectStatement {
    let among = if view.is_part() { own(&view.scope) } else { Condition::all() };
    last(view.kind, view.at, among, [Column::EntityId, Column::Sha256])
}

/// The last states up to a moment of the things of a kind among some, without what is not there, with some of their columns. Read
/// once along the key, without a join: so it takes as long as there are states, whatever the database believes of how many there
/// are.
fn last(kind: Type, up_to: i64, among: Condition, columns: impl IntoIterator<Item = Column>) -> SelectStatement {
    let (next, is_there) = (Alias::new("next"), Alias::new("is_there"));
    let of_thing = WindowStatement::partition_by(Column::EntityId).order_by(Column::Sequence, Order::Asc).take();
    let lead = Func::cust(Alias::new("LEAD")).arg(Expr::col(Column::Sequence));
    let states = Query::select()
        .columns(columns)
        .expr_as(Column::State.is_not_null(), is_there.clone())
        .expr_window_as(lead, of_thing, next.clone())
        .from(entity_state::Entity)
        .and_where(Column::Kind.eq(kind))
        .and_where(by_thing(Expr::col(Column::Sequence)).lte(up_to))
        .cond_where(among)
        .take();
    let is_last = Expr::col(next).is_null();
    Query::select().from_subquery(states, entity_state::Entity).and_where(is_last).and_where(Expr::col(is_there)).take()
}

/// Later states of the same thing, up to a moment.
fn later(up_to: i64) -> SelectStatement {
    let later = Alias::new("later");
    let of = |column: Column| Expr::col((later.clone(), column));
    Query::select()
        .expr(Expr::val(1))
        .from_as(entity_state::Entity, later.clone())
        .and_where(of(Column::Kind).equals((entity_state::Entity, Column::Kind)))
        .and_where(of(Column::EntityId).equals((entity_state::Entity, Column::EntityId)))
        .and_where(by_thing(of(Column::Sequence)).gt(Expr::col((entity_state::Entity, Column::Sequence))))
        .and_where(by_thing(of(Column::Sequence)).lte(up_to))
        .take()
}

/// A sequence by which no state is looked for: one index has the sequence alone, and nearly all states are from before most
/// moments. A database that believes the table to be empty would go along it for each of them.
fn by_thing(sequence: Expr) -> Expr {
    sequence.add(0)
}

/// Subscriptions that a caller may read now: as in the feed.
fn own(scope: &Scope) -> Condition {
    use product_subscription::Column as Subscription;
    let own = product_subscription::Entity::find().select_only().column(Subscription::Id);
    Condition::all().add(Column::EntityId.in_subquery(own.filter(scope.predicate()).into_query()))
}
