//! Writing the change feed: committed changes only, in the order of commits, without gaps, each with what the thing was
//! afterwards.

use ::entity::change::{self, Type};
use sea_orm::{
    ConnectionTrait, DbErr,
    prelude::{DateTimeUtc, Uuid},
};

use crate::{
    batch::Batch,
    records::Heads,
    states::{self, States},
};

/// Changes in one statement: both databases take that many values.
const CHANGES_IN_STATEMENT: usize = 1_000;

/// Something that was changed.
#[derive(Clone, Copy, Debug)]
pub struct Changed {
    /// What kind of thing.
    pub kind: Type,
    /// Which one.
    pub id: Uuid,
    /// The version that it has since then; none for things without versions.
    pub version: Option<i64>,
}

/// Appends what a transaction changes; what is known of it is not read again.
pub async fn append(
    batch: &mut Batch<'_, impl ConnectionTrait>,
    heads: &mut Heads,
    changed: &[Changed],
    known: &States,
    now: DateTimeUtc,
) -> Result<(), DbErr> {
    for chunk in changed.chunks(CHANGES_IN_STATEMENT) {
        let is_known = chunk.iter().all(|changed| known.contains_key(&changed.id));
        let states = match is_known {
            true => known,
            false => &states::as_they_are(batch.written().await?, chunk, known).await?,
        };
        let entries = chunk.iter().map(|changed| {
            heads.change_sequence += 1;
            change::Model {
                sequence: heads.change_sequence,
                at: now,
                kind: changed.kind,
                entity_id: changed.id,
                entity_version: changed.version,
                // What the public does not see has no state.
                published: changed.kind != Type::Product || states.contains_key(&changed.id),
            }
        });
        let entries: Vec<change::Model> = entries.collect();
        states::keep(batch, &entries, states).await?;
        batch.insert::<change::Entity>(entries).await?;
    }
    Ok(())
}
