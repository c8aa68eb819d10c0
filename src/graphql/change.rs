//! The change feed: to be read page by page, and to be followed.

use std::{collections::HashMap, sync::Arc};

use ::entity::change::{self, Type};
use async_graphql::{Context, Description, Enum, ID, Object, SimpleObject, Subscription, connection::PageInfo};
use futures_util::{Stream, stream};
use parking_lot::Mutex;
use sea_orm::prelude::Uuid;
use tokio::sync::OnceCell;

use super::{
    connection::{Edge, edges},
    context::{Reading, reading},
    in_turn::InTurn,
    node::{Node, Together},
    scalars::{DateTime, Json},
};
use crate::{
    changes::{self, Cursor, Entry, View},
    error::{Error, Result},
    listing::{self, Cut, Place},
    states,
};

/// Kind of thing that was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Type")]
pub enum ChangeType {
    /// A municipality or Kreis.
    Municipality,
    /// A provider.
    Provider,
    /// A merger of providers.
    ProviderMerger,
    /// How far an organisation has joined.
    Joining,
    /// A customer group.
    CustomerGroup,
    /// A category.
    Category,
    /// A standard product.
    StandardProduct,
    /// A product with its prices. Before it is published its changes are seen by its provider and by stewards only.
    Product,
    /// A phase.
    Phase,
    /// An exception to the current phase.
    PhaseException,
    /// A freeze.
    Freeze,
    /// A contact, or for whom it is responsible.
    Contact,
    /// A subscription: seen by those who may read it.
    ProductSubscription,
}

/// Something that was changed (Änderung): an entry of the change feed, which holds what was committed, in the order of commits.
#[derive(Description)]
pub struct Change {
    entry: Entry,
    together: Together,
    states: States,
}

#[Object(use_type_description)]
impl Change {
    /// Place in the feed, from 1; the same for all readers. A reader who does not see everything sees gaps.
    async fn sequence(&self) -> i64 {
        self.entry.row.sequence
    }

    /// Sequence of the entry before in this caller's view: what it may see, of the types it asked for. Null for the first that
    /// is kept. Nothing was missed when it is not larger than the last sequence that was read; see `docs/changes.md`. It is
    /// worked out from what the caller may see now: who may see more than before can find a larger one, and has to read the rest.
    async fn previous(&self) -> Option<i64> {
        self.entry.previous
    }

    /// What kind of thing.
    #[graphql(name = "type")]
    async fn kind(&self) -> ChangeType {
        self.entry.row.kind.into()
    }

    /// When.
    async fn at(&self) -> DateTime {
        DateTime(self.entry.row.at)
    }

    /// The thing as it stands now, which may be later than this entry. Null when it is gone or not visible any more, and for
    /// what has no `Node` (mergers, joinings, exceptions, freezes, contacts, products that are not published).
    async fn entity(&self, context: &Context<'_>) -> Result<Option<Node>> {
        self.together.find(reading(context), &entity_id(&self.entry.row)).await
    }

    /// Opaque global id of the thing, also when `entity` is null.
    async fn entity_id(&self) -> ID {
        entity_id(&self.entry.row)
    }

    /// What the thing was after this change, as its canonical row. Null for products that were not published, and for what was
    /// written before such rows were kept. Several changes at once leave the same row. Names of its parts are those of the schema,
    /// ids are global ids; nothing in it is personal: of contacts it has what they are responsible for, not their texts.
    async fn state(&self, context: &Context<'_>) -> Result<Option<Json>> {
        self.states.find(reading(context), &self.entry.row).await
    }

    /// The version that the thing has since this change; null for things without versions.
    async fn entity_version(&self) -> Option<i64> {
        self.entry.row.entity_version
    }
}

/// A page of the change feed, after Relay's connection specification.
#[derive(SimpleObject)]
pub struct ChangeConnection {
    /// The entries of this page, each with its cursor.
    edges: Vec<InTurn<Edge<Change>>>,
    /// Whether there is more, and the cursor to go on with. An empty page has an `endCursor` too: up to there nothing is to be seen.
    page_info: PageInfo,
    /// The end of the feed. Who starts keeps it, reads everything else, and goes on from it.
    latest_cursor: String,
}

/// Something that was changed, for those who follow the feed.
#[derive(SimpleObject)]
pub struct ChangeEvent {
    /// Give it as `after` to go on from here, also over another connection or as a query.
    cursor: String,
    /// What was changed.
    change: Change,
}

/// Root fields for the change feed.
#[derive(Default)]
pub struct ChangeQuery;

