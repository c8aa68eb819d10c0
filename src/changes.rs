//! Reading the change feed: what a caller may see of it, page by page, each entry linked to the one before in the same view.

use ::entity::{
    change::{self, Column, Type},
    product, product_subscription,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, Iterable, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait,
    prelude::{DateTimeUtc, Uuid},
};

use crate::{
    access::{Caller, Role},
    catalogue::Snapshot,
    database::Database,
    error::{Code, Error, Result},
    ids, states,
    subscriptions::scope::Scope,
};

/// Longest cursor that is looked at, in bytes.
const LONGEST_CURSOR: usize = 200;
/// Entries that are removed at once: others can write in between.
const REMOVED_AT_ONCE: i64 = 10_000;

/// What a caller sees of the feed.
#[derive(Clone, Debug)]
pub struct View {
    types: Vec<Type>,
    subscriptions: Scope,
    unpublished: Unpublished,
}

/// Which products that are not published a caller sees.
#[derive(Clone, Copy, Debug)]
enum Unpublished {
    All,
    OfProvider(Uuid),
    None,
}

impl View {
    /// What a caller sees, of the types it asks for; none asks for all.
    pub fn of(caller: Option<&Caller>, snapshot: &Snapshot, types: Option<&[Type]>) -> Self {
        let acts_as = |role| caller.is_some_and(|caller| caller.acts_as(role));
        let unpublished = match caller.and_then(|caller| caller.provider) {
            _ if acts_as(Role::Steward) || reads_whole_feed(caller) => Unpublished::All,
            Some(provider) if acts_as(Role::Provider) => Unpublished::OfProvider(provider),
            _ => Unpublished::None,
        };
        let types = Type::iter().filter(|kind| types.is_none_or(|types| types.contains(kind)));
        Self { types: types.collect(), subscriptions: Scope::of(caller, snapshot), unpublished }
    }

    /// Everything, for operators.
    pub fn everything() -> Self {
        Self { types: Type::iter().collect(), subscriptions: Scope::Everything, unpublished: Unpublished::All }
    }

    /// The view as a predicate.
    fn predicate(&self) -> Condition {
        let sees_all_subscriptions = self.subscriptions == Scope::Everything;
        let sees_all_products = matches!(self.unpublished, Unpublished::All);
        let (mut whole, mut any) = (Vec::new(), Condition::any());
        for kind in &self.types {
            match kind {
                Type::ProductSubscription if !sees_all_subscriptions => any = any.add(self.own_subscriptions()),
                Type::Product if !sees_all_products => any = any.add(self.visible_products()),
                kind => whole.push(*kind),
            }
        }
        if whole.len() == Type::iter().len() {
            return Condition::all();
        }
        any.add(Column::Kind.is_in(whole))
    }

    fn own_subscriptions(&self) -> Condition {
        use product_subscription::Column as Subscription;
        let own = product_subscription::Entity::find().select_only().column(Subscription::Id);
        let own = own.filter(self.subscriptions.predicate()).into_query();
        Condition::all().add(Column::Kind.eq(Type::ProductSubscription)).add(Column::EntityId.in_subquery(own))
    }

    fn visible_products(&self) -> Condition {
        let mut visible = Condition::any().add(Column::Published.eq(true));
        if let Unpublished::OfProvider(provider) = self.unpublished {
            let own = product::Entity::find().select_only().column(product::Column::Id);
            let own = own.filter(product::Column::ProviderId.eq(provider)).into_query();
            visible = visible.add(Column::EntityId.in_subquery(own));
        }
        Condition::all().add(Column::Kind.eq(Type::Product)).add(visible)
    }
}

/// Who watches over the whole: the Land, and auditors who are not of one municipality. Of products that are not published they
/// learn that something was changed, not what.
fn reads_whole_feed(caller: Option<&Caller>) -> bool {
    caller.is_some_and(|caller| caller.is(Role::Land) || (caller.is(Role::Auditor) && caller.municipality.is_none()))
}

