//! What products have to do with each other: which ones one requires, replaces and excludes.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use ::entity::{
    product,
    product_relation::{self, Column, Kind},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, prelude::Uuid};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    access::Duty,
    catalogue::{self, Snapshot},
    desk::Desk,
    error::{Error, Result},
    orders::{Act, Order, check_version},
    portfolios::versions::{self, Content, Done},
    product_matches::changed,
    products,
};

/// Most products of each kind.
const MOST: usize = 50;

/// All relations that a product is to have.
#[derive(Clone, Debug, Serialize)]
pub struct Relating {
    /// Which product.
    pub product: Uuid,
    /// The version that the change starts from.
    pub version: i64,
    /// Products that it can't be used without.
    pub requires: Vec<Uuid>,
    /// Products whose place it takes.
    pub replaces: Vec<Uuid>,
    /// Products that it can't be used together with.
    pub excludes: Vec<Uuid>,
}

/// Sets all relations of a product; gives its id. A rehearsal checks the same and writes nothing.
pub async fn save(desk: Arc<Desk>, order: Order<Relating>, is_rehearsal: bool) -> Result<Uuid> {
    let deed = &order.deed;
    let is_own = products::is_own(&desk, &order.caller, deed.product).await;
    let permit = order.check(&desk, Duty::SaveProductRelations, is_own).await?;
    let key = order.key(permit.duty())?;
    deed.check_lists()?;
    let now = desk.clock.now();
    let db = desk.database.begin_write().await?;
    catalogue::raise_version(&*db, now).await?;
    if let Some(known) = key.find(&*db, now).await? {
        return Ok(known.entity_id);
    }
    let row = products::load(&*db, "product", deed.product).await?;
    check_version("version", row.version, deed.version)?;
    let all = product_relation::Entity::find().all(&*db).await?;
    let names = deed.check_published(&*db).await?;
    let (own, of_others): (Vec<_>, Vec<_>) = all.into_iter().partition(|relation| relation.product_id == row.id);
    deed.check_contradictions(&of_others, &names)?;
    for kind in [Kind::Requires, Kind::Replaces] {
        if let Some(cycle) = cycle(deed.product, deed.list(kind), kind, &of_others) {
            return Err(deed.goes_round(&*db, &desk.live.snapshot(), kind, &cycle).await?);
        }
    }
    if is_rehearsal {
        db.roll_back().await?;
        return Ok(row.id);
    }
    deed.write(&*db).await?;
    let written = products::write(&*db, &row, product::ActiveModel::default(), now).await?;
    let done = Done { action: permit.duty().into(), now, waits: !order.is_of_steward() };
    let set = |content: &mut Content| {
        (content.requires, content.replaces) = (deed.requires.clone(), deed.replaces.clone());
        content.excludes.clone_from(&deed.excludes);
    };
    versions::keep_next(&*db, &written, done, set).await?;
    let before = Some(shown(row.version, |kind| of_kind(&own, kind)));
    let after = Some(shown(written.version, |kind| deed.list(kind).to_vec()));
    let act = Act { permit: &permit, entity: ("Product", row.id), before, after };
    order.finish(&desk, db, &key, act, &[changed(&written)], now).await?;
    Ok(row.id)
}

impl Relating {
    fn list(&self, kind: Kind) -> &[Uuid] {
        match kind {
            Kind::Requires => &self.requires,
            Kind::Replaces => &self.replaces,
            Kind::Excludes => &self.excludes,
        }
    }

    fn lists(&self) -> impl Iterator<Item = (&'static str, Kind, &[Uuid])> {
        [Kind::Requires, Kind::Replaces, Kind::Excludes].into_iter().map(|kind| (field(kind), kind, self.list(kind)))
    }

