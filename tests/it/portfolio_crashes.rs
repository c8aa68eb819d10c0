//! A service that is killed while it writes a portfolio: all of it is there afterwards, or nothing.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    time::{Duration, Instant},
};

use entity::{portfolio_registration, product, product_version};
use itkatalog::database::Database;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Backend, TestDatabase, config,
    program::{command, serve_as, text},
};

const ROWS: usize = 5_000;
/// How often it is killed.
const MOMENTS: usize = 3;
const REGISTER: &str = "mutation($input: RegisterPortfolioInput!) { registerPortfolio(input: $input) {
    report { written total added unchanged rejected } errors { code message } } }";

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

async fn killed_at_any_moment(backend: Backend) {
    let (folder, database) = (TempDir::new().unwrap(), TestDatabase::with_sample_data(backend).await);
    let program = || -> Command {
        let mut command = command(folder.path());
        command.env("ITKATALOG_DATABASE_URL", &database.url).env("ITKATALOG_REQUEST_TIMEOUT_MS", "300000");
        command
    };
    let (mut server, mut address) = serve_as(program());
    let token = program().args(["token", "--role", "provider", "--provider", "itkr", "--ttl", "1d"]).output().unwrap();
    let token = text(&token.stdout).trim().to_owned();
    let db = Database::connect(&config(&database.url)).await.unwrap();

    // How long a registration takes, as far as is known.
    let mut usual = Duration::from_secs(4);
    for round in 0..MOMENTS {
        let (to, who, sent) = (address.clone(), token.clone(), body(round));
        let sending = std::thread::spawn(move || send(&to, &who, &sent));
        // Any moment will do: what is asserted holds for all of them.
        tokio::time::sleep(usual.mul_f64(rand::random_range(0.0..1.1)).max(Duration::from_millis(1))).await;
        server.kill().unwrap();
        server.wait().unwrap();
        let answered = sending.join().unwrap();
        (server, address) = serve_as(program());
        let found = written(&db, round).await;
        // Every earlier round has left one registration.
        let (all, nothing) = ([ROWS as u64, ROWS as u64, round as u64 + 1], [0, 0, round as u64]);
        assert!(found == all || (found == nothing && answered.is_err()), "{found:?}");
        let start = Instant::now();
        let again = send(&address, &token, &body(round)).unwrap();
        usual = start.elapsed();
        let report = &again["data"]["registerPortfolio"]["report"];
        assert_eq!((&report["written"], &report["rejected"]), (&json!(true), &json!(0)), "{again}");
        assert_eq!(written(&db, round).await, all, "once, with the same key");
    }
    let verified = program().args(["audit", "verify"]).output().unwrap();
    assert!(text(&verified.stdout).contains("The audit trail holds"), "{}", text(&verified.stderr));
    server.kill().unwrap();
    server.wait().unwrap();
    db.close().await.unwrap();
    database.remove().await;
}

#[tokio::test]
async fn a_registration_that_is_killed_is_whole_or_not_there_on_sqlite() {
    killed_at_any_moment(Backend::Sqlite).await;
}

#[tokio::test]
async fn a_registration_that_is_killed_is_whole_or_not_there_on_postgres() {
    killed_at_any_moment(Backend::Postgres).await;
}
