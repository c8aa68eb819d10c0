//! From the parameters of a request to its outcome, whichever way they came.

use std::sync::{Arc, Weak};

use async_graphql::{
    Positioned, Request as Execution, Response as Outcome, Value, Variables,
    parser::types::{OperationDefinition, OperationType, Selection},
};
use chrono::{DateTime, Utc};

use super::{
    App, Parts,
    answer::Cost,
    answers::{Ground, Own},
    body::{Asked, Parameters},
    outer::too_busy,
    request::Info,
};
use crate::{
    catalogue::Snapshot,
    clock::day_of,
    desk::Desk,
    error::{Code, Error, Result},
    graphql::{
        Schema,
        bulk::Rows,
        context::{Read, Reading, Reads},
        documents::Document,
        guard, nulls, order, trusted,
        types::Types,
        variables, written,
    },
    identity::Claims,
    subscriptions::{
        opened::{self, Opened},
        scope::Scope,
    },
};

/// What can come over a way.
#[derive(Clone, Copy, Debug)]
pub struct May {
    /// Mutations.
    pub change: bool,
    /// Subscriptions.
    pub follow: bool,
}

/// A request that is parsed, measured and checked.
pub struct Prepared {
    /// Query, mutation or subscription.
    pub kind: OperationType,
    /// What it costs.
    pub cost: Cost,
    document: Arc<Document>,
    name: Option<String>,
    values: Variables,
    rows: Option<Rows>,
    reads_feed: bool,
    is_of_subscription: bool,
    are_values_given: bool,
}

/// Why a request will not run.
pub enum Refused {
    /// It is wrong, or too large.
    Document(Error),
    /// It can't come this way.
    Method(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Document(error)
    }
}

impl Refused {
    /// The error, whatever it is.
    pub fn into_error(self) -> Error {
        match self {
            Self::Document(error) | Self::Method(error) => error,
        }
    }
}

/// Parses, measures and checks a request.
pub fn prepare(app: &App, given: Parameters, may: May, caller: Option<&Claims>) -> Result<Prepared, Refused> {
    let prepared = check(&app.0, given, may, caller.is_none());
    if let Err(Refused::Document(error)) = &prepared {
        app.note_refusal(caller, error);
    }
    prepared
}

fn check(app: &Parts, given: Parameters, may: May, is_anonymous: bool) -> Result<Prepared, Refused> {
    let Parameters { document, operation_name: name, variables: mut values, mut rows } = given;
    let query = text(app, document, is_anonymous)?;
    let document = app.documents.parse(&query)?;
    let parsed = &document.parsed;
    let operation = guard::operation(parsed, name.as_deref())?;
    let kind = operation.ty;
    match kind {
        OperationType::Mutation if !may.change => return Err(Refused::Method(no_change())),
        OperationType::Subscription if !may.follow => return Err(Refused::Document(no_following())),
        OperationType::Subscription => guard::check_followed(operation)?,
        _ => {}
    }
    if let Some(other) = rows.take_if(|rows| !rows.are_for(operation)) {
        other.put_back(&mut values)?;
    }
    // First the values, then their cost: `first: -1` is a wrong value, not a limit.
    variables::check(&app.types, operation, &mut values)?;
    let are_values_given = rows.is_none() && variables::are_given(operation, &values);
    rows.as_ref().map_or(Ok(()), |rows| rows.check(&app.types))?;
    let (measure, selections) = guard::check(&app.types, parsed, operation, &values, &app.limits)?;
    app.documents.keep(&query, &document, selections);
    let selects = |name| guard::selects(parsed, &operation.selection_set.node, name);
    let reads_feed = kind == OperationType::Query && (selects("changes") || selects("stateDigest"));
    let is_of_subscription = kind == OperationType::Mutation && is_of_subscription(&app.types, operation);
    let cost = Cost { actual: measure.cost, limit: app.limits.cost };
    Ok(Prepared { kind, cost, document, name, values, rows, reads_feed, is_of_subscription, are_values_given })
}

