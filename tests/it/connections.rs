//! Laws of pages, for every connection of the schema: found in the SDL, read with page sizes and cursors that chance chooses.

use std::collections::BTreeSet;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use entity::{
    product, product_municipality,
    product_subscription::{self, Awaits, Matter, State},
};
use rand::{Rng, RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, prelude::Uuid};
use serde_json::{Value, json};

use crate::support::{
    TestApp,
    acts::{AACHEN, INITIAL, OTHER, Row, next},
    connections::{List, lists, reader},
    contacts::global,
    municipality, provider,
    receiver::Receiver,
    steward, webhooks,
};

/// A page of a walk may not be smaller than this part of the list, so that a walk comes to its end.
const PAGES: usize = 6;
const WALKS: usize = 1;
const WINDOWS: usize = 3;
/// Fields of lists that the test adds rows to.
const GROWING: [&str; 8] = [
    "products",
    "implementations",
    "availableProducts",
    "subscriptions",
    "tasks",
    "staleContacts",
    "auditEvents",
    "changes",
];
const INSERTS: usize = 2;
const FLIPS: usize = 6;

fn random() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(20_261_123)
}

/// A webhook of the reader, with attempts: some of them at the same moment.
async fn add_deliveries(app: &TestApp) {
    let receiver = Receiver::willing().await;
    let answer = app.send_webhook(Some(&reader()), "saveWebhook", webhooks::new(&receiver.url())).await;
    assert_eq!(answer.body["data"]["saveWebhook"]["errors"], json!([]), "{}", answer.body);
    for minutes in 0..3 {
        app.changes_of(&[1, 2, 3, 4]).await;
        app.round(chrono::TimeDelta::minutes(minutes)).await;
    }
}

fn open(row: &mut Row) {
    row.state = State::Requested;
    row.open_matter = Some(Matter::Request);
    row.awaits = Some(Awaits::Approval);
    row.asked_in = Some(entity::phase::Key::Foundation);
    row.expires_at = "2026-12-31T00:00:00Z".parse().ok();
}

/// Gives rows to lists that are empty in the sample: stale contacts, assignments, changed products with versions, open
/// requests.
async fn fill(app: &TestApp) {
    for mailbox in ["a", "b", "c", "d"] {
        add_contact(app, mailbox).await;
    }
    add_listed_product(app).await;
    let asked = app.request_of(AACHEN, INITIAL).await;
    let asked = app.done(&municipality(AACHEN), "requestSubscription", asked).await;
    app.done(&municipality(AACHEN), "withdrawSubscription", next(&asked, json!({}))).await;
    add_deliveries(app).await;
    let desk = global("Contact", app.desk().await[0].id);
    for topic in ["SALES", "SECURITY", "TECHNICAL"] {
        let assign = json!({ "contact": desk, "target": { "centralDesk": true }, "topic": topic });
        app.changed(&steward(), "assignContact", assign).await;
    }
    let known = "{ provider(by: {key: \"ivl\"}) { products(first: 3) { edges { node { id externalId } } } } standardProducts(first: 1) { edges { node { key } } } }";
    let known = app.data(known, json!({})).await;
    let products = crate::support::nodes(&known["provider"]["products"]);
    let standard = json!(crate::support::texts(&known["standardProducts"], "key")[0]);
    for version in 1..=4 {
        let input = json!({ "product": products[0]["id"], "version": version, "standardProduct": if version % 2 == 0 { &standard } else { &Value::Null } });
        assert_eq!(
            app.change(&provider("ivl"), "matchProduct", input, "product { version }").await["errors"],
            json!([])
        );
    }
    for product in products {
        app.subscription(AACHEN, ("ivl", product["externalId"].as_str().unwrap()), open).await;
    }
}

