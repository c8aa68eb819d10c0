//! Reading events along the chain. Their columns are taken by place: looking for two dozen names in each of a million rows
//! takes longer than hashing them.

use ::entity::audit_event::{self, Column, Model};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QueryResult, QuerySelect, QueryTrait,
    TryGetable,
};

/// Events that are read at once: the next ones are read while these are checked.
const EVENTS_AT_ONCE: u64 = 2_000;

/// The next events after a sequence.
pub(super) async fn read(db: &impl ConnectionTrait, after: i64) -> Result<Vec<Model>, DbErr> {
    let events = audit_event::Entity::find().filter(Column::Sequence.gt(after)).order_by_asc(Column::Sequence);
    let rows = db.query_all(events.limit(EVENTS_AT_ONCE).as_query()).await?;
    rows.iter().map(|row| event(&mut Columns { row, place: 0 })).collect()
}

/// The columns of a row, one after the other.
struct Columns<'row> {
    row: &'row QueryResult,
    place: usize,
}

impl Columns<'_> {
    fn next<T: TryGetable>(&mut self) -> Result<T, DbErr> {
        self.place += 1;
        self.row.try_get_by_index(self.place - 1)
    }
}

// INVARIANT: in the order of the entity's fields, which is that of the query's columns.
fn event(columns: &mut Columns<'_>) -> Result<Model, DbErr> {
    Ok(Model {
        sequence: columns.next()?,
        at: columns.next()?,
        action: columns.next()?,
        outcome: columns.next()?,
        issuer: columns.next()?,
        subject: columns.next()?,
        roles: columns.next()?,
        organisation: columns.next()?,
        entity_type: columns.next()?,
        entity_id: columns.next()?,
        before: columns.next()?,
        after: columns.next()?,
        content_digest: columns.next()?,
        reason_code: columns.next()?,
        reason_text: columns.next()?,
        reason_digest: columns.next()?,
        reason_reference: columns.next()?,
        rule: columns.next()?,
        policies: columns.next()?,
        request_id: columns.next()?,
        salt: columns.next()?,
        previous_hash: columns.next()?,
        hash: columns.next()?,
    })
}
