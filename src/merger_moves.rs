//! Carries a merger out as its plan says: set by set, never one subscription after the other.

use std::collections::HashSet;

use ::entity::{
    change::Type,
    contact_assignment, freeze,
    joining::{self, Level},
    phase_exception, product, product_alias,
    product_subscription::{self, Column},
    product_version, provider_merger_predecessor as predecessor,
    subscription_history::{self, Action as HistoryAction},
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
    prelude::{DateTimeUtc, Uuid},
    sea_query::{Expr, ExprTrait, Query},
};
use serde_json::{Value, json};

use crate::{
    access::DutyPermit,
    catalogue::Merger,
    clock::day_of,
    error::{Error, Result},
    feed::Changed,
    merger_coverage,
    merger_plans::{MovedProduct, Plan, products_of},
    mergers::Merging,
    orders::{Act, Order},
    portfolios::versions::Content,
};

/// Rows in one statement: both databases take that many values.
const ROWS_IN_STATEMENT: usize = 1_000;

/// A merger that is being carried out.
pub struct Moving<'m> {
    /// Who asked for it.
    pub order: &'m Order<Merging>,
    /// The right to do it.
    pub permit: &'m DutyPermit,
    /// What is to be done.
    pub plan: &'m Plan,
    /// The merger.
    pub merger: &'m Merger,
    /// Now.
    pub now: DateTimeUtc,
}

