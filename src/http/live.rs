//! A subscription that runs: its document runs once to be opened, and once for each entry of the change feed, like a query of
//! its own. So every entry is told from the catalogue, and for the rights, of that moment.

use std::sync::Arc;

use async_graphql::Response as Outcome;
use futures_util::StreamExt;
use parking_lot::Mutex;

use super::{
    App,
    answer::{Told, refused, told},
    execute::{Prepared, reading, too_slow},
    request::Info,
};
use crate::{
    changes::View,
    clock::day_of,
    error::Error,
    feed_watch::Follower,
    graphql::change::{Run, Wanted},
    identity::Claims,
};

/// A subscription that was accepted.
pub struct Running {
    app: App,
    prepared: Prepared,
    caller: Option<Arc<Claims>>,
    request: Info,
    wanted: Wanted,
    follower: Follower,
}

impl Running {
    /// Opens a subscription; what is wrong with it is told without data.
    pub async fn open(app: App, prepared: Prepared, caller: Option<Arc<Claims>>, request: Info) -> Result<Self, Told> {
        let refuse = |error: Error| refused(&error, &request);
        let looked = tokio::time::timeout(app.0.request_timeout, app.0.desk.feed.look()).await;
        looked.map_err(|_| refuse(too_slow()))?.map_err(|error| refuse(error.into()))?;
        let run = Arc::new(Run::Open(Mutex::new(None)));
        let outcome = run_once(&app, &prepared, caller.as_deref(), &request, run.clone()).await?;
        if let Some(outcome) = outcome {
            return Err(Told { data: None, ..told(outcome, &request) });
        }
        let wanted = match run.as_ref() {
            Run::Open(wanted) => wanted.lock().take(),
            Run::Tell(_) => None,
        };
        let wanted = wanted.ok_or_else(|| refuse(Error::internal("a subscription did not say what it follows")))?;
        let follower = app.0.desk.feed.follow(wanted.after);
        Ok(Self { app, prepared, caller, request, wanted, follower })
    }

    /// Waits for the next entry and tells it. An error ends the subscription.
    pub async fn next(&mut self) -> Result<Told, Told> {
        let (clock, caller, types) = (self.app.0.desk.clock, &self.caller, &self.wanted.types);
        let entry = self.follower.next(|snapshot| {
            let caller = caller.as_ref().map(|claims| claims.caller(snapshot, day_of(clock.now())));
            View::of(caller.as_ref(), snapshot, types.as_deref())
        });
        let entry = entry.await.map_err(|error| refused(&error, &self.request))?;
        let run = Arc::new(Run::Tell(entry));
        let outcome = run_once(&self.app, &self.prepared, self.caller.as_deref(), &self.request, run).await?;
        let outcome = outcome.ok_or_else(|| refused(&Error::internal("an entry was not told"), &self.request))?;
        Ok(told(outcome, &self.request))
    }
}

/// One run of the document: what the library answers, if anything.
async fn run_once(
    app: &App,
    prepared: &Prepared,
    caller: Option<&Claims>,
    request: &Info,
    run: Arc<Run>,
) -> Result<Option<Outcome>, Told> {
    let execution = prepared.execution().data(reading(app, caller, request)).data(run);
    let mut answers = app.0.schema.execute_stream(execution);
    let answer = tokio::time::timeout(app.0.request_timeout, answers.next()).await;
    let mut outcome = answer.map_err(|_| refused(&too_slow(), request))?;
    if let Some(outcome) = &mut outcome {
        prepared.complete(app, outcome, true);
    }
    Ok(outcome)
}
