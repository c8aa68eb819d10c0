//! Who is behind a contact: told to those with a purpose, on record, and erased without a trace.

use std::path::Path;

use sea_orm::{ConnectionTrait, EntityTrait, Statement};
use serde_json::{Value, json};

use crate::support::{
    Backend, TestApp, account_manager,
    acts::{AACHEN, KLEVE},
    auditor,
    contacts::{as_it_is, global},
    land, municipality, nodes, provider, steward, token, transformation_office,
};

const NAME: &str = "Wilhelmine Spurlos";
const EMAIL: &str = "wilhelmine.spurlos@person.example";
const PHONE: &str = "+49 2821 987654321";

const WHO: &str = "query($ags: AGS!, $product: ID) { contactFor(municipality: {ags: $ags}, product: $product) { foundBy contact { id function person { name email purpose } } deputy { person { name } } } }";

async fn product_of(app: &TestApp, provider: &str) -> Value {
    let query = "query($key: String!) { provider(by: {key: $key}) { products(first: 1) { edges { node { id } } } } }";
    let data = app.data(query, json!({ "key": provider })).await;
    nodes(&data["provider"]["products"])[0]["id"].clone()
}

/// Every file of an SQLite database as bytes.
fn bytes_of(url: &str) -> Vec<(String, Vec<u8>)> {
    let path = url.trim_start_matches("sqlite://");
    let files = ["", "-wal", "-shm", "-journal"].map(|end| format!("{path}{end}"));
    files
        .into_iter()
        .filter(|file| Path::new(file).exists())
        .map(|file| (file.clone(), std::fs::read(&file).unwrap()))
        .collect()
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Every value of every table as text.
async fn whole_database(app: &TestApp) -> String {
    let db = app.server.database().connection();
    let (names, row) = match app.database.backend {
        Backend::Sqlite => ("SELECT name FROM sqlite_master WHERE type = 'table'", None),
        Backend::Postgres => (
            "SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = 'public'",
            Some("t::text"),
        ),
    };
    let ask =
        async |sql: String| db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    let mut all = String::new();
    for table in ask(names.to_owned()).await {
        let table: String = table.try_get_by("name").unwrap();
        let columns = match row {
            Some(row) => row.to_owned(),
            None => {
                let columns = ask(format!("SELECT name FROM pragma_table_info('{table}')")).await;
                let columns =
                    columns.iter().map(|row| format!("quote(\"{}\")", row.try_get_by::<String, _>("name").unwrap()));
                columns.collect::<Vec<_>>().join(" || '|' || ")
            }
        };
        for row in ask(format!("SELECT {columns} AS line FROM \"{table}\" AS t")).await {
            all += &row.try_get_by::<String, _>("line").unwrap();
            all.push('\n');
        }
    }
    all
}

on_both_databases! {
    async fn a_person_is_told_only_to_those_with_a_purpose(app: TestApp) {
        let product = product_of(app, "krzn").await;
        let ask = async |token: Option<&str>, ags: &str, product: &Value| {
            let variables = json!({ "ags": ags, "product": product });
            let data = match token {
                Some(token) => app.data_as(token, WHO, variables).await,
                None => app.data(WHO, variables).await,
            };
            data["contactFor"]["contact"].clone()
        };
        let told = |contact: Value| {
            assert!(contact["function"].is_string());
            contact["person"].is_object()
        };
        // The contact of a provider that serves Kleve.
        for (name, token, sees) in [
            ("nobody", None, false),
            ("no role", Some(token(json!({ "roles": ["king"] }))), false),
            ("Kleve", Some(municipality(KLEVE)), true),
            ("Aachen, which krzn does not serve", Some(municipality(AACHEN)), false),
            ("town without organisation", Some(token(json!({ "roles": ["municipality"] }))), false),
            ("the provider", Some(provider("krzn")), true),
            ("another provider", Some(provider("regioit")), false),
            ("manager", Some(account_manager("kgst-st-2")), true),
            ("manager without groups", Some(token(json!({ "roles": ["account_manager"] }))), false),
            ("steward", Some(steward()), true),
            ("office", Some(transformation_office()), false),
            ("land", Some(land()), false),
            ("auditor", Some(auditor()), false),
        ] {
            assert_eq!(told(ask(token.as_deref(), KLEVE, &product).await), sees, "{name}");
        }
        // The contact of Aachen's group, and of another one.
        assert!(told(ask(Some(&municipality(AACHEN)), AACHEN, &Value::Null).await));
        assert!(!told(ask(Some(&municipality(AACHEN)), KLEVE, &Value::Null).await));
        let person = ask(Some(&steward()), KLEVE, &product).await["person"].clone();
        assert!(person["name"].as_str().unwrap().starts_with("Kim Beispiel-") && !person["purpose"].as_str().unwrap().is_empty());
    }

    async fn who_reads_what_is_not_its_own_is_on_record_once_for_each_request(app: TestApp) {
        let product = product_of(app, "krzn").await;
        let read = async || {
            let events = app.events().await;
            events.into_iter().filter(|event| event.action == "READ_CONTACT_PERSON").collect::<Vec<_>>()
        };
        let fields = "contact { person { name } deputy { person { name } } }";
        let twice = format!("query($p: ID) {{ a: contactFor(municipality: {{ags: \"{KLEVE}\"}}, product: $p) {{ {fields} }} b: contactFor(municipality: {{ags: \"{KLEVE}\"}}, product: $p) {{ {fields} }} c: contactFor(municipality: {{ags: \"{KLEVE}\"}}) {{ {fields} }} }}");
        app.data_as(&provider("krzn"), WHO, json!({ "ags": KLEVE, "product": product })).await;
        app.data(&twice, json!({ "p": product })).await;
        app.data_as(&land(), &twice, json!({ "p": product })).await;
        app.data_as(&steward(), "query($p: ID) { contactFor(municipality: {ags: \"05154036\"}, product: $p) { contact { function } } }", json!({ "p": product })).await;
        assert_eq!(read().await.len(), 0, "its own, or not told");
        let data = app.data_as(&municipality(KLEVE), &twice, json!({ "p": product })).await;
        assert_eq!(data["a"], data["b"]);
        assert_ne!(data["a"]["contact"]["person"], data["c"]["contact"]["person"]);
        let events = read().await;
        // The deputies of the sample have no person.
        assert_eq!(events.len(), 2, "{events:?}");
        let krzn = app.contacts_of_provider("krzn").await;
        assert!(events.iter().any(|event| event.entity_id == Some(krzn[0].id)));
        for event in &events {
            assert_eq!((event.subject.as_str(), event.rule.as_deref()), ("municipality-05154036", Some("municipality-reads-persons-that-answer-for-it")));
            assert_eq!((&event.before, &event.after, &event.reason_text), (&None, &None, &None), "no content");
            assert!(event.request_id.is_some());
        }
        assert!(app.verify().await.is_ok());
    }

    async fn the_persons_of_a_page_are_read_together(app: TestApp) {
        let steward = steward();
        for row in entity::contact::Entity::find().all(app.server.database().connection()).await.unwrap().iter().take(12) {
            let mut input = as_it_is(row);
            input["confirmedAt"] = Value::Null;
            app.changed(&steward, "saveContact", input).await;
        }
        let query = "{ staleContacts(first: 100) { edges { node { id person { name } } } } }";
        let statements = async |query: &str| {
            let before = app.server.database().statements();
            let data = app.data_as(&account_manager("kgst-st-2"), query, json!({})).await;
            (app.server.database().statements() - before, data)
        };
        let (few, _) = statements("{ staleContacts(first: 1) { edges { node { id } } } }").await;
        assert_eq!(few, 0);
        let before = app.server.database().statements();
        let data = app.data_as(&steward, query, json!({})).await;
        let persons = nodes(&data["staleContacts"]).iter().filter(|node| node["person"].is_object()).count();
        // One to read; to record: begin, the head, its new value, commit, and one for each event.
        let statements = app.server.database().statements() - before;
        assert!(persons > 3 && statements <= 6 + persons as u64, "{statements} for {persons}");
    }

    async fn everything_stored_about_a_person_is_told_to_the_steward_and_that_is_on_record(app: TestApp) {
        let query = "query($id: ID!) { exportContact(id: $id) }";
        let id = global("Contact", app.contacts_of_provider("krzn").await[0].id);
        app.data_as(&municipality(KLEVE), WHO, json!({ "ags": KLEVE, "product": product_of(app, "krzn").await })).await;
        let export = app.data_as(&steward(), query, json!({ "id": id })).await["exportContact"].clone();
        assert!(export["person"]["name"].as_str().unwrap().starts_with("Kim"));
        assert_eq!(export["responsibleFor"].as_array().unwrap().len(), 1);
        assert_eq!(export["events"][0]["action"], "READ_CONTACT_PERSON");
        assert_eq!(export["storedIn"][0], "contacts.person_name");
        let last = app.events().await.pop().unwrap();
        assert_eq!((last.action.as_str(), last.rule.as_deref(), last.after), ("EXPORT_CONTACT", Some("steward-answers-for-persons"), None));
        for (name, token) in crate::support::contacts::everybody() {
            let answer = app.ask_as(&token, query, json!({ "id": id })).await;
            assert_eq!((&answer.body["errors"][0]["extensions"]["code"], &answer.body["data"]), (&json!("FORBIDDEN"), &json!({ "exportContact": null })), "{name}");
        }
        assert_eq!(app.error(query, json!({ "id": id })).await.0, "UNAUTHENTICATED");
        let wrong = app.ask_as(&steward(), query, json!({ "id": "x" })).await;
        assert_eq!(wrong.body["errors"][0]["extensions"]["field"], "id");
    }

    async fn an_erased_person_leaves_no_trace(app: TestApp) {
        let (steward, krzn) = (steward(), provider("krzn"));
        let rows = app.contacts_of_provider("krzn").await;
        let person = |name: &str| json!({ "name": name, "email": EMAIL, "phone": PHONE, "purpose": "Auskunft" });
        // Somebody who may not, somebody who may, a correction of the name, and the same person in another place.
        let mut input = as_it_is(&rows[0]);
        input["person"] = person(NAME);
        assert_eq!(app.not_changed(&land(), "saveContact", input.clone()).await.0, "FORBIDDEN");
        input["person"] = person("Wilhelmine Spurlos-Altname");
        input["idempotencyKey"] = json!("first");
        let first = input.clone();
        app.changed(&krzn, "saveContact", input.clone()).await;
        input["person"] = person(NAME);
        input["version"] = json!(2);
        input["idempotencyKey"] = json!("second");
        app.changed(&krzn, "saveContact", input).await;
        let mut other = as_it_is(&rows[1]);
        other["person"] = person(NAME);
        // A reason that names nobody in full still goes: nobody knows what it says.
        other["reason"] = json!({ "code": "OTHER", "text": "Vertretung durch Kollegin Spurlos" });
        app.changed(&krzn, "saveContact", other).await;
        // So many that pages are filled, and freed.
        for number in 0..15 {
            let mut person = person(NAME);
            person["purpose"] = json!(format!("{NAME} ").repeat(20));
            let owner = json!({ "provider": { "key": "krzn" } });
            app.changed(&krzn, "saveContact", json!({ "function": format!("Stelle {number}"), "email": "stelle@krzn.example", "owner": owner, "person": person })).await;
        }
        app.data_as(&municipality(KLEVE), WHO, json!({ "ags": KLEVE, "product": product_of(app, "krzn").await })).await;
        assert!(whole_database(app).await.contains(NAME), "else this test could not fail");
        let id = global("Contact", rows[0].id);
        let mut erase = json!({ "contact": id, "version": 3, "reason": { "code": "OTHER", "text": format!("Frau {NAME} bittet darum") } });
        assert_eq!(app.not_changed(&steward, "eraseContact", erase.clone()).await.1, ["input", "reason", "text"], "the reason would stay");
        erase["reason"] = json!({ "code": "OTHER", "text": "Die Person bittet darum" });
        erase["idempotencyKey"] = json!("erase");
        let erased = app.changed(&steward, "eraseContact", erase.clone()).await;
        assert_eq!((&erased["contact"]["person"], &erased["contact"]["version"], erased["others"].as_array().unwrap().len()), (&Value::Null, &json!(4), 16));
        assert!(erased["others"].as_array().unwrap().contains(&json!({ "id": global("Contact", rows[1].id) })));
        assert_eq!(app.changed(&steward, "eraseContact", erase).await["contact"], erased["contact"], "sent again");
        assert_eq!(app.not_changed(&krzn, "saveContact", first).await.0, "IDEMPOTENCY_KEY_REUSED", "nothing brings the person back");
        let nobody = json!({ "contact": id, "version": 4 });
        assert_eq!(app.not_changed(&steward, "eraseContact", nobody).await.1, ["input", "contact"]);
        let parts = [NAME, "Spurlos", EMAIL, "wilhelmine", PHONE, "987654321"];
        let whole = whole_database(app).await;
        assert!(whole.contains("ERASE_CONTACT") && whole.contains("READ_CONTACT_PERSON"));
        for part in parts {
            assert!(!whole.to_lowercase().contains(&part.to_lowercase()), "{part}");
        }
        if app.database.backend == Backend::Sqlite {
            for (file, bytes) in bytes_of(&app.database.url) {
                assert!(parts.iter().all(|part| !has(&bytes, part)), "{file}");
            }
        }
        app.verify().await.expect("the chain is whole");
        // The function goes on.
        let found = app.data(WHO, json!({ "ags": KLEVE, "product": product_of(app, "krzn").await })).await["contactFor"].clone();
        assert_eq!((&found["contact"]["id"], &found["foundBy"]), (&json!(id), &json!("PROVIDER")));
    }

    async fn a_function_that_names_the_person_is_changed_before_it_is_erased(app: TestApp) {
        let (steward, rows) = (steward(), app.contacts_of_provider("krzn").await);
        let mut input = as_it_is(&rows[0]);
        input["email"] = json!(EMAIL);
        input["person"] = json!({ "name": NAME, "email": EMAIL, "purpose": "Auskunft" });
        app.changed(&steward, "saveContact", input).await;
        let erase = |version: i64| json!({ "contact": global("Contact", rows[0].id), "version": version });
        assert_eq!(app.not_changed(&steward, "eraseContact", erase(2)).await.1, ["input", "contact"]);
        let mut input = as_it_is(&rows[0]);
        input["version"] = json!(2);
        app.changed(&steward, "saveContact", input).await;
        app.changed(&steward, "eraseContact", erase(3)).await;
        assert!(!whole_database(app).await.contains(EMAIL), "nor do the events tell the mailbox");
        app.verify().await.expect("the chain is whole");
    }
}
