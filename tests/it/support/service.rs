//! A service as its clients see it: one or more instances behind addresses that may change, and answers that may not come.

use std::{sync::Arc, time::Duration};

use axum::body::Bytes;
use chrono::NaiveDate;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use parking_lot::Mutex;
use serde_json::{Value, json};

/// Longest wait for an answer: only so that a test that fails ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tokens of those who write and read.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Aachen, which takes products.
    pub town: String,
    /// Who decides.
    pub steward: String,
    /// `zentral-nrw`, whose product is taken.
    pub supplier: String,
    /// `itkr`, which keeps its portfolio.
    pub provider: String,
    /// The Land, which reads everything.
    pub land: String,
}

/// The instances of one service.
#[derive(Clone)]
pub struct Service {
    addresses: Arc<Mutex<Vec<String>>>,
    client: Client<HttpConnector, Full<Bytes>>,
    pub tokens: Arc<Tokens>,
    /// Today, as the service sees it.
    pub today: NaiveDate,
}

impl Service {
    pub fn new(addresses: Vec<String>, tokens: Tokens, today: NaiveDate) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { addresses: Arc::new(Mutex::new(addresses)), client, tokens: Arc::new(tokens), today }
    }

    /// An instance came back at another address.
    pub fn moved(&self, instance: usize, address: String) {
        self.addresses.lock()[instance] = address;
    }

    /// The address of some instance.
    pub fn some_address(&self) -> String {
        let addresses = self.addresses.lock();
        addresses[rand::random_range(0..addresses.len())].clone()
    }

    /// What some instance answers to a request; nothing where it went away, or says that it is to be asked again.
    pub async fn ask(&self, token: &str, query: &str, variables: &Value) -> Option<Value> {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let request = axum::http::Request::post(format!("http://{}/graphql", self.some_address()))
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"))
            .body(Full::from(body))
            .unwrap();
        let answered = async {
            let answer = self.client.request(request).await.ok()?;
            let status = answer.status();
            Some((status, answer.into_body().collect().await.ok()?.to_bytes()))
        };
        let (status, bytes) = tokio::time::timeout(PATIENCE, answered).await.expect("no answer came")?;
        let text = String::from_utf8_lossy(&bytes);
        assert!(status == 200 || status == 503, "{status}: {text}");
        let answer: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        (!is_busy(&answer)).then_some(answer)
    }
}

/// Nothing was done, and it may be asked again.
pub fn is_busy(answer: &Value) -> bool {
    answer["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
}
