//! Where webhooks may lead: to the public internet, looked at when one is saved and again whenever one is connected to.

use chrono::TimeDelta;
use itkatalog::outbound::Allowed;
use serde_json::json;

use crate::support::{
    clock,
    receiver::Receiver,
    webhooks::{new, refusal},
};

const NOTHING: TimeDelta = TimeDelta::zero();

on_both_databases! {
    async fn addresses_inside_are_refused_when_a_webhook_is_saved(app: TestApp) {
        let strict = app.with(clock(), |config| {
            config.webhook_allow_private = Allowed::Public;
            config.webhook_allow_http = false;
        }).await;
        for url in [
            "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/", "https://0/",
            "https://localhost/", "https://LOCALHOST./", "https://hooks.localhost/", "https://10.0.0.1/", "https://192.168.0.1/", "https://172.16.9.9/",
            "https://169.254.169.254/latest/meta-data/", "https://100.100.100.200/", "https://168.63.129.16/", "https://224.0.0.1/",
            "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://[fe80::1]/", "https://[fd00:ec2::254]/", "https://[ff02::1]/",
            "http://land.example/",
        ] {
            assert_eq!(strict.webhook_refused("saveWebhook", new(url)).await, ("BAD_USER_INPUT".to_owned(), "input.url".to_owned()), "{url}");
        }
        strict.webhook_done("saveWebhook", new("https://land.example:8443/hooks")).await;
        strict.webhook_done("saveWebhook", new("https://1.1.1.1/")).await;
        strict.server.database().close().await.unwrap();
    }

    async fn a_name_that_means_an_address_inside_is_refused_when_it_is_connected_to(app: TestApp) {
        let receiver = Receiver::willing().await;
        let port = receiver.address.port();
        let strict = app.with(clock(), |config| config.webhook_allow_private = Allowed::Public).await;
        for host in ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]"] {
            // As if the name had meant something else when it was saved, or the operators had changed their mind since.
            let (webhook, _) = app.new_webhook(&format!("http://{host}:{port}/")).await;
            app.changes_of(&[1]).await;
            strict.round(NOTHING).await;
            let log = app.deliveries(&webhook["id"]).await;
            assert_eq!((log.len(), &log[0]["outcome"]), (1, &json!("FORBIDDEN_ADDRESS")), "{host}: {log:?}");
            assert!(!log[0]["error"].as_str().unwrap().contains("127"), "what a name means inside is not told");
            let tested = strict.webhook_done("sendTestWebhook", json!({ "webhook": webhook["id"] })).await;
            assert_eq!(tested["delivery"]["outcome"], "FORBIDDEN_ADDRESS", "{host}");
            app.webhook_done("deleteWebhook", json!({ "webhook": webhook["id"], "version": 1 })).await;
        }
        assert_eq!(receiver.heard().len(), 0);
        strict.server.database().close().await.unwrap();
    }

    async fn networks_that_operators_allow_can_be_reached_and_no_others(app: TestApp) {
        let receiver = Receiver::willing().await;
        let allowing = app.with(clock(), |config| config.webhook_allow_private = Allowed::Networks(vec!["127.0.0.0/8".parse().unwrap()])).await;
        let (_, _) = allowing.new_webhook(&receiver.url()).await;
        allowing.changes_of(&[1]).await;
        allowing.round(NOTHING).await;
        assert_eq!(receiver.heard().len(), 1);
        assert_eq!(allowing.webhook_refused("saveWebhook", new("http://10.0.0.1/")).await.0, "BAD_USER_INPUT");
        allowing.server.database().close().await.unwrap();
    }

    async fn without_tls_nothing_is_sent_unless_operators_allow_it(app: TestApp) {
        let receiver = Receiver::willing().await;
        let (webhook, _) = app.new_webhook(&receiver.url()).await;
        app.changes_of(&[1]).await;
        let strict = app.with(clock(), |config| config.webhook_allow_http = false).await;
        strict.round(NOTHING).await;
        assert_eq!((receiver.heard().len(), &app.deliveries(&webhook["id"]).await[0]["outcome"]), (0, &json!("UNREACHABLE")));
        let answer = strict.send_webhook(Some(&crate::support::land()), "saveWebhook", new(&receiver.url())).await;
        assert_eq!(refusal(&answer, "saveWebhook").1, "input.url");
        strict.server.database().close().await.unwrap();
    }
}