/// An entry as a view shows it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What was changed.
    pub row: change::Model,
    /// Sequence of the entry before in the view; none for the first that is kept.
    pub previous: Option<i64>,
}

/// The schema's name for a kind of thing.
pub fn type_name(kind: Type) -> &'static str {
    match kind {
        Type::Municipality => "Municipality",
        Type::Provider => "Provider",
        Type::ProviderMerger => "ProviderMerger",
        Type::Joining => "Joining",
        Type::CustomerGroup => "CustomerGroup",
        Type::Category => "Category",
        Type::StandardProduct => "StandardProduct",
        Type::Product => "Product",
        Type::Phase => "TransformationPhase",
        Type::PhaseException => "PhaseException",
        Type::Freeze => "Freeze",
        Type::Contact => "Contact",
        Type::ProductSubscription => "ProductSubscription",
    }
}

/// Some entries one after the other.
#[derive(Debug)]
pub struct Page {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Up to here the view was read, entries or not: go on after it.
    pub end: i64,
    /// Whether there are more.
    pub has_next: bool,
}

/// Reads entries after a sequence, none for the beginning, up to another. CURSOR_EXPIRED when entries after it were removed.
pub async fn read(db: &impl ConnectionTrait, view: &View, after: Option<i64>, up_to: i64, most: usize) -> Result<Page> {
    let start = after.unwrap_or(0);
    let mut found: Vec<change::Model> = change::Entity::find()
        .filter(Column::Sequence.gt(start))
        .filter(Column::Sequence.lte(up_to))
        .filter(view.predicate())
        .order_by_asc(Column::Sequence)
        .limit(most as u64 + 1)
        .all(db)
        .await?;
    let has_next = found.len() > most;
    found.truncate(most);
    let mut previous = match found.is_empty() {
        true => None,
        false => last_up_to(db, view, start).await?,
    };
    // Afterwards: what was removed while this was reading counts too.
    if after.is_some() {
        check_kept(db, start).await?;
    }
    let end = found.last().filter(|_| has_next).map_or(up_to.max(start), |last| last.sequence);
    let entries = found.into_iter().map(|row| {
        let sequence = row.sequence;
        Entry { row, previous: previous.replace(sequence) }
    });
    Ok(Page { entries: entries.collect(), end, has_next })
}

/// Counts the entries of a view after a sequence, up to another. CURSOR_EXPIRED when entries after it were removed.
pub async fn count(db: &impl ConnectionTrait, view: &View, after: i64, up_to: i64) -> Result<u64> {
    let entries = change::Entity::find().filter(Column::Sequence.gt(after)).filter(Column::Sequence.lte(up_to));
    let count = entries.filter(view.predicate()).count(db).await?;
    match first_kept(db).await?.is_some_and(|first| after + 1 < first) {
        true => Err(expired()),
        false => Ok(count),
    }
}

/// The opaque global id of what an entry is about.
pub fn entity_id(row: &change::Model) -> String {
    ids::global_id(type_name(row.kind), row.entity_id)
}

/// The last entry of a view up to a sequence.
async fn last_up_to(db: &impl ConnectionTrait, view: &View, up_to: i64) -> Result<Option<i64>, DbErr> {
    let before = change::Entity::find().select_only().column(Column::Sequence).filter(Column::Sequence.lte(up_to));
    before.filter(view.predicate()).order_by_desc(Column::Sequence).into_tuple().one(db).await
}

/// The first entry that is kept; none when all were removed.
async fn first_kept(db: &impl ConnectionTrait) -> Result<Option<i64>, DbErr> {
    let first = change::Entity::find().select_only().column(Column::Sequence);
    first.order_by_asc(Column::Sequence).into_tuple().one(db).await
}

/// Refuses a place in the feed after which entries were removed: CURSOR_EXPIRED.
pub async fn check_kept(db: &impl ConnectionTrait, after: i64) -> Result<()> {
    if first_kept(db).await?.is_some_and(|first| after + 1 < first) { Err(expired()) } else { Ok(()) }
}

