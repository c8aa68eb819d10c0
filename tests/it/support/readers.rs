//! Readers of the change feed that are killed and started again at random places: each knows only what it had written down.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{task::JoinHandle, time::sleep};

use super::{
    copies::{Copy, ENTRY},
    live::{Socket, subscribe},
    service::{Service, is_busy},
};

/// Rest of who has read everything, or finds nobody.
const REST: Duration = Duration::from_millis(20);
/// The longest life of a reader, in milliseconds.
const LONGEST_LIFE: u64 = 600;

/// How a reader follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Pages,
    Live,
}

/// A reader: who it is, how it reads, and what it has written down.
#[derive(Clone)]
pub struct Reader {
    service: Service,
    pub token: String,
    way: Way,
    pub copy: Arc<Mutex<Copy>>,
    pub restarts: Arc<AtomicU64>,
    /// The last entry of the feed, once nobody writes any more; -1 before.
    end: Arc<AtomicI64>,
}

impl Reader {
    pub fn new(service: &Service, token: &str, way: Way, end: &Arc<AtomicI64>) -> Self {
        let (copy, restarts) = Default::default();
        Self { service: service.clone(), token: token.to_owned(), way, copy, restarts, end: end.clone() }
    }

    /// Reads to where the feed ends now, in one life: the sample alone is some thousand entries.
    pub async fn catch_up(&self) {
        while !self.read_page(100).await.unwrap_or(false) {}
    }

    /// Reads until the feed has ended, in many lives.
    pub fn start(&self) -> JoinHandle<()> {
        let reader = self.clone();
        tokio::spawn(async move {
            while !reader.live_once().await {
                reader.restarts.fetch_add(1, Ordering::Relaxed);
            }
        })
    }

    /// One life; whether it came to the end of the feed.
    async fn live_once(&self) -> bool {
        let reader = self.clone();
        let mut life = tokio::spawn(async move {
            match reader.way {
                Way::Pages => reader.read_pages().await,
                Way::Live => reader.listen().await,
            }
        });
        // Any moment will do: what is asserted holds for all of them.
        let death = Duration::from_millis(rand::random_range(5..LONGEST_LIFE));
        tokio::select! {
            ended = &mut life => { ended.unwrap(); true }
            () = sleep(death) => {
                life.abort();
                match life.await {
                    Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                    ended => ended.is_ok(),
                }
            }
        }
    }

    /// Writes down an entry; it may be killed before the next.
    async fn note(&self, entry: &Value, cursor: &Value) {
        self.copy.lock().note(entry, cursor);
        tokio::task::yield_now().await;
    }

    /// Reads a page; whether it was the last.
    async fn read_page(&self, first: usize) -> Option<bool> {
        let query = format!(
            "query($first: Int!, $after: String) {{ changes(first: $first, after: $after) {{
                edges {{ cursor node {{ {ENTRY} }} }} pageInfo {{ hasNextPage endCursor }} }} }}"
        );
        let after = self.copy.lock().cursor.clone();
        let answer = self.service.ask(&self.token, &query, &json!({ "first": first, "after": after })).await?;
        assert_eq!(answer.get("errors"), None, "{answer}");
        let page = &answer["data"]["changes"];
        for edge in page["edges"].as_array().unwrap() {
            self.note(&edge["node"], &edge["cursor"]).await;
        }
        let is_last = page["pageInfo"]["hasNextPage"] == false;
        if is_last {
            self.copy.lock().cursor = page["pageInfo"]["endCursor"].clone();
        }
        Some(is_last)
    }

    async fn read_pages(&self) {
        loop {
            // Looked at first: what is written until then is on the page.
            let is_over = self.end.load(Ordering::SeqCst) >= 0;
            match self.read_page(rand::random_range(1..=100)).await {
                Some(true) if is_over => return,
                Some(false) => {}
                Some(true) | None => sleep(REST).await,
            }
        }
    }

    /// For who sees everything: only then the last entry is known to come.
    async fn listen(&self) {
        let query =
            format!("subscription($after: String) {{ changes(after: $after) {{ cursor change {{ {ENTRY} }} }} }}");
        loop {
            if self.copy.lock().last == Some(self.end.load(Ordering::SeqCst)) {
                return;
            }
            let after = self.copy.lock().cursor.clone();
            let Some(mut socket) = self.start_listening(&query, after).await else {
                sleep(REST).await;
                continue;
            };
            while let Ok(message) = socket.read().await {
                if is_busy(&message["payload"]) {
                    break;
                }
                let event = &message["payload"]["data"]["changes"];
                assert!(message["type"] == "next" && event.is_object(), "{message}");
                self.note(&event["change"], &event["cursor"]).await;
            }
        }
    }

    async fn start_listening(&self, query: &str, after: Value) -> Option<Socket> {
        let mut socket = Socket::open(&self.service.some_address(), &self.token).await?;
        socket.try_send(subscribe("feed", query, json!({ "after": after }))).await.then_some(socket)
    }
}
