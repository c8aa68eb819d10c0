//! Area changes: who has gone into another stays what it was, gets nothing new, and its subscriptions follow by an act of
//! their own.

use entity::{
    change::{self, Type},
    product_subscription::{self, Awaits, Matter, State},
    provider_coverage, subscription_history,
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, prelude::Uuid};
use serde_json::{Value, json};

use crate::support::{
    TestApp, account_manager,
    acts::{AACHEN, INITIAL, KLEVE, OTHER, Row, id_of, next, reason, step},
    auditor, land,
    municipalities::{SHIPPED, and, becoming, importing, with, without},
    municipality, nodes, provider, steward, transformation_office,
};

const BEDBURG: &str = "05154004";
const GOCH: &str = "05154016";
const UEDEM: &str = "05154056";
const TODAY: &str = "2026-11-23";
const TOLD: &str = "query($ags: AGS!) { municipality(by: {ags: $ags}) { id ags name dissolvedOn mergedInto { ags } areaChangeReference predecessors { ags } providers { key } district { municipalities(first: 100) { edges { node { ags } } } } } }";
const AVAILABLE: &str = "query($ags: AGS!, $on: Date) { availableProducts(municipality: {ags: $ags}, on: $on, first: 100, includeUnavailable: true) {
    edges { node { status product { id } reason { code message successor { ags } } } } } }";
const EXPLAIN: &str = "query($input: ExplainInput!) { explain(input: $input) { allowed rule { id text source } } }";

async fn told(app: &TestApp, ags: &str) -> Value {
    app.data(TOLD, json!({ "ags": ags })).await["municipality"].clone()
}

fn id_by_ags(app: &TestApp, ags: &str) -> Uuid {
    let snapshot = app.server.live().snapshot();
    snapshot.municipalities[snapshot.municipality_by_ags(ags).unwrap()].row.id
}

async fn find(app: &TestApp, id: Uuid) -> Row {
    let found = product_subscription::Entity::find_by_id(id).one(app.server.database().connection());
    found.await.unwrap().unwrap()
}

/// The subscriptions of a municipality that are not over.
async fn open(app: &TestApp, ags: &str) -> Vec<Row> {
    let of = product_subscription::Entity::find()
        .filter(product_subscription::Column::MunicipalityId.eq(id_by_ags(app, ags)));
    let mut rows = of.all(app.server.database().connection()).await.unwrap();
    let now = crate::support::clock().now();
    rows.retain(|row| {
        let state = itkatalog::subscriptions::state_at(row, now);
        !matches!(state, State::Ended | State::Rejected | State::Withdrawn | State::Expired)
    });
    rows
}

async fn entries(app: &TestApp) -> Vec<change::Model> {
    let entries = change::Entity::find().order_by_asc(change::Column::Sequence);
    entries.all(app.server.database().connection()).await.unwrap()
}

