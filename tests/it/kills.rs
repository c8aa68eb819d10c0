//! The program is killed again and again while many write: whatever it acknowledged is there, once, and readers miss nothing.
//! `LOAD_KILLS` says how often.

use std::{
    process::{Child, Command},
    time::Duration,
};

use entity::change;
use itkatalog::{
    clock::{Clock, day_of},
    database::Database,
};
use rand::seq::IndexedRandom;
use sea_orm::{EntityTrait, PaginatorTrait};
use tempfile::TempDir;

use crate::support::{
    Backend, TestApp, TestDatabase,
    acts::{AACHEN, INITIAL},
    config,
    load::{Load, patiently, setting},
    program::{command, serve_as, text},
    service::{Service, Tokens},
};

const USUAL_KILLS: u64 = 4;
/// Writes between two kills, at least.
const WRITES_BETWEEN: usize = 10;
/// Acknowledged writes whose requests are sent once more in the end.
const SENT_ONCE_MORE: usize = 20;

/// Programs on one database, each of which may be killed.
struct Programs {
    folder: TempDir,
    database: TestDatabase,
    running: Vec<Child>,
}

impl Programs {
    async fn start(backend: Backend, instances: usize) -> (Self, Service) {
        let (folder, database) = (TempDir::new().unwrap(), TestDatabase::with_sample_data(backend).await);
        let mut programs = Self { folder, database, running: Vec::new() };
        let mut addresses = Vec::new();
        for _ in 0..instances {
            let (child, address) = programs.serve().await;
            programs.running.push(child);
            addresses.push(address);
        }
        let tokens = programs.tokens();
        (programs, Service::new(addresses, tokens, day_of(Clock::System.now())))
    }

    fn command(&self) -> Command {
        let mut command = command(self.folder.path());
        command.env("ITKATALOG_DATABASE_URL", &self.database.url).env("ITKATALOG_RATE_LIMIT", "0");
        command.env("ITKATALOG_DATABASE_CONNECTIONS", "20").env("ITKATALOG_REQUEST_TIMEOUT_MS", "300000");
        command
    }

    async fn serve(&self) -> (Child, String) {
        let command = self.command();
        tokio::task::spawn_blocking(|| serve_as(command)).await.unwrap()
    }

    fn tokens(&self) -> Tokens {
        let token = |role: &[&str]| {
            // Whoever has asked for something does not decide on it: each is a person of its own.
            let mut command = self.command();
            command.args(["token", "--ttl", "1d", "--subject", &role.concat(), "--role"]).args(role);
            let made = command.output().unwrap();
            text(&made.stdout).trim().to_owned()
        };
        Tokens {
            town: token(&["municipality", "--municipality", AACHEN]),
            steward: token(&["steward"]),
            supplier: token(&["provider", "--provider", INITIAL.0]),
            provider: token(&["provider", "--provider", "itkr"]),
            land: token(&["land"]),
        }
    }

    /// Kills one of them, and starts it again.
    async fn kill(&mut self, service: &Service) {
        let instance = rand::random_range(0..self.running.len());
        self.running[instance].kill().unwrap();
        self.running[instance].wait().unwrap();
        let (child, address) = self.serve().await;
        self.running[instance] = child;
        service.moved(instance, address);
    }

    /// Ends all of them; the database stays.
    fn end(mut self) -> TestDatabase {
        for mut child in self.running.drain(..) {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        self.database
    }
}

/// Waits until there are so many more writes: then it is under load again.
async fn write_on(load: &mut Load) {
    let enough = load.journal.count() + WRITES_BETWEEN;
    while load.journal.count() < enough {
        tokio::time::sleep(Duration::from_millis(10)).await;
        load.check_alive().await;
    }
    // Any moment will do: what is asserted holds for all of them.
    tokio::time::sleep(Duration::from_millis(rand::random_range(0..200))).await;
}

/// The same keys once more: the same answers, and nothing is written.
async fn send_once_more(load: &Load, database: &Database) {
    let entries = async || change::Entity::find().count(database.connection()).await.unwrap();
    let (before, all) = (entries().await, load.journal.acknowledged.lock().clone());
    for acknowledged in all.sample(&mut rand::rng(), SENT_ONCE_MORE) {
        load.writer.repeat(acknowledged).await;
    }
    assert_eq!(entries().await, before, "the same keys again");
}

async fn nothing_acknowledged_is_lost(backend: Backend, instances: usize) {
    let kills = setting("LOAD_KILLS", USUAL_KILLS);
    let (mut programs, service) = Programs::start(backend, instances).await;
    let mut load = Load::start(&service).await;
    for _ in 0..kills {
        write_on(&mut load).await;
        programs.kill(&service).await;
    }
    write_on(&mut load).await;
    load.stop_writing().await;
    let beside = Database::connect(&config(&programs.database.url)).await.unwrap();
    send_once_more(&load, &beside).await;
    load.stop_reading(&beside).await;
    load.report(&format!("{kills} kills on {backend:?} with {instances} instances"));
    beside.close().await.unwrap();
    let app = TestApp::on(programs.end()).await;
    load.check(&app).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_killed_program_acknowledged_is_there_once_on_sqlite() {
    patiently(nothing_acknowledged_is_lost(Backend::Sqlite, 1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_one_of_two_killed_programs_acknowledged_is_there_once_on_postgres() {
    patiently(nothing_acknowledged_is_lost(Backend::Postgres, 2)).await;
}
