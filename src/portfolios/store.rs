//! Products of one provider as the database has them, read and written as a whole: one statement for each table and some
//! hundred products.

use std::{collections::HashMap, sync::Arc};

use ::entity::{price, product, product_customer_group, product_key, product_municipality};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, Iterable, QueryFilter,
    prelude::{Date, DateTimeUtc, Uuid},
    sea_query::OnConflict,
};

use super::{Entry, EntryPrice, Surroundings, lifecycle::Known};
use crate::catalogue::{Product, Snapshot};

/// Values in one statement: both databases take five times as many, but a statement costs memory with each.
const VALUES_AT_ONCE: usize = 6_000;

/// A product with everything that belongs to it, as rows.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its row.
    pub row: product::Model,
    /// Keys of other catalogues.
    pub keys: Vec<product_key::Model>,
    /// Municipalities that it is offered to.
    pub municipalities: Vec<product_municipality::Model>,
    /// Groups whose members may have it.
    pub groups: Vec<product_customer_group::Model>,
    /// All its prices, also those of the past.
    pub prices: Vec<price::Model>,
}

/// All products of a provider, published or not, by the provider's own key.
pub async fn load(db: &impl ConnectionTrait, provider: Uuid) -> Result<HashMap<String, Arc<Stored>>, DbErr> {
    let of_provider = product::Column::ProviderId.eq(provider);
    let rows = product::Entity::find().filter(of_provider).all(db).await?;
    Ok(join(db, rows).await?.into_iter().map(|stored| (stored.row.external_id.clone(), Arc::new(stored))).collect())
}

/// Products that the public does not see yet, of one provider or of all.
pub async fn unpublished(db: &impl ConnectionTrait, provider: Option<Uuid>) -> Result<Vec<Stored>, DbErr> {
    use product::Lifecycle::{Draft, InReview};
    let mut query = product::Entity::find().filter(product::Column::Lifecycle.is_in([Draft, InReview]));
    if let Some(provider) = provider {
        query = query.filter(product::Column::ProviderId.eq(provider));
    }
    join(db, query.all(db).await?).await
}

/// Products with everything that belongs to them.
pub async fn join(db: &impl ConnectionTrait, rows: Vec<product::Model>) -> Result<Vec<Stored>, DbErr> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let (mut keys, mut municipalities, mut groups, mut prices) =
        (HashMap::new(), HashMap::new(), HashMap::new(), HashMap::new());
    for chunk in ids.chunks(VALUES_AT_ONCE) {
        let of = || chunk.to_vec();
        for row in product_key::Entity::find().filter(product_key::Column::ProductId.is_in(of())).all(db).await? {
            keys.entry(row.product_id).or_insert_with(Vec::new).push(row);
        }
        let column = product_municipality::Column::ProductId;
        for row in product_municipality::Entity::find().filter(column.is_in(of())).all(db).await? {
            municipalities.entry(row.product_id).or_insert_with(Vec::new).push(row);
        }
        let column = product_customer_group::Column::ProductId;
        for row in product_customer_group::Entity::find().filter(column.is_in(of())).all(db).await? {
            groups.entry(row.product_id).or_insert_with(Vec::new).push(row);
        }
        for row in price::Entity::find().filter(price::Column::ProductId.is_in(of())).all(db).await? {
            prices.entry(row.product_id).or_insert_with(Vec::new).push(row);
        }
    }
    let stored = rows.into_iter().map(|row| Stored {
        keys: keys.remove(&row.id).unwrap_or_default(),
        municipalities: municipalities.remove(&row.id).unwrap_or_default(),
        groups: groups.remove(&row.id).unwrap_or_default(),
        prices: prices.remove(&row.id).unwrap_or_default(),
        row,
    });
    Ok(stored.collect())
}

