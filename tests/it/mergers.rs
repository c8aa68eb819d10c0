//! Mergers of providers: the plan is what happens, nothing is lost, and nobody sees half of it.

use std::collections::BTreeSet;

use entity::{
    change::Type, contact_assignment, product, product_subscription, provider_coverage, subscription_history,
};
use itkatalog::prices;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, prelude::Uuid};
use serde_json::{Value, json};

use crate::support::{
    TestApp, account_manager,
    acts::{AACHEN, Row, id_of, reason},
    auditor, land,
    mergers::merging,
    municipality, nodes, provider, steward, token, transformation_office,
};

fn provider_id(app: &TestApp, key: &str) -> Uuid {
    let snapshot = app.server.live().snapshot();
    snapshot.providers[snapshot.provider_by_key(key).unwrap()].row.id
}

/// External id of some published product of a provider.
fn some_product(app: &TestApp, key: &str) -> String {
    let snapshot = app.server.live().snapshot();
    let at = snapshot.providers[snapshot.provider_by_key(key).unwrap()].products[0];
    snapshot.products[at].row.external_id.clone()
}

/// A product of one provider that implements a standard product which one of the other implements too.
fn same_standard(app: &TestApp, key: &str, other: &str) -> (String, Uuid) {
    let snapshot = app.server.live().snapshot();
    let standards = |key: &str| {
        let products = &snapshot.providers[snapshot.provider_by_key(key).unwrap()].products;
        products.iter().map(|at| &*snapshot.products[*at].row).collect::<Vec<_>>()
    };
    let others: BTreeSet<_> = standards(other).iter().filter_map(|row| row.standard_product_id).collect();
    let is_same = |row: &&&product::Model| row.standard_product_id.is_some_and(|id| others.contains(&id));
    let row = *standards(key).iter().find(is_same).unwrap();
    (row.external_id.clone(), row.id)
}

async fn products_of(app: &TestApp, key: &str) -> Vec<product::Model> {
    let of = product::Entity::find().filter(product::Column::ProviderId.eq(provider_id(app, key)));
    of.order_by_asc(product::Column::Id).all(app.server.database().connection()).await.unwrap()
}

/// A subscription that a provider takes itself.
async fn taken_by(app: &TestApp, key: &str) -> Row {
    let id = provider_id(app, key);
    app.subscription(AACHEN, ("zentral-nrw", "DMS-02"), |row| {
        row.municipality_id = None;
        row.provider_id = Some(id);
    })
    .await
}

async fn find(app: &TestApp, id: Uuid) -> Row {
    let found = product_subscription::Entity::find_by_id(id).one(app.server.database().connection());
    found.await.unwrap().unwrap()
}

fn wait_for_approval(row: &mut Row) {
    use product_subscription::{Awaits, Matter, State};
    row.state = State::Requested;
    row.open_matter = Some(Matter::Request);
    row.awaits = Some(Awaits::Approval);
    row.expires_at = "2026-12-31T00:00:00Z".parse().ok();
}

