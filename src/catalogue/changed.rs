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
        let mut rows = Self::read_some(db, &changed).await?;
        same.into_iter().for_each(|at| rows.take_over(earlier, at));
        Ok(rows)
    }

    async fn read_all(db: &impl ConnectionTrait) -> Result<Self, DbErr> {
        Ok(Self {
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

    /// Adds a product as an earlier snapshot has it.
    fn take_over(&mut self, earlier: &Snapshot, at: At<Product>) {
        let product = &earlier.products[at];
        let product_id = product.row.id;
        let key = |scheme| move |value: &String| product_key::Model { product_id, scheme, value: value.clone() };
        self.keys.extend(product.leika_keys.iter().map(key(product_key::Scheme::Leika)));
        self.keys.extend(product.ozg_ids.iter().map(key(product_key::Scheme::Ozg)));
        self.municipalities.extend(product.listed.iter().map(|at| {
            let municipality_id = earlier.municipalities[*at].row.id;
            product_municipality::Model { product_id, municipality_id }
        }));
        self.groups.extend(product.eligible_groups.iter().map(|at| {
            let group_id = earlier.customer_groups[*at].row.id;
            product_customer_group::Model { product_id, group_id }
        }));
        self.prices.extend(product.prices.iter().map(|price| price.row.clone()));
        self.products.push(product.row.clone());
    }
}

fn is_published() -> sea_orm::sea_query::Expr {
    product::Column::Lifecycle.is_not_in([product::Lifecycle::Draft, product::Lifecycle::InReview])
}
