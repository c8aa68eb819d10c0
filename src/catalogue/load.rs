//! Reads everything that is published, and its version, at one point in time.

use ::entity::{
    catalogue_state, category, contact, contact_assignment, customer_group, customer_group_member, estimate_assumption,
    freeze, joining, landschaftsverband, municipality, phase, phase_exception, phase_exit_criterion, price, product,
    product_alias, product_customer_group, product_key, product_municipality, product_relation, provider,
    provider_coverage, provider_merger, provider_merger_predecessor, standard_product,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    prelude::DateTimeUtc,
    sea_query::{Expr, ExprTrait},
};

use super::{At, Contact, Product, Snapshot, changed::ProductRows};
use crate::database::{held_version, hold_catalogue};

/// The tables of the published catalogue, as they are: each field is a table, read as a whole.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Rows {
    pub version: i64,
    pub landschaftsverbaende: Vec<landschaftsverband::Model>,
    pub municipalities: Vec<municipality::Model>,
    pub providers: Vec<provider::Model>,
    pub coverage: Vec<provider_coverage::Model>,
    pub mergers: Vec<provider_merger::Model>,
    pub predecessors: Vec<provider_merger_predecessor::Model>,
    pub joinings: Vec<joining::Model>,
    pub categories: Vec<category::Model>,
    pub standard_products: Vec<standard_product::Model>,
    /// Products that an earlier snapshot has as they are.
    pub(super) same_products: Vec<At<Product>>,
    pub products: Vec<product::Model>,
    pub product_keys: Vec<product_key::Model>,
    pub product_municipalities: Vec<product_municipality::Model>,
    pub product_groups: Vec<product_customer_group::Model>,
    pub prices: Vec<price::Model>,
    pub groups: Vec<customer_group::Model>,
    pub group_members: Vec<customer_group_member::Model>,
    pub contacts: Vec<Contact>,
    pub assignments: Vec<contact_assignment::Model>,
    pub phases: Vec<phase::Model>,
    pub exit_criteria: Vec<phase_exit_criterion::Model>,
    pub assumptions: Vec<estimate_assumption::Model>,
    pub freezes: Vec<freeze::Model>,
    pub phase_exceptions: Vec<phase_exception::Model>,
    pub product_relations: Vec<product_relation::Model>,
    pub product_aliases: Vec<product_alias::Model>,
}

/// The version of the catalogue that is committed now.
pub(super) async fn version(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let state = catalogue_state::Entity::find().one(db).await?;
    Ok(state.map_or(0, |state| state.version))
}

/// The version that is committed now, which no catalogue write raises until this transaction ends.
pub(super) async fn lock_version(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    match held_version(db).await? {
        Some(version) => Ok(version),
        None => version(db).await,
    }
}

/// Raises the version: by every write of something that is published, before it locks `record_heads`. Whoever decides on the
/// catalogue waits until the transaction ends.
pub async fn raise_version(db: &impl ConnectionTrait, now: DateTimeUtc) -> Result<(), DbErr> {
    hold_catalogue(db, true).await?;
    catalogue_state::Entity::update_many()
        .col_expr(catalogue_state::Column::Version, Expr::col(catalogue_state::Column::Version).add(1))
        .col_expr(catalogue_state::Column::UpdatedAt, Expr::value(now))
        .filter(catalogue_state::Column::Id.eq(1))
        .exec(db)
        .await
        .map(drop)
}

impl Snapshot {
    /// Reads the catalogue as a transaction sees it: one that sees one point in time.
    pub async fn read(transaction: &impl ConnectionTrait) -> Result<Self, DbErr> {
        Ok(Self::build(rows(transaction).await?))
    }
}

/// Reads all tables. The order of rows is made later, in memory.
pub async fn rows(db: &impl ConnectionTrait) -> Result<Rows, DbErr> {
    rows_after(db, None).await
}

/// The same, with those products taken from an earlier snapshot that have not been changed since.
pub(super) async fn rows_after(db: &impl ConnectionTrait, earlier: Option<&Snapshot>) -> Result<Rows, DbErr> {
    let of_products = ProductRows::read(db, earlier).await?;
    Ok(Rows {
        version: version(db).await?,
        landschaftsverbaende: landschaftsverband::Entity::find()
            .order_by_asc(landschaftsverband::Column::Code)
            .all(db)
            .await?,
        municipalities: municipality::Entity::find().all(db).await?,
        providers: provider::Entity::find().all(db).await?,
        coverage: provider_coverage::Entity::find().all(db).await?,
        mergers: provider_merger::Entity::find().all(db).await?,
        predecessors: provider_merger_predecessor::Entity::find().all(db).await?,
        joinings: joining::Entity::find().order_by_asc(joining::Column::ValidFrom).all(db).await?,
        categories: category::Entity::find().order_by_asc(category::Column::Ordinal).all(db).await?,
        standard_products: standard_product::Entity::find().all(db).await?,
        same_products: of_products.same,
        products: of_products.products,
        product_keys: of_products.keys,
        product_municipalities: of_products.municipalities,
        product_groups: of_products.groups,
        prices: of_products.prices,
        groups: customer_group::Entity::find().all(db).await?,
        group_members: customer_group_member::Entity::find().all(db).await?,
        contacts: contact::Entity::find()
            .select_only()
            .columns([
                contact::Column::Id,
                contact::Column::Function,
                contact::Column::Email,
                contact::Column::Phone,
                contact::Column::ConfirmedAt,
                contact::Column::ValidUntil,
                contact::Column::Sample,
                contact::Column::ProviderId,
                contact::Column::CustomerGroupId,
                contact::Column::Version,
            ])
            .into_model()
            .all(db)
            .await?,
        assignments: contact_assignment::Entity::find().all(db).await?,
        phases: phase::Entity::find().order_by_asc(phase::Column::Ordinal).all(db).await?,
        exit_criteria: phase_exit_criterion::Entity::find()
            .order_by_asc(phase_exit_criterion::Column::Ordinal)
            .all(db)
            .await?,
        assumptions: estimate_assumption::Entity::find().all(db).await?,
        freezes: freeze::Entity::find()
            .filter(freeze::Column::LiftedAt.is_null())
            .order_by_asc(freeze::Column::CreatedAt)
            .order_by_asc(freeze::Column::Id)
            .all(db)
            .await?,
        phase_exceptions: phase_exception::Entity::find()
            .filter(phase_exception::Column::EndedAt.is_null())
            .order_by_asc(phase_exception::Column::CreatedAt)
            .order_by_asc(phase_exception::Column::Id)
            .all(db)
            .await?,
        product_relations: product_relation::Entity::find().all(db).await?,
        product_aliases: product_alias::Entity::find().all(db).await?,
    })
}
