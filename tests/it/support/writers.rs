//! Writers that do what people do all day: take products, decide, change, keep a portfolio. Whatever is acknowledged is noted.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use sea_orm::prelude::Uuid;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{acts::reason, service::Service};

/// Rest of who got no answer.
const REST: Duration = Duration::from_millis(50);

/// A write that was acknowledged.
#[derive(Clone, Debug)]
pub struct Acknowledged {
    token: String,
    query: String,
    input: Value,
    /// The thing that was written.
    pub id: String,
}

/// What all writers were told.
#[derive(Default)]
pub struct Journal {
    pub acknowledged: Mutex<Vec<Acknowledged>>,
    /// How often a request was sent again because no answer came, or the service was busy.
    pub repeats: AtomicU64,
    /// Writers finish what they are at.
    pub is_over: AtomicBool,
}

impl Journal {
    pub fn count(&self) -> usize {
        self.acknowledged.lock().len()
    }

    /// How often each thing was written.
    pub fn writes(&self) -> BTreeMap<String, i64> {
        let mut writes = BTreeMap::new();
        for acknowledged in self.acknowledged.lock().iter() {
            *writes.entry(acknowledged.id.clone()).or_default() += 1;
        }
        writes
    }

    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }
}

/// One of many who write to a service.
#[derive(Clone)]
pub struct Writer {
    pub service: Service,
    pub journal: Arc<Journal>,
}

/// A mutation: its name, what it answers with, and where the written thing is in that.
pub struct Mutation {
    pub name: &'static str,
    pub answer: &'static str,
    pub thing: &'static str,
}

impl Writer {
    /// Sends a change with a key of its own until it is acknowledged: again where no answer came, now and then twice at once.
    /// The thing as it was written.
    pub async fn write(&self, token: &str, mutation: &Mutation, mut input: Value) -> Value {
        let Mutation { name, answer, thing } = mutation;
        let kind = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
        let query = format!(
            "mutation($input: {kind}!) {{ {name}(input: $input) {{ {answer} errors {{ code path message }} }} }}"
        );
        input["reason"] = reason("APPROVED");
        input["idempotencyKey"] = json!(Uuid::new_v4().to_string());
        let is_twice = rand::random_range(0..5) == 0;
        let written = loop {
            let first = self.send(token, &query, &input);
            let written = if is_twice {
                let (first, second) = tokio::join!(first, self.send(token, &query, &input));
                if let (Some(first), Some(second)) = (&first, &second) {
                    assert_eq!(first.pointer(thing).unwrap()["id"], second.pointer(thing).unwrap()["id"], "one key");
                }
                first.or(second)
            } else {
                first.await
            };
            match written {
                Some(payload) => break payload.pointer(thing).unwrap().clone(),
                None => {
                    self.journal.repeats.fetch_add(1, Ordering::Relaxed);
                    sleep(REST).await;
                }
            }
        };
        let id = written["id"].as_str().unwrap_or_else(|| panic!("{name}: {written}")).to_owned();
        self.journal.acknowledged.lock().push(Acknowledged { token: token.to_owned(), query, input, id });
        written
    }

    /// The payload of a change that was carried out; nothing where no answer came, or the service is busy.
    async fn send(&self, token: &str, query: &str, input: &Value) -> Option<Value> {
        let answer = self.service.ask(token, query, &json!({ "input": input })).await?;
        let payload = answer["data"].as_object().and_then(|data| data.values().next().cloned()).unwrap_or_default();
        assert_eq!(payload["errors"], json!([]), "{answer} to {input}");
        Some(payload)
    }

    /// Sends what was acknowledged once more: the answer is about the same thing.
    pub async fn repeat(&self, acknowledged: &Acknowledged) {
        let Acknowledged { token, query, input, id } = acknowledged;
        let payload = loop {
            if let Some(payload) = self.send(token, query, input).await {
                break payload;
            }
            sleep(REST).await;
        };
        assert!(payload.to_string().contains(id.as_str()), "{payload} is not about {id}");
    }
}
