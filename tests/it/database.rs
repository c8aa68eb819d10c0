//! Migrations, freshness, and what happens when the database goes away.

use std::time::Duration;

use itkatalog::{
    database::Database,
    seed::{self, Content},
    server::Server,
};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;

use crate::support::{Backend, TestDatabase, clock, config, fingerprint};

const BACKENDS: [Backend; 2] = [Backend::Sqlite, Backend::Postgres];

async fn tables(database: &Database) -> i64 {
    let db = database.connection();
    let query = match db.get_database_backend() {
        sea_orm::DbBackend::Postgres => {
            "SELECT count(*) AS n FROM information_schema.tables WHERE table_schema = 'public'"
        }
        _ => "SELECT count(*) AS n FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    };
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), query)).await.unwrap().unwrap();
    row.try_get("", "n").unwrap()
}

#[tokio::test]
async fn migrations_go_up_down_and_up_again() {
    for backend in BACKENDS {
        let place = TestDatabase::empty(backend).await;
        let database = Database::connect(&config(&place.url)).await.unwrap();
        database.migrate_up().await.unwrap();
        let all = tables(&database).await;
        assert!(all > 20);
        let steps = database.migration_status().await.unwrap();
        assert!(steps.iter().all(|step| step.applied));
        for _ in &steps {
            database.migrate_down(1).await.unwrap();
        }
        assert_eq!(tables(&database).await, 1, "only the list of steps is left");
        database.migrate_up().await.unwrap();
        assert_eq!(tables(&database).await, all);
        seed::run(&database, &fingerprint(), clock(), Content::Demo).await.unwrap();
        database.migrate_down(steps.len() as u32).await.unwrap();
        assert_eq!(tables(&database).await, 1, "{backend:?}: data does not stand in the way");
        database.connection().clone().close().await.unwrap();
        place.remove().await;
    }
}

#[tokio::test]
async fn a_database_newer_than_the_program_is_refused() {
    for backend in BACKENDS {
        let place = TestDatabase::empty(backend).await;
        let database = Database::connect(&config(&place.url)).await.unwrap();
        database.migrate_up().await.unwrap();
        let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20991231_000001_from_the_future', 0)";
        database.connection().execute_unprepared(newer).await.unwrap();
        let error = Server::build(config(&place.url), clock(), false).await.err().unwrap();
        assert!(error.contains("newer than this program") && error.contains("from_the_future"), "{error}");
        database.connection().clone().close().await.unwrap();
        place.remove().await;
    }
}

#[tokio::test]
async fn two_instances_may_start_on_an_empty_database_at_once() {
    let place = TestDatabase::empty(Backend::Postgres).await;
    let start = || Server::build(config(&place.url), clock(), true);
    let (one, two, three) = tokio::join!(start(), start(), start());
    for server in [one.unwrap(), two.unwrap(), three.unwrap()] {
        server.live().refresh().await;
        assert_eq!(server.live().snapshot().municipalities.len(), 427);
        assert_eq!(server.live().snapshot().version, 1, "loaded once");
        server.database().connection().clone().close().await.unwrap();
    }
    place.remove().await;
}

#[tokio::test]
async fn an_unreachable_database_is_named_at_start_without_its_password() {
    let error = Database::connect(&config("postgres://someone:secret@127.0.0.1:1/nothing")).await.err().unwrap();
    assert!(error.contains("127.0.0.1:1") && error.contains("can't be reached"), "{error}");
    assert!(!error.contains("secret"), "{error}");
    let error = Database::connect(&config("sqlite:///no/such/folder/x.db")).await.err().unwrap();
    assert!(error.contains("/no/such/folder/x.db"), "{error}");
    let error = Database::connect(&config("mysql://somewhere/x")).await.err().unwrap();
    assert!(error.contains("expected sqlite://FILE or postgres://"), "{error}");
}

#[tokio::test]
async fn sample_data_is_served_on_a_loopback_address_only() {
    let mut config = config("sqlite::memory:");
    config.listen = "0.0.0.0:0".parse().unwrap();
    let error = Server::build(config, clock(), true).await.err().unwrap();
    assert!(error.contains("loopback"), "{error}");
}

on_both_databases! {
    async fn what_another_process_wrote_is_seen_within_a_second(app: TestApp) {
        let query = "{ provider(by: {key: \"krzn\"}) { name } }";
        assert_eq!(app.data(query, json!({})).await["provider"]["name"], "Kommunales Rechenzentrum Niederrhein");
        let refreshing = tokio::spawn(app.server.live().clone().keep_fresh(Duration::from_millis(100)));
        let other = Database::connect(&app.config).await.unwrap();
        for statement in ["UPDATE providers SET name = 'KRZN neu' WHERE key = 'krzn'", "UPDATE catalogue_state SET version = version + 1"] {
            other.connection().execute_unprepared(statement).await.unwrap();
        }
        let mut seen = false;
        // Polls instead of one long sleep; twenty times the interval, for slow machines.
        for _ in 0..40 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            seen = app.data(query, json!({})).await["provider"]["name"] == "KRZN neu";
            if seen {
                break;
            }
        }
        assert!(seen);
        refreshing.abort();
        other.connection().clone().close().await.unwrap();
    }

    async fn without_the_database_the_catalogue_goes_on_and_health_says_so(app: TestApp) {
        let query = "{ provider(by: {key: \"krzn\"}) { name } }";
        app.database.set_reachable(false).await;
        app.server.live().refresh().await;
        assert!(!app.server.live().is_database_up());
        assert_eq!(app.data(query, json!({})).await["provider"]["name"], "Kommunales Rechenzentrum Niederrhein");
        let ready = app.get("/readyz").await;
        assert_eq!((ready.status.as_u16(), &ready.body["database"]), (503, &json!("down")));
        assert_eq!(app.get("/livez").await.status, 200);
        app.database.set_reachable(true).await;
        app.server.live().refresh().await;
        assert!(app.server.live().is_database_up());
        assert_eq!(app.get("/readyz").await.status, 200);
    }

    async fn only_one_phase_can_be_current(app: TestApp) {
        let db = app.server.database().connection();
        assert!(db.execute_unprepared("UPDATE phases SET state = 'CURRENT' WHERE key = 'INTEGRATION'").await.is_err());
    }
}
