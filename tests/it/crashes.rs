//! A service that is killed while it writes a portfolio or a merger: all of it is there afterwards, or nothing.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::{Child, Command},
    time::{Duration, Instant},
};

use entity::{joining, portfolio_registration, product, product_alias, product_version, provider, provider_merger};
use itkatalog::{
    clock::{Clock, day_of},
    database::Database,
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Backend, TestDatabase, config,
    mergers::merging,
    program::{command, serve_as, text},
};

const ROWS: usize = 5_000;
/// How often it is killed.
const MOMENTS: usize = 3;
const REGISTER: &str = "mutation($input: RegisterPortfolioInput!) { registerPortfolio(input: $input) {
    report { written total added unchanged rejected } errors { code message } } }";
const MERGE: &str = "mutation($input: MergeProvidersInput!) { mergeProviders(input: $input) {
    plan { hash } merger { key } errors { code message } } }";

fn body(round: usize) -> String {
    let rows: Vec<Value> = (0..ROWS)
        .map(|place| {
            json!({ "externalId": format!("CRASH-{round}-{place}"), "name": format!("Leistung {place}"), "category": "fin",
                "deliveryMode": "REGIONAL", "prices": [{ "unit": "INHABITANT", "period": "YEAR", "amount": "0.35" }] })
        })
        .collect();
    let input =
        json!({ "provider": "itkr", "count": ROWS, "products": rows, "idempotencyKey": format!("crash-{round}") });
    json!({ "query": REGISTER, "variables": { "input": input } }).to_string()
}