impl Moving<'_> {
    /// Moves everything, and tells what was changed for the feed. The caller records and commits.
    pub async fn carry_out(&self, db: &impl ConnectionTrait) -> Result<Vec<Changed>> {
        let plain = |kind, id| Changed { kind, id, version: None };
        let mut changed = vec![plain(Type::ProviderMerger, self.merger.row.id)];
        let parties = std::iter::once(&self.plan.into).chain(&self.plan.providers);
        changed.extend(parties.map(|id| plain(Type::Provider, *id)));
        self.write_merger(db).await?;
        changed.extend(self.join(db).await?.into_iter().map(|id| plain(Type::Joining, id)));
        // Before the products move: these look for the products of the old providers.
        changed.extend(self.carry_freezes_on(db).await?.into_iter().map(|id| plain(Type::Freeze, id)));
        changed.extend(self.carry_exceptions_on(db).await?.into_iter().map(|id| plain(Type::PhaseException, id)));
        self.move_products(db).await?;
        let product = |product: &MovedProduct| Changed {
            kind: Type::Product,
            id: product.id,
            version: Some(product.version + 1),
        };
        changed.extend(self.plan.products.iter().map(product));
        changed.extend(self.move_taken(db).await?);
        changed.extend(self.move_assignments(db).await?.into_iter().map(|id| plain(Type::Contact, id)));
        merger_coverage::carry_out(db, &self.plan.coverage, self.plan.into, self.plan.on).await?;
        Ok(changed)
    }

    /// What is recorded: the merger with its counts, and every product that moved.
    pub fn acts(&self) -> Result<Vec<Act<'_>>> {
        let act = |entity, before, after| Act { permit: self.permit, entity, before, after: Some(after) };
        let merger = act(("ProviderMerger", self.merger.row.id), None, self.summary()?);
        let moved = self.plan.products.iter().map(|product| {
            let told = |provider: Uuid, key: &str, version: i64| json!({ "providerId": provider, "externalId": key, "version": version });
            let before = told(product.provider, &product.external_id, product.version);
            let after = told(self.plan.into, &product.external_id_after, product.version + 1);
            act(("Product", product.id), Some(before), after)
        });
        Ok(std::iter::once(merger).chain(moved).collect())
    }

    fn summary(&self) -> Result<Value> {
        let mut told = serde_json::to_value(&self.order.deed).map_err(Error::internal)?;
        if let Some(told) = told.as_object_mut() {
            told.insert("key".to_owned(), json!(self.merger.row.key));
            told.insert("products".to_owned(), json!(self.plan.products.len()));
            told.insert("subscriptions".to_owned(), json!(self.plan.subscriptions().subscriptions));
            told.insert("taken".to_owned(), json!(self.plan.taken.subscriptions));
            told.insert("coverage".to_owned(), json!(self.plan.coverage));
            told.insert("assignments".to_owned(), json!(self.plan.assignments));
        }
        Ok(told)
    }

    async fn write_merger(&self, db: &impl ConnectionTrait) -> Result<()> {
        self.merger.row.clone().into_active_model().insert(db).await?;
        let rows = self.merger.predecessors.iter().cloned().map(IntoActiveModel::into_active_model);
        predecessor::Entity::insert_many(rows).exec_without_returning(db).await?;
        Ok(())
    }

    /// Those that have gone into another have level MERGED from the day on.
    async fn join(&self, db: &impl ConnectionTrait) -> Result<Vec<Uuid>> {
        let merged = self.plan.providers.iter().map(|provider| joining::Model {
            id: Uuid::new_v4(),
            provider_id: Some(*provider),
            municipality_id: None,
            level: Level::Merged,
            valid_from: self.plan.on,
            resolution: Some(self.order.deed.resolution.clone()),
            sample: false,
        });
        let rows: Vec<joining::Model> = merged.collect();
        let ids = rows.iter().map(|row| row.id).collect();
        joining::Entity::insert_many(rows.into_iter().map(IntoActiveModel::into_active_model))
            .exec_without_returning(db)
            .await?;
        Ok(ids)
    }

    /// A freeze of a provider would freeze all of the successor's: it goes on for each product that it froze.
    async fn carry_freezes_on(&self, db: &impl ConnectionTrait) -> Result<Vec<Uuid>> {
        let mut changed = Vec::new();
        for freeze in &self.plan.freezes {
            let lifted =
                freeze::ActiveModel { id: Set(freeze.id), lifted_at: Set(Some(self.now)), ..Default::default() };
            lifted.update(db).await?;
            changed.push(freeze.id);
            let of_product = |product: Uuid| freeze::Model {
                id: Uuid::new_v4(),
                provider_id: None,
                product_id: Some(product),
                lifted_at: None,
                ..freeze.clone()
            };
            let rows: Vec<_> = self.products_of(freeze.provider_id).map(of_product).collect();
            changed.extend(rows.iter().map(|row| row.id));
            for rows in rows.chunks(ROWS_IN_STATEMENT) {
                let rows = rows.iter().cloned().map(IntoActiveModel::into_active_model);
                freeze::Entity::insert_many(rows).exec_without_returning(db).await?;
            }
        }
        Ok(changed)
    }

    /// The same for an exception to the phase; one that a product has itself goes before it, as it did.
    async fn carry_exceptions_on(&self, db: &impl ConnectionTrait) -> Result<Vec<Uuid>> {
        let mut changed = Vec::new();
        let today = day_of(self.now);
        for exception in &self.plan.phase_exceptions {
            let end = |row: &phase_exception::Model| phase_exception::ActiveModel {
                id: Set(row.id),
                ended_at: Set(Some(self.now)),
                ..Default::default()
            };
            end(exception).update(db).await?;
            changed.push(exception.id);
            let products = products_of(exception.provider_id.as_slice());
            let own = phase_exception::Entity::find()
                .filter(phase_exception::Column::EndedAt.is_null())
                .filter(phase_exception::Column::ProductId.in_subquery(products))
                .all(db)
                .await?;
            let mut has_own = HashSet::new();
            for row in own {
                if row.until_day.is_some_and(|until| until < today) {
                    // Over, and in the way of the next one.
                    end(&row).update(db).await?;
                } else {
                    has_own.extend(row.product_id);
                }
            }
            for product in self.products_of(exception.provider_id) {
                if has_own.contains(&product) {
                    continue;
                }
                let (id, product_id) = (Uuid::new_v4(), Some(product));
                let row =
                    phase_exception::Model { id, provider_id: None, product_id, ended_at: None, ..exception.clone() };
                row.into_active_model().insert(db).await?;
                changed.push(id);
            }
        }
        Ok(changed)
    }

    fn products_of(&self, provider: Option<Uuid>) -> impl Iterator<Item = Uuid> {
        let own = self.plan.products.iter().filter(move |product| Some(product.provider) == provider);
        own.map(|product| product.id)
    }

    /// The old keys find the products for ever.
    async fn move_products(&self, db: &impl ConnectionTrait) -> Result<()> {
        use product::Column;
        for products in self.plan.products.chunks(ROWS_IN_STATEMENT) {
            let aliases = products.iter().map(|product| product_alias::ActiveModel {
                provider_id: Set(product.provider),
                external_id: Set(product.external_id.clone()),
                product_id: Set(product.id),
            });
            product_alias::Entity::insert_many(aliases).exec_without_returning(db).await?;
        }
        // First the new keys: with the old ones two products of the successor would have the same.
        for product in self.plan.renamed() {
            let key = Set(product.external_id_after.clone());
            product::ActiveModel { id: Set(product.id), external_id: key, ..Default::default() }.update(db).await?;
        }
        self.keep_versions(db).await?;
        product::Entity::update_many()
            .col_expr(Column::ProviderId, Expr::value(self.plan.into))
            .col_expr(Column::Version, Expr::col(Column::Version).add(1))
            .col_expr(Column::UpdatedAt, Expr::value(self.now))
            .filter(Column::ProviderId.is_in(self.plan.providers.iter().copied()))
            .exec(db)
            .await?;
        Ok(())
    }

    /// The next version of each product says the same in its provider's words, but for its key; nobody has to review it.
    async fn keep_versions(&self, db: &impl ConnectionTrait) -> Result<()> {
        use product_version::Column as Version;
        let rows = Query::select()
            .column((product_version::Entity, Version::ProductId))
            .expr(Expr::value(self.plan.into))
            .expr(Expr::col((product_version::Entity, Version::Version)).add(1))
            .expr(Expr::value(self.now))
            .expr(Expr::value(<&str>::from(self.permit.duty())))
            .column((product_version::Entity, Version::Lifecycle))
            .column((product_version::Entity, Version::Content))
            .expr(Expr::value(self.now))
            .from(product_version::Entity)
            .inner_join(
                product::Entity,
                Expr::col((product::Entity, product::Column::Id))
                    .equals((product_version::Entity, Version::ProductId))
                    .and(
                        Expr::col((product::Entity, product::Column::Version))
                            .equals((product_version::Entity, Version::Version)),
                    ),
            )
            .and_where(
                Expr::col((product::Entity, product::Column::ProviderId)).is_in(self.plan.providers.iter().copied()),
            )
            .take();
        let columns = [
            Version::ProductId,
            Version::ProviderId,
            Version::Version,
            Version::At,
            Version::Action,
            Version::Lifecycle,
            Version::Content,
            Version::SeenAt,
        ];
        let mut insert = Query::insert();
        insert.into_table(product_version::Entity).columns(columns);
        insert.select_from(rows).map_err(Error::internal)?;
        db.execute(&insert).await?;
        for product in self.plan.renamed() {
            let row = product_version::Entity::find_by_id((product.id, product.version + 1)).one(db).await?;
            let Some(row) = row else { continue };
            let mut content = Content::read(&row)?;
            content.entry.external_id.clone_from(&product.external_id_after);
            let content = Set(serde_json::to_string(&content).map_err(Error::internal)?);
            product_version::ActiveModel { content, ..row.into_active_model() }.update(db).await?;
        }
        Ok(())
    }

    /// What the old providers take themselves, the successor takes: a new version, with its step in the history.
    async fn move_taken(&self, db: &impl ConnectionTrait) -> Result<Vec<Changed>> {
        let taken = || Column::ProviderId.is_in(self.plan.providers.iter().copied());
        let known: Vec<(Uuid, i64)> = product_subscription::Entity::find()
            .select_only()
            .columns([Column::Id, Column::Version])
            .filter(taken())
            // What ends or expires by itself is written down without looking at the catalogue.
            .lock_exclusive()
            .into_tuple()
            .all(db)
            .await?;
        if known.is_empty() {
            return Ok(Vec::new());
        }
        self.write_history(db, taken()).await?;
        product_subscription::Entity::update_many()
            .col_expr(Column::ProviderId, Expr::value(self.plan.into))
            .col_expr(Column::Version, Expr::col(Column::Version).add(1))
            .col_expr(Column::UpdatedAt, Expr::value(self.now))
            .filter(taken())
            .exec(db)
            .await?;
        let changed =
            |(id, version): (Uuid, i64)| Changed { kind: Type::ProductSubscription, id, version: Some(version + 1) };
        Ok(known.into_iter().map(changed).collect())
    }

    async fn write_history(&self, db: &impl ConnectionTrait, which: Expr) -> Result<()> {
        use subscription_history::Column as History;
        let reason = self.order.reason.as_ref().ok_or_else(|| Error::internal("a merger without a reason"))?;
        let role = self.order.caller.roles.first().map(|role| <&str>::from(*role).to_owned());
        let rows = Query::select()
            .column(Column::Id)
            .expr(Expr::col(Column::Version).add(1))
            .expr(Expr::value(self.now))
            .expr(Expr::value(HistoryAction::Merge))
            .column(Column::State)
            .expr(Expr::value(role))
            .expr(Expr::value(reason.code))
            .expr(Expr::value(reason.text.as_str()))
            .expr(Expr::value(reason.reference.clone()))
            .from(product_subscription::Entity)
            .and_where(which)
            .take();
        let columns = [
            History::SubscriptionId,
            History::Version,
            History::At,
            History::Action,
            History::State,
            History::Role,
            History::ReasonCode,
            History::ReasonText,
            History::ReasonReference,
        ];
        let mut insert = Query::insert();
        insert.into_table(subscription_history::Entity).columns(columns);
        insert.select_from(rows).map_err(Error::internal)?;
        db.execute(&insert).await?;
        Ok(())
    }

    async fn move_assignments(&self, db: &impl ConnectionTrait) -> Result<Vec<Uuid>> {
        let mut contacts = Vec::new();
        for assignment in &self.plan.assignments {
            let mut row = contact_assignment::ActiveModel {
                id: Set(assignment.id),
                provider_id: Set(Some(self.plan.into)),
                ..Default::default()
            };
            if assignment.becomes_deputy {
                row.rank = Set(contact_assignment::Rank::Deputy);
            }
            row.update(db).await?;
            contacts.push(assignment.contact);
        }
        contacts.sort_unstable();
        contacts.dedup();
        Ok(contacts)
    }
}