#[Object]
impl ChangeQuery {
    /// The change feed in the order of commits, as far as the caller may see it: the published catalogue for everybody, products
    /// that are not published for their provider and stewards, subscriptions for those who may read them. Entries are kept for
    /// a time that operators set, at least two years; a reader that comes later gets CURSOR_EXPIRED.
    async fn changes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Go on after this cursor; from the first entry that is kept when left out.")] after: Option<
            String,
        >,
        #[graphql(desc = "Entries of the page, 1 to 100.")] first: i32,
        #[graphql(desc = "Only these types; all when left out.")] types: Option<Vec<ChangeType>>,
    ) -> Result<ChangeConnection> {
        let reading = reading(context);
        let first = listing::count("first", first)?;
        let types = checked(types)?;
        let (installation, head) = (reading.desk.feed.installation(), reading.feed_head);
        let after = after.map(|text| Cursor::decode("after", &text, installation, head)).transpose()?;
        let view = View::of(reading.caller.as_ref(), &reading.snapshot, types.as_deref());
        let page = changes::read(reading.db(), &view, after, head, first).await?;
        let together = Together::new(page.entries.iter().map(|entry| entity_id(&entry.row)).collect());
        let states = States::of(page.entries.iter());
        let cursor = |sequence| Cursor::after(installation, sequence).encode();
        let place = |entry: &Entry| Place::At(cursor(entry.row.sequence));
        let rows = page.entries.into_iter().map(|entry| (place(&entry), entry)).collect();
        let cut = Cut { rows, has_previous: after.is_some(), has_next: page.has_next };
        let (edges, mut page_info) =
            edges(cut, |entry| Change { entry, together: together.clone(), states: states.clone() });
        page_info.end_cursor.get_or_insert_with(|| cursor(page.end));
        Ok(ChangeConnection { edges, page_info, latest_cursor: cursor(head) })
    }
}

/// What one run of a subscription's document is for: it runs once to be opened, and once for each entry, like a query of its own
/// that reads the catalogue as it is then.
pub enum Run {
    /// Tells here from where on what is wanted.
    Open(Mutex<Option<Wanted>>),
    /// Answers with this entry.
    Tell(Entry),
}

/// What a subscription follows.
#[derive(Debug)]
pub struct Wanted {
    /// Entries after this sequence.
    pub after: i64,
    /// Only these types; none for all.
    pub types: Option<Vec<Type>>,
}

/// What can be followed.
pub struct SubscriptionRoot;

/// What can be followed, over `graphql-transport-ws` or as server-sent events.
#[Subscription(name = "Subscription")]
impl SubscriptionRoot {
    /// Every change after a cursor, or from now on, in the order of commits: what `changes` of `Query` gives, as it happens.
    /// None is lost or doubled when a reader comes back with the last cursor. Ends when the token expires.
    async fn changes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Go on after this cursor; from now on when left out.")] after: Option<String>,
        #[graphql(desc = "Only these types; all when left out.")] types: Option<Vec<ChangeType>>,
    ) -> Result<impl Stream<Item = ChangeEvent>> {
        let reading = reading(context);
        let installation = reading.desk.feed.installation();
        // INVARIANT: `http::live` puts a `Run` into every run of a subscription.
        let told = match context.data_unchecked::<std::sync::Arc<Run>>().as_ref() {
            Run::Open(wanted) => {
                let head = reading.feed_head;
                let after = after.map(|text| Cursor::decode("after", &text, installation, head)).transpose()?;
                *wanted.lock() = Some(Wanted { after: after.unwrap_or(head), types: checked(types)? });
                None
            }
            Run::Tell(entry) => Some(ChangeEvent {
                cursor: Cursor::after(installation, entry.row.sequence).encode(),
                change: Change {
                    entry: entry.clone(),
                    together: Together::new(vec![entity_id(&entry.row)]),
                    states: States::of(std::iter::once(entry)),
                },
            }),
        };
        Ok(stream::iter(told))
    }
}

fn checked(types: Option<Vec<ChangeType>>) -> Result<Option<Vec<Type>>> {
    if types.as_ref().is_some_and(Vec::is_empty) {
        return Err(Error::bad_input(
            "types",
            "types ist leer. Bitte Arten nennen oder types weglassen.",
            "types is empty. Please name types, or leave types out.",
        ));
    }
    Ok(types.map(|types| types.into_iter().map(Into::into).collect()))
}

fn entity_id(row: &change::Model) -> ID {
    ID(changes::entity_id(row))
}

/// What the things of several entries were: read for all of them when one is asked for it.
#[derive(Clone)]
struct States(Arc<StatesOfPage>);

struct StatesOfPage {
    entries: Vec<(Uuid, i64)>,
    found: OnceCell<HashMap<(Uuid, i64), String>>,
}

impl States {
    fn of<'e>(entries: impl Iterator<Item = &'e Entry>) -> Self {
        let entries = entries.map(|entry| (entry.row.entity_id, entry.row.sequence)).collect();
        Self(Arc::new(StatesOfPage { entries, found: OnceCell::new() }))
    }

    async fn find(&self, reading: &Reading, row: &change::Model) -> Result<Option<Json>> {
        let StatesOfPage { entries, found } = &*self.0;
        let found = found.get_or_try_init(|| states::of_entries(reading.db(), entries.iter().copied())).await?;
        let state = found.get(&(row.entity_id, row.sequence));
        state.map(|text| serde_json::from_str(text).map(Json).map_err(Error::internal)).transpose()
    }
}