/// Removes entries from before a moment, but none after one that stays, and never the last. How many.
pub async fn remove_before(database: &Database, moment: DateTimeUtc) -> Result<u64, DbErr> {
    let db = database.connection();
    let sequences = || change::Entity::find().select_only().column(Column::Sequence);
    let stays = sequences().filter(Column::At.gte(moment)).order_by_asc(Column::Sequence);
    // The last one stays in any case: so the table itself tells how far it was removed.
    let last = sequences().order_by_desc(Column::Sequence);
    let (first, stays, last) =
        (first_kept(db).await?, stays.into_tuple::<i64>().one(db).await?, last.into_tuple::<i64>().one(db).await?);
    let (Some(mut start), Some(end)) = (first, stays.or(last)) else { return Ok(0) };
    let mut removed = 0;
    while start < end {
        start = (start + REMOVED_AT_ONCE).min(end);
        let transaction = database.begin_write().await?;
        let old = change::Entity::delete_many().filter(Column::Sequence.lt(start));
        removed += old.exec(&*transaction).await?.rows_affected;
        states::remove_before(&*transaction, start).await?;
        transaction.commit().await?;
    }
    Ok(removed)
}

/// A place in the feed of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    installation: String,
    sequence: i64,
}

impl Cursor {
    /// The place after an entry.
    pub fn after(installation: &str, sequence: i64) -> Self {
        Self { installation: installation.to_owned(), sequence }
    }

    /// As it is sent.
    pub fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(format!("changes:{}:{}", self.installation, self.sequence))
    }

    /// The sequence in a cursor of this installation, whose feed has gone up to `head`; `field` is where it was given.
    pub fn decode(field: &str, text: &str, installation: &str, head: i64) -> Result<i64> {
        let cursor = Self::parse(text).ok_or_else(|| {
            Error::bad_input(
                field,
                format!("{field} ist kein Cursor dieses Feeds. Bitte cursor eines Eintrags, endCursor oder latestCursor verwenden."),
                format!("{field} is no cursor of this feed. Please use cursor of an entry, endCursor or latestCursor."),
            )
        })?;
        if cursor.installation != installation {
            return Err(Error::bad_input(
                field,
                format!(
                    "{field} ist der Cursor einer anderen Installation. Bitte hier mit einem eigenen Cursor von vorn beginnen (latestCursor)."
                ),
                format!(
                    "{field} is a cursor of another installation. Please start again here with a cursor of its own (latestCursor)."
                ),
            ));
        }
        if cursor.sequence > head { Err(ahead().with("field", field)) } else { Ok(cursor.sequence) }
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = (text.len() <= LONGEST_CURSOR).then(|| BASE64_URL_SAFE_NO_PAD.decode(text).ok()).flatten()?;
        let text = String::from_utf8(bytes).ok()?;
        let (installation, sequence) = text.strip_prefix("changes:")?.split_once(':')?;
        let sequence = sequence.parse().ok().filter(|sequence| *sequence >= 0)?;
        Some(Self { installation: installation.to_owned(), sequence })
    }
}

/// Not everything after a place in the feed is kept.
pub fn expired() -> Error {
    Error::new(
        Code::CursorExpired,
        "Einträge nach diesem Cursor sind nicht mehr aufbewahrt. Bitte neu beginnen: latestCursor merken, den Bestand lesen, dann ab latestCursor weiterlesen.",
        "Entries after this cursor are not kept any more. Please start again: keep latestCursor, read everything, then go on from latestCursor.",
    )
    .with("field", "after")
}

/// The database was put back to a backup from before the cursor.
fn ahead() -> Error {
    Error::new(
        Code::CursorExpired,
        "Der Cursor liegt hinter dem Ende des Feeds: der Bestand wurde auf einen früheren Stand zurückgesetzt. Bitte neu beginnen: latestCursor merken, den Bestand lesen, dann ab latestCursor weiterlesen.",
        "The cursor lies beyond the end of the feed: the data was put back to an earlier state. Please start again: keep latestCursor, read everything, then go on from latestCursor.",
    )
}