impl Stored {
    /// What it is in its provider's words. None when it refers to what the catalogue does not hold.
    pub fn known(&self, snapshot: &Snapshot, today: Date) -> Option<Known> {
        let row = &self.row;
        let group_key = |id: Uuid| Some(snapshot.customer_groups[snapshot.customer_groups.find(id)?].row.key.clone());
        let ags = |id: Uuid| Some(snapshot.municipalities[snapshot.municipalities.find(id)?].row.ags.clone());
        let of_scheme = |scheme| self.keys.iter().filter(move |key| key.scheme == scheme).map(|key| key.value.clone());
        let standard =
            |id: Uuid| Some(snapshot.standard_products[snapshot.standard_products.find(id)?].row.key.clone());
        let price = |price: &price::Model| EntryPrice {
            unit: price.unit,
            period: price.period,
            customer_group: price.customer_group_id.and_then(group_key),
            valid_from: price.valid_from,
            valid_to: price.valid_to,
            amount_cents: price.amount_cents,
            percent_basis_points: price.percent_basis_points,
            vat_basis_points: price.vat_basis_points,
        };
        let is_current = |price: &&price::Model| price.valid_to.is_none_or(|to| to >= today);
        let entry = Entry {
            external_id: row.external_id.clone(),
            name: row.name.clone(),
            summary: row.summary.clone(),
            description: row.description.clone(),
            category: snapshot.categories[snapshot.categories.find(row.category_id)?].row.key.clone(),
            standard_product: row.standard_product_id.and_then(standard),
            lifecycle: row.requested_lifecycle.unwrap_or(row.lifecycle),
            available_from: row.available_from,
            phase_out_from: row.phase_out_from,
            retired_from: row.retired_from,
            delivery_mode: row.delivery_mode,
            base_service: row.base_service,
            mandated_task: row.mandated_task,
            service_area: row.service_area,
            municipalities: sorted(self.municipalities.iter().filter_map(|row| ags(row.municipality_id))),
            customer_groups: sorted(self.groups.iter().filter_map(|row| group_key(row.group_id))),
            organisational_conditions: row.organisational_conditions.clone(),
            technical_conditions: row.technical_conditions.clone(),
            lead_time_days: row.lead_time_days,
            notice_months: row.notice_months,
            term_months: row.term_months,
            sla_url: row.sla_url.clone(),
            data_processing_agreement_url: row.data_processing_agreement_url.clone(),
            leika_keys: sorted(of_scheme(product_key::Scheme::Leika)),
            ozg_ids: sorted(of_scheme(product_key::Scheme::Ozg)),
            prices: sorted(self.prices.iter().filter(is_current).map(price)),
        };
        Some(Known { entry, lifecycle: row.lifecycle })
    }

    /// The product as the catalogue knows one, for those who may see it before the public does.
    pub fn product(&self, snapshot: &Snapshot) -> Option<Product> {
        let Self { row, keys, municipalities, groups, prices } = self.clone();
        snapshot.join_whole(row, &keys, &municipalities, &groups, prices)
    }
}

fn sorted<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values
}

/// A product that is to be written: new, or instead of what was there.
#[derive(Debug)]
pub struct Writing<'a> {
    /// What it is to be.
    pub entry: &'a Entry,
    /// Where it is to stand.
    pub lifecycle: product::Lifecycle,
    /// What was there.
    pub before: Option<&'a Stored>,
    /// Its identity.
    pub id: Uuid,
}

impl Writing<'_> {
    /// The rows that it comes to. None when the catalogue does not hold what it refers to.
    pub fn rows(&self, around: Surroundings<'_>, now: DateTimeUtc) -> Option<Stored> {
        let (entry, snapshot) = (self.entry, around.snapshot);
        let before = self.before.map(|before| &before.row);
        let category = snapshot.categories.iter().find(|(_, category)| category.row.key == entry.category)?.1;
        let standard = |key: &String| snapshot.standard_products.iter().find(|(_, standard)| standard.row.key == *key);
        let is_published = super::lifecycle::is_published(self.lifecycle);
        let row = product::Model {
            id: self.id,
            provider_id: snapshot.providers[around.provider].row.id,
            external_id: entry.external_id.clone(),
            name: entry.name.clone(),
            summary: entry.summary.clone(),
            description: entry.description.clone(),
            category_id: category.row.id,
            standard_product_id: entry
                .standard_product
                .as_ref()
                .and_then(standard)
                .map(|(_, standard)| standard.row.id),
            lifecycle: self.lifecycle,
            requested_lifecycle: (!is_published).then_some(entry.lifecycle),
            return_reason: None,
            available_from: entry.available_from,
            phase_out_from: entry.phase_out_from,
            retired_from: entry.retired_from,
            delivery_mode: entry.delivery_mode,
            base_service: entry.base_service,
            mandated_task: entry.mandated_task,
            initial_portfolio: before.is_some_and(|before| before.initial_portfolio),
            service_area: entry.service_area,
            organisational_conditions: entry.organisational_conditions.clone(),
            technical_conditions: entry.technical_conditions.clone(),
            lead_time_days: entry.lead_time_days,
            notice_months: entry.notice_months,
            term_months: entry.term_months,
            sla_url: entry.sla_url.clone(),
            data_processing_agreement_url: entry.data_processing_agreement_url.clone(),
            version: before.map_or(1, |before| before.version + 1),
            created_at: before.map_or(now, |before| before.created_at),
            updated_at: now,
            sample: before.is_some_and(|before| before.sample),
        };
        let key =
            |scheme| move |value: &String| product_key::Model { product_id: self.id, scheme, value: value.clone() };
        let leika = entry.leika_keys.iter().map(key(product_key::Scheme::Leika));
        let municipality = |ags: &String| {
            let at = snapshot.municipality_by_ags(ags)?;
            Some(product_municipality::Model {
                product_id: self.id,
                municipality_id: snapshot.municipalities[at].row.id,
            })
        };
        Some(Stored {
            keys: leika.chain(entry.ozg_ids.iter().map(key(product_key::Scheme::Ozg))).collect(),
            municipalities: entry.municipalities.iter().filter_map(municipality).collect(),
            groups: entry.customer_groups.iter().filter_map(|key| self.group(snapshot, key)).collect(),
            prices: self.prices(snapshot, around.today, row.sample),
            row,
        })
    }

    fn group(&self, snapshot: &Snapshot, key: &str) -> Option<product_customer_group::Model> {
        let (_, group) = snapshot.customer_groups.iter().find(|(_, group)| group.row.key == key)?;
        Some(product_customer_group::Model { product_id: self.id, group_id: group.row.id })
    }

    /// Prices of the past stay as they are; those of today and later are what the entry says, the same ones with their ids.
    fn prices(&self, snapshot: &Snapshot, today: Date, sample: bool) -> Vec<price::Model> {
        let before = self.before.map_or(&[][..], |before| before.prices.as_slice());
        let past = before.iter().filter(|price| price.valid_to.is_some_and(|to| to < today)).cloned();
        let new = self.entry.prices.iter().map(|price| {
            let group = price.customer_group.as_ref().and_then(|key| self.group(snapshot, key)).map(|row| row.group_id);
            let is_same = |old: &&price::Model| {
                (old.unit, old.period, old.customer_group_id, old.valid_from)
                    == (price.unit, price.period, group, price.valid_from)
            };
            price::Model {
                id: before.iter().find(is_same).map_or_else(Uuid::new_v4, |old| old.id),
                product_id: self.id,
                unit: price.unit,
                period: price.period,
                amount_cents: price.amount_cents,
                percent_basis_points: price.percent_basis_points,
                vat_basis_points: price.vat_basis_points,
                valid_from: price.valid_from,
                valid_to: price.valid_to,
                customer_group_id: group,
                sample,
            }
        });
        past.chain(new).collect()
    }
}

