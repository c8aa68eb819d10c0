//! What a merger would do: what moves, what collides, what is open, what it would cost whom. Reads, never writes.
//!
//! A merger carries out exactly its plan. The plan's hash covers all of it, and of what moves also the versions, so that
//! every change in between shows.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ::entity::{
    contact_assignment::{self, Rank},
    freeze, phase_exception, product,
    product::Lifecycle,
    product_subscription::{self, Column, State},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    prelude::{Date, DateTimeUtc, Uuid},
    sea_query::{Expr, Func},
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    catalogue::{At, Product, Provider, Snapshot},
    clock::day_of,
    error::{Error, Result},
    merger_coverage::{self, Coverage},
    mergers::Parties,
    prices,
    subscriptions::{Row, list::has_begun_or_waits, open_at},
};

/// What a merger does.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// SHA-256 over all of it, in hexadecimal.
    #[serde(skip)]
    pub hash: String,
    /// The provider that goes on.
    pub into: Uuid,
    /// Those that go into it, by key.
    pub providers: Vec<Uuid>,
    /// The day.
    pub on: Date,
    /// Products that move, by provider and key; drafts too.
    pub products: Vec<MovedProduct>,
    /// Subscriptions that these providers take themselves.
    pub taken: Tally,
    /// Standard products that the successor would have several products for.
    pub same_standards: Vec<SameStandard>,
    /// What waits for a decision, on what moves, the nearest deadline first.
    pub waiting: Vec<Row>,
    /// Yearly estimates of who would take the successor's product of the same standard instead.
    pub price_effects: Vec<PriceEffect>,
    /// Assignments of contacts that move.
    pub assignments: Vec<MovedAssignment>,
    /// Which municipalities the successor serves in addition.
    pub coverage: Coverage,
    /// Freezes of these providers: they go on for each of their products.
    pub freezes: Vec<freeze::Model>,
    /// Exceptions to the phase for these providers: they go on for each of their products.
    pub phase_exceptions: Vec<phase_exception::Model>,
}

/// How many subscriptions, and the sum of their versions: it grows with every change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// In any state.
    pub subscriptions: i64,
    /// Agreed or running.
    pub running: i64,
    /// Sum of versions.
    pub versions: i64,
}

/// A product that moves.
#[derive(Clone, Debug, Serialize)]
pub struct MovedProduct {
    /// Which one.
    pub id: Uuid,
    /// Whose it is.
    pub provider: Uuid,
    /// Its name.
    pub name: String,
    /// Its key there.
    pub external_id: String,
    /// Its key with the successor: another one where the successor has the same.
    pub external_id_after: String,
    /// The version that it has.
    pub version: i64,
    /// Whether it is published.
    pub is_published: bool,
    /// Subscriptions to it.
    pub subscriptions: Tally,
}

/// Products of the successor for the same standard product. All are kept; somebody has to decide.
#[derive(Clone, Debug, Serialize)]
pub struct SameStandard {
    /// The standard product.
    pub standard_product: Uuid,
    /// The products, those of the successor first.
    pub products: Vec<Uuid>,
}

/// What a municipality pays in a year for a product that moves, and what it would for the successor's of the same standard.
#[derive(Clone, Debug, Serialize)]
pub struct PriceEffect {
    /// Who.
    pub municipality: Uuid,
    /// The product that moves.
    pub product: Uuid,
    /// The successor's.
    pub alternative: Uuid,
    /// Yearly estimate in cents; none where it can't be estimated.
    pub before_cents: Option<i64>,
    /// The same for the successor's product.
    pub after_cents: Option<i64>,
}

/// An assignment of a contact that moves.
#[derive(Clone, Debug, Serialize)]
pub struct MovedAssignment {
    /// Which one.
    pub id: Uuid,
    /// Whose contact.
    pub contact: Uuid,
    /// Whether the successor has a primary contact already, so that this one becomes a deputy.
    pub becomes_deputy: bool,
}

impl Plan {
    /// Products whose key changes.
    pub fn renamed(&self) -> impl Iterator<Item = &MovedProduct> {
        self.products.iter().filter(|product| product.external_id != product.external_id_after)
    }

