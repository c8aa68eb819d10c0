//! Products of different providers that are probably the same: shown to stewards, and decided by them.
//!
//! Which pairs these are is worked out by [`crate::catalogue::overlap`]. A pair that was dismissed does not come back, unless
//! what is written about one of both has changed since.

use std::{collections::HashMap, sync::Arc};

use ::entity::{
    overlap_decision::{self, Column, Outcome},
    product,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    prelude::{DateTimeUtc, Uuid},
};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    access::Duty,
    catalogue::{self, Overlap, Product, Snapshot},
    condition::Condition,
    database::hold_catalogue,
    desk::Desk,
    error::{Error, Result},
    listing::{Key, Listing, Position},
    orders::{Act, Order, check_version},
    portfolios::versions::Done,
    product_matches, products, standard_products,
};

/// A plain condition on a pair. Lists of values mean one of them.
#[derive(Clone, Debug)]
pub enum Is {
    /// Key of a provider of one of both.
    Provider(Vec<String>),
    /// Key of the category of one of both, or of the category above.
    Category(Vec<String>),
    /// At least this score.
    ScoreAtLeast(u8),
}

/// A pair that waits for a decision.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The pair, and how much both are alike.
    pub overlap: Overlap,
    /// What was decided before one of both changed.
    pub earlier: Option<overlap_decision::Model>,
}

/// Two products that are different things.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Dismissing {
    /// One,
    pub product: Uuid,
    /// and the other.
    pub other: Uuid,
}

/// Two products that are the same.
#[derive(Clone, Debug, Serialize)]
pub struct Confirming {
    /// One,
    pub product: Uuid,
    /// with the version that the change starts from,
    pub version: i64,
    /// and the other,
    pub other: Uuid,
    /// with its version.
    pub other_version: i64,
    /// Key of the standard product that both implement.
    pub standard_product: String,
}

/// Pairs that fulfil a condition and wait for a decision: the most alike first. Only those with a product of this provider,
/// when one is given.
pub async fn list(
    db: &impl ConnectionTrait,
    snapshot: Arc<Snapshot>,
    condition: &Condition<Is>,
    provider: Option<Uuid>,
) -> Result<Listing<'static, Candidate>> {
    let decisions = overlap_decision::Entity::find().all(db).await?;
    let mut decisions: HashMap<_, _> =
        decisions.into_iter().map(|decision| ((decision.product_id, decision.other_id), decision)).collect();
    let shared = snapshot.clone();
    // The first to ask for a version works it out, which takes too long for a thread that serves others.
    tokio::task::spawn_blocking(move || shared.overlaps().len()).await.map_err(Error::internal)?;
    let wanted = snapshot.overlaps().iter().filter(|overlap| {
        let pair = [&snapshot.products[overlap.one], &snapshot.products[overlap.other]];
        let is_of = |id: Uuid| pair.iter().any(|product| snapshot.providers[product.provider].row.id == id);
        provider.is_none_or(is_of) && condition.holds(&|is| holds(&snapshot, pair, overlap, is))
    });
    let open = wanted.filter_map(|overlap| {
        let (one, other) = (&snapshot.products[overlap.one].row, &snapshot.products[overlap.other].row);
        let earlier = decisions.remove(&in_order(one.id, other.id));
        let is_dismissed = |decision: &overlap_decision::Model| {
            decision.outcome == Outcome::Dismissed && decision.digest == digest(one, other)
        };
        (!earlier.as_ref().is_some_and(is_dismissed)).then_some(Candidate { overlap: *overlap, earlier })
    });
    let open = open.collect();
    Ok(Listing::ordered("overlap candidates".to_owned(), open, move |candidate| {
        position(&snapshot, &candidate.overlap)
    }))
}

fn holds(snapshot: &Snapshot, pair: [&Product; 2], overlap: &Overlap, is: &Is) -> bool {
    match is {
        Is::Provider(keys) => pair.iter().any(|product| keys.contains(&snapshot.providers[product.provider].row.key)),
        Is::Category(keys) => pair.iter().any(|product| products::is_in_category(snapshot, product.category, keys)),
        Is::ScoreAtLeast(least) => *least <= overlap.likeness.score,
    }
}

impl Is {
    /// How much there is to compare.
    pub fn size(&self) -> usize {
        match self {
            Self::Provider(values) | Self::Category(values) => values.len() + 1,
            Self::ScoreAtLeast(_) => 1,
        }
    }
}

/// The order of [`Snapshot::overlaps`]: score, then each product by name and id.
fn position(snapshot: &Snapshot, overlap: &Overlap) -> Position {
    let (one, other) = (&snapshot.products[overlap.one], &snapshot.products[overlap.other]);
    let keys = vec![
        Key::new(i64::from(overlap.likeness.score), true),
        Key::new(one.name_key.as_str(), false),
        Key::new(one.row.id.simple().to_string().as_str(), false),
        Key::new(other.name_key.as_str(), false),
    ];
    Position(keys, other.row.id)
}

