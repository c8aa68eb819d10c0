//! `explain` says what the mutation then does, cell by cell, and each way out that it names is one.

use entity::product_subscription::{Awaits, Matter, State};
use itkatalog::{
    access::{Engine, Outcome},
    policies,
};
use serde_json::{Value, json};

use crate::support::{
    TestApp, account_manager,
    acts::{AACHEN, INITIAL, KLEVE, NOT_JOINED, OTHER, Row, STANDARD, id_of, next, step},
    auditor, land, municipality, provider, steward, transformation_office,
};

const EXPLAIN: &str = "query($input: ExplainInput!) { explain(input: $input) {
    action allowed needsApproval approvers phase rule { id } waysOut { kind phase role date product { id } } } }";
const PHASES: [&str; 4] = ["PREPARATION", "FOUNDATION", "INTEGRATION", "STEADY_STATE"];
const KINDS: [(&str, (&str, &str)); 4] =
    [("NotJoined", NOT_JOINED), ("Initial", INITIAL), ("Standard", STANDARD), ("Other", OTHER)];
const ACTIONS: [(&str, &str); 12] = [
    ("declareInterest", "DECLARE_INTEREST"),
    ("requestSubscription", "REQUEST_SUBSCRIPTION"),
    ("reportContract", "REPORT_CONTRACT"),
    ("approveSubscription", "APPROVE_SUBSCRIPTION"),
    ("rejectSubscription", "REJECT_SUBSCRIPTION"),
    ("withdrawSubscription", "WITHDRAW_SUBSCRIPTION"),
    ("activateSubscription", "ACTIVATE_SUBSCRIPTION"),
    ("confirmSubscription", "CONFIRM_SUBSCRIPTION"),
    ("changeSubscription", "CHANGE_SUBSCRIPTION"),
    ("terminateSubscription", "TERMINATE_SUBSCRIPTION"),
    ("revokeTermination", "REVOKE_TERMINATION"),
    ("migrateSubscription", "MIGRATE_SUBSCRIPTION"),
];

/// A caller: role and relation in the table, and its token; `role` as `explain` names it with the organisation it needs.
struct Caller {
    role: &'static str,
    is_own: bool,
    token: String,
    /// Whether it may read the subscriptions of Aachen.
    sees: bool,
}

/// The callers of the table. Whether a provider acts for its own depends on the product and the action.
fn callers(offering: &str) -> Vec<Caller> {
    let caller = |role, is_own, token, sees| Caller { role, is_own, token, sees };
    vec![
        caller("Municipality", true, municipality(AACHEN), true),
        caller("Municipality", false, municipality(KLEVE), false),
        caller("Provider", true, provider(offering), true),
        caller("Provider", false, provider("citeq"), false),
        caller("AccountManager", true, account_manager("kgst-st-2"), true),
        caller("AccountManager", false, account_manager("kgst-st-4"), false),
        caller("Steward", false, steward(), true),
        caller("TransformationOffice", false, transformation_office(), true),
        caller("Land", false, land(), true),
        caller("Auditor", false, auditor(), true),
    ]
}

/// A subscription with which the action is a legal step, asked in the phase that rules.
fn legal(action: &str, phase: &str, product: (&str, &str)) -> impl FnOnce(&mut Row) + use<> {
    let (action, phase, is_contract) = (action.to_owned(), phase.to_owned(), product == NOT_JOINED);
    move |row: &mut Row| {
        row.asked_in = sea_orm::ActiveEnum::try_from_value(&phase).ok();
        // There are no requests for products of providers that have not joined, only changes of contracts.
        let mut waits = |awaits| {
            row.state = if is_contract { State::Active } else { State::Requested };
            row.open_matter = Some(if is_contract { Matter::Change } else { Matter::Request });
            row.open_quantity = is_contract.then_some(5);
            row.awaits = Some(awaits);
        };
        match action.as_str() {
            "APPROVE_SUBSCRIPTION" | "REJECT_SUBSCRIPTION" | "WITHDRAW_SUBSCRIPTION" => waits(Awaits::Approval),
            "CONFIRM_SUBSCRIPTION" => waits(Awaits::Confirmation),
            "ACTIVATE_SUBSCRIPTION" => row.state = State::Approved,
            "REVOKE_TERMINATION" => {
                row.state = State::Terminating;
                row.ends_on = "2028-12-31".parse().ok();
            }
            _ => row.state = State::Active,
        }
    }
}

