//! Which subscriptions a caller may read: a predicate in the query, never a filter afterwards.

use ::entity::{
    product,
    product_subscription::{self, Column},
    read,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait, prelude::Uuid,
};

use serde::{Deserialize, Serialize};

use super::Row;
use crate::{
    access::{Caller, Role},
    catalogue::{At, Municipality, Snapshot},
    error::{Code, Error, Result},
};

/// Which subscriptions a caller may read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// All.
    Everything,
    /// Those of these municipalities, those that this provider takes, those to its products, and those that this Kreis asked
    /// for in collective requests.
    Of {
        /// Municipalities.
        municipalities: Vec<Uuid>,
        /// Provider.
        provider: Option<Uuid>,
        /// Kreis.
        district: Option<Uuid>,
    },
}

impl Scope {
    /// What a caller may read; nothing for a caller without a token.
    pub fn of(caller: Option<&Caller>, snapshot: &Snapshot) -> Self {
        let nothing = Self::Of { municipalities: Vec::new(), provider: None, district: None };
        let Some(caller) = caller else { return nothing };
        let reads_all = [Role::Steward, Role::TransformationOffice, Role::Land].iter().any(|role| caller.is(*role));
        if reads_all || (caller.is(Role::Auditor) && caller.municipality.is_none()) {
            return Self::Everything;
        }
        let own = [Role::Municipality, Role::Auditor].iter().any(|role| caller.is(*role));
        let mut municipalities: Vec<Uuid> = caller.municipality.filter(|_| own).into_iter().collect();
        if caller.is(Role::AccountManager) {
            let groups = caller.customer_groups.iter().filter_map(|id| snapshot.customer_groups.find(*id));
            let members = groups.flat_map(|at| snapshot.customer_groups[at].members.iter());
            municipalities.extend(members.map(|at| snapshot.municipalities[*at].row.id));
            municipalities.sort_unstable();
            municipalities.dedup();
        }
        let district = caller.municipality.filter(|id| {
            let has_members = |at: At<Municipality>| !snapshot.municipalities[at].members.is_empty();
            caller.is(Role::Municipality) && snapshot.municipalities.find(*id).is_some_and(has_members)
        });
        Self::Of { municipalities, provider: caller.provider.filter(|_| caller.is(Role::Provider)), district }
    }

    /// Whether all subscriptions of a municipality can be read.
    pub fn has_all_of(&self, municipality: Uuid) -> bool {
        match self {
            Self::Everything => true,
            Self::Of { municipalities, .. } => municipalities.contains(&municipality),
        }
    }

    /// The scope as a predicate.
    pub fn predicate(&self) -> Condition {
        let Self::Of { municipalities, provider, district } = self else { return Condition::all() };
        let mut any = Condition::any();
        match municipalities.as_slice() {
            [] => {}
            [one] => any = any.add(Column::MunicipalityId.eq(*one)),
            several => any = any.add(Column::MunicipalityId.is_in(several.iter().copied())),
        }
        if let Some(provider) = provider {
            let products = product::Entity::find().select_only().column(product::Column::Id);
            let products = products.filter(product::Column::ProviderId.eq(*provider)).into_query();
            any = any.add(Column::ProviderId.eq(*provider)).add(Column::ProductId.in_subquery(products));
        }
        if let Some(district) = district {
            any = any.add(Column::CollectiveBy.eq(*district));
        }
        // An empty `any` would be true.
        if any.is_empty() { Condition::all().add(Column::Id.is_null()) } else { any }
    }

    /// Finds a subscription that can be read.
    pub async fn find(&self, db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Row>> {
        Ok(product_subscription::Entity::find_by_id(id).filter(self.predicate()).one(db).await?)
    }

    /// Finds those of several subscriptions that can be read.
    pub async fn find_all(&self, db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Row>> {
        let wanted = Column::Id.is_in(ids.iter().copied());
        let found = read::select().and_where(wanted).cond_where(self.predicate()).take();
        Ok(read::all(db, &found).await?)
    }

    /// Finds a subscription that can be read, and keeps others from changing it until the transaction ends.
    pub async fn find_locked(&self, db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Row>> {
        Ok(product_subscription::Entity::find_by_id(id).filter(self.predicate()).lock_exclusive().one(db).await?)
    }
}

/// Refuses a caller who may read no subscription of a municipality.
pub fn check_municipality(caller: Option<&Caller>, snapshot: &Snapshot, at: At<Municipality>) -> Result<()> {
    let Some(caller) = caller else { return Err(unauthenticated()) };
    let scope = Scope::of(Some(caller), snapshot);
    let is_provider = matches!(&scope, Scope::Of { provider: Some(_), .. });
    if is_provider || scope.has_all_of(snapshot.municipalities[at].row.id) { Ok(()) } else { Err(not_yours()) }
}

/// Refuses a caller who may not read everything about a municipality.
pub fn check_whole_municipality(caller: Option<&Caller>, snapshot: &Snapshot, at: At<Municipality>) -> Result<()> {
    let Some(caller) = caller else { return Err(unauthenticated()) };
    let is_whole = Scope::of(Some(caller), snapshot).has_all_of(snapshot.municipalities[at].row.id);
    if is_whole { Ok(()) } else { Err(not_yours()) }
}

/// A token is needed.
pub fn unauthenticated() -> Error {
    Error::new(
        Code::Unauthenticated,
        "Dafür ist eine Anmeldung nötig. Bitte ein Token senden: Authorization: Bearer …",
        "This needs a token. Please send one: Authorization: Bearer …",
    )
}

fn not_yours() -> Error {
    Error::new(
        Code::Forbidden,
        "Bezüge und Kosten sehen die Kommune selbst, ihre Kundenbetreuung, ihre Anbieter, Katalogverantwortung, Transformationsbüro, Land und Revision.",
        "Subscriptions and costs are seen by the municipality itself, its account managers, its providers, stewards, the transformation office, the Land and auditors.",
    )
    .with("rule", "no-rule-permits")
}