/// A product that is offered to three municipalities only, among the first by name.
async fn add_listed_product(app: &TestApp) {
    let listed = app.product_like(OTHER, "regioit", |row| {
        row.name = "AAA".to_owned();
        row.service_area = product::ServiceArea::Listed;
    });
    let (listed, snapshot) = (listed.await, app.server.live().snapshot());
    let db = app.server.database().connection();
    for (_, municipality) in snapshot.municipalities.iter().take(3) {
        let row = product_municipality::Model { product_id: listed.id, municipality_id: municipality.row.id };
        product_municipality::Entity::insert(row.into_active_model()).exec(db).await.unwrap();
    }
    app.rewrite(&listed).await;
}

async fn add_contact(app: &TestApp, mailbox: &str) {
    let input = json!({ "function": "Beratung", "email": format!("{mailbox}@zentral-nrw.example") });
    app.changed(&steward(), "saveContact", input).await;
}

/// Adds a row to the list, like one that is in it.
async fn add_like(app: &TestApp, list: &List, whole: &Rows, random: &mut impl Rng) {
    let like = &whole.choose(random).unwrap().1;
    match list.field.as_str() {
        "products" | "implementations" | "availableProducts" => {
            let id = row_id(if like["id"].is_string() { &like["id"] } else { &like["product"]["id"] });
            let snapshot = app.server.live().snapshot();
            let product = &snapshot.products[snapshot.products.find(id).unwrap()];
            let provider = &snapshot.providers[product.provider].row.key;
            let name = format!("{}{}", ["A", "Z", ""][random.random_range(0..3)], product.row.name);
            app.product_like((provider, &product.row.external_id), provider, |row| row.name = name).await;
        }
        "subscriptions" | "tasks" => {
            let id = row_id(if like["id"].is_string() { &like["id"] } else { &like["subscription"]["id"] });
            let db = app.server.database().connection();
            let mut row = product_subscription::Entity::find_by_id(id).one(db).await.unwrap().unwrap();
            row.id = Uuid::new_v4();
            row.created_at += chrono::TimeDelta::hours(random.random_range(-100..100));
            row.into_active_model().insert(db).await.unwrap();
        }
        "staleContacts" | "auditEvents" | "changes" => {
            add_contact(app, &format!("b{}", random.random_range(0..1_000_000))).await;
        }
        field => panic!("nothing is added to {field} here"),
    }
}

fn row_id(id: &Value) -> Uuid {
    let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(id.as_str().unwrap()).unwrap()).unwrap();
    text.split_once(':').unwrap().1.parse().unwrap()
}

async fn filled(app: &TestApp) -> Vec<List> {
    fill(app).await;
    lists(app, &mut random()).await
}

type Rows = Vec<(String, Value)>;

/// Every row from one end to the other; every page says rightly whether there is more on either side.
async fn walk(app: &TestApp, list: &List, rows: usize, forwards: bool) -> Rows {
    let (count, from) = if forwards { ("first", "after") } else { ("last", "before") };
    let (mut seen, mut cursor): (Rows, _) = (Vec::new(), Value::Null);
    loop {
        let page = list.page(app, json!({ count: rows, from: cursor })).await;
        let (behind, ahead) = match forwards {
            true => (page.has_previous, page.has_next),
            false => (page.has_next, page.has_previous),
        };
        assert_eq!(behind, !seen.is_empty(), "{}: rows on the side it comes from", list.name);
        assert!(page.rows.len() == rows || !ahead, "{}: a page is full unless it is the last", list.name);
        match forwards {
            true => seen.extend(page.rows),
            false => drop(seen.splice(0..0, page.rows)),
        }
        if !ahead {
            assert!(!list.is_counted || page.total == seen.len(), "{}: {} {}", list.name, page.total, seen.len());
            return seen;
        }
        let end = if forwards { seen.last() } else { seen.first() };
        cursor = json!(end.unwrap().0);
    }
}