    /// Subscriptions to products that move.
    pub fn subscriptions(&self) -> Tally {
        self.products.iter().fold(Tally::default(), |sum, product| sum.plus(product.subscriptions))
    }
}

impl Tally {
    fn plus(self, other: Self) -> Self {
        Self {
            subscriptions: self.subscriptions + other.subscriptions,
            running: self.running + other.running,
            versions: self.versions + other.versions,
        }
    }
}

/// Draws up the plan of a merger.
pub async fn draw(db: &impl ConnectionTrait, snapshot: &Snapshot, parties: &Parties, now: DateTimeUtc) -> Result<Plan> {
    let id = |at: &At<Provider>| snapshot.providers[*at].row.id;
    let (into, providers): (Uuid, Vec<Uuid>) = (id(&parties.into), parties.providers.iter().map(id).collect());
    let products = products(db, snapshot, into, parties).await?;
    let same_standards = same_standards(snapshot, parties);
    let mut plan = Plan {
        hash: String::new(),
        taken: taken(db, &providers).await?,
        waiting: waiting(db, &providers, now).await?,
        price_effects: price_effects(db, snapshot, parties, now).await?,
        assignments: assignments(db, into, &providers).await?,
        coverage: merger_coverage::draw(db, into, &providers, parties.on).await?,
        freezes: freezes(db, &providers, day_of(now)).await?,
        phase_exceptions: phase_exceptions(db, &providers, day_of(now)).await?,
        into,
        providers,
        on: parties.on,
        products,
        same_standards,
    };
    let canonical = serde_json::to_vec(&plan).map_err(Error::internal)?;
    plan.hash = base16ct::lower::encode_string(&Sha256::digest(canonical));
    Ok(plan)
}

async fn products(
    db: &impl ConnectionTrait,
    snapshot: &Snapshot,
    into: Uuid,
    parties: &Parties,
) -> Result<Vec<MovedProduct>> {
    let of_all: Vec<Uuid> = parties.providers.iter().map(|at| snapshot.providers[*at].row.id).collect();
    let taken: Vec<String> = product::Entity::find()
        .select_only()
        .column(product::Column::ExternalId)
        .filter(product::Column::ProviderId.eq(into))
        .into_tuple()
        .all(db)
        .await?;
    let mut taken: HashSet<String> = taken.into_iter().collect();
    let rows = product::Entity::find().filter(product::Column::ProviderId.is_in(of_all.clone())).all(db).await?;
    let tallies = tallies(db, Column::ProductId, Column::ProductId.in_subquery(products_of(&of_all))).await?;
    // No new key may be one that another product gives up only then.
    let given: HashSet<&str> = rows.iter().map(|row| row.external_id.as_str()).collect();
    let mut moved = Vec::with_capacity(rows.len());
    for at in &parties.providers {
        let provider = &snapshot.providers[*at].row;
        let mut own: Vec<_> = rows.iter().filter(|row| row.provider_id == provider.id).collect();
        own.sort_by(|one, other| one.external_id.cmp(&other.external_id));
        for row in own {
            let external_id_after = free_key(&taken, &given, &provider.key, &row.external_id);
            taken.insert(external_id_after.clone());
            moved.push(MovedProduct {
                id: row.id,
                provider: provider.id,
                name: row.name.clone(),
                external_id: row.external_id.clone(),
                external_id_after,
                version: row.version,
                is_published: !matches!(row.lifecycle, Lifecycle::Draft | Lifecycle::InReview),
                subscriptions: tallies.get(&row.id).copied().unwrap_or_default(),
            });
        }
    }
    Ok(moved)
}

/// The key that a product has with the successor: its own, or with the old provider's key before it, where that is taken.
fn free_key(taken: &HashSet<String>, given: &HashSet<&str>, provider: &str, own: &str) -> String {
    if !taken.contains(own) {
        return own.to_owned();
    }
    let prefixed = format!("{provider}-{own}");
    let numbered = (2..taken.len() + given.len() + 3).map(|number| format!("{prefixed}-{number}"));
    let is_free = |key: &String| !taken.contains(key) && !given.contains(key.as_str());
    std::iter::once(prefixed.clone()).chain(numbered).find(is_free).unwrap_or(prefixed)
}

