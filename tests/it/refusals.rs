//! Every mutation refuses every kind of caller that no rule lets do it.

use std::collections::BTreeSet;

use async_graphql::parser::{
    parse_schema,
    types::{TypeKind, TypeSystemDefinition},
};
use entity::product_subscription::{Awaits, Matter, State};
use serde_json::{Value, json};

use crate::support::{
    TestApp, account_manager,
    acts::{AACHEN, INITIAL, KLEVE, Row, id_of, step},
    auditor, land, municipality, provider, steward, token, transformation_office,
};

/// A mutation of the initial portfolio in the phase FOUNDATION, and the callers that may.
struct Case {
    mutation: &'static str,
    /// The subscription that it is tried with; none for what begins one.
    subscription: Option<fn(&mut Row)>,
    more: fn() -> Value,
    may: &'static [&'static str],
}

fn waits(row: &mut Row, awaits: Awaits) {
    row.state = State::Requested;
    row.open_matter = Some(Matter::Request);
    row.awaits = Some(awaits);
}

fn cases() -> Vec<Case> {
    let nothing: fn() -> Value = || json!({});
    vec![
        Case { mutation: "declareInterest", subscription: None, more: nothing, may: &["own town", "manager"] },
        Case { mutation: "requestSubscription", subscription: None, more: nothing, may: &["own town", "manager"] },
        Case {
            mutation: "reportContract",
            subscription: None,
            more: || json!({ "activeSince": "2024-01-01" }),
            may: &["offering provider", "office"],
        },
        Case {
            mutation: "approveSubscription",
            subscription: Some(|row| waits(row, Awaits::Approval)),
            more: nothing,
            may: &["manager", "steward"],
        },
        Case {
            mutation: "rejectSubscription",
            subscription: Some(|row| waits(row, Awaits::Approval)),
            more: nothing,
            may: &["manager", "steward"],
        },
        Case {
            mutation: "withdrawSubscription",
            subscription: Some(|row| waits(row, Awaits::Approval)),
            more: nothing,
            may: &["own town"],
        },
        Case {
            mutation: "activateSubscription",
            subscription: Some(|row| row.state = State::Approved),
            more: || json!({ "on": "2026-11-23" }),
            may: &["offering provider", "steward"],
        },
        Case {
            mutation: "confirmSubscription",
            subscription: Some(|row| waits(row, Awaits::Confirmation)),
            more: || json!({ "accept": true }),
            may: &["own town"],
        },
        Case {
            mutation: "changeSubscription",
            subscription: Some(|row| row.state = State::Active),
            more: || json!({ "quantity": 2 }),
            may: &["own town", "manager"],
        },
        Case {
            mutation: "terminateSubscription",
            subscription: Some(|row| row.state = State::Active),
            more: || json!({ "on": "2028-12-31" }),
            may: &["own town", "manager"],
        },
        Case {
            mutation: "revokeTermination",
            subscription: Some(|row| {
                row.state = State::Terminating;
                row.ends_on = "2027-12-31".parse().ok();
            }),
            more: nothing,
            may: &["own town"],
        },
        Case {
            mutation: "migrateSubscription",
            subscription: Some(|row| row.state = State::Active),
            more: || json!({ "on": "2027-01-01", "quantity": 1 }),
            may: &["office"],
        },
    ]
}

/// Every kind of caller, and whether it sees the subscriptions of Aachen to the initial portfolio.
fn callers() -> Vec<(&'static str, Option<String>, bool)> {
    vec![
        ("nobody", None, false),
        ("no role", Some(token(json!({ "roles": ["king"] }))), false),
        ("own town", Some(municipality(AACHEN)), true),
        ("other town", Some(municipality(KLEVE)), false),
        ("town without organisation", Some(token(json!({ "roles": ["municipality"] }))), false),
        ("offering provider", Some(provider("zentral-nrw")), true),
        ("other provider", Some(provider("krzn")), false),
        ("manager", Some(account_manager("kgst-st-2")), true),
        ("other manager", Some(account_manager("kgst-st-4")), false),
        ("steward", Some(steward()), true),
        ("office", Some(transformation_office()), true),
        ("land", Some(land()), true),
        ("auditor", Some(auditor()), true),
    ]
}

