//! One operation on a connection: runs beside the others and says what it gives.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_graphql::{ServerError, parser::types::OperationType};
use futures_util::FutureExt;
use tokio::{sync::mpsc, task::AbortHandle};

use super::{
    App,
    answer::{Told, refused, told},
    body::Parameters,
    execute::{May, answer_in_turn, prepare},
    live::Running,
    request::Info,
};
use crate::{error::Error, identity::Claims};

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// An operation that runs until this is dropped. Changes that have begun go on to their end.
#[derive(Debug)]
pub struct Operation {
    /// Tells it from others that had the same id before.
    pub number: u64,
    task: AbortHandle,
}

/// What an operation says.
pub struct Said {
    /// The client's id of it.
    pub id: String,
    /// Its number.
    pub operation: u64,
    /// What it says.
    pub what: What,
}

/// A result, or the end.
pub enum What {
    /// A result.
    Next(Told),
    /// It ends: what went wrong.
    Error(Vec<ServerError>),
    /// It ends.
    Complete,
}

impl Operation {
    /// Starts an operation. It waits where its results are not taken.
    pub fn start(
        app: App,
        caller: Option<Arc<Claims>>,
        request: Info,
        parameters: Parameters,
        id: String,
        results: mpsc::Sender<Said>,
    ) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let told = Results { id, number, results };
        let task = tokio::spawn(async move {
            let run = AssertUnwindSafe(run(app, caller, request.clone(), parameters, &told)).catch_unwind();
            let last = run.await.unwrap_or_else(|_| {
                let error = Error::internal("a panic; its place stands before this line");
                What::Error(refused(&error, &request).errors)
            });
            told.say(last).await;
        });
        Self { number, task: task.abort_handle() }
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Results {
    id: String,
    number: u64,
    results: mpsc::Sender<Said>,
}

impl Results {
    async fn say(&self, what: What) {
        let said = Said { id: self.id.clone(), operation: self.number, what };
        if self.results.send(said).await.is_err() {
            tracing::debug!("a connection was closed before its operation ended");
        }
    }
}

/// Runs an operation; gives what it says last.
async fn run(app: App, caller: Option<Arc<Claims>>, request: Info, given: Parameters, results: &Results) -> What {
    let prepared = match prepare(&app, given, May { change: true, follow: true }, caller.as_deref()) {
        Ok(prepared) => prepared,
        Err(error) => return What::Error(refused(&error.into_error(), &request).errors),
    };
    if prepared.kind == OperationType::Subscription {
        let mut running = match Running::open(app, prepared, caller, request).await {
            Ok(running) => running,
            Err(told) => return What::Error(told.errors),
        };
        loop {
            match running.next().await {
                Ok(told) => results.say(What::Next(told)).await,
                Err(told) => return What::Error(told.errors),
            }
        }
    }
    match answer_in_turn(&app, &prepared, caller.as_deref(), &request).await.map(|outcome| told(outcome, &request)) {
        Ok(told) if told.data.is_none() => What::Error(told.errors),
        Ok(told) => {
            results.say(What::Next(told)).await;
            What::Complete
        }
        Err(error) => What::Error(refused(&error, &request).errors),
    }
}
