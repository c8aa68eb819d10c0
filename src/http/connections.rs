//! Connections that stay: how many there may be, and how all of them end when the service stops.

use std::{collections::HashMap, future::Future, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::rate::Key;
use crate::{
    config,
    error::{Code, Error, Result},
    identity::Claims,
};

/// How a connection stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// `graphql-transport-ws`.
    WebSocket,
    /// graphql-sse.
    EventStream,
}

/// Whose connections are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Who {
    All(Transport),
    Caller(Key),
    Anonymous,
}

/// The connections of this process.
#[derive(Debug)]
pub struct Connections {
    limits: config::Live,
    open: Mutex<HashMap<Who, u64>>,
    stop: watch::Sender<bool>,
}

/// A place among the connections, free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    connections: Arc<Connections>,
    who: Who,
}

/// Held by everything that must end before the service stops.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Waits until the service stops.
    pub async fn wait(&mut self) {
        // An error means that the service is gone already.
        let _ = self.0.wait_for(|stops| *stops).await;
    }
}

impl Connections {
    /// None yet.
    pub fn new(limits: config::Live) -> Arc<Self> {
        Arc::new(Self { limits, open: Mutex::default(), stop: watch::Sender::new(false) })
    }

    /// A place for a connection, whoever it is; LIMIT_EXCEEDED when there are too many.
    pub fn enter(self: &Arc<Self>, transport: Transport) -> Result<Place> {
        self.take(Who::All(transport), self.limits.connections)
    }

    /// A place for a connection of a caller; LIMIT_EXCEEDED when it has too many.
    pub fn enter_as(self: &Arc<Self>, caller: Option<&Claims>) -> Result<Place> {
        match caller {
            Some(_) => self.take(Who::Caller(Key::of(caller, None)), self.limits.connections_per_caller),
            None => self.take(Who::Anonymous, self.limits.anonymous_connections),
        }
    }

    /// Connections that are open.
    pub fn count(&self, transport: Transport) -> u64 {
        self.open.lock().get(&Who::All(transport)).copied().unwrap_or_default()
    }

    /// To be held by what must end before the service stops.
    pub fn stop(&self) -> Stop {
        Stop(self.stop.subscribe())
    }

    /// Tells all that hold a [`Stop`], and waits until they have ended.
    pub fn close(&self) -> impl Future<Output = ()> + '_ {
        self.stop.send_replace(true);
        self.stop.closed()
    }

    fn take(self: &Arc<Self>, who: Who, most: u64) -> Result<Place> {
        let mut open = self.open.lock();
        let count = match &who {
            Who::All(_) => open.iter().filter(|(who, _)| matches!(who, Who::All(_))).map(|(_, count)| count).sum(),
            one => open.get(one).copied().unwrap_or_default(),
        };
        if count >= most {
            return Err(too_many(&who, most));
        }
        *open.entry(who.clone()).or_default() += 1;
        Ok(Place { connections: self.clone(), who })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock();
        if let Some(count) = open.get_mut(&self.who) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.who);
            }
        }
    }
}

fn too_many(who: &Who, most: u64) -> Error {
    let name = match who {
        Who::All(_) => "connections",
        Who::Caller(_) => "connections_per_caller",
        Who::Anonymous => "anonymous_connections",
    };
    Error::new(
        Code::LimitExceeded,
        format!(
            "Zu viele offene Verbindungen (Grenze {name}: {most}). Bitte andere schließen oder später wiederkommen."
        ),
        format!("Too many open connections (limit {name}: {most}). Please close others or come back later."),
    )
    .with("name", name)
    .with("limit", most)
    .with("actual", most + 1)
}