async fn try_case(app: &TestApp, case: &Case, (name, token, is_visible): &(&str, Option<String>, bool)) {
    let place = format!("{} by {name}", case.mutation);
    let input = match case.subscription {
        None => {
            let mut input = app.request_of(AACHEN, INITIAL).await;
            if case.mutation == "reportContract" {
                input.as_object_mut().unwrap().remove("from");
            }
            input.as_object_mut().unwrap().extend((case.more)().as_object().unwrap().clone());
            input
        }
        Some(change) if case.mutation == "migrateSubscription" => {
            let mut input = step(&id_of(&app.subscription(AACHEN, INITIAL, change).await), 1, (case.more)());
            input["successor"] = json!(app.product_id(("zentral-nrw", "BAS-04")).await);
            input
        }
        Some(change) => step(&id_of(&app.subscription(AACHEN, INITIAL, change).await), 1, (case.more)()),
    };
    let answer = app.send_act(token.as_deref(), case.mutation, input).await;
    if token.is_none() {
        assert_eq!(answer.body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{place}");
        assert_eq!(answer.body["data"], json!({ case.mutation: null }), "{place}");
        return;
    }
    let payload = &answer.body["data"][case.mutation];
    let expected = match (case.may.contains(name), *is_visible || case.subscription.is_none()) {
        (true, _) => Value::Null,
        (false, true) => json!("FORBIDDEN"),
        (false, false) => json!("NOT_FOUND"),
    };
    assert_eq!(payload["errors"][0]["code"], expected, "{place}: {}", answer.body);
    if expected == "FORBIDDEN" {
        let rule = if name.contains("without") { "organisation-missing" } else { "no-rule-permits" };
        assert_eq!(payload["errors"][0]["rule"], rule, "{place}");
        assert_eq!(payload["decision"]["rule"]["id"], rule, "{place}");
    }
    if expected == "NOT_FOUND" {
        assert_eq!((&payload["subscription"], &payload["decision"]), (&Value::Null, &Value::Null), "{place}");
    }
}

#[test]
fn there_is_a_case_for_every_mutation() {
    let sdl = itkatalog::graphql::sdl(&itkatalog::graphql::schema());
    let mut mutations = BTreeSet::new();
    for definition in parse_schema(sdl).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        if let (TypeKind::Object(object), "Mutation") = (&definition.node.kind, definition.node.name.node.as_str()) {
            mutations.extend(object.fields.iter().map(|field| field.node.name.node.to_string()));
        }
    }
    // Those that are about no subscription have their refusals beside their other tests.
    let elsewhere = [
        "proposePhaseChange",
        "confirmPhaseChange",
        "freeze",
        "unfreeze",
        "requestForMany",
        "registerPortfolio",
        "saveProduct",
        "submitProduct",
        "phaseOutProduct",
        "retireProduct",
        "revertProduct",
        "markProductsSeen",
        "reviewProducts",
        "saveStandardProduct",
        "matchProduct",
        "dismissOverlap",
        "confirmOverlap",
        "saveProductRelations",
        "joinProvider",
        "joinMunicipality",
        "mergeProviders",
        "importMunicipalities",
        "followAreaChange",
        "saveCustomerGroup",
        "saveContact",
        "assignContact",
        "handOverContacts",
        "confirmContact",
        "eraseContact",
        "saveWebhook",
        "rotateWebhookSecret",
        "deleteWebhook",
        "replayWebhook",
        "sendTestWebhook",
        "startExport",
        "cancelExport",
    ]
    .map(str::to_owned);
    let tried: BTreeSet<String> = cases().iter().map(|case| case.mutation.to_owned()).chain(elsewhere).collect();
    assert_eq!(mutations, tried);
}

on_both_databases! {
    async fn every_mutation_refuses_whom_no_rule_permits(app: TestApp) {
        for case in cases() {
            for caller in callers() {
                try_case(app, &case, &caller).await;
            }
        }
    }
}