fn more(action: &str) -> Value {
    match action {
        "ACTIVATE_SUBSCRIPTION" => json!({ "on": "2026-11-23" }),
        "CONFIRM_SUBSCRIPTION" => json!({ "accept": true }),
        "CHANGE_SUBSCRIPTION" => json!({ "quantity": 2 }),
        "TERMINATE_SUBSCRIPTION" => json!({ "on": "2028-12-31" }),
        _ => json!({}),
    }
}

/// The question and the change: the same thing, asked and done.
async fn prepare(
    app: &TestApp,
    (mutation, action): (&str, &str),
    phase: &str,
    product: (&str, &str),
) -> (Value, Value) {
    if matches!(mutation, "declareInterest" | "requestSubscription") {
        let input = app.request_of(AACHEN, product).await;
        let asked = json!({ "action": action, "product": input["product"], "subscriber": input["subscriber"], "from": input["from"] });
        return (asked, input);
    }
    if mutation == "reportContract" {
        let mut input = app.request_of(AACHEN, product).await;
        input.as_object_mut().unwrap().remove("from");
        input["activeSince"] = json!("2024-01-01");
        return (json!({ "action": action, "product": input["product"], "subscriber": input["subscriber"] }), input);
    }
    if mutation == "migrateSubscription" {
        // The kind is that of the successor.
        let id = id_of(&app.subscription(AACHEN, (product.0, "ARB-07"), legal(action, phase, product)).await);
        let successor = app.product_id(product).await;
        let asked = json!({ "action": action, "subscription": id, "successor": successor, "from": "2027-01-01" });
        return (asked, step(&id, 1, json!({ "successor": successor, "on": "2027-01-01", "quantity": 2 })));
    }
    let id = id_of(&app.subscription(AACHEN, product, legal(action, phase, product)).await);
    (json!({ "action": action, "subscription": id }), step(&id, 1, more(action)))
}

async fn explain(app: &TestApp, token: &str, input: Value) -> Value {
    app.data_as(token, EXPLAIN, json!({ "input": input })).await["explain"].clone()
}

/// What the table says: outcome and rule.
fn cell(engine: &Engine, phase: &str, caller: &Caller, action: &str, kind: &str, is_own: bool) -> (Outcome, String) {
    let found = engine.matrix().iter().find(|cell| {
        <&str>::from(cell.phase) == phase
            && cell.role.is_some_and(|role| format!("{role:?}") == caller.role)
            && <&str>::from(cell.action) == action
            && format!("{:?}", cell.kind) == kind
            && cell.is_own == is_own
    });
    let found = found.unwrap();
    (found.outcome, found.rule.id.clone())
}

/// Tries every way out by asking again with that change made, as an auditor may.
async fn try_ways_out(app: &TestApp, asked: &Value, decision: &Value, caller: &Caller, offering: &str) {
    for way in decision["waysOut"].as_array().unwrap() {
        let mut again = asked.clone();
        let role = match way["kind"].as_str().unwrap() {
            "PHASE" => {
                again["phase"] = way["phase"].clone();
                caller.role.to_owned()
            }
            "ROLE" => way["role"].as_str().unwrap().to_owned(),
            "PRODUCT" => {
                again["product"] = way["product"]["id"].clone();
                caller.role.to_owned()
            }
            // Needs a change of data, not of the question.
            "APPROVAL" | "JOINING" => continue,
            other => panic!("{other}"),
        };
        let is_own = way["kind"] == "ROLE" || caller.is_own;
        again["as"] = named(&role, is_own, offering);
        let decision = explain(app, &auditor(), again.clone()).await;
        assert_eq!(decision["allowed"], true, "{way} of {asked} turned out to be none: {again}");
    }
}

