//! Random steps by random callers: whatever anybody tries, in whatever order, a subscription moves by legal steps only, and
//! the records tell exactly what happened. `ITKATALOG_SEQUENCES` runs more sequences than usual.

use std::collections::{BTreeMap, BTreeSet};

use entity::{
    audit_event, change,
    product_subscription::{self, State},
    subscription_history,
};
use itkatalog::subscriptions::tick;
use rand::{Rng, RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, prelude::Uuid};
use serde_json::{Value, json};

use crate::support::{
    TestApp, account_manager,
    acts::{AACHEN, INITIAL, KLEVE, NOT_JOINED, OTHER, Row, STANDARD, id_of, step},
    auditor, land, municipality, provider, steward, token, transformation_office,
};

const SEQUENCES: u64 = 10;
const STEPS: usize = 20;
const TRIES: usize = 4;
const BEGINNINGS: [&str; 3] = ["declareInterest", "requestSubscription", "reportContract"];
const MUTATIONS: [&str; 12] = [
    "declareInterest",
    "requestSubscription",
    "reportContract",
    "approveSubscription",
    "rejectSubscription",
    "confirmSubscription",
    "withdrawSubscription",
    "activateSubscription",
    "changeSubscription",
    "terminateSubscription",
    "revokeTermination",
    "migrateSubscription",
];

/// The model: from where a step leads where. State and open matter before and after; a dot is nothing.
const LEGAL: &str = "
declareInterest       . .                     INTEREST .
requestSubscription   . .                     REQUESTED REQUEST | APPROVED .
reportContract        . .                     ACTIVE .
approveSubscription   REQUESTED REQUEST       APPROVED .
approveSubscription   ACTIVE CHANGE           ACTIVE .
approveSubscription   TERMINATING REVOCATION  ACTIVE .
rejectSubscription    REQUESTED REQUEST       REJECTED .
rejectSubscription    ACTIVE CHANGE           ACTIVE .
rejectSubscription    TERMINATING REVOCATION  TERMINATING .
confirmSubscription   REQUESTED REQUEST       APPROVED . | REJECTED .
confirmSubscription   ACTIVE CHANGE           ACTIVE .
confirmSubscription   ACTIVE TERMINATION      TERMINATING . | ACTIVE .
confirmSubscription   ACTIVE MIGRATION        TERMINATING . | ACTIVE .
withdrawSubscription  INTEREST .              WITHDRAWN .
withdrawSubscription  REQUESTED REQUEST       WITHDRAWN .
withdrawSubscription  APPROVED .              WITHDRAWN .
withdrawSubscription  ACTIVE CHANGE           ACTIVE .
withdrawSubscription  ACTIVE TERMINATION      ACTIVE .
withdrawSubscription  ACTIVE MIGRATION        ACTIVE .
withdrawSubscription  TERMINATING REVOCATION  TERMINATING .
activateSubscription  APPROVED .              ACTIVE .
changeSubscription    ACTIVE .                ACTIVE . | ACTIVE CHANGE
terminateSubscription ACTIVE .                TERMINATING . | ACTIVE TERMINATION
revokeTermination     TERMINATING .           ACTIVE . | TERMINATING REVOCATION
migrateSubscription   ACTIVE .                ACTIVE MIGRATION
";

fn place(row: Option<&Row>) -> String {
    let name = |value: Value| value.as_str().unwrap_or(".").to_owned();
    let (state, matter) = (row.map(|row| row.state), row.and_then(|row| row.open_matter));
    format!("{} {}", name(json!(state)), name(json!(matter)))
}

/// The lines of the model that begin where a row stands.
fn lines(row: Option<&Row>) -> impl Iterator<Item = Vec<&'static str>> {
    let from = place(row);
    let lines = LEGAL.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines.filter(move |words| words.len() > 4 && words[1..3].join(" ") == from)
}

