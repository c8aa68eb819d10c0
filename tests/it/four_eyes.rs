//! Nobody approves what it asked itself, and no organisation what it asked itself.

use serde_json::{Value, json};

use crate::support::{
    TestApp,
    acts::{KLEVE, next},
    provider, steward, token,
};

fn colleague(provider: &str, name: &str) -> String {
    token(json!({ "roles": ["provider"], "provider": provider, "sub": name }))
}

/// A provider's request of one of its own products.
async fn own_request(app: &TestApp) -> (Value, Value) {
    let mut input = app.request_of(KLEVE, ("krzn", "BAU-05")).await;
    input["subscriber"] = json!({ "provider": { "key": "krzn" } });
    let payload = app.act(&colleague("krzn", "one"), "requestSubscription", input).await;
    assert_eq!(payload["errors"], json!([]), "{payload}");
    (payload["subscription"].clone(), payload["decision"].clone())
}

on_both_databases! {
    async fn a_provider_does_not_approve_what_its_own_organisation_asked(app: TestApp) {
        let (asked, decision) = own_request(app).await;
        assert_eq!(decision["approvers"], json!(["STEWARD"]), "who could not approve is not named");
        let colleague_of_many_roles = token(json!({ "roles": ["provider", "steward"], "provider": "krzn", "sub": "three" }));
        for token in [colleague("krzn", "two"), colleague_of_many_roles] {
            let refused = app.act(&token, "approveSubscription", next(&asked, json!({}))).await;
            assert_eq!((&refused["errors"][0]["code"], &refused["errors"][0]["rule"]), (&json!("FORBIDDEN"), &json!("own-organisation-does-not-approve")), "{refused}");
            let roles: Vec<_> = refused["decision"]["waysOut"].as_array().unwrap().iter().filter(|way| way["kind"] == "ROLE").map(|way| way["role"].clone()).collect();
            assert_eq!(roles, ["STEWARD"], "{refused}");
        }
        assert_eq!(app.done(&steward(), "approveSubscription", next(&asked, json!({}))).await["state"], "APPROVED");
    }

    async fn a_colleague_may_still_reject_and_whoever_asked_withdraw(app: TestApp) {
        let (asked, _) = own_request(app).await;
        assert_eq!(app.done(&colleague("krzn", "two"), "rejectSubscription", next(&asked, json!({}))).await["state"], "REJECTED");
        let (asked, _) = own_request(app).await;
        assert_eq!(app.done(&colleague("krzn", "one"), "withdrawSubscription", next(&asked, json!({}))).await["state"], "WITHDRAWN");
    }

    async fn what_a_municipality_asked_its_provider_approves(app: TestApp) {
        let town = token(json!({ "roles": ["municipality"], "municipality": KLEVE, "sub": "one" }));
        let asked = app.act(&town, "requestSubscription", app.request_of(KLEVE, ("krzn", "BAU-05")).await).await;
        assert_eq!(asked["decision"]["approvers"], json!(["PROVIDER", "STEWARD"]));
        assert_eq!(app.done(&provider("krzn"), "approveSubscription", next(&asked["subscription"], json!({}))).await["state"], "APPROVED");
    }
}