/// Ids of the products of providers, as a subquery.
pub fn products_of(providers: &[Uuid]) -> sea_orm::sea_query::SelectStatement {
    use sea_orm::QueryTrait;
    let ids = product::Entity::find().select_only().column(product::Column::Id);
    ids.filter(product::Column::ProviderId.is_in(providers.iter().copied())).into_query()
}

/// Subscriptions counted by what a column refers to.
async fn tallies(
    db: &impl ConnectionTrait,
    by: Column,
    which: impl sea_orm::sea_query::IntoCondition,
) -> Result<HashMap<Uuid, Tally>> {
    let sum = Func::sum(Expr::col(Column::Version));
    let counted: Vec<(Uuid, State, i64, i64)> = product_subscription::Entity::find()
        .select_only()
        .column(by)
        .column(Column::State)
        .column_as(Column::Id.count(), "subscriptions")
        // PostgreSQL sums to a numeric.
        .column_as(sea_orm::sea_query::ExprTrait::cast_as(Expr::expr(sum), "bigint"), "versions")
        .filter(which)
        .group_by(by)
        .group_by(Column::State)
        .into_tuple()
        .all(db)
        .await?;
    let mut tallies: HashMap<Uuid, Tally> = HashMap::new();
    for (id, state, subscriptions, versions) in counted {
        let is_running = matches!(state, State::Approved | State::Active | State::Terminating);
        let running = if is_running { subscriptions } else { 0 };
        let known = tallies.entry(id).or_default();
        *known = known.plus(Tally { subscriptions, running, versions });
    }
    Ok(tallies)
}

async fn taken(db: &impl ConnectionTrait, providers: &[Uuid]) -> Result<Tally> {
    let of_providers = Column::ProviderId.is_in(providers.iter().copied());
    let tallies = tallies(db, Column::ProviderId, of_providers).await?;
    Ok(tallies.into_values().fold(Tally::default(), Tally::plus))
}

/// What waits for a decision on products of these providers, or on what they take.
async fn waiting(db: &impl ConnectionTrait, providers: &[Uuid], now: DateTimeUtc) -> Result<Vec<Row>> {
    let concerned = Condition::any()
        .add(Column::ProductId.in_subquery(products_of(providers)))
        .add(Column::ProviderId.is_in(providers.iter().copied()));
    let rows = product_subscription::Entity::find().filter(Column::OpenMatter.is_not_null()).filter(concerned);
    let mut rows = rows.all(db).await?;
    rows.retain(|row| open_at(row, now).is_some());
    rows.sort_by_key(|row| (row.expires_at, row.id));
    Ok(rows)
}

/// Standard products that would have several products of the successor, at least one of them moved there.
fn same_standards(snapshot: &Snapshot, parties: &Parties) -> Vec<SameStandard> {
    let mut by_standard: BTreeMap<Uuid, Vec<(At<Provider>, Uuid)>> = BTreeMap::new();
    for at in std::iter::once(&parties.into).chain(&parties.providers) {
        for product in snapshot.providers[*at].products.iter().map(|product| &snapshot.products[*product]) {
            if let Some(standard) = product.row.standard_product_id {
                by_standard.entry(standard).or_default().push((*at, product.row.id));
            }
        }
    }
    let several = by_standard.into_iter().filter(|(_, products)| {
        let owners: HashSet<_> = products.iter().map(|(owner, _)| owner).collect();
        owners.len() > 1
    });
    let found = several.map(|(standard_product, products)| {
        let products = products.into_iter().map(|(_, id)| id).collect();
        SameStandard { standard_product, products }
    });
    found.collect()
}