fn is_legal(mutation: &str, before: Option<&Row>, after: &Row) -> bool {
    let to = place(Some(after));
    let mut meant = lines(before).filter(|words| words[0] == mutation);
    meant.any(|words| words[3..].split(|word| *word == "|").any(|target| target.join(" ") == to))
}

/// Everything that a step could have left a trace in.
struct Traces {
    rows: BTreeMap<Uuid, Row>,
    events: u64,
    changes: u64,
}

async fn traces(app: &TestApp) -> Traces {
    let db = app.server.database().connection();
    let rows = product_subscription::Entity::find().filter(product_subscription::Column::Sample.eq(false)).all(db);
    Traces {
        rows: rows.await.unwrap().into_iter().map(|row| (row.id, row)).collect(),
        events: audit_event::Entity::find().count(db).await.unwrap(),
        changes: change::Entity::find().count(db).await.unwrap(),
    }
}

/// Anybody, half of the time somebody whom the rules let do something with subscriptions of Aachen.
fn somebody(random: &mut impl Rng) -> String {
    let usual = [
        municipality(AACHEN),
        steward(),
        account_manager("kgst-st-2"),
        transformation_office(),
        provider("zentral-nrw"),
        provider("regioit"),
        provider("kdn"),
    ];
    // Many roles in one person: four eyes must hold all the same.
    let roles = ["municipality", "account_manager", "steward"];
    let all = json!({ "roles": roles, "municipality": AACHEN, "customer_groups": ["kgst-st-2"], "sub": "all" });
    let others = [municipality(KLEVE), provider("krzn"), account_manager("kgst-st-4"), land(), auditor(), token(all)];
    let is_usual = random.random_range(0..4) > 0;
    if is_usual { usual.choose(random).unwrap().clone() } else { others.choose(random).unwrap().clone() }
}

/// Any step, half of the time one that the model knows for where the row stands.
fn some_step(random: &mut impl Rng, row: Option<&Row>) -> &'static str {
    // What is withdrawn has no further story.
    let keeps = random.random_range(0..4) > 0;
    let known = lines(row).map(|words| words[0]).filter(|name| !keeps || *name != "withdrawSubscription");
    let known: Vec<&str> = known.collect();
    let is_known = random.random::<bool>();
    known.choose(random).filter(|_| is_known).or_else(|| MUTATIONS.choose(random)).unwrap()
}

/// Its input; now and then with a version of yesterday.
async fn some_input(app: &TestApp, random: &mut impl Rng, mutation: &str, row: Option<&Row>) -> (Option<Uuid>, Value) {
    let products = [INITIAL, STANDARD, OTHER, NOT_JOINED];
    let Some(row) = row.filter(|_| !BEGINNINGS.contains(&mutation)) else {
        let mut input = app.request_of(AACHEN, *products.choose(random).unwrap()).await;
        if mutation == "reportContract" {
            input.as_object_mut().unwrap().remove("from");
            input["activeSince"] = json!("2024-01-01");
        }
        return (None, input);
    };
    let version = if random.random_range(0..10) == 0 { row.version - 1 } else { row.version };
    let more = match mutation {
        "confirmSubscription" => json!({ "accept": random.random_range(0..4) > 0 }),
        "activateSubscription" => json!({ "on": "2026-11-23" }),
        "changeSubscription" => json!({ "quantity": random.random_range(0..9) }),
        "terminateSubscription" => json!({ "on": if random.random() { "2030-12-31" } else { "2026-12-01" } }),
        "migrateSubscription" => {
            json!({ "successor": app.product_id(*products.choose(random).unwrap()).await, "on": "2027-01-01", "quantity": 2 })
        }
        _ => json!({}),
    };
    (Some(row.id), step(&id_of(row), version, more))
}