fn named(role: &str, is_own: bool, offering: &str) -> Value {
    let role = role.replace('_', "").to_lowercase();
    match (role.as_str(), is_own) {
        ("municipality", true) => json!({ "role": "MUNICIPALITY", "municipality": AACHEN }),
        ("municipality", false) => json!({ "role": "MUNICIPALITY", "municipality": KLEVE }),
        ("provider", true) => json!({ "role": "PROVIDER", "provider": offering }),
        ("provider", false) => json!({ "role": "PROVIDER", "provider": "citeq" }),
        ("accountmanager", true) => json!({ "role": "ACCOUNT_MANAGER", "customerGroups": ["kgst-st-2"] }),
        ("accountmanager", false) => json!({ "role": "ACCOUNT_MANAGER", "customerGroups": ["kgst-st-4"] }),
        ("steward", _) => json!({ "role": "STEWARD" }),
        ("transformationoffice", _) => json!({ "role": "TRANSFORMATION_OFFICE" }),
        ("land", _) => json!({ "role": "LAND" }),
        ("auditor", _) => json!({ "role": "AUDITOR" }),
        other => panic!("{other:?}"),
    }
}

/// Whether a provider that offers the product acts for its own.
fn is_of_offering_provider(action: &str) -> bool {
    [
        "REPORT_CONTRACT",
        "APPROVE_SUBSCRIPTION",
        "REJECT_SUBSCRIPTION",
        "ACTIVATE_SUBSCRIPTION",
        "TERMINATE_SUBSCRIPTION",
        "MIGRATE_SUBSCRIPTION",
    ]
    .contains(&action)
}