    /// What can be told without looking at other products: length, itself, one product twice.
    fn check_lists(&self) -> Result<()> {
        for (field, _, list) in self.lists() {
            if list.len() > MOST {
                let actual = list.len();
                return Err(Error::bad_input(
                    field,
                    format!("{field} nennt {actual} Leistungen, erlaubt sind {MOST}. Bitte kürzen."),
                    format!("{field} names {actual} products, allowed are {MOST}. Please shorten it."),
                ));
            }
            for (place, other) in list.iter().enumerate() {
                if *other == self.product {
                    return Err(Error::bad_input(
                        &format!("{field}.{place}"),
                        format!("{field} nennt die Leistung selbst. Bitte weglassen."),
                        format!("{field} names the product itself. Please leave it out."),
                    ));
                }
                if list[..place].contains(other) {
                    return Err(Error::bad_input(
                        &format!("{field}.{place}"),
                        format!("{field} nennt eine Leistung zweimal. Bitte nur einmal angeben."),
                        format!("{field} names a product twice. Please give it only once."),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Names of all products that are named; NOT_FOUND for one that is not published.
    async fn check_published(&self, db: &impl ConnectionTrait) -> Result<HashMap<Uuid, String>> {
        use product::Lifecycle::{Draft, InReview};
        let ids: HashSet<Uuid> = self.lists().flat_map(|(.., list)| list).copied().collect();
        let found = product::Entity::find().filter(product::Column::Id.is_in(ids)).all(db).await?;
        let published = found.into_iter().filter(|row| !matches!(row.lifecycle, Draft | InReview));
        let names: HashMap<Uuid, String> = published.map(|row| (row.id, row.name)).collect();
        for (field, _, list) in self.lists() {
            if let Some(place) = list.iter().position(|id| !names.contains_key(id)) {
                let error = Error::not_found(&list[place].to_string());
                return Err(error.with("field", format!("{field}.{place}")));
            }
        }
        Ok(names)
    }

    /// What is required can't be excluded, whichever of the two says so.
    fn check_contradictions(&self, of_others: &[product_relation::Model], names: &HashMap<Uuid, String>) -> Result<()> {
        let says = |kind: Kind, other: Uuid| {
            of_others.iter().any(|row| (row.product_id, row.kind, row.other_id) == (other, kind, self.product))
        };
        for (place, other) in self.excludes.iter().enumerate() {
            if self.requires.contains(other) || says(Kind::Requires, *other) {
                return Err(contradiction(&format!("excludes.{place}"), &names[other]));
            }
        }
        match self.requires.iter().position(|other| says(Kind::Excludes, *other)) {
            Some(place) => Err(contradiction(&format!("requires.{place}"), &names[&self.requires[place]])),
            None => Ok(()),
        }
    }

    /// The error that names a cycle, product by product.
    async fn goes_round(
        &self,
        db: &impl ConnectionTrait,
        snapshot: &Snapshot,
        kind: Kind,
        cycle: &[Uuid],
    ) -> Result<Error> {
        let found = product::Entity::find().filter(product::Column::Id.is_in(cycle.iter().copied())).all(db).await?;
        let name = |id: &Uuid| {
            let row = found.iter().find(|row| row.id == *id);
            let provider = row.and_then(|row| snapshot.providers.find(row.provider_id));
            let provider = provider.map_or("", |at| snapshot.providers[at].row.key.as_str());
            row.map_or_else(|| id.to_string(), |row| format!("{} ({provider})", row.name))
        };
        let round = cycle.iter().chain(cycle.first()).map(name).collect::<Vec<_>>().join(" → ");
        let field = field(kind);
        let place = cycle.get(1).and_then(|next| self.list(kind).iter().position(|other| other == next));
        Ok(Error::bad_input(
            &format!("{field}.{}", place.unwrap_or_default()),
            format!("{field} ergäbe einen Kreis: {round}. Bitte eine dieser Beziehungen weglassen."),
            format!("{field} would go in a circle: {round}. Please leave out one of these relations."),
        ))
    }

    /// Writes all lists in the place of those that were there.
    async fn write(&self, db: &impl ConnectionTrait) -> Result<()> {
        product_relation::Entity::delete_many().filter(Column::ProductId.eq(self.product)).exec(db).await?;
        let rows: Vec<_> = self
            .lists()
            .flat_map(|(_, kind, list)| list.iter().map(move |other| (kind, *other)))
            .map(|(kind, other_id)| product_relation::Model { product_id: self.product, kind, other_id })
            .map(IntoActiveModel::into_active_model)
            .collect();
        if !rows.is_empty() {
            product_relation::Entity::insert_many(rows).exec_without_returning(db).await?;
        }
        Ok(())
    }
}

/// The shortest way from a product back to itself, beginning with it, when it is to have this list.
// INVARIANT: the relations of others hold no cycle, so a new one leads through the product.
fn cycle(product: Uuid, list: &[Uuid], kind: Kind, of_others: &[product_relation::Model]) -> Option<Vec<Uuid>> {
    let mut next: HashMap<Uuid, Vec<Uuid>> = HashMap::from([(product, list.to_vec())]);
    for row in of_others.iter().filter(|row| row.kind == kind) {
        next.entry(row.product_id).or_default().push(row.other_id);
    }
    let (mut came_from, mut open) = (HashMap::new(), VecDeque::from([product]));
    while let Some(here) = open.pop_front() {
        for there in next.get(&here).into_iter().flatten() {
            if *there == product {
                let back = std::iter::successors(Some(here), |at| came_from.get(at).copied());
                let mut way: Vec<Uuid> = back.collect();
                way.reverse();
                return Some(way);
            }
            if !came_from.contains_key(there) {
                came_from.insert(*there, here);
                open.push_back(*there);
            }
        }
    }
    None
}

fn field(kind: Kind) -> &'static str {
    match kind {
        Kind::Requires => "requires",
        Kind::Replaces => "replaces",
        Kind::Excludes => "excludes",
    }
}

fn of_kind(rows: &[product_relation::Model], kind: Kind) -> Vec<Uuid> {
    rows.iter().filter(|row| row.kind == kind).map(|row| row.other_id).collect()
}

/// What the audit trail tells of a product's relations.
fn shown(version: i64, list: impl Fn(Kind) -> Vec<Uuid>) -> Value {
    let sorted = |kind| {
        let mut ids = list(kind);
        ids.sort_unstable();
        ids
    };
    json!({
        "requires": sorted(Kind::Requires),
        "replaces": sorted(Kind::Replaces),
        "excludes": sorted(Kind::Excludes),
        "version": version,
    })
}

fn contradiction(field: &str, name: &str) -> Error {
    Error::bad_input(
        field,
        format!(
            "„{name}“ wird zugleich vorausgesetzt und ausgeschlossen, von dieser Leistung oder umgekehrt. Bitte eines davon weglassen."
        ),
        format!(
            "“{name}” is required and excluded at once, by this product or the other way round. Please leave out one of both."
        ),
    )
}
