//! Several instances on one database: each webhook is worked on by one at a time, and what one leaves another takes over.

use chrono::TimeDelta;
use entity::webhook;
use itkatalog::{clock::Clock, webhooks};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, PaginatorTrait, prelude::Uuid};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{
    NOW, clock,
    program::{command, serve_as},
    receiver::{Receiver, Reply},
    webhooks::after,
};

const NOTHING: TimeDelta = TimeDelta::zero();

on_both_databases! {
    async fn several_instances_send_each_change_once(app: TestApp) {
        let receiver = Receiver::willing().await;
        let other = app.at(NOW).await;
        app.new_webhook(&receiver.url()).await;
        let things: Vec<u128> = (0..20).collect();
        let first = app.changes_of(&things).await;
        for _ in 0..4 {
            tokio::join!(app.round(NOTHING), other.round(NOTHING), app.round(NOTHING), other.round(NOTHING));
            app.changes_of(&things).await;
        }
        app.round(NOTHING).await;
        let mut taken = receiver.taken();
        taken.sort_unstable();
        assert!(taken.into_iter().eq(first..first + 100), "each once");
        other.server.database().close().await.unwrap();
    }

    async fn a_lease_keeps_others_away_until_it_ends(app: TestApp) {
        let receiver = Receiver::willing().await;
        app.new_webhook(&receiver.url()).await;
        let id = app.webhook_row().await.id;
        app.changes_of(&[1]).await;
        let leased = webhook::ActiveModel { id: Set(id), lease: Set(Some(Uuid::new_v4())), leased_until: Set(Some(after(TimeDelta::seconds(60)))), ..Default::default() };
        leased.update(app.server.database().connection()).await.unwrap();
        assert_eq!((app.round(TimeDelta::seconds(59)).await, receiver.heard().len()), (0, 0));
        assert_eq!((app.round(TimeDelta::seconds(60)).await, receiver.heard().len()), (1, 1));
        assert_eq!(app.webhook_row().await.lease, None, "given back");
    }

    async fn an_instance_that_was_killed_is_followed_by_another_and_nothing_is_lost(app: TestApp) {
        let receiver = Receiver::start(|_| Reply::Nothing).await;
        app.new_webhook(&receiver.url()).await;
        let first = app.changes_of(&[1, 1]).await;
        let folder = TempDir::new().unwrap();
        let mut program = command(folder.path());
        let key = app.config.webhook_key.as_ref().unwrap().encode();
        program.env("ITKATALOG_DATABASE_URL", app.config.database_url.secret()).env("ITKATALOG_WEBHOOK_KEY", key);
        program.env("ITKATALOG_WEBHOOK_ALLOW_PRIVATE", "true").env("ITKATALOG_WEBHOOK_ALLOW_HTTP", "true");
        // Proxies of the environment are not asked.
        for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            program.env(name, "http://127.0.0.1:1");
        }
        let (mut child, _) = serve_as(program);
        receiver.hears(1).await;
        child.kill().unwrap();
        child.wait().unwrap();
        receiver.behave(|_| Reply::Status(200));
        let desk = app.server.desk();
        assert_eq!(webhooks::round(desk, Clock::System).await.unwrap(), 0, "its lease still holds");
        let later = Clock::Fixed(Clock::System.now() + TimeDelta::seconds(61));
        assert_eq!(webhooks::round(desk, later).await.unwrap(), 1);
        assert_eq!(receiver.taken(), [first, first + 1]);
        let heard = receiver.heard();
        assert_eq!(heard[0].header("webhook-id"), heard[1].header("webhook-id"), "again rather than lost");
    }

    async fn a_replay_while_something_is_under_way_counts(app: TestApp) {
        let receiver = Receiver::start(|_| Reply::Nothing).await;
        let impatient = app.with(clock(), |config| config.webhook_timeout_ms = 1000).await;
        let (webhook, _) = app.new_webhook(&receiver.url()).await;
        let first = app.changes_of(&[1, 1, 1]).await;
        let desk = impatient.server.desk().clone();
        let round = tokio::spawn(async move { webhooks::round(&desk, clock()).await });
        receiver.hears(1).await;
        let replay = json!({ "webhook": webhook["id"], "version": 1, "after": webhook["position"]["cursor"] });
        app.webhook_done("replayWebhook", replay).await;
        receiver.behave(|_| Reply::Status(200));
        round.await.unwrap().unwrap();
        assert_eq!(receiver.taken(), [first, first + 1, first + 2], "what was begun before does not count");
        impatient.server.database().close().await.unwrap();
    }

    async fn one_that_is_removed_while_something_is_under_way_leaves_nothing_behind(app: TestApp) {
        let receiver = Receiver::start(|_| Reply::Nothing).await;
        let impatient = app.with(clock(), |config| config.webhook_timeout_ms = 1000).await;
        let (webhook, _) = app.new_webhook(&receiver.url()).await;
        app.changes_of(&[1, 1]).await;
        let desk = impatient.server.desk().clone();
        let round = tokio::spawn(async move { webhooks::round(&desk, clock()).await });
        receiver.hears(1).await;
        app.webhook_done("deleteWebhook", json!({ "webhook": webhook["id"], "version": 1 })).await;
        round.await.unwrap().unwrap();
        let db = app.server.database().connection();
        assert_eq!(entity::webhook_delivery::Entity::find().count(db).await.unwrap(), 0);
        assert_eq!((entity::webhook_entry::Entity::find().count(db).await.unwrap(), receiver.heard().len()), (0, 1));
        impatient.server.database().close().await.unwrap();
    }
}

#[tokio::test]
async fn a_running_service_sends_by_itself() {
    for backend in [crate::support::Backend::Sqlite, crate::support::Backend::Postgres] {
        let app = crate::support::TestApp::start(backend).await;
        let receiver = Receiver::willing().await;
        app.new_webhook(&receiver.url()).await;
        let running = app.run().await;
        let first = app.changes_of(&[1]).await;
        receiver.hears(1).await;
        app.changes_of(&[1]).await;
        receiver.hears(2).await;
        assert_eq!(receiver.taken(), [first, first + 1]);
        running.stop().await.unwrap();
        app.finish().await;
    }
}
