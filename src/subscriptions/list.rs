//! Lists of subscriptions: one keyset statement for a page, whatever its filter, order and scope.

use ::entity::{
    product,
    product_subscription::{self, Column, Origin, State},
    read,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoSimpleExpr, Order as Direction, QueryFilter, QuerySelect,
    QueryTrait,
    prelude::{DateTimeUtc, Uuid},
    sea_query::{Expr, Query, SelectStatement},
};

use super::{Row, scope::Scope};
use crate::{
    clock::day_of,
    condition,
    error::{Error, Result},
    listing::{self, Cut, Key, Order, Position, Value, Window},
};

/// A plain condition on a subscription. Lists of values mean one of them.
#[derive(Clone, Debug)]
pub enum Is {
    /// Its state.
    State(Vec<State>),
    /// Its product.
    Product(Vec<Uuid>),
    /// Who offers the product.
    Provider(Vec<Uuid>),
    /// The municipality that takes it.
    Municipality(Vec<Uuid>),
    /// The provider that takes it.
    SubscribingProvider(Vec<Uuid>),
    /// How it came here.
    Origin(Vec<Origin>),
    /// The collective request that it was asked in.
    Collective(Vec<Uuid>),
    /// Whether something waits for a decision.
    Open(bool),
    /// Invented for demonstration.
    Sample(bool),
}

impl Is {
    /// How much there is to compare.
    pub fn size(&self) -> usize {
        match self {
            Self::State(values) => values.len() + 1,
            Self::Product(ids)
            | Self::Provider(ids)
            | Self::Municipality(ids)
            | Self::SubscribingProvider(ids)
            | Self::Collective(ids) => ids.len() + 1,
            Self::Origin(values) => values.len() + 1,
            Self::Open(_) | Self::Sample(_) => 1,
        }
    }
}

/// What subscriptions can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// When it was first written.
    CreatedAt,
    /// When it was last written.
    UpdatedAt,
}

impl Field {
    fn column(self) -> Column {
        match self {
            Self::CreatedAt => Column::CreatedAt,
            Self::UpdatedAt => Column::UpdatedAt,
        }
    }

    fn of(self, row: &Row) -> i64 {
        match self {
            Self::CreatedAt => row.created_at.timestamp_micros(),
            Self::UpdatedAt => row.updated_at.timestamp_micros(),
        }
    }
}

/// Which subscriptions, in which order.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What the caller may read.
    pub scope: Scope,
    /// What the caller looks for.
    pub condition: condition::Condition<Is>,
    /// Newest first when empty.
    pub order: Vec<Order<Field>>,
    /// Now: states depend on it.
    pub now: DateTimeUtc,
}

impl Wanted {
    /// Reads a page, and counts all rows of the list in the same statement where that is asked for; an empty page does not tell.
    pub async fn page(
        &self,
        db: &impl ConnectionTrait,
        window: &Window,
        is_counted: bool,
    ) -> Result<(Cut<Row>, Option<u64>)> {
        let order = match self.order.as_slice() {
            [] => vec![Order { field: Field::CreatedAt, is_descending: true }],
            given => given.to_vec(),
        };
        let name = format!("subscriptions {}", listing::signature(&order));
        let keyset = window.keyset(&name)?;
        let mut query = read::select();
        query.cond_where(self.predicate());
        if let Some(after) = keyset.after {
            query.cond_where(beyond("after", after, &order, false)?);
        }
        if let Some(before) = keyset.before {
            query.cond_where(beyond("before", before, &order, true)?);
        }
        for part in &order {
            let column = part.field.column().into_simple_expr();
            query.order_by_expr(column, direction(part.is_descending != keyset.is_backwards));
        }
        // The id has the direction of the last part, so that one index serves both.
        let id_descends = order.last().is_some_and(|part| part.is_descending);
        query.order_by_expr(Column::Id.into_simple_expr(), direction(id_descends != keyset.is_backwards));
        if is_counted {
            query.expr(Expr::from(self.counted()));
        }
        let (rows, count) = read::all_counted(db, query.limit(keyset.limit()), is_counted).await?;
        let cut = keyset.cut(&name, rows, |row| {
            let keys = order.iter().map(|part| Key::new(part.field.of(row), part.is_descending));
            Position(keys.collect(), row.id)
        });
        Ok((cut, count.map(i64::unsigned_abs)))
    }

    /// Counts all rows of the list.
    pub async fn count(&self, db: &impl ConnectionTrait) -> Result<u64> {
        let row = db.query_one(&self.counted()).await?;
        let count: i64 = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default();
        Ok(count.unsigned_abs())
    }

    fn counted(&self) -> SelectStatement {
        let mut counted = Query::select().expr(Column::Id.count()).from(product_subscription::Entity).take();
        counted.cond_where(self.predicate()).take()
    }

    fn predicate(&self) -> Condition {
        Condition::all().add(self.scope.predicate()).add(translate(&self.condition, self.now))
    }
}

fn direction(is_descending: bool) -> Direction {
    if is_descending { Direction::Desc } else { Direction::Asc }
}

