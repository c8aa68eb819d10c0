//! Reading products again: only those that are others than before, because a catalogue has thousands and a change is about one.
//!
//! INVARIANT: whoever changes a product, or what belongs to it (keys, municipalities, groups, prices), raises its version.

use ::entity::{price, product, product_customer_group, product_key, product_municipality};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect,
    prelude::{DateTimeUtc, Uuid},
};

use super::{At, Product, Snapshot};

/// Where more products are others, all of them are read.
const MOST_CHANGED: usize = 500;

/// Published products with what belongs to them, as rows of their tables, in no order.
#[derive(Debug, Default)]
pub(super) struct ProductRows {
    /// Those that an earlier snapshot has as they are, in its order.
    pub(super) same: Vec<At<Product>>,
    pub(super) products: Vec<product::Model>,
    pub(super) keys: Vec<product_key::Model>,
    pub(super) municipalities: Vec<product_municipality::Model>,
    pub(super) groups: Vec<product_customer_group::Model>,
    pub(super) prices: Vec<price::Model>,
}

impl ProductRows {
    /// Reads them; from an earlier snapshot those that have not been changed since.
    pub(super) async fn read(db: &impl ConnectionTrait, earlier: Option<&Snapshot>) -> Result<Self, DbErr> {
        let Some(earlier) = earlier else { return Self::read_all(db).await };
        let versions: Vec<(Uuid, i64, DateTimeUtc)> = product::Entity::find()
            .select_only()
            .columns([product::Column::Id, product::Column::Version, product::Column::UpdatedAt])
            .filter(is_published())
            .into_tuple()
            .all(db)
            .await?;
        let (mut same, mut changed) = (Vec::with_capacity(versions.len()), Vec::new());
        for (id, version, updated_at) in versions {
            let is_same = |at: &At<Product>| {
                let row = &earlier.products[*at].row;
                // The moment too: a database that was put back to a backup uses versions again.
                (row.version, row.updated_at) == (version, updated_at)
            };
            match earlier.products.find(id).filter(is_same) {
                Some(at) => same.push(at),
                None => changed.push(id),
            }
        }
        if changed.len() > MOST_CHANGED {
            return Self::read_all(db).await;
        }
        same.sort_unstable();
        Ok(Self { same, ..Self::read_some(db, &changed).await? })
    }

    async fn read_all(db: &impl ConnectionTrait) -> Result<Self, DbErr> {
        Ok(Self {
            same: Vec::new(),
            products: product::Entity::find().filter(is_published()).all(db).await?,
            keys: product_key::Entity::find().all(db).await?,
            municipalities: product_municipality::Entity::find().all(db).await?,
            groups: product_customer_group::Entity::find().all(db).await?,
            prices: price::Entity::find().all(db).await?,
        })
    }

    async fn read_some(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Self, DbErr> {
        if ids.is_empty() {
            return Ok(Self::default());
        }
        let ids = || ids.iter().copied();
        let of = product_municipality::Column::ProductId.is_in(ids());
        Ok(Self {
            same: Vec::new(),
            products: product::Entity::find().filter(product::Column::Id.is_in(ids())).all(db).await?,
            keys: product_key::Entity::find().filter(product_key::Column::ProductId.is_in(ids())).all(db).await?,
            municipalities: product_municipality::Entity::find().filter(of).all(db).await?,
            groups: product_customer_group::Entity::find()
                .filter(product_customer_group::Column::ProductId.is_in(ids()))
                .all(db)
                .await?,
            prices: price::Entity::find().filter(price::Column::ProductId.is_in(ids())).all(db).await?,
        })
    }
}

fn is_published() -> sea_orm::sea_query::Expr {
    product::Column::Lifecycle.is_not_in([product::Lifecycle::Draft, product::Lifecycle::InReview])
}