on_both_databases! {
    async fn the_plan_is_what_happens(app: TestApp) {
        let (key, id) = same_standard(app, "ivl", "regioit");
        let to_product = app.subscription(AACHEN, ("ivl", &key), |_| {}).await;
        let waiting = app.subscription(AACHEN, ("ivl", &key), wait_for_approval).await;
        let taken = taken_by(app, "habit").await;
        let (ivl, habit, own) = (products_of(app, "ivl").await, products_of(app, "habit").await, products_of(app, "regioit").await);
        let served = |body: Value| body["provider"]["municipalities"]["totalCount"].as_u64().unwrap();
        let coverage = "{ provider(by: {key: \"regioit\"}) { municipalities(first: 1) { totalCount } } }";
        let served_before = served(app.data(coverage, json!({})).await);
        let plan = app.merger_plan("regioit", &["ivl", "habit"]).await;
        let again = app.merger_plan("regioit", &["habit", "ivl"]).await;
        assert_eq!(plan, again, "a plan is the same, in whatever order, as long as nothing changes");
        let counts = &plan["counts"];
        assert_eq!((counts["products"].as_u64().unwrap() as usize, &counts["takenSubscriptions"]), (ivl.len() + habit.len(), &json!(1)));
        assert!(counts["renamedProducts"].as_u64().unwrap() > 0 && counts["sameStandardProducts"].as_u64().unwrap() > 0);
        assert!(nodes(&plan["openRequests"]).iter().any(|row| row["subscription"]["id"] == id_of(&waiting) && row["expiresAt"] == "2026-12-31T00:00:00.000000Z"), "{plan}");
        let (version, events) = (app.server.live().snapshot().version, app.events().await.len());
        let changes = entity::change::Entity::find().all(app.server.database().connection()).await.unwrap().len();

        let payload = app.merge_as(&transformation_office(), merging("regioit", &["ivl", "habit"], json!({ "planHash": plan["hash"] }))).await;
        assert_eq!((&payload["errors"], &payload["plan"]["hash"]), (&json!([]), &plan["hash"]));
        assert_eq!((&payload["merger"]["successor"]["key"], &payload["merger"]["source"], &payload["merger"]["on"]), (&json!("regioit"), &json!("VV 3/2026"), &json!("2026-11-23")));
        assert_eq!(app.server.live().snapshot().version, version + 1, "one version of the catalogue, so nobody sees half of it");
        assert!(products_of(app, "ivl").await.is_empty() && products_of(app, "habit").await.is_empty());
        let moved = products_of(app, "regioit").await;
        assert_eq!(moved.len(), own.len() + ivl.len() + habit.len());
        let mut planned = nodes(&plan["products"]);
        planned.sort_by_key(|row| row["product"]["id"].to_string());
        for row in &planned {
            let before = ivl.iter().chain(&habit).find(|old| old.external_id == row["externalId"] && old.name == row["name"] && (provider_id(app, row["from"]["key"].as_str().unwrap()) == old.provider_id)).unwrap();
            let after = moved.iter().find(|new| new.id == before.id).unwrap();
            assert_eq!((json!(after.external_id), after.version), (row["externalIdAfter"].clone(), before.version + 1));
            if row["externalId"] != row["externalIdAfter"] {
                assert_eq!(row["externalIdAfter"], format!("{}-{}", row["from"]["key"].as_str().unwrap(), before.external_id));
            }
        }
        assert_eq!(find(app, to_product.id).await, to_product, "a subscription to a product that moves stays as it is");
        let after = find(app, taken.id).await;
        assert_eq!((after.provider_id, after.version), (Some(provider_id(app, "regioit")), 2));
        let history = subscription_history::Entity::find_by_id((taken.id, 2)).one(app.server.database().connection()).await.unwrap().unwrap();
        assert_eq!((history.action, history.state), (subscription_history::Action::Merge, after.state));
        assert_eq!(served(app.data(coverage, json!({})).await), served_before + counts["municipalities"].as_u64().unwrap());
        let told = app.data("{ provider(by: {key: \"ivl\"}) { joining mergedInto { key } joiningDetails { since resolution } products(first: 1) { totalCount } municipalities(first: 1) { totalCount } mergers { kind successor { key } } } }", json!({})).await;
        let told = &told["provider"];
        assert_eq!((&told["joining"], &told["mergedInto"]["key"], &told["joiningDetails"]["resolution"]), (&json!("MERGED"), &json!("regioit"), &json!("VV 3/2026")));
        assert_eq!((&told["products"]["totalCount"], &told["municipalities"]["totalCount"]), (&json!(0), &json!(0)));
        assert!(told["mergers"].as_array().unwrap().iter().any(|merger| merger["kind"] == "PLANNED"), "what was told before stays");
        // One event for the merger, one for each product; the feed tells of all that was changed.
        let recorded = app.events().await.split_off(events);
        assert_eq!(recorded.len(), 1 + ivl.len() + habit.len());
        assert!(recorded.iter().all(|event| event.action == "MERGE_PROVIDERS" && event.rule.as_deref() == Some("transformation-office-merges-providers")));
        let fed = entity::change::Entity::find().order_by_asc(entity::change::Column::Sequence).all(app.server.database().connection()).await.unwrap().split_off(changes);
        let count = |kind: Type| fed.iter().filter(|change| change.kind == kind).count();
        assert_eq!([count(Type::ProviderMerger), count(Type::Provider), count(Type::Joining), count(Type::Product), count(Type::ProductSubscription)], [1, 3, 2, ivl.len() + habit.len(), 1]);
        app.verify().await.unwrap();
        assert!(moved.iter().any(|row| row.id == id));
    }

    async fn what_the_successors_product_of_the_same_standard_would_cost_is_estimated(app: TestApp) {
        let (key, id) = same_standard(app, "ivl", "regioit");
        app.subscription(AACHEN, ("ivl", &key), |_| {}).await;
        let plan = app.merger_plan("regioit", &["ivl"]).await;
        let product = app.product_id(("ivl", &key)).await;
        let effects = nodes(&plan["priceEffects"]);
        let effect = effects.iter().find(|row| row["product"]["id"] == product && row["municipality"]["ags"] == AACHEN).unwrap();
        let snapshot = app.server.live().snapshot();
        let (moved, town) = (snapshot.products.find(id).unwrap(), snapshot.municipality_by_ags(AACHEN).unwrap());
        let cents = |amount: &Value| amount["amount"].as_str().map(|text| text.replace('.', "").parse::<i64>().unwrap());
        let estimated = |at| prices::estimate(&snapshot, at, town, "2026-11-23".parse().unwrap()).per_year_cents;
        assert_eq!(cents(&effect["before"]), estimated(moved));
        let same = plan["sameStandardProducts"].as_array().unwrap().iter().find(|same| same["products"].as_array().unwrap().iter().any(|row| row["id"] == product)).unwrap();
        assert!(same["products"].as_array().unwrap().iter().any(|row| row["id"] == effect["alternative"]["id"] && row["provider"]["key"] == "regioit"));
        if let (Some(before), Some(after)) = (cents(&effect["before"]), cents(&effect["after"])) {
            assert_eq!(cents(&effect["difference"]), Some(after - before));
        }
    }

    async fn who_has_merged_stays_addressable_for_ever(app: TestApp) {
        let key = some_product(app, "ivl");
        let product = app.product_id(("ivl", &key)).await;
        let node = app.data("{ provider(by: {key: \"ivl\"}) { id } }", json!({})).await["provider"]["id"].clone();
        app.merge("kdvz", &["ivl"]).await;
        assert_eq!(app.product_id(("ivl", &key)).await, product);
        app.merge("regioit", &["kdvz"]).await;
        assert_eq!(app.product_id(("ivl", &key)).await, product, "through two mergers");
        let told = app.data("query($id: ID!, $product: ID!) { node(id: $id) { ... on Provider { key mergedInto { key } } } product(by: {id: $product}) { externalId provider { key } } }", json!({ "id": node, "product": product })).await;
        assert_eq!((&told["node"], &told["product"]["provider"]["key"]), (&json!({ "key": "ivl", "mergedInto": { "key": "kdvz" } }), &json!("regioit")));
        let now = told["product"]["externalId"].as_str().unwrap();
        assert_eq!(app.product_id(("regioit", now)).await, product);
        // Tokens act for who acts now.
        let viewer = app.data_as(&provider("ivl"), "{ viewer { provider { key } } }", json!({})).await;
        assert_eq!(viewer["viewer"]["provider"]["key"], "regioit");
    }

    async fn requests_go_on_under_the_successor_and_old_tokens_decide_them(app: TestApp) {
        let town = municipality("05154036");
        let asked = app.done(&town, "requestSubscription", app.request_of("05154036", ("krzn", "BAU-05")).await).await;
        let mut own = app.request_of("05154036", ("krzn", "BAU-05")).await;
        own["subscriber"] = json!({ "provider": { "key": "krzn" } });
        let own = app.done(&token(json!({ "roles": ["provider"], "provider": "krzn", "sub": "one" })), "requestSubscription", own).await;
        app.merge("regioit", &["krzn"]).await;
        // Whoever asked for itself does not approve it as the successor either.
        let own_step = |version: i64| crate::support::acts::step(own["id"].as_str().unwrap(), version, json!({}));
        for token in [provider("regioit"), provider("krzn")] {
            assert_eq!(app.refused(&token, "approveSubscription", own_step(2)).await["rule"], "own-organisation-does-not-approve");
        }
        assert_eq!(app.done(&steward(), "approveSubscription", own_step(2)).await["subscriber"]["key"], "regioit");
        let explain = "query($input: ExplainInput!) { explain(input: $input) { allowed } }";
        let question = json!({ "input": { "action": "APPROVE_SUBSCRIPTION", "subscription": asked["id"] } });
        for (key, allowed) in [("krzn", true), ("regioit", true)] {
            assert_eq!(app.data_as(&provider(key), explain, question.clone()).await["explain"]["allowed"], allowed);
        }
        assert_eq!(app.done(&provider("krzn"), "approveSubscription", crate::support::acts::next(&asked, json!({}))).await["state"], "APPROVED");
        let request = app.request_of("05154036", ("krzn", "BAU-05")).await;
        assert_eq!(app.done(&town, "requestSubscription", request).await["state"], "REQUESTED", "the old key finds the product, and nothing is merged about it");
        let mut as_old = app.request_of("05154036", ("zentral-nrw", "DMS-02")).await;
        as_old["subscriber"] = json!({ "provider": { "key": "krzn" } });
        assert_eq!(app.done(&provider("krzn"), "requestSubscription", as_old).await["subscriber"]["key"], "regioit", "nothing is left to the old one");
    }

    async fn lists_find_by_the_old_key_what_went_over(app: TestApp) {
        app.subscription(AACHEN, ("ivl", &some_product(app, "ivl")), |_| {}).await;
        app.merge("regioit", &["ivl"]).await;
        let found = async |key: &str| {
            let all = "query($key: String!) { products(first: 1, where: {provider: {eq: $key}}) { totalCount }
                municipalities(first: 1, where: {provider: {eq: $key}}) { totalCount }
                subscriptions(first: 1, where: {provider: {eq: $key}}) { totalCount }
                none: products(first: 1, where: {provider: {eq: \"no-such\"}}) { totalCount }
                others: products(first: 1, where: {not: {provider: {eq: $key}}}) { totalCount } }";
            app.data_as(&steward(), all, json!({ "key": key })).await
        };
        let by_old = found("ivl").await;
        assert_eq!(by_old, found("regioit").await);
        for name in ["products", "municipalities", "subscriptions", "others"] {
            assert!(by_old[name]["totalCount"].as_u64().unwrap() > 0, "{name}: {by_old}");
        }
        assert_eq!(by_old["none"]["totalCount"], 0);
    }

    async fn freezes_and_exceptions_of_a_provider_go_on_for_its_products_only(app: TestApp) {
        let office = transformation_office();
        let freeze = "mutation($input: FreezeInput!) { freeze(input: $input) { errors { code } } }";
        let input = json!({ "scope": { "provider": { "key": "krzn" } }, "message": "Umstellung", "reason": reason("MIGRATION"), "idempotencyKey": "f" });
        app.data_as(&office, freeze, json!({ "input": input })).await;
        let propose = "mutation($input: ProposePhaseChangeInput!) { proposePhaseChange(input: $input) { proposal { id } errors { code } } }";
        let input = json!({ "to": "INTEGRATION", "scope": { "provider": { "key": "krzn" } }, "reason": reason("DECISION"), "idempotencyKey": "p" });
        let proposal = app.data_as(&office, propose, json!({ "input": input })).await["proposePhaseChange"]["proposal"]["id"].clone();
        let confirm = "mutation($input: ConfirmPhaseChangeInput!) { confirmPhaseChange(input: $input) { errors { code } } }";
        let other = token(json!({ "roles": ["transformation_office"], "sub": "another" }));
        let confirmed = app.data_as(&other, confirm, json!({ "input": { "proposal": proposal, "idempotencyKey": "c" } })).await;
        assert_eq!(confirmed["confirmPhaseChange"]["errors"], json!([]));
        let products = products_of(app, "krzn").await.len();
        let payload = app.merge("regioit", &["krzn"]).await;
        assert_eq!((&payload["plan"]["counts"]["freezes"], &payload["plan"]["counts"]["phaseExceptions"]), (&json!(1), &json!(1)));
        let snapshot = app.server.live().snapshot();
        assert_eq!((snapshot.freezes.len(), snapshot.phase_exceptions.len()), (products, products));
        assert!(snapshot.freezes.iter().all(|row| row.provider_id.is_none()) && snapshot.phase_exceptions.iter().all(|row| row.provider_id.is_none()));
        let town = municipality("05154036");
        assert_eq!(app.refused(&town, "requestSubscription", app.request_of("05154036", ("krzn", "BAU-05")).await).await["rule"], "frozen");
        assert_eq!(app.done(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, ("regioit", "DMS-02")).await).await["state"], "REQUESTED", "not frozen, and asked in the phase of all");
    }

    async fn contacts_move_and_coverage_is_united_without_a_gap(app: TestApp) {
        let (old, new) = (provider_id(app, "krzn"), provider_id(app, "regioit"));
        let payload = app.merge("regioit", &["krzn"]).await;
        let db = app.server.database().connection();
        use contact_assignment::{Column, Rank};
        let of = |id: Uuid| contact_assignment::Entity::find().filter(Column::ProviderId.eq(id)).all(db);
        assert!(of(old).await.unwrap().is_empty());
        let assignments = of(new).await.unwrap();
        assert_eq!((assignments.len(), assignments.iter().filter(|row| row.rank == Rank::Primary).count()), (4, 1));
        assert_eq!(payload["plan"]["counts"]["newDeputies"], 1);
        let rows = provider_coverage::Entity::find().filter(provider_coverage::Column::ProviderId.eq(old)).all(db).await.unwrap();
        assert!(!rows.is_empty() && rows.iter().all(|row| row.valid_to == "2026-11-22".parse().ok()), "what it served stays told");
        let told = "query($day: AGS!) { municipality(by: {ags: $day}) { providers { key } } }";
        let served = app.data(told, json!({ "day": "05154036" })).await;
        assert_eq!(served["municipality"]["providers"], json!([{ "key": "regioit" }]));
    }

    async fn a_plan_that_is_out_of_date_is_refused_with_the_new_one(app: TestApp) {
        let office = transformation_office();
        let key = some_product(app, "ivl");
        let missing = app.merge_as(&office, merging("regioit", &["ivl"], json!({}))).await;
        assert_eq!((&missing["errors"][0]["path"], &missing["merger"]), (&json!(["input", "planHash"]), &Value::Null));
        let row = app.subscription(AACHEN, ("ivl", &key), |_| {}).await;
        let plan = app.merger_plan("regioit", &["ivl"]).await;
        let step = crate::support::acts::step(&id_of(&row), 1, json!({ "on": "2028-12-31" }));
        app.done(&municipality(AACHEN), "terminateSubscription", step).await;
        let refused = app.merge_as(&office, merging("regioit", &["ivl"], json!({ "planHash": plan["hash"] }))).await;
        let error = &refused["errors"][0];
        assert_eq!((&error["code"], &error["path"], &refused["merger"]), (&json!("CONFLICT"), &json!(["input", "planHash"]), &Value::Null));
        let hash = refused["plan"]["hash"].as_str().unwrap();
        assert!(hash != plan["hash"] && error["message"].as_str().unwrap().contains(hash));
        assert!(!products_of(app, "ivl").await.is_empty(), "nothing was moved");
        let done = app.merge_as(&office, merging("regioit", &["ivl"], json!({ "planHash": hash }))).await;
        assert_eq!(done["errors"], json!([]));
    }

    async fn a_merger_that_is_sent_twice_happens_once(app: TestApp) {
        let office = transformation_office();
        let plan = app.merger_plan("regioit", &["ivl"]).await;
        let input = merging("regioit", &["ivl"], json!({ "planHash": plan["hash"] }));
        let done = app.merge_as(&office, input.clone()).await;
        let (events, version) = (app.events().await.len(), app.server.live().snapshot().version);
        let again = app.merge_as(&office, input.clone()).await;
        assert_eq!((&again["merger"], &again["plan"], &again["errors"]), (&done["merger"], &Value::Null, &json!([])));
        assert_eq!((app.events().await.len(), app.server.live().snapshot().version), (events, version));
        let mut other = input;
        other["resolution"] = json!("VV 4/2026");
        assert_eq!(app.merge_as(&office, other).await["errors"][0]["code"], "IDEMPOTENCY_KEY_REUSED");
    }

    async fn of_two_mergers_at_once_one_takes_the_provider(app: TestApp) {
        let office = transformation_office();
        let (one, two) = (app.merger_plan("regioit", &["ivl"]).await, app.merger_plan("kdvz", &["ivl", "regioit"]).await);
        let one = app.merge_as(&office, merging("regioit", &["ivl"], json!({ "planHash": one["hash"] })));
        let two = app.merge_as(&office, merging("kdvz", &["ivl", "regioit"], json!({ "planHash": two["hash"] })));
        let (one, two) = futures_util::future::join(one, two).await;
        let is_done = |payload: &Value| payload["errors"] == json!([]);
        assert!(is_done(&one) != is_done(&two), "{one} {two}");
        let refused = if is_done(&one) { two } else { one };
        assert_eq!(refused["errors"][0]["code"], "BAD_USER_INPUT", "one of them has gone into another already");
        let mergers = app.data("{ provider(by: {key: \"ivl\"}) { mergedInto { key } } }", json!({})).await;
        assert!(mergers["provider"]["mergedInto"]["key"].is_string());
        app.verify().await.unwrap();
    }

    async fn requests_beside_a_merger_are_not_lost(app: TestApp) {
        let (towns, office) = (["05154036", "05170024"], transformation_office());
        let tokens: Vec<String> = (0..8).map(|number| municipality(towns[number % 2])).collect();
        let mut inputs = Vec::new();
        for number in 0..8 {
            let mut of_writer = Vec::new();
            for _ in 0..4 { of_writer.push(app.request_of(towns[number % 2], ("krzn", "BAU-05")).await); }
            inputs.push(of_writer);
        }
        let product = app.product_id(("krzn", "BAU-05")).await;
        let before = nodes_of(app, &product).await;
        let writing = tokens.iter().zip(inputs).map(async |(token, inputs)| {
            for input in inputs { assert_eq!(app.act(token, "requestSubscription", input).await["errors"], json!([])); }
        });
        let merging = async {
            let mut attempts = 0;
            loop {
                attempts += 1;
                let hash = app.merger_plan("zentral-nrw", &["krzn"]).await["hash"].clone();
                let payload = app.merge_as(&office, merging("zentral-nrw", &["krzn"], json!({ "planHash": hash }))).await;
                if payload["errors"] == json!([]) { return attempts; }
                assert_eq!(payload["errors"][0]["code"], "CONFLICT", "{payload}");
            }
        };
        futures_util::future::join(futures_util::future::join_all(writing), merging).await;
        assert_eq!(nodes_of(app, &product).await, before + 32);
        assert_eq!(app.product_id(("krzn", "BAU-05")).await, product);
        app.verify().await.unwrap();
    }

    async fn a_merger_that_fails_late_leaves_everything_as_it_was(app: TestApp) {
        taken_by(app, "ivl").await;
        let plan = app.merger_plan("regioit", &["ivl"]).await;
        let before = everything(app).await;
        // The next entry of the feed has a number that is taken.
        app.execute("UPDATE record_heads SET change_sequence = change_sequence - 1").await.unwrap();
        let input = merging("regioit", &["ivl"], json!({ "planHash": plan["hash"] }));
        let body = app.ask_merge(Some(&transformation_office()), input.clone()).await;
        assert_eq!(body["errors"][0]["extensions"]["code"], "INTERNAL", "{body}");
        assert_eq!(everything(app).await, before);
        app.execute("UPDATE record_heads SET change_sequence = change_sequence + 1").await.unwrap();
        assert_eq!(app.merge_as(&transformation_office(), input).await["errors"], json!([]), "nor was the key used up");
        assert_ne!(everything(app).await, before);
    }

    async fn only_the_transformation_office_merges_providers(app: TestApp) {
        for token in [municipality(AACHEN), provider("ivl"), provider("regioit"), account_manager("kgst-st-2"), steward(), land(), auditor(), token(json!({ "roles": ["king"] }))] {
            for more in [json!({ "dryRun": true }), json!({ "planHash": "x" })] {
                let refused = app.merge_as(&token, merging("regioit", &["ivl"], more)).await;
                assert_eq!((&refused["errors"][0]["code"], &refused["errors"][0]["rule"]), (&json!("FORBIDDEN"), &json!("no-rule-permits")));
                assert_eq!((&refused["plan"], &refused["errors"][0]["nextStep"]), (&Value::Null, &json!("Das Transformationsbüro kann es.")));
            }
        }
        let body = app.ask_merge(None, merging("regioit", &["ivl"], json!({ "dryRun": true }))).await;
        assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    }

    async fn wrong_input_of_a_merger_is_told_by_its_place(app: TestApp) {
        app.merge("kdvz", &["ivl"]).await;
        let many: Vec<&str> = std::iter::repeat_n("habit", 28).collect();
        for (into, providers, more, path) in [
            ("regioit", vec!["regioit"], json!({}), json!(["input", "providers", "0"])),
            ("regioit", vec!["habit", "bonn", "habit"], json!({}), json!(["input", "providers", "2"])),
            ("regioit", vec!["habit", "nobody"], json!({}), json!(["input", "providers", "1"])),
            ("nobody", vec!["habit"], json!({}), json!(["input", "into"])),
            ("regioit", vec!["ivl"], json!({}), json!(["input", "providers", "0"])),
            ("ivl", vec!["kdvz"], json!({}), json!(["input", "into"])),
            ("regioit", vec!["zentral-nrw"], json!({}), json!(["input", "providers", "0"])),
            ("regioit", vec![], json!({}), json!(["input", "providers"])),
            ("regioit", many, json!({}), json!(["input", "providers"])),
            ("regioit", vec!["habit"], json!({ "on": "2026-11-24" }), json!(["input", "on"])),
            ("regioit", vec!["habit"], json!({ "on": "2025-11-22" }), json!(["input", "on"])),
            ("regioit", vec!["krzn"], json!({ "on": "2026-07-01" }), json!(["input", "on"])),
            ("regioit", vec!["habit"], json!({ "resolution": " " }), json!(["input", "resolution"])),
            ("regioit", vec!["habit"], json!({ "resolution": "x".repeat(201) }), json!(["input", "resolution"])),
            ("regioit", vec!["habit"], json!({ "idempotencyKey": "" }), json!(["input", "idempotencyKey"])),
            ("regioit", vec!["habit"], json!({ "reason": { "code": "MERGER", "text": "" } }), json!(["input", "reason", "text"])),
        ] {
            let mut asked = merging(into, &providers, json!({ "dryRun": true }));
            asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let refused = app.merge_as(&transformation_office(), asked).await;
            assert_eq!((&refused["errors"][0]["path"], &refused["plan"]), (&path, &Value::Null), "{into} {providers:?} {more}: {refused}");
            assert!(!refused["errors"][0]["nextStep"].as_str().unwrap().is_empty());
        }
        let merged = "mutation($input: JoinProviderInput!) { joinProvider(input: $input) { errors { path message } } }";
        let input = json!({ "provider": { "key": "ivl" }, "level": "JOINED", "since": "2026-11-23", "reason": reason("OTHER"), "idempotencyKey": "j" });
        let refused = app.data_as(&transformation_office(), merged, json!({ "input": input })).await["joinProvider"]["errors"][0].clone();
        assert!(refused["path"] == json!(["input", "provider"]) && refused["message"].as_str().unwrap().contains("kdvz"), "{refused}");
    }
}

/// How many subscriptions a product has.
async fn nodes_of(app: &TestApp, product: &str) -> usize {
    let snapshot = app.server.live().snapshot();
    let id = snapshot.products.iter().map(|(_, row)| row.row.id).find(|id| {
        use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
        BASE64_URL_SAFE_NO_PAD.encode(format!("Product:{}", id.simple())) == product
    });
    let of = product_subscription::Entity::find().filter(product_subscription::Column::ProductId.eq(id.unwrap()));
    of.all(app.server.database().connection()).await.unwrap().len()
}

/// Every table that a merger writes.
async fn everything(app: &TestApp) -> Vec<String> {
    let db = app.server.database().connection();
    let mut rows: Vec<String> = Vec::new();
    macro_rules! read {
        ($($table:ident),*) => { $(rows.extend(entity::$table::Entity::find().all(db).await.unwrap().iter().map(|row| format!("{row:?}")));)* };
    }
    read!(
        product,
        product_alias,
        product_subscription,
        subscription_history,
        provider_merger,
        provider_merger_predecessor,
        provider_coverage,
        joining,
        contact_assignment,
        freeze,
        phase_exception,
        change,
        audit_event,
        idempotency_key,
        catalogue_state
    );
    rows.sort();
    rows
}