/// Whether a mutation is one change of a subscription, in any case.
fn is_of_subscription(types: &Types, operation: &OperationDefinition) -> bool {
    let [Positioned { node: Selection::Field(field), .. }] = operation.selection_set.node.items.as_slice() else {
        return false;
    };
    let known = types.field("Mutation", &field.node.name.node);
    field.node.directives.is_empty() && known.is_some_and(|known| known.type_name == "SubscriptionPayload")
}

/// The text of the document that is asked for.
fn text(app: &Parts, asked: Asked, is_anonymous: bool) -> Result<Arc<str>> {
    match asked {
        Asked::Id(id) => app.trusted.find(&id),
        Asked::Persisted(id) => app.trusted.find_persisted(&id),
        Asked::Text(text) if is_anonymous && app.only_trusted => {
            app.trusted.find(&trusted::id(&text)).map_err(|_| only_trusted())
        }
        Asked::Text(text) => Ok(text.into()),
    }
}

fn only_trusted() -> Error {
    Error::new(
        Code::Forbidden,
        "Ohne Token werden hier nur hinterlegte Dokumente beantwortet.",
        "Without a token only documents that are kept here are answered.",
    )
    .next(
        "Sich anmelden, oder das Dokument vom Betrieb hinterlegen lassen und mit documentId abfragen.",
        "Sign in, or have the operators keep the document and ask for it by documentId.",
    )
}

/// The form in which objects of an answer come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As values.
    Values,
    /// Written where they can be, for who writes the answer by [`written::to_json`].
    Written,
}

/// The same for what came over a connection that stays: no request of its own holds a place for it.
pub async fn answer_in_turn(
    app: &App,
    prepared: &Prepared,
    caller: Option<&Claims>,
    request: &Info,
) -> Result<Outcome> {
    let _place = app.0.in_flight.try_acquire().map_err(|_| too_busy())?;
    answer(app, prepared, caller, request, Form::Values).await.map(|answered| answered.outcome)
}

/// What a request gave.
pub struct Answered {
    /// Data and errors.
    pub outcome: Outcome,
    /// What it began with; none when it can't be told again.
    pub before: Option<Before>,
}

/// Runs a query or a mutation.
pub async fn answer(
    app: &App,
    prepared: &Prepared,
    caller: Option<&Claims>,
    request: &Info,
    form: Form,
) -> Result<Answered> {
    let is_mutation = prepared.kind == OperationType::Mutation;
    let patience = app.0.request_timeout;
    let opened = match is_mutation {
        true => tokio::time::timeout(patience, prepared.open(app, caller)).await.map_err(|_| too_slow())?,
        false => None,
    };
    if prepared.reads_feed {
        tokio::time::timeout(patience, app.0.desk.feed.look()).await.map_err(|_| too_slow())??;
    }
    let reading = reading(app, caller, request);
    *reading.opened.lock() = opened;
    let before = Before::of(&reading);
    let mut execution = prepared.execution().data(reading);
    if form == Form::Written && !prepared.document.repeats(&app.0.types) {
        execution = execution.data(written::AsResolved);
    }
    let execution = prepared.schema(app).execute(execution);
    let mut outcome = tokio::time::timeout(patience, execution).await.map_err(|_| too_slow())?;
    if outcome.errors.iter().all(|error| !error.path.is_empty()) {
        prepared.document.note_valid();
    }
    prepared.complete(app, &mut outcome, is_mutation || before.reads.most() > Read::Nothing);
    Ok(Answered { outcome, before: (!is_mutation).then_some(before) })
}

/// What a request begins with.
pub struct Before {
    reads: Arc<Reads>,
    snapshot: Weak<Snapshot>,
    now: DateTime<Utc>,
    scope: Scope,
    mark: u64,
}

impl Before {
    fn of(reading: &Reading) -> Self {
        let scope = Scope::of(reading.caller.as_ref(), &reading.snapshot);
        let mark = reading.desk.feed.last_marks().of(&scope);
        Self {
            reads: reading.reads.clone(),
            snapshot: Arc::downgrade(&reading.snapshot.shared()),
            now: reading.now,
            scope,
            mark,
        }
    }

