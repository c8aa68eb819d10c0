//! Contacts are made, changed, assigned and handed over; the central desk always answers.

use serde_json::{Value, json};

use crate::support::{
    TestApp, account_manager,
    acts::{AACHEN, reason},
    contacts::{as_it_is, everybody, global},
    nodes, provider, steward, token,
};

const WHO: &str = "query($ags: AGS!, $topic: ContactTopic, $product: ID) { contactFor(municipality: {ags: $ags}, topic: $topic, product: $product) { contact { id } deputy { id } foundBy } }";

async fn who(app: &TestApp, ags: &str) -> Value {
    app.data(WHO, json!({ "ags": ags, "topic": "SECURITY" })).await["contactFor"].clone()
}

fn new_contact() -> Value {
    json!({ "function": "Beratung", "email": "beratung@zentral-nrw.example", "phone": "+49 221 1" })
}

async fn created(app: &TestApp, token: &str, more: Value) -> String {
    let mut input = new_contact();
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.changed(token, "saveContact", input).await["contact"]["id"].as_str().unwrap().to_owned()
}

on_both_databases! {
    async fn a_contact_is_made_assigned_and_answers_from_its_first_day_on(app: TestApp) {
        let manager = account_manager("kgst-st-2");
        let before = who(app, AACHEN).await;
        let contact = created(app, &manager, json!({ "owner": { "customerGroup": "kgst-st-2" } })).await;
        let assign = json!({ "contact": contact, "target": { "customerGroup": "kgst-st-2" }, "from": "2026-12-01", "until": "2026-12-31" });
        let mut rehearsal = assign.clone();
        rehearsal["dryRun"] = json!(true);
        let told = app.changed(&manager, "assignContact", rehearsal).await;
        assert_eq!(who(&app.at("2026-12-10T09:00:00Z").await, AACHEN).await, before, "a rehearsal writes nothing");
        let done = app.changed(&manager, "assignContact", assign).await;
        assert_eq!(done, told, "and tells what happens");
        assert_eq!((&done["assignment"]["from"], &done["replaced"][0]["contact"]["id"]), (&json!("2026-12-01"), &before["contact"]["id"]));
        assert_eq!(who(app, AACHEN).await, before);
        for (moment, expected) in [("2026-11-30", &before["contact"]["id"]), ("2026-12-01", &json!(contact)), ("2026-12-31", &json!(contact)), ("2027-01-01", &before["contact"]["id"])] {
            let then = app.at(&format!("{moment}T09:00:00Z")).await;
            assert_eq!(&who(&then, AACHEN).await["contact"]["id"], expected, "{moment}: who held the place holds it again");
        }
    }

    async fn a_change_that_is_sent_again_happens_once(app: TestApp) {
        let steward = steward();
        let mut input = new_contact();
        input["idempotencyKey"] = json!("one");
        let first = app.changed(&steward, "saveContact", input.clone()).await;
        assert_eq!(app.changed(&steward, "saveContact", input.clone()).await, first);
        input["function"] = json!("Anderes");
        assert_eq!(app.not_changed(&steward, "saveContact", input).await.0, "IDEMPOTENCY_KEY_REUSED");
        let assign = json!({ "contact": first["contact"]["id"], "target": { "centralDesk": true }, "topic": "SALES", "idempotencyKey": "two" });
        let done = app.changed(&steward, "assignContact", assign.clone()).await;
        assert_eq!(app.changed(&steward, "assignContact", assign).await["assignment"], done["assignment"]);
        let person = json!({ "name": "Ute Muster", "purpose": "Auskunft" });
        let mut with_person = new_contact();
        with_person["idempotencyKey"] = json!("three");
        with_person["person"] = person;
        app.changed(&steward, "saveContact", with_person.clone()).await;
        with_person["person"]["name"] = json!("Udo Muster");
        assert_eq!(app.not_changed(&steward, "saveContact", with_person).await.0, "IDEMPOTENCY_KEY_REUSED", "another person is another input");
    }

    async fn the_central_desk_is_never_left_without_a_contact(app: TestApp) {
        let steward = steward();
        let desk = app.desk().await;
        let ids: Vec<String> = desk.iter().map(|row| global("Contact", row.id)).collect();
        let at_desk = json!({ "centralDesk": true });
        // One of two may end, the last one not.
        let mut ends = as_it_is(&desk[0]);
        ends["validUntil"] = json!("2026-12-31");
        app.changed(&steward, "saveContact", ends).await;
        let mut ends = as_it_is(&desk[1]);
        ends["validUntil"] = json!("2027-06-30");
        assert_eq!(app.not_changed(&steward, "saveContact", ends.clone()).await, ("BAD_USER_INPUT".to_owned(), vec!["input".to_owned(), "validUntil".to_owned()]));
        let vacate = json!({ "target": at_desk, "rank": "DEPUTY", "from": "2027-02-01", "until": "2027-02-02" });
        assert_eq!(app.not_changed(&steward, "assignContact", vacate.clone()).await.1, ["input", "contact"]);
        let other = created(app, &steward, json!({ "validUntil": "2027-03-31" })).await;
        let hand_over = json!({ "from": ids[1], "to": other });
        assert_eq!(app.not_changed(&steward, "handOverContacts", hand_over).await.1, ["input", "to"]);
        let replace = json!({ "contact": other, "target": at_desk, "rank": "DEPUTY" });
        assert_eq!(app.not_changed(&steward, "assignContact", replace).await.1, ["input", "until"]);
        assert!(app.server.live().snapshot().contacts.iter().any(|(_, row)| row.id == desk[1].id && row.valid_until.is_none()), "nothing was written");
        // First another without an end, as the error says; then all of it is possible.
        let endless = created(app, &steward, json!({})).await;
        app.changed(&steward, "assignContact", json!({ "contact": endless, "target": at_desk, "from": "2027-01-01" })).await;
        app.changed(&steward, "saveContact", ends).await;
        app.changed(&steward, "assignContact", vacate).await;
        let then = app.at("2027-08-01T09:00:00Z").await;
        let query = "{ contactFor(municipality: {ags: \"05154036\"}) { contact { id } } }";
        assert_ne!(then.data(query, json!({})).await["contactFor"], Value::Null);
    }

    async fn everything_of_a_contact_goes_to_another_from_a_day_on(app: TestApp) {
        let (of_krzn, krzn) = (app.contacts_of_provider("krzn").await, provider("krzn"));
        let (primary, deputy) = (global("Contact", of_krzn[0].id), global("Contact", of_krzn[1].id));
        let input = |dry: bool| json!({ "from": primary, "to": deputy, "on": "2027-01-01", "dryRun": dry });
        let told = app.changed(&krzn, "handOverContacts", input(true)).await["assignments"].clone();
        let done = app.changed(&krzn, "handOverContacts", input(false)).await["assignments"].clone();
        assert_eq!(nodes(&told), nodes(&done));
        assert_eq!(nodes(&done)[0]["from"], "2027-01-01");
        let product = app.data("{ provider(by: {key: \"krzn\"}) { products(first: 1) { edges { node { id } } } } }", json!({})).await;
        let product = nodes(&product["provider"]["products"])[0]["id"].clone();
        for (moment, contact, has_deputy) in [("2026-12-31", &primary, true), ("2027-01-01", &deputy, false)] {
            let then = app.at(&format!("{moment}T09:00:00Z")).await;
            let found = then.data(WHO, json!({ "ags": "05154036", "product": product })).await["contactFor"].clone();
            assert_eq!((&found["contact"]["id"], found["deputy"].is_object(), &found["foundBy"]), (&json!(contact), has_deputy, &json!("PROVIDER")), "nobody stands in for itself");
        }
    }

    async fn a_rehearsed_hand_over_is_paged_without_a_row_lost_or_doubled(app: TestApp) {
        let desk = steward();
        let from = created(app, &desk, json!({})).await;
        let to = created(app, &desk, json!({})).await;
        for topic in ["SALES", "TECHNICAL", "ONBOARDING", "SECURITY", "EMERGENCY"] {
            app.changed(&desk, "assignContact", json!({ "contact": from, "target": { "centralDesk": true }, "topic": topic, "rank": "DEPUTY" })).await;
        }
        let document = "mutation($input: HandOverContactsInput!, $after: String) { handOverContacts(input: $input) {
            assignments(first: 2, after: $after) { totalCount edges { node { topic } } pageInfo { hasNextPage endCursor } } errors { code message } } }";
        let (mut found, mut after) = (Vec::new(), Value::Null);
        loop {
            let input = json!({ "from": from, "to": to, "on": "2027-01-01", "dryRun": true, "reason": reason("OTHER"), "idempotencyKey": "pages" });
            let payload = app.data_as(&desk, document, json!({ "input": input, "after": after })).await["handOverContacts"].clone();
            let page = &payload["assignments"];
            assert_eq!((&payload["errors"], &page["totalCount"]), (&json!([]), &json!(5)));
            found.extend(nodes(page).into_iter().map(|row| row["topic"].as_str().unwrap().to_owned()));
            assert!(found.len() <= 5, "{found:?}");
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
        found.sort();
        assert_eq!(found, ["EMERGENCY", "ONBOARDING", "SALES", "SECURITY", "TECHNICAL"]);
    }

    async fn a_confirmation_makes_a_contact_fresh_again(app: TestApp) {
        let stale = "query($first: Int!) { staleContacts(first: $first) { totalCount edges { node { id version confirmedAt validUntil } } } }";
        let (steward, manager) = (steward(), account_manager("kgst-st-2"));
        let list = async |token: &str| app.data_as(token, stale, json!({ "first": 100 })).await["staleContacts"].clone();
        assert_eq!(list(&steward).await["totalCount"], 0, "the sample was confirmed in October");
        let owner = json!({ "customerGroup": "kgst-st-2" });
        let never = created(app, &manager, json!({ "owner": owner })).await;
        let old = created(app, &manager, json!({ "owner": owner, "confirmedAt": "2025-11-23" })).await;
        created(app, &manager, json!({ "owner": owner, "confirmedAt": "2025-11-24" })).await;
        let ends = created(app, &steward, json!({ "confirmedAt": "2026-11-01", "validUntil": "2027-01-22" })).await;
        created(app, &steward, json!({ "confirmedAt": "2026-11-01", "validUntil": "2027-01-23" })).await;
        let ids = |list: &Value| nodes(list).iter().map(|node| node["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(ids(&list(&steward).await), [never.clone(), old.clone(), ends]);
        assert_eq!(ids(&list(&manager).await), [never.clone(), old.clone()], "those of its groups");
        assert_eq!(ids(&list(&account_manager("kgst-st-4")).await), Vec::<String>::new());
        let confirm = json!({ "contact": never, "version": 1 });
        let confirmed = app.changed(&manager, "confirmContact", confirm.clone()).await["contact"].clone();
        assert_eq!((&confirmed["confirmedAt"], &confirmed["version"]), (&json!("2026-11-23"), &json!(2)));
        assert_eq!(app.not_changed(&manager, "confirmContact", confirm).await.0, "CONFLICT");
        assert_eq!(ids(&list(&manager).await), [old]);
        for (name, token) in everybody().into_iter().filter(|(name, _)| !name.contains("manager")) {
            let answer = app.ask_as(&token, stale, json!({ "first": 1 })).await;
            assert_eq!(answer.body["errors"][0]["extensions"]["code"], "FORBIDDEN", "{name}");
        }
        assert_eq!(app.error(stale, json!({ "first": 1 })).await.0, "UNAUTHENTICATED");
    }

    async fn nobody_changes_what_is_not_its_own(app: TestApp) {
        let of_krzn = global("Contact", app.contacts_of_provider("krzn").await[0].id);
        let group = app.contacts_of_group("kgst-st-2").await;
        let of_group = global("Contact", group[0].id);
        let desk = global("Contact", app.desk().await[0].id);
        let save = |id: &str| json!({ "contact": id, "version": 99, "function": "x", "email": "a@b.example" });
        let confirm = |id: &str| json!({ "contact": id, "version": 99 });
        let assign = |id: &str, target: Value| json!({ "contact": id, "target": target, "until": "2020-01-01" });
        let provider_place = json!({ "provider": { "key": "krzn" } });
        let group_place = json!({ "customerGroup": "kgst-st-2" });
        // What would come next when the rules permit, so that nothing is written.
        let cases = [
            ("saveContact", save(&of_krzn), "provider", "CONFLICT"),
            ("saveContact", save(&of_group), "manager", "CONFLICT"),
            ("saveContact", save(&desk), "", "CONFLICT"),
            ("saveContact", json!({ "function": "x", "email": "a@b.example" }), "", ""),
            ("saveContact", json!({ "function": "x", "email": "a@b.example", "owner": { "provider": { "key": "krzn" } } }), "provider", ""),
            ("confirmContact", confirm(&of_krzn), "provider", "CONFLICT"),
            ("confirmContact", confirm(&of_group), "manager", "CONFLICT"),
            ("assignContact", assign(&of_krzn, provider_place.clone()), "provider", "BAD_USER_INPUT"),
            ("assignContact", assign(&of_group, group_place.clone()), "manager", "BAD_USER_INPUT"),
            ("assignContact", assign(&of_krzn, group_place), "", "BAD_USER_INPUT"),
            ("assignContact", assign(&of_group, provider_place), "", "BAD_USER_INPUT"),
            ("assignContact", assign(&of_krzn, json!({ "centralDesk": true })), "", "BAD_USER_INPUT"),
            ("assignContact", assign(&of_group, json!({ "district": { "ags": "05154000" } })), "", "BAD_USER_INPUT"),
            ("handOverContacts", json!({ "from": of_krzn, "to": of_krzn }), "provider", "BAD_USER_INPUT"),
            ("handOverContacts", json!({ "from": of_group, "to": of_group }), "manager", "BAD_USER_INPUT"),
            ("handOverContacts", json!({ "from": desk, "to": of_group }), "", ""),
            ("eraseContact", confirm(&of_krzn), "", "CONFLICT"),
        ];
        for (mutation, input, may, next) in cases {
            for (name, token) in everybody() {
                let answer = app.send_contact_change(Some(&token), mutation, input.clone()).await;
                let error = &answer.body["data"][mutation]["errors"][0];
                let expected = if name == may { next } else { "FORBIDDEN" };
                assert_eq!(error["code"].as_str().unwrap_or_default(), expected, "{mutation} {input} by {name}: {}", answer.body);
                if expected == "FORBIDDEN" {
                    assert_eq!(error["rule"], "no-rule-permits", "{mutation} by {name}");
                }
            }
            if !next.is_empty() {
                assert_eq!(app.not_changed(&steward(), mutation, input.clone()).await.0, next, "{mutation} by a steward");
            }
            let lost = token(json!({ "roles": ["provider"] }));
            assert_eq!(app.change_contacts(&lost, mutation, input.clone()).await["errors"][0]["rule"], "organisation-missing", "{mutation}");
            let nobody = app.send_contact_change(None, mutation, input).await;
            assert_eq!(nobody.body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{mutation}");
        }
        // Nor does anybody give what is its own to somebody else.
        let to_other = json!({ "contact": of_krzn, "version": 1, "function": "x", "email": "a@b.example", "owner": { "central": true } });
        assert_eq!(app.not_changed(&provider("krzn"), "saveContact", to_other).await.0, "FORBIDDEN");
    }

    async fn wrong_input_is_told_by_its_place(app: TestApp) {
        let steward = steward();
        let (desk, krzn) = (app.desk().await, app.contacts_of_provider("krzn").await);
        let id = global("Contact", desk[0].id);
        let person = |key: &str, value: Value| {
            let mut person = json!({ "name": "Ute Muster", "email": "ute@b.example", "phone": "1", "purpose": "Auskunft" });
            person[key] = value;
            json!({ "person": person })
        };
        let long = |length: usize| json!("x".repeat(length));
        let save = [
            (json!({ "contact": "x" }), "contact"),
            (json!({ "contact": global("Product", desk[0].id), "version": 1 }), "contact"),
            (json!({ "contact": global("Contact", sea_orm::prelude::Uuid::nil()), "version": 1 }), "contact"),
            (json!({ "version": 1 }), "version"),
            (json!({ "contact": id }), "version"),
            (json!({ "contact": id, "version": 7 }), "version"),
            (json!({ "contact": id, "version": "one" }), "version"),
            (json!({ "owner": { "central": false } }), "owner.central"),
            (json!({ "owner": { "provider": { "key": "nobody" } } }), "owner.provider"),
            (json!({ "owner": { "customerGroup": "nobody" } }), "owner.customerGroup"),
            (json!({ "function": " " }), "function"),
            (json!({ "function": long(201) }), "function"),
            (json!({ "function": "a\u{0}b" }), "function"),
            (json!({ "function": 7 }), "function"),
            (json!({ "email": "nobody" }), "email"),
            (json!({ "email": "a\u{0}@b.example" }), "email"),
            (json!({ "phone": "" }), "phone"),
            (json!({ "phone": "call me" }), "phone"),
            (json!({ "phone": "1".repeat(51) }), "phone"),
            (person("name", json!("")), "person.name"),
            (person("name", long(201)), "person.name"),
            (person("name", json!("a\u{0}b")), "person.name"),
            (person("email", json!("nobody")), "person.email"),
            (person("phone", json!("x")), "person.phone"),
            (person("purpose", json!(" ")), "person.purpose"),
            (person("purpose", long(501)), "person.purpose"),
            (person("purpose", Value::Null), "person.purpose"),
            (json!({ "confirmedAt": "2026-11-24" }), "confirmedAt"),
            (json!({ "validUntil": "2026-11-22" }), "validUntil"),
            (json!({ "validUntil": "9999-12-31" }), "validUntil"),
            (json!({ "idempotencyKey": "" }), "idempotencyKey"),
            (json!({ "idempotencyKey": long(201) }), "idempotencyKey"),
            (json!({ "reason": { "code": "OTHER", "text": "" } }), "reason.text"),
        ];
        let assign = [
            (json!({ "contact": global("Contact", sea_orm::prelude::Uuid::nil()) }), "contact"),
            (json!({ "target": { "product": "x" } }), "target.product"),
            (json!({ "target": { "provider": { "key": "nobody" } } }), "target.provider"),
            (json!({ "target": { "customerGroup": "a\u{0}" } }), "target.customerGroup"),
            (json!({ "target": { "district": { "ags": "05154036" } } }), "target.district"),
            (json!({ "target": { "centralDesk": false } }), "target.centralDesk"),
            (json!({ "topic": "WEATHER" }), "topic"),
            (json!({ "from": "2026-11-22" }), "from"),
            (json!({ "from": "2027-01-02", "until": "2027-01-01" }), "until"),
            (json!({ "until": "2200-01-01" }), "until"),
            (json!({ "contact": null, "target": { "district": { "ags": "05162000" } } }), "contact"),
        ];
        let hand_over = [
            (json!({ "from": "x" }), "from"),
            (json!({ "to": id }), "to"),
            (json!({ "to": global("Contact", sea_orm::prelude::Uuid::nil()) }), "to"),
            (json!({ "on": "2026-11-22" }), "on"),
        ];
        let erase = [(json!({ "version": 7 }), "version"), (json!({ "contact": global("Contact", krzn[1].id) }), "contact")];
        let base = [
            ("saveContact", new_contact(), save.to_vec()),
            ("assignContact", json!({ "contact": id, "target": { "centralDesk": true } }), assign.to_vec()),
            ("handOverContacts", json!({ "from": id, "to": global("Contact", desk[1].id) }), hand_over.to_vec()),
            ("eraseContact", json!({ "contact": id, "version": 1 }), erase.to_vec()),
        ];
        let before = app.events().await.len();
        for (mutation, base, cases) in base {
            for (more, field) in cases {
                let mut input = base.clone();
                input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                let (code, path) = app.not_changed(&steward, mutation, input).await;
                assert!(["BAD_USER_INPUT", "NOT_FOUND", "CONFLICT"].contains(&code.as_str()), "{mutation} {more}: {code}");
                assert_eq!(path.join(".").trim_start_matches('$').trim_start_matches("input."), field, "{mutation} {more}");
            }
        }
        assert_eq!(app.events().await.len(), before, "nothing was written");
    }
}