fn assert_unique(list: &List, rows: &Rows) {
    let cursors: BTreeSet<&str> = rows.iter().map(|(cursor, _)| cursor.as_str()).collect();
    let nodes: BTreeSet<String> = rows.iter().map(|(_, node)| node.to_string()).collect();
    assert_eq!((cursors.len(), nodes.len()), (rows.len(), rows.len()), "{}: a row is doubled", list.name);
}

/// The page between two rows, or from one to an end, is that part of the list, from the right end of it.
async fn check_window(app: &TestApp, list: &List, whole: &Rows, random: &mut impl Rng) {
    let mut place = || random.random_bool(0.7).then(|| random.random_range(0..whole.len()));
    let (after, before) = (place(), place().filter(|_| list.goes_back));
    let (rows, from_end) = (random.random_range(1..=whole.len().min(100)), list.goes_back && random.random());
    let mut asked = json!({ if from_end { "last" } else { "first" }: rows });
    after.inspect(|place| asked["after"] = json!(whole[*place].0));
    before.inspect(|place| asked["before"] = json!(whole[*place].0));
    let from = after.map_or(0, |place| place + 1);
    let to = before.unwrap_or(whole.len()).max(from);
    let (start, end) = if from_end { (from.max(to.saturating_sub(rows)), to) } else { (from, to.min(from + rows)) };
    let page = list.page(app, asked.clone()).await;
    assert_eq!(page.rows, whole[start..end], "{} {asked}", list.name);
    // Relay: in the direction of reading, more is what is left between the cursors.
    let bounds = if from_end { (start > from, end < whole.len()) } else { (start > 0, end < to) };
    let shown = (page.has_previous, page.has_next);
    assert!(shown == bounds || start == end, "{} {asked}: {shown:?} for {start}..{end} of {}", list.name, whole.len());
}

/// What is no cursor of any list.
fn garbage() -> Vec<String> {
    let encoded = ["", "null", "[]", "{}", "garbage", "[\"products\",[[],\"\"]]", "changes::", "changes:x:-1", "\0"];
    let plain = ["", " ", "\0", "x", "////", "ä💥\u{202e}", "' OR 1=1 --", "=="].map(str::to_owned);
    let long = [4096, 4097, 100_000].map(|length| "A".repeat(length));
    plain.into_iter().chain(long).chain(encoded.map(|text| BASE64_URL_SAFE_NO_PAD.encode(text))).collect()
}

/// Cursors with something changed in them: shorter, with other bits, with something strange in every place behind the name. What
/// comes out may be a cursor or not.
fn mutated(cursor: &str, random: &mut impl Rng) -> Vec<String> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).unwrap();
    let mut all = vec![cursor[..random.random_range(0..cursor.len())].to_owned()];
    for _ in 0..FLIPS {
        let mut other = bytes.clone();
        other[random.random_range(0..bytes.len())] ^= 1 << random.random_range(0..8);
        all.push(BASE64_URL_SAFE_NO_PAD.encode(other));
    }
    if let Ok(tree) = serde_json::from_slice::<Value>(&bytes) {
        for place in places(&tree, String::new()).iter().filter(|place| *place != "/0") {
            for strange in strange() {
                let mut other = tree.clone();
                *other.pointer_mut(place).unwrap() = strange;
                all.push(BASE64_URL_SAFE_NO_PAD.encode(other.to_string()));
            }
        }
    }
    all
}

fn strange() -> Vec<Value> {
    // Some 10,000 years before and after our era: more than databases know.
    let far = 300_000_000_000_000_000_i64;
    let texts = ["", "\0", "ü\u{202e}"].map(Value::from);
    let numbers = [i64::MIN, -far, -1, far, i64::MAX].map(Value::from);
    texts.into_iter().chain(numbers).chain([json!(null), json!(1.5), json!([]), json!("x".repeat(2000))]).collect()
}