/// Rows on one side of a position: the first part that differs decides, at last the id.
fn beyond(field: &str, position: &Position, order: &[Order<Field>], is_before: bool) -> Result<Condition> {
    let foreign = || {
        Error::bad_input(
            field,
            format!("{field} ist kein Cursor dieser Liste."),
            format!("{field} is no cursor of this list."),
        )
    };
    let Position(keys, id) = position;
    if keys.len() != order.len() {
        return Err(foreign());
    }
    let mut any = Condition::any();
    let mut equal = Condition::all();
    // Says nothing new: with it the databases begin to read where the page begins, not where the list does.
    let mut bound = Condition::all();
    for (key, part) in keys.iter().zip(order) {
        let (Key::Up(Value::Int(micros)) | Key::Down(std::cmp::Reverse(Value::Int(micros)))) = key else {
            return Err(foreign());
        };
        let moment = DateTimeUtc::from_timestamp_micros(*micros).ok_or_else(foreign)?;
        // The databases know fewer years than a number does.
        if !(1900..2200).contains(&chrono::Datelike::year(&moment)) {
            return Err(foreign());
        }
        let column = part.field.column();
        let goes_down = part.is_descending != is_before;
        if bound.is_empty() {
            bound = bound.add(if goes_down { column.lte(moment) } else { column.gte(moment) });
        }
        let further = if goes_down { column.lt(moment) } else { column.gt(moment) };
        any = any.add(equal.clone().add(further));
        equal = equal.add(column.eq(moment));
    }
    let id_descends = order.last().is_some_and(|part| part.is_descending);
    let further = if id_descends != is_before { Column::Id.lt(*id) } else { Column::Id.gt(*id) };
    Ok(bound.add(any.add(equal.add(further))))
}

fn translate(condition: &condition::Condition<Is>, now: DateTimeUtc) -> Condition {
    use condition::Condition as Logic;
    match condition {
        Logic::All(parts) => parts.iter().fold(Condition::all(), |all, part| all.add(translate(part, now))),
        Logic::Any(parts) if parts.is_empty() => nothing(),
        Logic::Any(parts) => parts.iter().fold(Condition::any(), |any, part| any.add(translate(part, now))),
        Logic::Not(part) => translate(part, now).not(),
        Logic::Is(is) => plain(is, now),
    }
}

fn plain(is: &Is, now: DateTimeUtc) -> Condition {
    let condition = match is {
        Is::State(states) => {
            let any = states.iter().fold(Condition::any(), |any, state| any.add(in_state(*state, now)));
            return if states.is_empty() { nothing() } else { any };
        }
        Is::Product(ids) => Column::ProductId.is_in(ids.iter().copied()),
        Is::Provider(ids) => {
            let products = product::Entity::find().select_only().column(product::Column::Id);
            let products = products.filter(product::Column::ProviderId.is_in(ids.iter().copied()));
            Column::ProductId.in_subquery(products.into_query())
        }
        // A comparison with nothing is neither true nor false: `not` would lose rows.
        Is::Municipality(ids) => {
            return Condition::all()
                .add(Column::MunicipalityId.is_not_null())
                .add(Column::MunicipalityId.is_in(ids.iter().copied()));
        }
        Is::SubscribingProvider(ids) => {
            return Condition::all()
                .add(Column::ProviderId.is_not_null())
                .add(Column::ProviderId.is_in(ids.iter().copied()));
        }
        Is::Collective(ids) => {
            return Condition::all()
                .add(Column::CollectiveId.is_not_null())
                .add(Column::CollectiveId.is_in(ids.iter().copied()));
        }
        Is::Origin(origins) => Column::Origin.is_in(origins.iter().copied()),
        Is::Open(wanted) => {
            let is_open = Condition::all()
                .add(Column::OpenMatter.is_not_null())
                .add(Condition::any().add(Column::ExpiresAt.is_null()).add(Column::ExpiresAt.gt(now)))
                .add(in_state(State::Ended, now).not());
            return if *wanted { is_open } else { is_open.not() };
        }
        Is::Sample(wanted) => Column::Sample.eq(*wanted),
    };
    Condition::all().add(condition)
}

/// A state at a moment, as [`super::state_at`] tells it of a row.
pub(super) fn in_state(state: State, now: DateTimeUtc) -> Condition {
    let today = day_of(now);
    let stored = |state: State| Condition::all().add(Column::State.eq(state));
    let has_expired = || Condition::all().add(Column::ExpiresAt.is_not_null()).add(Column::ExpiresAt.lte(now));
    // A successor begins on its day.
    let has_begun = || {
        let follows = stored(State::Approved).add(Column::PredecessorId.is_not_null());
        follows.add(Column::AgreedFrom.is_not_null()).add(Column::AgreedFrom.lte(today))
    };
    let has_ended = || Condition::all().add(Column::EndsOn.is_not_null()).add(Column::EndsOn.lt(today));
    match state {
        State::Requested => stored(State::Requested).add(has_expired().not()),
        State::Expired => Condition::any().add(stored(State::Expired)).add(stored(State::Requested).add(has_expired())),
        State::Terminating => stored(State::Terminating).add(has_ended().not()),
        State::Approved => stored(State::Approved).add(has_begun().not()),
        State::Active => Condition::any().add(stored(State::Active)).add(has_begun()),
        State::Ended => Condition::any().add(stored(State::Ended)).add(stored(State::Terminating).add(has_ended())),
        other => stored(other),
    }
}

/// What is asked for, agreed, or running.
pub fn has_begun_or_waits(now: DateTimeUtc) -> Condition {
    let states = [State::Requested, State::Approved, State::Active, State::Terminating];
    states.into_iter().fold(Condition::any(), |any, state| any.add(in_state(state, now)))
}

fn nothing() -> Condition {
    Condition::all().add(Column::Id.is_null())
}