/// The codes and paths of errors.
fn faults(errors: &Value) -> Vec<(String, String)> {
    let fault = |error: &Value| {
        assert!(!error["message"].as_str().unwrap().is_empty() && !error["nextStep"].as_str().unwrap().is_empty());
        let path: Vec<&str> = error["path"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
        (error["code"].as_str().unwrap().to_owned(), path.join("."))
    };
    errors.as_array().unwrap().iter().map(fault).collect()
}

on_both_databases! {
    async fn who_has_gone_into_another_stays_addressable_and_gets_nothing_new(app: TestApp) {
        let node = told(app, KLEVE).await["id"].clone();
        let (before, digest) = (app.state_digest(&land(), "MUNICIPALITIES", &Value::Null).await, entries(app).await.len());
        let events = app.events().await.len();
        let report = app.dissolve(&[KLEVE], BEDBURG, TODAY).await;
        assert_eq!((&report["unchanged"], &report["missing"]), (&json!(395), &json!(0)));
        assert_eq!(report["areaChanges"], json!([{ "from": [KLEVE], "into": BEDBURG, "on": TODAY, "reference": "GV. NRW. 2026 S. 123", "known": false }]));
        let old = told(app, KLEVE).await;
        assert_eq!((&old["id"], &old["name"], &old["dissolvedOn"], &old["mergedInto"]["ags"]), (&node, &json!("Kleve"), &json!(TODAY), &json!(BEDBURG)));
        assert_eq!(old["areaChangeReference"], "GV. NRW. 2026 S. 123");
        let new = told(app, BEDBURG).await;
        assert_eq!((&new["predecessors"], &new["dissolvedOn"]), (&json!([{ "ags": KLEVE }]), &Value::Null));
        let in_district = nodes(&new["district"]["municipalities"]);
        assert!(in_district.len() == 15 && !in_district.contains(&json!({ "ags": KLEVE })));
        let by_id = app.data("query($id: ID!) { node(id: $id) { ... on Municipality { ags mergedInto { ags } } } }", json!({ "id": node })).await;
        assert_eq!(by_id["node"], json!({ "ags": KLEVE, "mergedInto": { "ags": BEDBURG } }));
        let listed = app.data("{ gone: municipalities(first: 5, where: {dissolved: true}) { edges { node { ags } } } all: municipalities(first: 1) { totalCount } }", json!({})).await;
        assert_eq!((nodes(&listed["gone"]), &listed["all"]["totalCount"]), (vec![json!({ "ags": KLEVE })], &json!(427)));
        // One event, and an entry for each of both.
        let recorded = app.events().await.split_off(events);
        assert!(recorded.len() == 1 && recorded[0].after.as_ref().unwrap().contains("\"dissolved_on\":\"2026-11-23\""), "{recorded:?}");
        let fed = entries(app).await.split_off(digest);
        assert_eq!(fed.iter().filter(|entry| entry.kind == Type::Municipality).count(), 2);
        // Earlier places of the feed have the digest that they had.
        let again = app.state_digest(&land(), "MUNICIPALITIES", &before["cursor"]).await;
        assert_eq!(again["sha256"], before["sha256"]);
        assert_ne!(app.state_digest(&land(), "MUNICIPALITIES", &Value::Null).await["sha256"], before["sha256"]);
        // Nothing new, and why.
        for row in nodes(&app.data(AVAILABLE, json!({ "ags": KLEVE })).await["availableProducts"]) {
            let reason = &row["reason"];
            assert_eq!((&row["status"], &reason["code"], &reason["successor"]["ags"]), (&json!("UNAVAILABLE"), &json!("MUNICIPALITY_DISSOLVED"), &json!(BEDBURG)));
            assert!(reason["message"].as_str().unwrap().contains("Bedburg-Hau"));
        }
        let request = app.request_of(KLEVE, INITIAL).await;
        for mutation in ["requestSubscription", "declareInterest"] {
            let mut input = request.clone();
            if mutation == "declareInterest" {
                input.as_object_mut().unwrap().remove("from");
            }
            input["idempotencyKey"] = json!(mutation);
            let refused = app.refused(&municipality(KLEVE), mutation, input).await;
            assert_eq!((&refused["code"], &refused["rule"]), (&json!("FORBIDDEN"), &json!("municipality-dissolved")), "{mutation}");
        }
        let mut report = request.clone();
        report.as_object_mut().unwrap().remove("from");
        report["activeSince"] = json!("2024-01-01");
        assert_eq!(app.refused(&provider("zentral-nrw"), "reportContract", report).await["rule"], "municipality-dissolved");
        let question = json!({ "action": "REQUEST_SUBSCRIPTION", "product": request["product"], "subscriber": request["subscriber"] });
        let said = app.data_as(&municipality(KLEVE), EXPLAIN, json!({ "input": question })).await["explain"].clone();
        assert_eq!((&said["allowed"], &said["rule"]["id"], &said["rule"]["source"]), (&json!(false), &json!("municipality-dissolved"), &json!("OURS")));
        let join = json!({ "municipality": { "ags": KLEVE }, "level": "JOINED", "since": TODAY, "resolution": "Rat 7/2026", "reason": reason("DECISION") });
        let joined = app.change(&transformation_office(), "joinMunicipality", join, "joining { level }").await;
        assert_eq!(faults(&joined["errors"]), [("BAD_USER_INPUT".to_owned(), "input.municipality".to_owned())]);
        let asked = app.done(&municipality(BEDBURG), "requestSubscription", app.request_of(BEDBURG, INITIAL).await).await;
        assert_eq!(asked["state"], "REQUESTED", "for the successor it goes on");
        // The same again is no change.
        let (events, fed) = (app.events().await.len(), entries(app).await.len());
        let again = app.dissolve(&[KLEVE], BEDBURG, TODAY).await;
        assert_eq!((&again["areaChanges"][0]["known"], &again["written"]), (&json!(true), &json!(true)));
        assert_eq!((app.events().await.len(), entries(app).await.len()), (events, fed));
        assert_eq!(app.imported(importing(&without(SHIPPED, &[KLEVE]), json!({}))).await["missing"], 0, "and it is not missed later");
        app.verify().await.unwrap();
        app.check_states().await;
    }

    async fn an_area_change_that_is_to_come_holds_from_its_day_on(app: TestApp) {
        let more = json!({ "areaChanges": [becoming(&[KLEVE], BEDBURG, "2027-01-01")] });
        let report = app.imported(importing(SHIPPED, more)).await;
        assert_eq!((&report["written"], &report["unchanged"]), (&json!(true), &json!(396)), "until then it stands in the file");
        let status = async |on: &str| {
            let rows = nodes(&app.data(AVAILABLE, json!({ "ags": KLEVE, "on": on })).await["availableProducts"]);
            rows.iter().filter(|row| row["reason"]["code"] == "MUNICIPALITY_DISSOLVED").count()
        };
        assert_eq!((status("2026-12-31").await, status("2027-01-01").await), (0, 100));
        let mut request = app.request_of(KLEVE, INITIAL).await;
        assert_eq!(app.refused(&municipality(KLEVE), "requestSubscription", request.clone()).await["rule"], "municipality-dissolved");
        request["from"] = json!("2026-12-15");
        request["idempotencyKey"] = json!("before");
        assert_eq!(app.done(&municipality(KLEVE), "requestSubscription", request).await["state"], "REQUESTED");
        let early = app.follow_as(&steward(), KLEVE, json!({ "dryRun": true })).await;
        assert_eq!(faults(&early["errors"]), [("BAD_USER_INPUT".to_owned(), "input.municipality".to_owned())]);
        let later = app.at("2027-01-01T09:00:00Z").await;
        let then = json!({ "roles": ["steward"], "exp": 1_798_800_000 });
        let then = crate::support::token(then);
        assert_eq!(later.follow_as(&then, KLEVE, json!({ "dryRun": true })).await["errors"], json!([]));
        let payload = later.import_as(&then, importing(SHIPPED, json!({}))).await;
        assert_eq!(payload["report"]["rejected"], 1, "from its day on it stands in no file");
    }

    async fn two_become_a_new_one_that_is_served_and_has_a_contact(app: TestApp) {
        let csv = and(&without(SHIPPED, &[KLEVE, BEDBURG]), GOCH, "05154068", "Kleverland");
        let more = json!({ "areaChanges": [becoming(&[KLEVE, BEDBURG], "05154068", "2026-11-01")] });
        let served = told(app, KLEVE).await["providers"].clone();
        assert_ne!(served, json!([]));
        let report = app.imported(importing(&csv, more)).await;
        assert_eq!((&report["added"], &report["total"]), (&json!(1), &json!(395)));
        let new = told(app, "05154068").await;
        assert_eq!(new["predecessors"], json!([{ "ags": BEDBURG }, { "ags": KLEVE }]));
        for provider in served.as_array().unwrap() {
            assert!(new["providers"].as_array().unwrap().contains(provider), "{provider} goes on: {new}");
        }
        assert_eq!(told(app, KLEVE).await["providers"], json!([]));
        let dated = provider_coverage::Entity::find().filter(provider_coverage::Column::MunicipalityId.eq(id_by_ags(app, KLEVE))).all(app.server.database().connection()).await.unwrap();
        assert!(!dated.is_empty() && dated.iter().all(|row| row.valid_to == "2026-10-31".parse().ok()), "who served it until then stays told");
        let available = nodes(&app.data(AVAILABLE, json!({ "ags": "05154068" })).await["availableProducts"]);
        assert!(available.iter().any(|row| row["status"] == "AVAILABLE"));
        for ags in ["05154068", KLEVE] {
            let contact = app.data("query($ags: AGS!) { contactFor(municipality: {ags: $ags}) { contact { email } } }", json!({ "ags": ags })).await;
            assert!(contact["contactFor"]["contact"]["email"].is_string());
        }
        let running = app.subscription(KLEVE, INITIAL, |_| {}).await;
        let plan = app.follow_as(&transformation_office(), KLEVE, json!({ "dryRun": true })).await["plan"].clone();
        assert_eq!(plan["successor"]["ags"], "05154068");
        let done = app.follow_as(&transformation_office(), KLEVE, json!({ "planHash": plan["hash"] })).await;
        assert_eq!((&done["errors"], &done["written"]), (&json!([]), &json!(true)));
        assert_eq!(find(app, running.id).await.municipality_id, Some(id_by_ags(app, "05154068")));
        app.verify().await.unwrap();
        app.check_states().await;
    }

    async fn subscriptions_follow_as_the_plan_says_and_a_plan_of_before_is_refused(app: TestApp) {
        let running = app.subscription(KLEVE, INITIAL, |_| {}).await;
        let same = app.subscription(BEDBURG, INITIAL, |_| {}).await;
        let ended = app.subscription(KLEVE, OTHER, |row| row.state = State::Ended).await;
        let waiting = app.subscription(KLEVE, ("zentral-nrw", "BAS-04"), |row| {
            row.state = State::Requested;
            (row.open_matter, row.awaits) = (Some(Matter::Request), Some(Awaits::Approval));
            row.asked_by_organisation = Some(id_by_ags(app, KLEVE));
            row.expires_at = "2027-01-31T00:00:00Z".parse().ok();
        }).await;
        assert_eq!(faults(&app.follow_as(&steward(), KLEVE, json!({ "dryRun": true })).await["errors"]), [("BAD_USER_INPUT".to_owned(), "input.municipality".to_owned())], "nothing has changed yet");
        app.dissolve(&[KLEVE], BEDBURG, TODAY).await;
        // Until it follows nothing is decided for who is gone, and notice stays possible.
        let approve = step(&id_of(&waiting), 1, json!({}));
        assert_eq!(app.refused(&steward(), "approveSubscription", approve).await["rule"], "municipality-dissolved");
        assert_eq!(app.refused(&municipality(KLEVE), "changeSubscription", step(&id_of(&running), 1, json!({ "quantity": 9 }))).await["rule"], "municipality-dissolved");
        let had: Vec<Row> = open(app, KLEVE).await;
        let (events, fed) = (app.events().await.len(), entries(app).await.len());
        let first = app.follow_as(&steward(), KLEVE, json!({ "dryRun": true })).await;
        let plan = first["plan"].clone();
        assert_eq!((&first["written"], &plan["on"], &plan["municipality"]["ags"], &plan["successor"]["ags"]), (&json!(false), &json!(TODAY), &json!(KLEVE), &json!(BEDBURG)));
        assert_eq!(plan["subscriptions"]["totalCount"].as_u64().unwrap() as usize, had.len());
        let collision = json!({ "subscription": { "id": id_of(&running) }, "collidesWith": [{ "id": id_of(&same) }] });
        assert!(plan["collisions"].as_array().unwrap().contains(&collision), "{plan}");
        assert_eq!(app.follow_as(&steward(), KLEVE, json!({ "dryRun": true })).await["plan"], plan, "the same as long as nothing changes");
        assert_eq!((app.events().await.len(), entries(app).await.len()), (events, fed));
        // Without a hash, and with that of before a notice.
        let missing = app.follow_as(&steward(), KLEVE, json!({})).await;
        assert_eq!(faults(&missing["errors"]), [("BAD_USER_INPUT".to_owned(), "input.planHash".to_owned())]);
        let notice = step(&id_of(&running), 1, json!({ "on": "2028-12-31" }));
        assert_eq!(app.done(&municipality(KLEVE), "terminateSubscription", notice).await["state"], "TERMINATING");
        let stale = app.follow_as(&steward(), KLEVE, json!({ "planHash": plan["hash"] })).await;
        assert_eq!(faults(&stale["errors"]), [("CONFLICT".to_owned(), "input.planHash".to_owned())]);
        assert_eq!(stale["written"], false);
        assert_ne!(stale["plan"]["hash"], plan["hash"]);
        assert_eq!(open(app, KLEVE).await.len(), had.len());

        let (events, fed) = (app.events().await.len(), entries(app).await.len());
        let key = json!({ "planHash": stale["plan"]["hash"], "idempotencyKey": "follow" });
        let done = app.follow_as(&steward(), KLEVE, key.clone()).await;
        assert_eq!((&done["errors"], &done["written"]), (&json!([]), &json!(true)));
        assert!(nodes(&done["plan"]["subscriptions"]).iter().all(|row| row["subscription"]["subscriber"]["ags"] == BEDBURG));
        assert_eq!(open(app, KLEVE).await, Vec::<Row>::new());
        assert_eq!(find(app, ended.id).await, ended, "what was over stays where it was");
        assert_eq!(find(app, same.id).await, same, "what the successor had stays apart");
        let after = find(app, waiting.id).await;
        let expected = Row { municipality_id: Some(id_by_ags(app, BEDBURG)), version: 2, updated_at: after.updated_at, ..waiting.clone() };
        assert_eq!(after, expected, "price, deadline and what waits stay");
        let history = subscription_history::Entity::find_by_id((waiting.id, 2)).one(app.server.database().connection()).await.unwrap().unwrap();
        assert_eq!((history.action, history.state), (subscription_history::Action::FollowAreaChange, State::Requested));
        let of = "query($id: ID!) { subscription(id: $id) { history(first: 1) { edges { node { action formerMunicipality { ags name } role reason { text } } } } } }";
        let shown = app.data_as(&municipality(BEDBURG), of, json!({ "id": id_of(&running) })).await;
        assert_eq!(nodes(&shown["subscription"]["history"])[0], json!({ "action": "FOLLOW_AREA_CHANGE", "formerMunicipality": { "ags": KLEVE, "name": "Kleve" }, "role": "STEWARD", "reason": { "text": "Probe" } }));
        // An event and an entry for each.
        let recorded = app.events().await.split_off(events);
        assert_eq!(recorded.len(), had.len());
        assert!(recorded.iter().all(|event| event.action == "FOLLOW_AREA_CHANGE" && event.rule.as_deref() == Some("steward-lets-subscriptions-follow")));
        let fed = entries(app).await.split_off(fed);
        assert!(fed.len() == had.len() && fed.iter().all(|entry| entry.kind == Type::ProductSubscription));
        // Sent again, it is done once; with another key nothing is left to do.
        for again in [key, json!({ "planHash": app.follow_as(&steward(), KLEVE, json!({ "dryRun": true })).await["plan"]["hash"] })] {
            let again = app.follow_as(&steward(), KLEVE, again).await;
            assert_eq!((&again["errors"], &again["plan"]["subscriptions"]["totalCount"]), (&json!([]), &json!(0)));
        }
        assert_eq!(app.events().await.len(), events + had.len());
        // The successor decides from now on.
        assert_eq!(app.refused(&municipality(KLEVE), "withdrawSubscription", step(&id_of(&waiting), 2, json!({}))).await["code"], "NOT_FOUND");
        let approved = app.done(&steward(), "approveSubscription", step(&id_of(&waiting), 2, json!({}))).await;
        assert_eq!(app.done(&municipality(BEDBURG), "withdrawSubscription", next(&approved, json!({ "reason": reason("OTHER") }))).await["state"], "WITHDRAWN");
        app.verify().await.unwrap();
        app.check_states().await;
    }

    async fn one_after_the_other_leads_to_the_last(app: TestApp) {
        app.dissolve(&[KLEVE], BEDBURG, "2026-10-01").await;
        let running = app.subscription(KLEVE, INITIAL, |_| {}).await;
        let early = json!({ "areaChanges": [becoming(&[BEDBURG], GOCH, "2026-10-01")] });
        let payload = app.import_as(&land(), importing(&without(SHIPPED, &[KLEVE, BEDBURG]), early)).await;
        assert_eq!(faults(&payload["errors"])[0].1, "input.areaChanges.0.from.0", "not before who goes into it");
        let more = json!({ "areaChanges": [becoming(&[BEDBURG], GOCH, "2026-11-01")] });
        app.imported(importing(&without(SHIPPED, &[KLEVE, BEDBURG]), more)).await;
        let plan = app.follow_as(&steward(), KLEVE, json!({ "dryRun": true })).await["plan"].clone();
        assert_eq!(plan["successor"]["ags"], GOCH);
        app.follow_as(&steward(), KLEVE, json!({ "planHash": plan["hash"] })).await;
        assert_eq!(find(app, running.id).await.municipality_id, Some(id_by_ags(app, GOCH)));
        app.check_states().await;
    }

    async fn area_changes_that_can_not_be_are_refused_and_nothing_is_imported(app: TestApp) {
        app.dissolve(&[UEDEM], GOCH, TODAY).await;
        let base = with(&without(SHIPPED, &[UEDEM]), AACHEN, "plz_seat", "52999");
        let (version, events) = (app.server.live().snapshot().version, app.events().await.len());
        let refused = async |gone: &[&str], changes: Value, path: &str| {
            for dry_run in [true, false] {
                let input = importing(&without(&base, gone), json!({ "areaChanges": changes, "dryRun": dry_run }));
                let payload = app.import_as(&land(), input).await;
                let found = faults(&payload["errors"]);
                assert!(found.iter().any(|(_, found)| found == &format!("input.areaChanges.{path}")), "{path}: {found:?}");
                assert_eq!(payload["report"]["written"], false);
            }
        };
        refused(&[KLEVE], json!([becoming(&[KLEVE], KLEVE, TODAY)]), "0.into").await;
        refused(&[KLEVE, BEDBURG], json!([becoming(&[KLEVE], BEDBURG, TODAY), becoming(&[BEDBURG], KLEVE, TODAY)]), "1.into").await;
        refused(&[KLEVE, BEDBURG], json!([becoming(&[KLEVE], BEDBURG, TODAY), becoming(&[BEDBURG], GOCH, TODAY)]), "0.into").await;
        refused(&[KLEVE], json!([becoming(&[KLEVE], "05154099", TODAY)]), "0.into").await;
        refused(&[], json!([becoming(&["05154099"], KLEVE, TODAY)]), "0.from.0").await;
        refused(&[KLEVE], json!([becoming(&[KLEVE, KLEVE], BEDBURG, TODAY)]), "0.from.1").await;
        refused(&[KLEVE], json!([becoming(&[KLEVE], BEDBURG, TODAY), becoming(&[KLEVE], GOCH, TODAY)]), "1.from.0").await;
        refused(&[], json!([becoming(&[UEDEM], BEDBURG, TODAY)]), "0.from.0").await;
        refused(&[KLEVE], json!([becoming(&[KLEVE], UEDEM, TODAY)]), "0.into").await;
        refused(&[], json!([becoming(&["05154000"], KLEVE, TODAY)]), "0.from.0").await;
        refused(&[KLEVE], json!([becoming(&[KLEVE], "05154000", TODAY)]), "0.into").await;
        refused(&[], json!([becoming(&[KLEVE], BEDBURG, TODAY)]), "0.from.0").await;
        refused(&[], json!([becoming(&[], BEDBURG, TODAY)]), "0.from").await;
        for day in ["2025-11-22", "2027-11-24"] {
            refused(&[KLEVE], json!([becoming(&[KLEVE], BEDBURG, day)]), "0.on").await;
        }
        for reference in [" ".to_owned(), "x".repeat(201), "a\u{0}b".to_owned()] {
            let mut change = becoming(&[KLEVE], BEDBURG, TODAY);
            change["reference"] = json!(reference);
            refused(&[KLEVE], json!([change]), "0.reference").await;
        }
        assert_eq!((app.server.live().snapshot().version, app.events().await.len()), (version, events));
    }

    async fn only_stewards_and_the_transformation_office_let_subscriptions_follow(app: TestApp) {
        app.dissolve(&[KLEVE], BEDBURG, TODAY).await;
        let running = app.subscription(KLEVE, INITIAL, |_| {}).await;
        let plan = app.follow_as(&transformation_office(), KLEVE, json!({ "dryRun": true })).await["plan"].clone();
        for token in [land(), municipality(KLEVE), municipality(BEDBURG), provider("krzn"), account_manager("kgst-st-4"), auditor()] {
            for more in [json!({ "dryRun": true }), json!({ "planHash": plan["hash"] })] {
                let payload = app.follow_as(&token, KLEVE, more).await;
                assert_eq!((&payload["errors"][0]["code"], &payload["errors"][0]["rule"], &payload["plan"]), (&json!("FORBIDDEN"), &json!("no-rule-permits"), &Value::Null));
            }
        }
        let document = "mutation($input: FollowAreaChangeInput!) { followAreaChange(input: $input) { errors { code } } }";
        let input = json!({ "municipality": { "ags": KLEVE }, "reason": reason("OTHER"), "idempotencyKey": "x" });
        assert_eq!(app.error(document, json!({ "input": input })).await.0, "UNAUTHENTICATED");
        assert_eq!(find(app, running.id).await, running);
        let refused = app.events().await.iter().filter(|event| event.action == "FOLLOW_AREA_CHANGE").count();
        assert_eq!(refused, 12, "every refusal is recorded");
        let unknown = app.follow_as(&steward(), "05154099", json!({ "dryRun": true })).await;
        assert_eq!(faults(&unknown["errors"]), [("NOT_FOUND".to_owned(), "input.municipality".to_owned())]);
        assert_eq!(change::Entity::find().filter(change::Column::EntityId.eq(running.id)).count(app.server.database().connection()).await.unwrap(), 0);
    }
}
