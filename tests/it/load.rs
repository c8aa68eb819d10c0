//! Eight who write and three who read, who are killed again and again: what they have in the end is what the database has.
//! `LOAD_SECONDS` says for how long.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use itkatalog::{clock::day_of, config::Config};

use crate::support::{
    Backend, NOW, TestApp, clock,
    live::Running,
    load::{Load, patiently, setting, tokens},
    service::Service,
};

const USUAL_SECONDS: u64 = 6;
/// So many writes there are at least, however slow the machine is.
const FEWEST_WRITES: usize = 50;

async fn readers_that_are_killed_miss_nothing(backend: Backend, instances: usize) {
    let app = TestApp::start(backend).await;
    let mut running: Vec<Running> = Vec::new();
    for _ in 0..instances {
        let patient = |config: &mut Config| (config.database_connections, config.request_timeout_ms) = (20, 300_000);
        running.push(app.run_with(clock(), patient).await);
    }
    let addresses = running.iter().map(|running| running.address.to_string()).collect();
    let service = Service::new(addresses, tokens(), day_of(NOW.parse::<DateTime<Utc>>().unwrap()));
    let mut load = Load::start(&service).await;
    let (start, time) = (Instant::now(), Duration::from_secs(setting("LOAD_SECONDS", USUAL_SECONDS)));
    while start.elapsed() < time || load.journal.count() < FEWEST_WRITES {
        tokio::time::sleep(Duration::from_millis(50)).await;
        load.check_alive().await;
    }
    load.stop_writing().await;
    load.stop_reading(app.server.database()).await;
    load.report(&format!("load on {backend:?} with {instances} instances"));
    for running in running {
        running.stop().await.unwrap();
    }
    load.check(&app).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_are_killed_while_others_write_miss_nothing_on_sqlite() {
    patiently(readers_that_are_killed_miss_nothing(Backend::Sqlite, 1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_are_killed_while_others_write_miss_nothing_with_two_instances_on_postgres() {
    patiently(readers_that_are_killed_miss_nothing(Backend::Postgres, 2)).await;
}