/// Compares what a step left with what its answer says.
fn check(mutation: &str, id: Option<Uuid>, payload: &Value, before: &Traces, after: &Traces) {
    let differ: Vec<&Row> = after.rows.values().filter(|row| before.rows.get(&row.id) != Some(row)).collect();
    let written = differ.len() as u64;
    if payload["errors"] != json!([]) {
        let code = payload["errors"][0]["code"].as_str().unwrap();
        let is_recorded =
            ["FORBIDDEN", "ILLEGAL_STEP", "EXPIRED"].contains(&code) || (code == "NOT_FOUND" && id.is_some());
        assert_eq!(differ, Vec::<&Row>::new(), "a refusal changes nothing: {payload}");
        assert_eq!((after.changes, after.events), (before.changes, before.events + u64::from(is_recorded)), "{code}");
        return;
    }
    assert_eq!(
        (after.changes - before.changes, after.events - before.events),
        (written, written),
        "an entry and an event for each row"
    );
    // A confirmed move writes two rows, everything else one.
    let (moved, own): (Vec<&Row>, Vec<&Row>) =
        differ.iter().partition(|row| row.predecessor_id.is_some() && row.version == 1);
    let [row] = own[..] else { panic!("{mutation}: {differ:?}") };
    assert_eq!(id.unwrap_or(row.id), row.id);
    let previous = before.rows.get(&row.id);
    assert_eq!(row.version, previous.map_or(0, |row| row.version) + 1, "versions grow by one");
    assert!(is_legal(mutation, previous, row), "{mutation} from {previous:?} to {row:?}");
    for next in &moved {
        assert_eq!((next.state, next.predecessor_id, row.successor_id), (State::Approved, Some(row.id), Some(next.id)));
        assert_eq!(row.ends_on.and_then(|day| day.succ_opt()), next.agreed_from, "no gap and no overlap");
    }
    assert!(moved.len() <= 1 && (moved.is_empty() || mutation == "confirmSubscription"));
    if let ("approveSubscription" | "confirmSubscription", Some(previous)) = (mutation, previous) {
        assert_ne!(previous.asked_by_subject.as_deref(), payload["actor"].as_str(), "four eyes");
    }
}

/// One step; `ids` are the subscriptions of this sequence, in the order in which they came.
async fn take(app: &TestApp, random: &mut ChaCha8Rng, ids: &mut Vec<Uuid>, reached: &mut BTreeSet<String>) {
    let before = traces(app).await;
    let row = ids.choose(random).and_then(|id| before.rows.get(id)).cloned();
    let mutation = some_step(random, row.as_ref());
    // Several try the same, until one may.
    for _ in 0..TRIES {
        let (id, input) = some_input(app, random, mutation, row.as_ref()).await;
        let is_beginning = id.is_none() && !BEGINNINGS.contains(&mutation);
        if attempt(app, random, if is_beginning { "requestSubscription" } else { mutation }, id, input, ids, reached)
            .await
        {
            return;
        }
    }
}

/// One attempt by somebody, and whether it succeeded.
async fn attempt(
    app: &TestApp,
    random: &mut ChaCha8Rng,
    mutation: &str,
    id: Option<Uuid>,
    input: Value,
    ids: &mut Vec<Uuid>,
    reached: &mut BTreeSet<String>,
) -> bool {
    let (token, before) = (somebody(random), traces(app).await);
    let subject = app.data_as(&token, "{ viewer { subject } }", json!({})).await["viewer"]["subject"].clone();
    let mut payload = app.act(&token, mutation, input.clone()).await;
    payload["actor"] = subject;
    let after = traces(app).await;
    check(mutation, id, &payload, &before, &after);
    if payload["errors"] != json!([]) {
        return false;
    }
    reached.insert(format!("{mutation} {}", place(id.and_then(|id| before.rows.get(&id)))));
    ids.extend(after.rows.keys().filter(|id| !before.rows.contains_key(id)));
    if random.random_range(0..4) == 0 {
        let again = app.act(&token, mutation, input).await;
        assert_eq!(
            (&again["errors"], &again["subscription"]["id"]),
            (&json!([]), &payload["subscription"]["id"]),
            "the same key again"
        );
        assert_eq!(traces(app).await.events, after.events, "leaves no trace");
    }
    true
}

