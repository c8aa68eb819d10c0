//! Which webhooks are due, and working on them beside each other: one that does not answer holds up nobody else.

use std::{sync::Arc, time::Duration};

use ::entity::webhook::{self, Column, State};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter,
    prelude::{DateTimeUtc, Uuid},
};
use tokio::{sync::Semaphore, task::JoinSet};

use super::{Row, work};
use crate::{clock::Clock, desk::Desk, error::Result};

/// Webhooks that one instance works on at once.
const AT_ONCE: usize = 64;

/// Works once on every webhook that is due, to the end. How many.
pub async fn round(desk: &Arc<Desk>, clock: Clock) -> Result<usize> {
    let (mut tasks, places) = (JoinSet::new(), Arc::new(Semaphore::new(AT_ONCE)));
    let count = start(desk, clock, &mut tasks, &places).await?;
    while let Some(ended) = tasks.join_next().await {
        note(ended);
    }
    Ok(count)
}

/// Works on what is due, for ever: whenever the feed has gone on, and every now and then.
pub async fn keep_delivering(desk: Arc<Desk>, every: Duration) {
    if !desk.webhooks.has_key() {
        return;
    }
    let (mut tasks, places) = (JoinSet::new(), Arc::new(Semaphore::new(AT_ONCE)));
    let mut head = desk.feed.heads();
    loop {
        if let Err(error) = start(&desk, desk.clock, &mut tasks, &places).await {
            tracing::debug!(%error, "webhooks could not be looked at");
        }
        while let Some(ended) = tasks.try_join_next() {
            note(ended);
        }
        tokio::select! {
            changed = head.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(every) => {}
        }
    }
}

/// Takes what is due and begins to work on it. How many.
async fn start(
    desk: &Arc<Desk>,
    clock: Clock,
    tasks: &mut JoinSet<(Uuid, Result<()>)>,
    places: &Arc<Semaphore>,
) -> Result<usize> {
    let (head, now) = (desk.feed.look().await?, clock.now());
    let mut count = 0;
    for row in due(desk, head, now).await? {
        // None left: others are taken when one is done, here or by another instance.
        let Ok(place) = places.clone().try_acquire_owned() else { break };
        let Some(lease) = work::take(desk, &row, now).await? else { continue };
        let (desk, id) = (desk.clone(), row.id);
        tasks.spawn(async move {
            let done = work::work(&desk, lease, head, clock).await;
            drop(place);
            (id, done)
        });
        count += 1;
    }
    Ok(count)
}

/// Webhooks that there is something to do for. There are few, so that all are looked at.
async fn due(desk: &Desk, head: i64, now: DateTimeUtc) -> Result<Vec<Row>> {
    let active = webhook::Entity::find().filter(Column::State.eq(State::Active));
    let rows = active.all(desk.database.connection()).await?;
    Ok(rows.into_iter().filter(|row| is_due(row, head, now)).collect())
}

fn is_due(row: &Row, head: i64, now: DateTimeUtc) -> bool {
    let has_come = |moment: Option<DateTimeUtc>| moment.is_some_and(|moment| moment <= now);
    let is_free = row.leased_until.is_none() || has_come(row.leased_until);
    let is_resting = row.resting_until.is_some() && !has_come(row.resting_until);
    is_free && !is_resting && (has_come(row.retry_at) || row.seen < head || row.lease.is_some())
}

fn note(ended: Result<(Uuid, Result<()>), tokio::task::JoinError>) {
    match ended {
        Ok((_, Ok(()))) => {}
        // Its lease ends by itself, and what was not noted is sent again.
        Ok((webhook, Err(error))) => tracing::error!(%webhook, %error, "the work on a webhook broke off"),
        Err(error) => tracing::error!(%error, "the work on a webhook broke off"),
    }
}