/// Sends a registration; an error where the service went away.
fn send(address: &str, token: &str, body: &str) -> std::io::Result<Value> {
    let mut stream = TcpStream::connect(address)?;
    let length = body.len();
    write!(
        stream,
        "POST /graphql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let json = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    serde_json::from_str(json).map_err(std::io::Error::other)
}

/// How many products, versions and registrations there are of a round.
async fn written(database: &Database, round: usize) -> [u64; 3] {
    let db = database.connection();
    let of_round = product::Column::ExternalId.starts_with(format!("CRASH-{round}-"));
    let ids = product::Entity::find().select_only().column(product::Column::Id).filter(of_round.clone()).into_query();
    [
        product::Entity::find().filter(of_round).count(db).await.unwrap(),
        product_version::Entity::find()
            .filter(product_version::Column::ProductId.in_subquery(ids))
            .count(db)
            .await
            .unwrap(),
        portfolio_registration::Entity::find().count(db).await.unwrap(),
    ]
}

/// A service as a program of its own, on a database that outlives it.
struct Crashing {
    folder: TempDir,
    database: TestDatabase,
    server: Child,
    address: String,
    /// The database beside it.
    beside: Database,
    /// How long a change takes, as far as is known.
    usual: Duration,
}

impl Crashing {
    async fn start(backend: Backend) -> Self {
        let (folder, database) = (TempDir::new().unwrap(), TestDatabase::with_sample_data(backend).await);
        let (server, address) = serve_as(program(&folder, &database));
        let beside = Database::connect(&config(&database.url)).await.unwrap();
        Self { folder, database, server, address, beside, usual: Duration::from_secs(2) }
    }

    fn token(&self, role: &[&str]) -> String {
        let made = program(&self.folder, &self.database).args(["token", "--ttl", "1d", "--role"]).args(role).output();
        text(&made.unwrap().stdout).trim().to_owned()
    }

    /// Sends a change, kills the service at some moment meanwhile, and starts it again. Gives the answer, if one came.
    async fn kill_while(&mut self, token: &str, body: &str) -> Option<Value> {
        let (to, who, sent) = (self.address.clone(), token.to_owned(), body.to_owned());
        let sending = std::thread::spawn(move || send(&to, &who, &sent));
        // Any moment will do: what is asserted holds for all of them.
        tokio::time::sleep(self.usual.mul_f64(rand::random_range(0.0..1.1)).max(Duration::from_millis(1))).await;
        self.server.kill().unwrap();
        self.server.wait().unwrap();
        let answered = sending.join().unwrap();
        (self.server, self.address) = serve_as(program(&self.folder, &self.database));
        answered.ok()
    }

    /// Sends a change to its end.
    fn send(&mut self, token: &str, body: &str) -> Value {
        let start = Instant::now();
        let answer = send(&self.address, token, body).unwrap();
        self.usual = start.elapsed();
        answer
    }

    async fn finish(mut self) {
        let verified = program(&self.folder, &self.database).args(["audit", "verify"]).output().unwrap();
        assert!(text(&verified.stdout).contains("The audit trail holds"), "{}", text(&verified.stderr));
        self.server.kill().unwrap();
        self.server.wait().unwrap();
        self.beside.close().await.unwrap();
        self.database.remove().await;
    }
}

fn program(folder: &TempDir, database: &TestDatabase) -> Command {
    let mut command = command(folder.path());
    command.env("ITKATALOG_DATABASE_URL", &database.url).env("ITKATALOG_REQUEST_TIMEOUT_MS", "300000");
    command
}

async fn registrations_are_killed(backend: Backend) {
    let mut crashing = Crashing::start(backend).await;
    let token = crashing.token(&["provider", "--provider", "itkr"]);
    for round in 0..MOMENTS {
        let answered = crashing.kill_while(&token, &body(round)).await;
        let found = written(&crashing.beside, round).await;
        // Every earlier round has left one registration.
        let (all, nothing) = ([ROWS as u64, ROWS as u64, round as u64 + 1], [0, 0, round as u64]);
        assert!(found == all || (found == nothing && answered.is_none()), "{found:?}");
        let again = crashing.send(&token, &body(round));
        let report = &again["data"]["registerPortfolio"]["report"];
        assert_eq!((&report["written"], &report["rejected"]), (&json!(true), &json!(0)), "{again}");
        assert_eq!(written(&crashing.beside, round).await, all, "once, with the same key");
    }
    crashing.finish().await;
}

/// What there is of a merger: itself, what it moved, the level of the one that went, and whether its key was kept.
async fn merged(database: &Database, from: &str) -> [u64; 4] {
    let db = database.connection();
    let provider = provider::Entity::find().filter(provider::Column::Key.eq(from)).one(db).await.unwrap().unwrap();
    let level = joining::Column::Level.eq(joining::Level::Merged);
    let of_provider = joining::Column::ProviderId.eq(provider.id);
    [
        provider_merger::Entity::find().filter(provider_merger::Column::Source.eq(from)).count(db).await.unwrap(),
        product::Entity::find().filter(product::Column::ProviderId.eq(provider.id)).count(db).await.unwrap(),
        joining::Entity::find().filter(of_provider).filter(level).count(db).await.unwrap(),
        product_alias::Entity::find()
            .filter(product_alias::Column::ProviderId.eq(provider.id))
            .count(db)
            .await
            .unwrap(),
    ]
}

async fn mergers_are_killed(backend: Backend) {
    let mut crashing = Crashing::start(backend).await;
    let token = crashing.token(&["transformation_office"]);
    for from in ["ivl", "habit", "krzn"] {
        let ask = |more: Value| {
            let mut input = merging("regioit", &[from], more);
            input["resolution"] = json!(from);
            input["on"] = json!(day_of(Clock::System.now()));
            json!({ "query": MERGE, "variables": { "input": input } }).to_string()
        };
        let plan = crashing.send(&token, &ask(json!({ "dryRun": true })));
        let hash = &plan["data"]["mergeProviders"]["plan"]["hash"];
        let merge = ask(json!({ "planHash": hash, "idempotencyKey": from }));
        let before = merged(&crashing.beside, from).await;
        let answered = crashing.kill_while(&token, &merge).await;
        let (found, all) = (merged(&crashing.beside, from).await, [1, 0, 1, before[1]]);
        assert!(found == all || (found == before && answered.is_none()), "{before:?} {found:?}");
        let again = crashing.send(&token, &merge);
        assert_eq!(again["data"]["mergeProviders"]["errors"], json!([]), "{again}");
        assert_eq!(merged(&crashing.beside, from).await, all, "once, with the same key");
    }
    crashing.finish().await;
}

#[tokio::test]
async fn a_registration_that_is_killed_is_whole_or_not_there_on_sqlite() {
    registrations_are_killed(Backend::Sqlite).await;
}

#[tokio::test]
async fn a_registration_that_is_killed_is_whole_or_not_there_on_postgres() {
    registrations_are_killed(Backend::Postgres).await;
}

#[tokio::test]
async fn a_merger_that_is_killed_is_whole_or_not_there_on_sqlite() {
    mergers_are_killed(Backend::Sqlite).await;
}

#[tokio::test]
async fn a_merger_that_is_killed_is_whole_or_not_there_on_postgres() {
    mergers_are_killed(Backend::Postgres).await;
}
