//! Whose subscriptions were changed since when, as this process knows it from the change feed: so that what was read of them can be
//! kept until then.

use std::collections::HashMap;

use ::entity::{
    change::{self, Type},
    product_subscription, subscription_history,
};
use parking_lot::Mutex;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
    prelude::{DateTimeUtc, Uuid},
    sea_query::SelectStatement,
};

use super::scope::Scope;

/// Entries of the feed that are looked through for whose subscriptions they are about; where there are more, it may be everybody's.
const MOST_ENTRIES: i64 = 10_000;

/// Rises for a subscriber whenever its subscriptions change.
#[derive(Debug, Default)]
pub struct Marks(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Rises with everything that is noted.
    now: u64,
    /// When anything was changed.
    any: u64,
    /// When everything may have been.
    all: u64,
    /// When subscriptions of a municipality were changed.
    of: HashMap<Uuid, u64>,
    /// When what is open first expires, and at which mark that was looked up.
    expiry: HashMap<Uuid, (u64, Option<DateTimeUtc>)>,
}

impl Marks {
    /// The mark of everything that a scope reads: while it stays, nothing of that has been changed.
    pub fn of(&self, scope: &Scope) -> u64 {
        let known = self.0.lock();
        match only_municipalities(scope) {
            Some(municipalities) => {
                let marks = municipalities.iter().filter_map(|id| known.of.get(id)).copied();
                marks.max().unwrap_or_default().max(known.all)
            }
            None => known.any,
        }
    }

    /// Notes that anything may have been changed.
    pub fn note_all(&self) {
        let mut known = self.0.lock();
        known.now += 1;
        (known.any, known.all) = (known.now, known.now);
    }

    /// Notes whose subscriptions the entries after a sequence up to another are about.
    pub async fn note(&self, db: &impl ConnectionTrait, after: i64, up_to: i64) -> Result<(), DbErr> {
        if up_to - after > MOST_ENTRIES {
            self.note_all();
            return Ok(());
        }
        let now: Vec<Option<Uuid>> = product_subscription::Entity::find()
            .select_only()
            .column(product_subscription::Column::MunicipalityId)
            .distinct()
            .filter(product_subscription::Column::Id.in_subquery(changed(after, up_to)))
            .into_tuple()
            .all(db)
            .await?;
        if now.is_empty() {
            return Ok(());
        }
        // Who had a subscription before it went over to another.
        use subscription_history::Column;
        let before: Vec<Option<Uuid>> = subscription_history::Entity::find()
            .select_only()
            .column(Column::FormerMunicipalityId)
            .distinct()
            .filter(Column::SubscriptionId.in_subquery(changed(after, up_to)))
            .filter(Column::FormerMunicipalityId.is_not_null())
            .into_tuple()
            .all(db)
            .await?;
        let mut known = self.0.lock();
        known.now += 1;
        let mark = known.now;
        known.any = mark;
        known.of.extend(now.into_iter().chain(before).flatten().map(|id| (id, mark)));
        Ok(())
    }

    /// The first moment after now at which something that a scope reads expires without anybody writing it; none when nothing does.
    pub async fn expiry(
        &self,
        db: &impl ConnectionTrait,
        scope: &Scope,
        now: DateTimeUtc,
    ) -> Result<Option<DateTimeUtc>, DbErr> {
        let Some([municipality]) = only_municipalities(scope) else { return first_expiry(db, scope, now).await };
        let mark = self.of(scope);
        let is_known = |(at, until): &&(u64, Option<DateTimeUtc>)| *at == mark && until.is_none_or(|until| until > now);
        if let Some((_, until)) = self.0.lock().expiry.get(municipality).filter(is_known) {
            return Ok(*until);
        }
        let until = first_expiry(db, scope, now).await?;
        self.0.lock().expiry.insert(*municipality, (mark, until));
        Ok(until)
    }
}

/// The municipalities of a scope that has nothing else.
fn only_municipalities(scope: &Scope) -> Option<&[Uuid]> {
    match scope {
        Scope::Of { municipalities, provider: None, district: None } => Some(municipalities),
        _ => None,
    }
}

fn changed(after: i64, up_to: i64) -> SelectStatement {
    use change::Column;
    let entries = change::Entity::find().select_only().column(Column::EntityId);
    let entries = entries.filter(Column::Sequence.gt(after)).filter(Column::Sequence.lte(up_to));
    entries.filter(Column::Kind.eq(Type::ProductSubscription)).into_query()
}

async fn first_expiry(
    db: &impl ConnectionTrait,
    scope: &Scope,
    now: DateTimeUtc,
) -> Result<Option<DateTimeUtc>, DbErr> {
    use product_subscription::Column;
    let open = product_subscription::Entity::find().select_only().column_as(Column::ExpiresAt.min(), "first");
    let open = open.filter(Column::OpenMatter.is_not_null()).filter(Column::ExpiresAt.gt(now));
    let first: Option<Option<DateTimeUtc>> = open.filter(scope.predicate()).into_tuple().one(db).await?;
    Ok(first.flatten())
}
