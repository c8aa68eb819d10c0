//! Many who write and some who read, beside each other; and what must hold when they are done.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use entity::{change, record_head};
use itkatalog::database::Database;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use tokio::task::{JoinHandle, JoinSet};

use super::{
    TestApp,
    acts::INITIAL,
    callers,
    readers::{Reader, Way},
    service::{Service, Tokens},
    writers::{Journal, Writer},
};

const SUBSCRIPTION_WRITERS: usize = 6;
const PRODUCT_WRITERS: usize = 2;

/// Load on a service.
pub struct Load {
    pub writer: Writer,
    pub journal: Arc<Journal>,
    /// Two of the Land, by pages and live, and a provider.
    pub readers: Vec<Reader>,
    writing: JoinSet<()>,
    reading: Vec<JoinHandle<()>>,
    end: Arc<AtomicI64>,
}

/// A number from the environment.
pub fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(usual)
}

/// Waits for a test with load: only so that one that fails ends.
pub async fn patiently(test: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(3_600), test).await.expect("it never ends");
}

/// Tokens of the tests' issuer.
pub fn tokens() -> Tokens {
    Tokens {
        town: callers::municipality(super::acts::AACHEN),
        steward: callers::steward(),
        supplier: callers::provider(INITIAL.0),
        provider: callers::provider("itkr"),
        land: callers::land(),
    }
}

impl Load {
    /// Lets everybody begin.
    pub async fn start(service: &Service) -> Self {
        let journal = Arc::new(Journal::default());
        let writer = Writer { service: service.clone(), journal: journal.clone() };
        writer.make_common_product().await;
        let query = "query($by: ProductBy!) { product(by: $by) { id } }";
        let by = json!({ "externalId": { "provider": INITIAL.0, "externalId": INITIAL.1 } });
        let answer = service.ask(&service.tokens.land, query, &json!({ "by": by })).await.unwrap();
        let product = &answer["data"]["product"]["id"];
        let end = Arc::new(AtomicI64::new(-1));
        let Tokens { land, provider, .. } = &*service.tokens;
        let readers = [(land, Way::Pages), (land, Way::Live), (provider, Way::Pages)];
        let readers: Vec<Reader> = readers.map(|(token, way)| Reader::new(service, token, way, &end)).into();
        futures_util::future::join_all(readers.iter().map(Reader::catch_up)).await;
        let reading = readers.iter().map(Reader::start).collect();
        let mut writing = JoinSet::new();
        (0..SUBSCRIPTION_WRITERS).for_each(|_| drop(writing.spawn(writer.clone().take_products(product.clone()))));
        (0..PRODUCT_WRITERS).for_each(|number| drop(writing.spawn(writer.clone().keep_products(number))));
        Self { writer, journal, readers, writing, reading, end }
    }

    /// Lets the writers finish what they are at.
    pub async fn stop_writing(&mut self) {
        self.journal.is_over.store(true, Ordering::SeqCst);
        while let Some(ended) = self.writing.join_next().await {
            ended.unwrap();
        }
    }

    /// Fails as soon as one of the writers or readers has failed.
    pub async fn check_alive(&mut self) {
        while let Some(ended) = self.writing.try_join_next() {
            ended.unwrap();
        }
        for reading in self.reading.iter_mut().filter(|reading| reading.is_finished()) {
            reading.await.unwrap();
        }
    }

    /// Lets the readers come to the end.
    pub async fn stop_reading(&mut self, database: &Database) {
        let head = record_head::Entity::find().one(database.connection()).await.unwrap().unwrap();
        self.end.store(head.change_sequence, Ordering::SeqCst);
        for reading in self.reading.drain(..) {
            reading.await.unwrap();
        }
    }

    /// What must hold in the end, by the answers of an instance: nothing is lost or doubled, every copy is whole, the records hold.
    pub async fn check(&self, app: &TestApp) {
        let entries = change::Entity::find().count(app.server.database().connection()).await.unwrap();
        let writes = self.journal.writes();
        let stand: BTreeSet<String> = app.stand().await.into_values().flatten().collect();
        for (reader, token) in self.readers.iter().zip([callers::land(), callers::land(), callers::provider("itkr")]) {
            let copy = reader.copy.lock().clone();
            copy.proves_itself(app, &token, &copy.cursor).await;
            copy.proves_itself(app, &token, &Value::Null).await;
            if token != callers::land() {
                continue;
            }
            assert_eq!((copy.entries, copy.last), (entries, Some(self.end.load(Ordering::SeqCst))), "each entry once");
            for (id, count) in &writes {
                assert!(copy.versions[id].iter().copied().eq(1..=*count), "{id}: {count} {:?}", copy.versions[id]);
            }
            let rows = copy.rows.values().map(|row| serde_json_canonicalizer::to_string(row).unwrap());
            assert_eq!(rows.collect::<BTreeSet<String>>(), stand);
        }
        app.verify().await.unwrap();
        app.check_states().await;
    }

    /// The figures of a run, for who asks for them.
    #[expect(clippy::print_stdout, reason = "only shown with --nocapture, or when the test fails")]
    pub fn report(&self, what: &str) {
        let read: Vec<u64> = self.readers.iter().map(|reader| reader.copy.lock().entries).collect();
        let restarts: Vec<u64> = self.readers.iter().map(|reader| reader.restarts.load(Ordering::Relaxed)).collect();
        let (written, repeats) = (self.journal.count(), self.journal.repeats.load(Ordering::Relaxed));
        println!(
            "{what}: {written} writes acknowledged, {repeats} sent again, entries read {read:?}, restarts {restarts:?}"
        );
    }
}
