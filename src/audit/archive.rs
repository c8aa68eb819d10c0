//! Moving the oldest events to a file, and leaving an anchor in their place.
//!
//! INVARIANT: events are removed only when the whole chain holds, and only in the transaction at whose end their file is
//! complete, on the disk and in its place.

use std::path::Path;

use ::entity::{
    audit_anchor,
    audit_event::{self, Column, Outcome},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, prelude::DateTimeUtc,
};

use super::{
    ARCHIVE, Actor, Event, Head,
    file::Draft,
    verify::{Fault, Known, Walk, walk_database},
};
use crate::{database::Database, records};

/// Which events go where.
#[derive(Clone, Copy, Debug)]
pub struct Archiving<'a> {
    /// All up to the last one before the first event at this moment or later,
    pub before: DateTimeUtc,
    /// to this file, which must not exist.
    pub to: &'a Path,
}

/// Archives the oldest events; none when there are none. `policies` is the fingerprint of those in force. Others write
/// meanwhile, except during the last transaction.
pub async fn archive(
    database: &Database,
    archiving: Archiving<'_>,
    policies: &str,
    now: DateTimeUtc,
    tell: impl Fn(i64, i64),
) -> Result<Option<audit_anchor::Model>, Fault> {
    if archiving.to.exists() {
        let file = archiving.to.display();
        return Err(Fault::Failed(format!("{file} exists already; please name another file")));
    }
    loop {
        let Some(part) = copy(database, archiving, &tell).await? else { return Ok(None) };
        if let Some(anchor) = part.hand_over(database, policies, now).await? {
            return Ok(Some(anchor));
        }
    }
}

/// Events that are being copied.
struct Part {
    draft: Draft,
    before: DateTimeUtc,
    is_over: bool,
    beginning: Head,
    last: Head,
    content: Content,
}

/// How many events, and how many of their texts were not erased: these can only become fewer.
type Content = (i64, i64, i64, i64, i64);

/// Walks along the whole chain, and copies the part that is to be archived.
async fn copy(database: &Database, archiving: Archiving<'_>, tell: &impl Fn(i64, i64)) -> Result<Option<Part>, Fault> {
    let db = database.begin_consistent_read().await?;
    let known = Known::load(&db).await?;
    let beginning = known.beginning();
    let part = Part {
        draft: Draft::begin(archiving.to, &beginning)?,
        before: archiving.before,
        is_over: false,
        last: beginning.clone(),
        beginning: beginning.clone(),
        content: (0, 0, 0, 0, 0),
    };
    let total = known.head.sequence;
    let walk = Walk::new(beginning, None);
    let (walk, part) = walk_database(&db, walk, part, Part::take, |sequence| tell(sequence, total)).await?;
    walk.check(&known)?;
    Ok((part.content.0 > 0).then_some(part))
}

impl Part {
    fn take(&mut self, event: audit_event::Model) -> Result<(), Fault> {
        self.is_over |= event.at >= self.before;
        if self.is_over {
            return Ok(());
        }
        let one = |text: &Option<String>| i64::from(text.is_some());
        self.content.0 += 1;
        self.content.1 += one(&event.before);
        self.content.2 += one(&event.after);
        self.content.3 += one(&event.reason_text);
        self.content.4 += one(&event.salt);
        self.last.sequence = event.sequence;
        self.last.hash.clone_from(&event.hash);
        self.draft.event(event)
    }

    /// Removes what was copied, in one transaction. None when another archive went first or a text was erased since: then
    /// the copy is no longer right.
    async fn hand_over(
        mut self,
        database: &Database,
        policies: &str,
        now: DateTimeUtc,
    ) -> Result<Option<audit_anchor::Model>, Fault> {
        let events = self.content.0;
        let file_digest = self.draft.finish(&self.last, events)?;
        let Head { sequence, hash } = self.last;
        let anchor = audit_anchor::Model { sequence, hash, events, file_digest, archived_at: now };
        let db = database.begin_exclusive().await?;
        if Known::load(&*db).await?.beginning() != self.beginning
            || content(&*db, sequence).await? != Some(self.content)
        {
            db.roll_back().await?;
            return Ok(None);
        }
        remove(&*db, &anchor, policies, now).await?;
        self.draft.place()?;
        db.commit().await.map_err(|error| {
            Fault::Failed(format!(
                "the archive is written, but whether its events were removed is unknown: {error}. Please see with \
                 `itkatalog audit verify --archive FILE`; if no anchor ends with event {sequence}, remove the file and \
                 archive again"
            ))
        })?;
        Ok(Some(anchor))
    }
}

async fn content(db: &impl ConnectionTrait, to: i64) -> Result<Option<Content>, DbErr> {
    let events = audit_event::Entity::find().select_only().filter(Column::Sequence.lte(to));
    let events = events.column_as(Column::Sequence.count(), "events");
    let events = events.column_as(Column::Before.count(), "befores").column_as(Column::After.count(), "afters");
    let events = events.column_as(Column::ReasonText.count(), "reasons").column_as(Column::Salt.count(), "salts");
    events.into_tuple().one(db).await
}

async fn remove(
    db: &impl ConnectionTrait,
    anchor: &audit_anchor::Model,
    policies: &str,
    now: DateTimeUtc,
) -> Result<(), Fault> {
    let before = audit_anchor::Entity::find().order_by_desc(audit_anchor::Column::Sequence).one(db).await?;
    let json = |anchor| serde_json::to_value(anchor).map(|anchor| anchor.to_string());
    let json = |anchor| json(anchor).map_err(|error: serde_json::Error| Fault::Failed(error.to_string()));
    let event = Event {
        actor: Actor::service("archive"),
        action: ARCHIVE,
        outcome: Outcome::Committed,
        entity: None,
        before: before.as_ref().map(json).transpose()?,
        after: Some(json(anchor)?),
        reason: None,
        rule: None,
        policies,
        request_id: None,
    };
    // The anchor comes first: it allows to delete what stands before it.
    anchor.clone().into_active_model().insert(db).await?;
    audit_event::Entity::delete_many().filter(Column::Sequence.lte(anchor.sequence)).exec(db).await?;
    Ok(records::append(db, &[], [event], now).await?)
}