on_both_databases! {
    async fn explain_says_what_the_mutation_then_does_in_every_cell(app: TestApp) {
        let engine = policies::embedded().unwrap();
        let mut cells = 0;
        for phase in PHASES {
            app.enter_phase(phase).await;
            for (kind, product) in KINDS {
                for (mutation, action) in ACTIONS {
                    for caller in callers(product.0) {
                        let (asked, input) = prepare(app, (mutation, action), phase, product).await;
                        let is_beginning = asked["product"].is_string();
                        if !is_beginning && !caller.sees {
                            let answer = app.ask_as(&caller.token, EXPLAIN, json!({ "input": asked })).await;
                            assert_eq!(answer.body["errors"][0]["extensions"]["code"], "NOT_FOUND");
                            assert_eq!(app.refused(&caller.token, mutation, input).await["code"], "NOT_FOUND");
                            continue;
                        }
                        let said = explain(app, &caller.token, asked.clone()).await;
                        let done = app.act(&caller.token, mutation, input).await;
                        let place = format!("{phase} {kind} {action} {} {}", caller.role, caller.is_own);
                        assert_eq!(said, done["decision"], "{place}");
                        assert_eq!(said["allowed"] == true, done["errors"] == json!([]), "{place}: {done}");
                        // Nobody asked here but somebody else, so for a withdrawal the table reads another case.
                        let is_own = caller.is_own && (caller.role != "Provider" || is_of_offering_provider(action));
                        if action != "WITHDRAW_SUBSCRIPTION" {
                            let (outcome, rule) = cell(&engine, phase, &caller, action, kind, is_own);
                            assert_eq!(said["allowed"] == true, outcome != Outcome::Deny, "{place}");
                            assert_eq!(said["needsApproval"] == true, outcome == Outcome::AllowWithApproval, "{place}");
                            assert_eq!(said["rule"]["id"], rule, "{place}");
                        }
                        try_ways_out(app, &asked, &said, &caller, product.0).await;
                        cells += 1;
                    }
                }
            }
        }
        // Beginnings are seen by all ten callers, the other nine actions by seven.
        assert_eq!(cells, 4 * 4 * (3 * 10 + 9 * 7));
    }

    async fn an_approval_that_stands_in_the_way_is_named_and_is_one(app: TestApp) {
        let row = app.subscription(AACHEN, INITIAL, legal("APPROVE_SUBSCRIPTION", "FOUNDATION", INITIAL)).await;
        let asked = json!({ "action": "ACTIVATE_SUBSCRIPTION", "subscription": id_of(&row) });
        let said = explain(app, &steward(), asked.clone()).await;
        assert_eq!((&said["allowed"], &said["rule"]["id"]), (&json!(false), &json!("legal-step")));
        assert_eq!(said["waysOut"][0]["kind"], "APPROVAL");
        let subscription = json!({ "id": id_of(&row), "version": 1 });
        app.done(&account_manager("kgst-st-2"), "approveSubscription", next(&subscription, json!({}))).await;
        assert_eq!(explain(app, &steward(), asked).await["allowed"], true);
    }

    async fn joining_that_stands_in_the_way_is_named_and_is_one(app: TestApp) {
        let input = app.request_of(AACHEN, NOT_JOINED).await;
        let asked = json!({ "action": "REQUEST_SUBSCRIPTION", "product": input["product"], "subscriber": input["subscriber"] });
        let said = explain(app, &municipality(AACHEN), asked.clone()).await;
        let kinds: Vec<_> = said["waysOut"].as_array().unwrap().iter().map(|way| way["kind"].clone()).collect();
        assert!(kinds.contains(&json!("JOINING")), "{kinds:?}");
        use sea_orm::{ActiveModelTrait, ConnectionTrait, IntoActiveModel};
        let snapshot = app.server.live().snapshot();
        let kdn = snapshot.providers[snapshot.provider_by_key("kdn").unwrap()].row.id;
        let joining = entity::joining::Model {
            id: sea_orm::prelude::Uuid::new_v4(),
            provider_id: Some(kdn),
            municipality_id: None,
            level: entity::joining::Level::Portfolio,
            valid_from: "2026-11-01".parse().unwrap(),
            resolution: None,
            sample: true,
        };
        let db = app.server.database().connection();
        joining.into_active_model().insert(db).await.unwrap();
        db.execute_unprepared("UPDATE catalogue_state SET version = version + 1").await.unwrap();
        // The change itself notices that the catalogue is another, before anybody refreshed it.
        assert_eq!(app.done(&municipality(AACHEN), "requestSubscription", input).await["state"], "REQUESTED");
        assert_eq!(explain(app, &municipality(AACHEN), asked).await["allowed"], true);
    }

    async fn who_may_ask_for_others_does_and_nobody_else(app: TestApp) {
        let row = app.subscription(AACHEN, INITIAL, legal("APPROVE_SUBSCRIPTION", "FOUNDATION", INITIAL)).await;
        let asked = json!({
            "action": "APPROVE_SUBSCRIPTION",
            "subscription": id_of(&row),
            "as": { "role": "ACCOUNT_MANAGER", "subject": "m", "customerGroups": ["kgst-st-2"] },
        });
        for token in [auditor(), steward(), transformation_office()] {
            assert_eq!(explain(app, &token, asked.clone()).await["allowed"], true);
        }
        for token in [municipality(AACHEN), provider("zentral-nrw"), account_manager("kgst-st-2"), land()] {
            let answer = app.ask_as(&token, EXPLAIN, json!({ "input": asked })).await;
            assert_eq!(answer.body["errors"][0]["extensions"]["code"], "FORBIDDEN");
        }
        let answer = app.ask(EXPLAIN, json!({ "input": asked })).await;
        assert_eq!(answer.body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    }

    async fn a_question_about_the_wrong_thing_says_which_is_right(app: TestApp) {
        let input = app.request_of(AACHEN, INITIAL).await;
        let row = app.subscription(AACHEN, INITIAL, |_| {}).await;
        for (asked, field) in [
            (json!({ "action": "REQUEST_SUBSCRIPTION" }), "input.product"),
            (json!({ "action": "REQUEST_SUBSCRIPTION", "product": input["product"] }), "input.product"),
            (json!({ "action": "REQUEST_SUBSCRIPTION", "subscription": id_of(&row) }), "input.product"),
            (json!({ "action": "CHANGE_SUBSCRIPTION", "product": input["product"], "subscriber": input["subscriber"] }), "input.subscription"),
            (json!({ "action": "CHANGE_SUBSCRIPTION", "subscription": input["product"] }), "input.subscription"),
            (json!({ "action": "CHANGE_SUBSCRIPTION", "subscription": id_of(&row), "product": input["product"] }), "input.subscription"),
            (json!({ "action": "CHANGE_SUBSCRIPTION", "subscription": id_of(&row), "successor": input["product"] }), "input.successor"),
            (json!({ "action": "REQUEST_SUBSCRIPTION", "product": input["product"], "subscriber": input["subscriber"], "from": "2026-11-22" }), "input.from"),
        ] {
            let answer = app.ask_as(&steward(), EXPLAIN, json!({ "input": asked })).await;
            let extensions = &answer.body["errors"][0]["extensions"];
            assert_eq!((&extensions["code"], &extensions["field"]), (&json!("BAD_USER_INPUT"), &json!(field)), "{asked}");
        }
    }
}