async fn run(app: &TestApp, seed: u64, reached: &mut BTreeSet<String>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut ids = Vec::new();
    // Some stand where few sequences would come by themselves.
    for (product, state) in
        [(INITIAL, State::Active), (STANDARD, State::Active), (NOT_JOINED, State::Active), (OTHER, State::Terminating)]
    {
        let begun = app.subscription(AACHEN, product, |row| {
            row.sample = false;
            row.state = state;
            row.ends_on = (state == State::Terminating).then(|| "2030-12-31".parse().unwrap());
        });
        ids.push(begun.await.id);
    }
    app.enter_phase(if seed.is_multiple_of(3) { "INTEGRATION" } else { "FOUNDATION" }).await;
    for _ in 0..STEPS {
        match random.random_range(0..40) {
            0 => {
                app.enter_phase(
                    ["PREPARATION", "FOUNDATION", "INTEGRATION", "STEADY_STATE"].choose(&mut random).unwrap(),
                )
                .await
            }
            1 => {
                let now = "2026-11-23T09:00:00Z".parse().unwrap();
                let report = tick::run(app.server.database(), "", now, now).await.unwrap();
                assert_eq!(report.begun, 0, "{report:?}");
            }
            _ => take(app, &mut random, &mut ids, reached).await,
        }
    }
}

/// In the end the history of each has every version once, and the chain holds.
async fn check_records(app: &TestApp) {
    let db = app.server.database().connection();
    for row in traces(app).await.rows.values() {
        let of_row = subscription_history::Column::SubscriptionId.eq(row.id);
        let mut history = subscription_history::Entity::find().filter(of_row).all(db).await.unwrap();
        history.sort_by_key(|entry| entry.version);
        // What was put there past the rules has no entry for its first version.
        let first = history.first().map_or(2, |entry| entry.version.min(2));
        assert!(history.iter().map(|entry| entry.version).eq(first..=row.version), "{row:?}");
        assert!(history.last().is_none_or(|entry| entry.state == row.state));
    }
    app.verify().await.unwrap();
    app.check_states().await;
}

on_both_databases! {
    async fn whatever_anybody_tries_subscriptions_move_by_legal_steps_and_the_records_tell_it(app: TestApp) {
        let sequences = std::env::var("ITKATALOG_SEQUENCES").ok().and_then(|number| number.parse().ok()).unwrap_or(SEQUENCES);
        let mut reached = BTreeSet::new();
        for seed in 0..sequences {
            run(app, seed, &mut reached).await;
        }
        check_records(app).await;
        // The sequences reach most corners, or they would prove little.
        assert!(reached.len() >= 15, "{reached:#?}");
    }

    async fn of_two_steps_at_once_with_one_version_at_most_one_happens(app: TestApp) {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        for _ in 0..20 {
            let row = app.subscription(AACHEN, INITIAL, |_| {}).await;
            let quantities = [random.random_range(2..9), random.random_range(9..20)];
            let town = municipality(AACHEN);
            let acts = quantities.map(|quantity| app.act(&town, "changeSubscription", step(&id_of(&row), 1, json!({ "quantity": quantity }))));
            let payloads = futures_util::future::join_all(acts).await;
            let won: Vec<usize> = (0..2).filter(|place| payloads[*place]["errors"] == json!([])).collect();
            assert_eq!(won.len(), 1, "{payloads:?}");
            let after = product_subscription::Entity::find_by_id(row.id).one(app.server.database().connection()).await.unwrap().unwrap();
            assert_eq!((after.version, after.open_quantity), (2, Some(quantities[won[0]])), "no update is lost");
        }
    }
}