/// The places of all leaves, and of the position as a whole.
fn places(tree: &Value, at: String) -> Vec<String> {
    let parts: Vec<(String, &Value)> = match tree {
        Value::Array(parts) => parts.iter().enumerate().map(|(place, part)| (format!("{at}/{place}"), part)).collect(),
        Value::Object(parts) => parts.iter().map(|(name, part)| (format!("{at}/{name}"), part)).collect(),
        _ => return vec![at],
    };
    let own = (at == "/1").then_some(at);
    own.into_iter().chain(parts.into_iter().flat_map(|(at, part)| places(part, at))).collect()
}

/// The list that a cursor names.
fn named_in(cursor: &str) -> Value {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).unwrap();
    serde_json::from_slice::<Value>(&bytes).map(|tree| tree[0].clone()).unwrap_or_default()
}

/// Where a cursor can be given, with the number of rows that goes with it.
fn sides(list: &List) -> &'static [(&'static str, &'static str)] {
    if list.goes_back {
        &[("first", "after"), ("last", "before"), ("first", "before"), ("last", "after")]
    } else {
        &[("first", "after")]
    }
}

on_both_databases! {
    async fn walking_forwards_is_walking_backwards_and_every_window_is_a_part(app: TestApp) {
        let mut random = random();
        for list in filled(app).await {
            let whole = walk(app, &list, 100, true).await;
            assert!(whole.len() >= 2, "{}: the test needs rows here", list.name);
            assert_unique(&list, &whole);
            for _ in 0..WALKS {
                let rows = random.random_range((whole.len() / PAGES).clamp(1, 99)..=whole.len().clamp(1, 100));
                assert_eq!(walk(app, &list, rows, true).await, whole, "{} by {rows}", list.name);
                if list.goes_back {
                    assert_eq!(walk(app, &list, rows, false).await, whole, "{} back by {rows}", list.name);
                }
            }
            for _ in 0..WINDOWS {
                check_window(app, &list, &whole, &mut random).await;
            }
        }
    }

    async fn rows_that_come_between_two_pages_lose_and_double_nothing_and_old_cursors_hold(app: TestApp) {
        let mut random = random();
        let mut grown = BTreeSet::new();
        for list in filled(app).await.into_iter().filter(|list| GROWING.contains(&&*list.field) && list.owner != "MergerPlan") {
            let whole = walk(app, &list, 100, true).await;
            let is_old = |row: &(String, Value)| whole.contains(row);
            let forwards = !list.goes_back || random.random();
            let (count, from) = if forwards { ("first", "after") } else { ("last", "before") };
            let (mut seen, mut cursor, mut inserts): (Rows, _, _) = (Vec::new(), Value::Null, 0);
            let rows = random.random_range(whole.len().div_ceil(PAGES).min(50)..=whole.len().div_ceil(2).min(100));
            loop {
                let page = list.page(app, json!({ count: rows, from: cursor })).await;
                let more = if forwards { page.has_next } else { page.has_previous };
                if forwards { seen.extend(page.rows) } else { drop(seen.splice(0..0, page.rows)) }
                if !more { break; }
                cursor = json!(if forwards { seen.last() } else { seen.first() }.unwrap().0);
                if inserts < INSERTS {
                    add_like(app, &list, &whole, &mut random).await;
                    inserts += 1;
                }
            }
            assert_unique(&list, &seen);
            seen.retain(is_old);
            assert!(seen == whole && inserts > 0, "{}: a row is lost", list.name);
            let place = random.random_range(0..whole.len() - 1);
            let rest = list.page(app, json!({ "first": 100, "after": whole[place].0 })).await;
            let rest: Rows = rest.rows.into_iter().filter(is_old).collect();
            assert!(!rest.is_empty() && whole[place + 1..].starts_with(&rest), "{}: an old cursor", list.name);
            let now = walk(app, &list, 100, true).await;
            assert!(now.len() > whole.len(), "{}: rows were added", list.name);
            grown.insert(list.field);
        }
        assert_eq!(grown.len(), GROWING.len(), "{grown:?}");
    }

    async fn what_is_no_cursor_of_the_list_is_refused(app: TestApp) {
        let mut random = random();
        let lists = filled(app).await;
        let cursor = async |name: &str| {
            let list = lists.iter().find(|list| list.name == name).unwrap();
            list.page(app, json!({ "first": 1 })).await.rows[0].0.clone()
        };
        let foreign = [cursor("Query.providers").await, cursor("Query.municipalities").await, cursor("Query.changes").await];
        let mut orders = 0;
        for list in &lists {
            let own = list.page(app, json!({ "first": 1 })).await.rows[0].0.clone();
            let mut wrong = garbage();
            wrong.extend(foreign.iter().filter(|cursor| named_in(cursor) != named_in(&own)).cloned());
            // Of the same field in another order.
            let is_same = |other: &&List| (&other.owner, &other.field) == (&list.owner, &list.field);
            for other in lists.iter().filter(is_same) {
                let cursor = other.page(app, json!({ "first": 1 })).await.rows[0].0.clone();
                if named_in(&cursor) != named_in(&own) {
                    wrong.push(cursor);
                    orders += 1;
                }
            }
            for (place, text) in wrong.iter().enumerate() {
                let (count, side) = sides(list)[place % sides(list).len()];
                let refused = list.ask(app, &json!({ count: 1, side: text })).await.map(|page| page.rows);
                assert_eq!(refused.unwrap_err(), ["BAD_USER_INPUT"], "{} {side} {text:.80}", list.name);
            }
            for (place, text) in mutated(&own, &mut random).iter().enumerate() {
                let (count, side) = sides(list)[place % sides(list).len()];
                if let Err(codes) = list.ask(app, &json!({ count: 2, side: text })).await {
                    let is_right = |code: &String| code == "BAD_USER_INPUT" || (code == "CURSOR_EXPIRED" && list.field == "changes");
                    assert!(codes.iter().all(is_right), "{} {side} {text}: {codes:?}", list.name);
                }
            }
        }
        assert!(orders >= 8, "{orders}");
    }

    async fn a_page_has_1_to_100_rows_from_one_end(app: TestApp) {
        let (least, most) = (i32::MIN, i32::MAX);
        for list in filled(app).await {
            let mut wrong: Vec<Value> = [0, -1, 101, least, most].iter().map(|rows| json!({ "first": rows })).collect();
            wrong.extend([json!({}), json!({ "first": null }), json!({ "first": i64::from(most) + 1 }), json!({ "first": 1.5 }), json!({ "first": "1" })]);
            if list.goes_back {
                wrong.extend([0, -1, 101, least, most].iter().map(|rows| json!({ "last": rows })));
                wrong.extend([json!({ "first": 1, "last": 1 }), json!({ "first": null, "last": null })]);
            }
            for paging in wrong {
                let refused = list.ask(app, &paging).await.map(|page| page.rows.len());
                assert_eq!(refused.unwrap_err(), ["BAD_USER_INPUT"], "{} {paging}", list.name);
            }
            assert_eq!(list.page(app, json!({ "first": 1 })).await.rows.len(), 1, "{}", list.name);
            list.page(app, json!({ "first": 100 })).await;
        }
    }

    async fn a_cursor_outlives_its_row(app: TestApp) {
        let lists = lists(app, &mut random()).await;
        let list = lists.iter().find(|list| list.name == "Query.products").unwrap();
        let whole = list.page(app, json!({ "first": 6 })).await.rows;
        let db = app.server.database().connection();
        let gone = product::Entity::find_by_id(row_id(&whole[2].1["id"])).one(db).await.unwrap().unwrap();
        app.rewrite(&product::Model { lifecycle: product::Lifecycle::Draft, ..gone }).await;
        let rest = list.page(app, json!({ "first": 3, "after": whole[2].0 })).await.rows;
        assert_eq!(rest, whole[3..6]);
        let before = list.page(app, json!({ "last": 2, "before": whole[2].0 })).await.rows;
        assert_eq!(before, whole[..2]);
    }
}