    /// What it stands on once it has run; none when it can't be told again.
    pub async fn ground(self, desk: &Desk) -> Option<Ground> {
        let Self { reads, snapshot, now, scope, mark } = self;
        let subscriptions = match reads.most() {
            Read::Nothing => None,
            Read::Subscriptions => {
                let until = desk.feed.last_marks().expiry(desk.database.connection(), &scope, now).await.ok()?;
                Some(Own { scope, mark, until })
            }
            Read::Anything => return None,
        };
        Some(Ground { snapshot, day: day_of(now), subscriptions })
    }
}

/// What a request stands on: one snapshot, one moment, one language, one caller.
pub fn reading(app: &App, caller: Option<&Claims>, request: &Info) -> Reading {
    // INVARIANT: first how far the feed has gone, then the catalogue that shows it.
    let feed_head = app.0.desk.feed.head();
    let (snapshot, now) = (app.0.desk.live.snapshot(), app.0.desk.clock.now());
    Reading {
        caller: caller.map(|claims| claims.caller(&snapshot, day_of(now))),
        client: caller.map(Claims::client),
        snapshot: snapshot.into(),
        feed_head,
        now,
        today: day_of(now),
        language: request.language,
        request_id: request.id.clone(),
        desk: app.0.desk.clone(),
        persons: Arc::default(),
        days: app.0.days.clone(),
        roots: Arc::default(),
        is_of_another_day: false,
        reads: Arc::default(),
        opened: Arc::default(),
    }
}

impl Prepared {
    /// A change is answered from the catalogue that it is decided on: that of the transaction that is opened for it, where it is
    /// the change of one subscription and nothing else, or the one that is there now.
    async fn open(&self, app: &App, caller: Option<&Claims>) -> Option<Opened> {
        if self.is_of_subscription && caller.is_some() {
            // Who finds the catalogue moved has taken it over; who finds no database is told so where the change is made.
            if let Ok(Some(opened)) = opened::open(&app.0.desk).await {
                return Some(opened);
            }
        }
        app.0.desk.live.refresh().await;
        None
    }

    /// A document that was valid before is so again: apart from the document, validation looks at the values of variables, which are
    /// checked here already, but for nulls in places that take none.
    fn schema<'a>(&self, app: &'a App) -> &'a Schema {
        let is_valid = self.document.is_valid() && self.are_values_given;
        if is_valid { &app.0.schema_for_valid } else { &app.0.schema }
    }

    /// As the library runs it.
    pub fn execution(&self) -> Execution {
        let mut execution = Execution::new(String::new()).variables(self.values.clone());
        execution.operation_name.clone_from(&self.name);
        execution.set_parsed_query(self.document.parsed.clone());
        match &self.rows {
            Some(rows) => execution.data(rows.clone()),
            None => execution,
        }
    }

    /// Puts nulls where fields failed, and fields that waited into the document's order.
    pub fn complete(&self, app: &App, outcome: &mut Outcome, has_waited: bool) {
        let has_failed = !outcome.errors.is_empty();
        let document = &self.document.parsed;
        let Ok(operation) = guard::operation(document, self.name.as_deref()) else { return };
        if has_failed {
            let Outcome { data, errors, .. } = outcome;
            if let Err(error) = written::read_back(data) {
                tracing::error!(%error, "what was written of an answer could not be read back");
                *data = Value::Null;
            }
            nulls::complete(&app.0.types, document, operation, guard::root(operation), data, errors);
        }
        if has_failed || has_waited {
            order::arrange(&document.fragments, &operation.selection_set.node, &mut outcome.data);
        }
    }
}

fn no_change() -> Error {
    Error::new(Code::BadRequest, "Änderungen gehen nur mit POST.", "Mutations go with POST only.")
}

fn no_following() -> Error {
    Error::new(
        Code::BadRequest,
        "Abonnements (subscription) gehen über WebSocket (graphql-transport-ws) oder mit Accept: text/event-stream.",
        "Subscriptions go over a WebSocket (graphql-transport-ws) or with Accept: text/event-stream.",
    )
}

/// Waiting for others took too long.
pub fn too_slow() -> Error {
    Error::new(
        Code::Unavailable,
        "Die Anfrage dauerte zu lange. Bitte kleinere Seiten abfragen oder es später noch einmal versuchen.",
        "The request took too long. Please ask for smaller pages or try again later.",
    )
}