/// Writes products, new ones and others, each with everything that belongs to it.
pub async fn write(db: &impl ConnectionTrait, products: &[&Stored]) -> Result<(), DbErr> {
    use product::Column;
    let changeable = Column::iter().filter(|column| !matches!(column, Column::Id | Column::CreatedAt));
    let replace = OnConflict::column(Column::Id).update_columns(changeable).to_owned();
    for chunk in products.chunks(VALUES_AT_ONCE / Column::iter().count()) {
        let rows: Vec<product::ActiveModel> =
            chunk.iter().map(|stored| stored.row.clone().into_active_model()).collect();
        product::Entity::insert_many(rows).on_conflict(replace.clone()).exec_without_returning(db).await?;
    }
    for chunk in products.chunks(VALUES_AT_ONCE) {
        let ids: Vec<Uuid> = chunk.iter().map(|stored| stored.row.id).collect();
        product_key::Entity::delete_many().filter(product_key::Column::ProductId.is_in(ids.clone())).exec(db).await?;
        let of = product_municipality::Column::ProductId.is_in(ids.clone());
        product_municipality::Entity::delete_many().filter(of).exec(db).await?;
        let of = product_customer_group::Column::ProductId.is_in(ids.clone());
        product_customer_group::Entity::delete_many().filter(of).exec(db).await?;
        price::Entity::delete_many().filter(price::Column::ProductId.is_in(ids.clone())).exec(db).await?;
    }
    insert_parts::<product_key::Entity>(db, products, |stored| &stored.keys).await?;
    insert_parts::<product_municipality::Entity>(db, products, |stored| &stored.municipalities).await?;
    insert_parts::<product_customer_group::Entity>(db, products, |stored| &stored.groups).await?;
    insert_parts::<price::Entity>(db, products, |stored| &stored.prices).await
}

/// Inserts a part of all products. Copied a statement's worth at a time: a portfolio has tens of thousands of them.
async fn insert_parts<E>(
    db: &impl ConnectionTrait,
    products: &[&Stored],
    part: fn(&Stored) -> &[E::Model],
) -> Result<(), DbErr>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel> + Sync,
    E::ActiveModel: sea_orm::ActiveModelBehavior + Send,
{
    let mut rows = Vec::new();
    for stored in products {
        rows.extend_from_slice(part(stored));
        if rows.len() >= at_once::<E>() {
            insert::<E>(db, std::mem::take(&mut rows)).await?;
        }
    }
    insert::<E>(db, rows).await
}

pub(super) async fn insert<E>(db: &impl ConnectionTrait, rows: Vec<E::Model>) -> Result<(), DbErr>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: sea_orm::ActiveModelBehavior + Send,
{
    let mut rows = rows.into_iter().map(IntoActiveModel::into_active_model).peekable();
    while rows.peek().is_some() {
        let chunk: Vec<E::ActiveModel> = rows.by_ref().take(at_once::<E>()).collect();
        E::insert_many(chunk).exec_without_returning(db).await?;
    }
    Ok(())
}

/// Rows in one statement.
fn at_once<E: EntityTrait>() -> usize {
    VALUES_AT_ONCE / E::Column::iter().count().max(1)
}
