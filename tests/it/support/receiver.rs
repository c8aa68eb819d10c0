//! A receiver of webhooks on a port of its own, which answers as a test says and remembers what it heard.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

/// Longest wait for anything: only so that a test that fails ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// A message as it came.
#[derive(Clone, Debug)]
pub struct Heard {
    pub headers: HeaderMap,
    pub raw: Bytes,
    pub body: Value,
    pub path: String,
    /// What was answered.
    pub status: u16,
}

/// What is answered.
#[derive(Clone, Debug)]
pub enum Reply {
    /// This status.
    Status(u16),
    /// This status, with a header.
    With(u16, &'static str, String),
    /// Nothing, for a long time.
    Nothing,
}

type Behaviour = Box<dyn FnMut(&Heard) -> Reply + Send>;

#[derive(Clone)]
struct Ears {
    heard: Arc<Mutex<Vec<Heard>>>,
    behaviour: Arc<Mutex<Behaviour>>,
}

pub struct Receiver {
    pub address: SocketAddr,
    ears: Ears,
    task: JoinHandle<()>,
}

impl Heard {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub fn sequence(&self) -> i64 {
        self.body["data"]["sequence"].as_i64().unwrap()
    }

    pub fn is_taken(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Receiver {
    pub async fn start(behaviour: impl FnMut(&Heard) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ears = Ears { heard: Arc::default(), behaviour: Arc::new(Mutex::new(Box::new(behaviour))) };
        let router = Router::new().fallback(hear).with_state(ears.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, ears, task }
    }

    /// Takes everything.
    pub async fn willing() -> Self {
        Self::start(|_| Reply::Status(204)).await
    }

    pub fn url(&self) -> String {
        format!("http://{}/hooks/geheim", self.address)
    }

    /// Answers otherwise from now on.
    pub fn behave(&self, behaviour: impl FnMut(&Heard) -> Reply + Send + 'static) {
        *self.ears.behaviour.lock() = Box::new(behaviour);
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.ears.heard.lock().clone()
    }

    /// What it took, by sequence, in the order of coming.
    pub fn taken(&self) -> Vec<i64> {
        self.heard().iter().filter(|heard| heard.is_taken()).map(Heard::sequence).collect()
    }

    /// Waits until so many messages have come.
    pub async fn hears(&self, count: usize) -> Vec<Heard> {
        let start = Instant::now();
        while self.heard().len() < count {
            assert!(start.elapsed() < PATIENCE, "{} of {count} messages came", self.heard().len());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.heard()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn hear(State(ears): State<Ears>, uri: Uri, headers: HeaderMap, raw: Bytes) -> Response {
    let body = serde_json::from_slice(&raw).unwrap_or_default();
    let mut heard = Heard { headers, raw, body, path: uri.path().to_owned(), status: 0 };
    let reply = (ears.behaviour.lock())(&heard);
    let (status, header) = match &reply {
        Reply::Status(status) => (*status, None),
        Reply::With(status, name, value) => (*status, Some((*name, value.clone()))),
        Reply::Nothing => (0, None),
    };
    heard.status = status;
    ears.heard.lock().push(heard);
    if let Reply::Nothing = reply {
        tokio::time::sleep(PATIENCE * 10).await;
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match header {
        Some((name, value)) => (status, [(name, value)]).into_response(),
        None => status.into_response(),
    }
}