/// Decides that two products are different things: they are not shown again unless what is written about them changes.
pub async fn dismiss(desk: Arc<Desk>, order: Order<Dismissing>) -> Result<overlap_decision::Model> {
    let permit = order.check(&desk, Duty::DismissOverlap, false).await?;
    let key = order.key(permit.duty())?;
    let now = desk.clock.now();
    let db = desk.database.begin_write().await?;
    // Nothing that is published changes, but what is decided on must stay as it is meanwhile.
    hold_catalogue(&*db, true).await?;
    if let Some(known) = key.find(&*db, now).await? {
        return find(&*db, known.entity_id).await;
    }
    let (one, other) = pair(&*db, order.deed.product, order.deed.other).await?;
    if one.standard_product_id.is_some() && one.standard_product_id == other.standard_product_id {
        return Err(Error::bad_input(
            "other",
            "Beide sind demselben Standardprodukt zugeordnet. Bitte zuerst eine der Zuordnungen ändern (matchProduct).",
            "Both are matched to the same standard product. Please first change one of the matches (matchProduct).",
        ));
    }
    let (before, after) = decide(&*db, (&one, &other), Outcome::Dismissed, None, now).await?;
    let (shown_before, shown_after) = (before.map(|row| json!({ "decision": row })), json!({ "decision": after }));
    let entity = ("OverlapDecision", after.id);
    let act = Act { permit: &permit, entity, before: shown_before, after: Some(shown_after) };
    order.finish(&desk, db, &key, act, &[], now).await?;
    Ok(after)
}

/// Decides that two products are the same: both implement this standard product from now on.
pub async fn confirm(desk: Arc<Desk>, order: Order<Confirming>) -> Result<overlap_decision::Model> {
    let permit = order.check(&desk, Duty::ConfirmOverlap, false).await?;
    let key = order.key(permit.duty())?;
    let deed = &order.deed;
    let now = desk.clock.now();
    let db = desk.database.begin_write().await?;
    catalogue::raise_version(&*db, now).await?;
    if let Some(known) = key.find(&*db, now).await? {
        return find(&*db, known.entity_id).await;
    }
    let (one, other) = pair(&*db, deed.product, deed.other).await?;
    check_version("version", one.version, deed.version)?;
    check_version("otherVersion", other.version, deed.other_version)?;
    let standard_product = standard_products::load(&*db, "standardProduct", &deed.standard_product).await?.id;
    let done = Done { action: permit.duty().into(), now, waits: !order.is_of_steward() };
    let (mut was, mut is, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    for row in [&one, &other] {
        was.push(product_matches::shown(row));
        if row.standard_product_id == Some(standard_product) {
            is.push(product_matches::shown(row));
            continue;
        }
        let matched =
            product_matches::write(&*db, row, Some(standard_product), Some(&deed.standard_product), done).await?;
        is.push(product_matches::shown(&matched));
        changed.push(product_matches::changed(&matched));
    }
    let outcome = Outcome::Confirmed;
    let (before, after) = decide(&*db, (&one, &other), outcome, Some(standard_product), now).await?;
    let act = Act {
        permit: &permit,
        entity: ("OverlapDecision", after.id),
        before: Some(json!({ "decision": before, "products": was })),
        after: Some(json!({ "decision": after, "products": is })),
    };
    order.finish(&desk, db, &key, act, &changed, now).await?;
    Ok(after)
}

/// Both products of a pair, as the database has them.
async fn pair(db: &impl ConnectionTrait, product: Uuid, other: Uuid) -> Result<(product::Model, product::Model)> {
    let (one, other) = (products::load(db, "product", product).await?, products::load(db, "other", other).await?);
    if one.provider_id == other.provider_id {
        return Err(Error::bad_input(
            "other",
            "Beide gehören zum selben Anbieter. Bitte eine Leistung eines anderen Anbieters angeben.",
            "Both belong to the same provider. Please give a product of another provider.",
        ));
    }
    Ok((one, other))
}

/// Writes a decision in the place of an earlier one; gives both.
async fn decide(
    db: &impl ConnectionTrait,
    (one, other): (&product::Model, &product::Model),
    outcome: Outcome,
    standard_product_id: Option<Uuid>,
    now: DateTimeUtc,
) -> Result<(Option<overlap_decision::Model>, overlap_decision::Model)> {
    let (product_id, other_id) = in_order(one.id, other.id);
    let of_pair = overlap_decision::Entity::find().filter(Column::ProductId.eq(product_id));
    let before = of_pair.filter(Column::OtherId.eq(other_id)).one(db).await?;
    let after = overlap_decision::Model {
        id: before.as_ref().map_or_else(Uuid::new_v4, |row| row.id),
        product_id,
        other_id,
        outcome,
        standard_product_id,
        digest: digest(one, other),
        decided_at: now,
    };
    let row = after.clone().into_active_model();
    match before {
        None => row.insert(db).await?,
        Some(_) => row.reset_all().update(db).await?,
    };
    Ok((before, after))
}

async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<overlap_decision::Model> {
    let found = overlap_decision::Entity::find_by_id(id).one(db).await?;
    found.ok_or_else(|| Error::not_found(&id.to_string()))
}

fn in_order(one: Uuid, other: Uuid) -> (Uuid, Uuid) {
    (one.min(other), one.max(other))
}

/// What a decision was about: names and descriptions of both, whichever is named first.
fn digest(one: &product::Model, other: &product::Model) -> String {
    let (first, second) = if one.id < other.id { (one, other) } else { (other, one) };
    let texts = [first, second].map(|row| json!([row.name, row.summary, row.description]));
    base16ct::lower::encode_string(&Sha256::digest(json!(texts).to_string()))
}