/// Estimates for municipalities that have a product which moves, where the successor has one of the same standard.
async fn price_effects(
    db: &impl ConnectionTrait,
    snapshot: &Snapshot,
    parties: &Parties,
    now: DateTimeUtc,
) -> Result<Vec<PriceEffect>> {
    let ids: Vec<Uuid> = parties.providers.iter().map(|at| snapshot.providers[*at].row.id).collect();
    let pairs: Vec<(Uuid, Uuid)> = product_subscription::Entity::find()
        .select_only()
        .columns([Column::MunicipalityId, Column::ProductId])
        .distinct()
        .filter(Column::MunicipalityId.is_not_null())
        .filter(Column::ProductId.in_subquery(products_of(&ids)))
        .filter(has_begun_or_waits(now))
        .into_tuple()
        .all(db)
        .await?;
    let pairs: BTreeSet<(Uuid, Uuid)> = pairs.into_iter().collect();
    let mut effects = Vec::new();
    for (municipality, product) in pairs {
        let found = snapshot.municipalities.find(municipality).zip(snapshot.products.find(product));
        let Some((town, moved)) = found else { continue };
        let yearly = |at: At<Product>| prices::estimate(snapshot, at, town, parties.on).per_year_cents;
        for alternative in alternatives(snapshot, parties, moved) {
            effects.push(PriceEffect {
                municipality,
                product,
                alternative: snapshot.products[alternative].row.id,
                before_cents: yearly(moved),
                after_cents: yearly(alternative),
            });
        }
    }
    Ok(effects)
}

/// Products of the successor for the same standard product.
fn alternatives(snapshot: &Snapshot, parties: &Parties, moved: At<Product>) -> Vec<At<Product>> {
    let standard = snapshot.products[moved].standard_product;
    let implementations = standard.map_or(&[][..], |at| &snapshot.standard_products[at].implementations);
    implementations.iter().copied().filter(|at| snapshot.products[*at].provider == parties.into).collect()
}

async fn assignments(db: &impl ConnectionTrait, into: Uuid, providers: &[Uuid]) -> Result<Vec<MovedAssignment>> {
    use contact_assignment::Column;
    let of = |ids: Vec<Uuid>| contact_assignment::Entity::find().filter(Column::ProviderId.is_in(ids));
    let rows = of(vec![into]).all(db).await?;
    let mut has_primary: HashSet<_> =
        rows.iter().filter(|row| row.rank == Rank::Primary).map(|row| row.topic).collect();
    let rows = of(providers.to_vec()).order_by_asc(Column::Id).all(db).await?;
    let moved = rows.into_iter().map(|row| MovedAssignment {
        id: row.id,
        contact: row.contact_id,
        becomes_deputy: row.rank == Rank::Primary && !has_primary.insert(row.topic),
    });
    Ok(moved.collect())
}

async fn freezes(db: &impl ConnectionTrait, providers: &[Uuid], today: Date) -> Result<Vec<freeze::Model>> {
    use freeze::Column;
    let goes_on = Condition::any().add(Column::UntilDay.is_null()).add(Column::UntilDay.gte(today));
    let rows = freeze::Entity::find().filter(Column::LiftedAt.is_null()).filter(goes_on);
    Ok(rows.filter(Column::ProviderId.is_in(providers.iter().copied())).order_by_asc(Column::Id).all(db).await?)
}

async fn phase_exceptions(
    db: &impl ConnectionTrait,
    providers: &[Uuid],
    today: Date,
) -> Result<Vec<phase_exception::Model>> {
    use phase_exception::Column;
    let goes_on = Condition::any().add(Column::UntilDay.is_null()).add(Column::UntilDay.gte(today));
    let rows = phase_exception::Entity::find().filter(Column::EndedAt.is_null()).filter(goes_on);
    Ok(rows.filter(Column::ProviderId.is_in(providers.iter().copied())).order_by_asc(Column::Id).all(db).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_taken_gets_the_old_providers_key_before_it() {
        let taken: HashSet<String> = ["a", "krz-b", "b", "d"].into_iter().map(str::to_owned).collect();
        let given: HashSet<&str> = ["a", "b", "c", "d", "krz-d"].into();
        let free = |own| free_key(&taken, &given, "krz", own);
        assert_eq!([free("c"), free("a"), free("b"), free("d")], ["c", "krz-a", "krz-b-2", "krz-d-2"]);
    }
}
