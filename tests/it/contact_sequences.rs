//! Random changes of contacts: whatever is done, in whatever order, every municipality has a contact for every topic, today and
//! on every later day. `ITKATALOG_SEQUENCES` runs more sequences than usual.

use chrono::{Days, NaiveDate};
use entity::contact_assignment::{self, Topic};
use itkatalog::contacts::{Matter, find};
use rand::{Rng, RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use sea_orm::{ColumnTrait, EntityTrait, Iterable, QueryFilter, prelude::Uuid};
use serde_json::{Value, json};

use crate::support::{TestApp, account_manager, contacts::global, provider, steward};

const SEQUENCES: u64 = 4;
const STEPS: usize = 30;

fn day(random: &mut impl Rng) -> NaiveDate {
    let today: NaiveDate = "2026-11-23".parse().unwrap();
    today + Days::new(random.random_range(0..400))
}

/// A day, or none.
fn maybe(random: &mut impl Rng) -> Value {
    if random.random_bool(0.5) { json!(day(random)) } else { Value::Null }
}

/// A contact that is known, and its version.
fn contact(app: &TestApp, known: &[Uuid], random: &mut impl Rng) -> (String, i64) {
    let snapshot = app.server.live().snapshot();
    let row = &snapshot.contacts[snapshot.contacts.find(*known.choose(random).unwrap()).unwrap()];
    (global("Contact", row.id), row.version)
}

fn step(app: &TestApp, known: &[Uuid], random: &mut impl Rng) -> (&'static str, Value) {
    let (id, version) = contact(app, known, random);
    let base = json!({ "function": "Stelle", "email": "stelle@zentral-nrw.example", "validUntil": maybe(random) });
    let mut input = match random.random_range(0..10) {
        0 => return ("saveContact", base),
        1..=3 => ("saveContact", base),
        4 => {
            return (
                "handOverContacts",
                json!({ "from": id, "to": contact(app, known, random).0, "on": maybe(random) }),
            );
        }
        5 => return ("eraseContact", json!({ "contact": id, "version": version })),
        _ => {
            let who = if random.random_bool(0.7) { json!(id) } else { Value::Null };
            let targets = [
                json!({ "centralDesk": true }),
                json!({ "centralDesk": true }),
                json!({ "centralDesk": true }),
                json!({ "centralDesk": true }),
                json!({ "customerGroup": "kgst-st-2" }),
                json!({ "district": { "ags": "05154000" } }),
                json!({ "provider": { "key": "krzn" } }),
            ];
            let topic = if random.random_bool(0.8) { Value::Null } else { json!("SALES") };
            let rank = if random.random_bool(0.5) { "PRIMARY" } else { "DEPUTY" };
            let target = targets.choose(random).unwrap();
            let (from, until) = (maybe(random), maybe(random));
            return (
                "assignContact",
                json!({ "contact": who, "target": target, "topic": topic, "rank": rank, "from": from, "until": until }),
            );
        }
    };
    (input.1["contact"], input.1["version"]) = (json!(id), json!(version));
    input
}

/// Who has no contact for what, when.
fn alone(app: &TestApp) -> Option<String> {
    let snapshot = app.server.live().snapshot();
    let today: NaiveDate = "2026-11-23".parse().unwrap();
    let days = (0..430).step_by(7).map(|days| today + Days::new(days)).chain(["2199-12-31".parse().unwrap()]);
    let topics: Vec<Option<Topic>> = std::iter::once(None).chain(Topic::iter().map(Some)).collect();
    let places: Vec<_> = snapshot.municipalities.places().collect();
    for (number, day) in days.enumerate() {
        // All of them on some days, on the others every twentieth.
        for municipality in places
            .iter()
            .skip(if number % 20 == 0 { 0 } else { number % 20 })
            .step_by(if number % 20 == 0 { 1 } else { 20 })
        {
            for topic in &topics {
                let matter = Matter { municipality: *municipality, product: None, topic: *topic, day };
                if find(&snapshot, &matter).is_none() {
                    return Some(format!("{} {topic:?} {day}", snapshot.municipalities[*municipality].row.name));
                }
            }
        }
    }
    None
}

on_both_databases! {
    async fn every_municipality_has_a_contact_for_every_topic_after_any_sequence_of_changes(app: TestApp) {
        let sequences = std::env::var("ITKATALOG_SEQUENCES").ok().and_then(|number| number.parse().ok()).unwrap_or(SEQUENCES);
        // Without these everybody asks the central desk.
        for column in [contact_assignment::Column::CustomerGroupId, contact_assignment::Column::MunicipalityId] {
            let others = contact_assignment::Entity::delete_many().filter(column.is_not_null());
            others.exec(app.server.database().connection()).await.unwrap();
        }
        app.execute("UPDATE catalogue_state SET version = version + 1").await.unwrap();
        app.server.live().refresh().await;
        let mut known: Vec<Uuid> = app.desk().await.iter().map(|row| row.id).collect();
        known.push(app.contacts_of_provider("krzn").await[0].id);
        let (mut done, mut kept) = (0, 0);
        for seed in 0..sequences {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            for number in 0..STEPS {
                let (mutation, input) = step(app, &known, &mut random);
                let somebody = [steward(), steward(), steward(), account_manager("kgst-st-2"), provider("krzn")];
                let payload = app.change_contacts(somebody.choose(&mut random).unwrap(), mutation, input.clone()).await;
                match payload["errors"].as_array().unwrap().first() {
                    None => {
                        done += 1;
                        let snapshot = app.server.live().snapshot();
                        let is_new = |id: &Uuid| payload["contact"]["id"] == global("Contact", *id) && !known.contains(id);
                        let made: Vec<Uuid> = snapshot.contacts.iter().map(|(_, row)| row.id).filter(is_new).collect();
                        known.extend(made);
                    }
                    Some(error) if error["message"].as_str().unwrap().contains("zentrale Ansprechstelle") => kept += 1,
                    Some(_) => {}
                }
                assert_eq!(alone(app), None, "seed {seed}, step {number}: {mutation} {input}");
            }
        }
        // Else the sequences would try nothing.
        assert!(done > 15 * sequences / 4 && kept > 0, "{done} done, {kept} refused");
    }
}
