//! Working on one webhook: whoever has the lease sends what is due, and notes it.
//!
//! A lease is an id that is made for one piece of work, and a moment until which nobody else begins. It is prolonged whenever
//! something is noted, which takes no longer than one request; who was killed is followed by another instance after it.

use ::entity::{
    webhook::{self, Column, DisabledBecause, State},
    webhook_entry,
};
use chrono::TimeDelta;
use futures_util::future::join_all;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter,
    prelude::{DateTimeUtc, Expr, Uuid},
};

use super::{
    Row,
    messages::Message,
    post,
    settle::{self, Next, Sent, settle},
    view,
    window::{ENTRIES, FAILED_IN_A_ROW, Window},
};
use crate::{
    changes,
    clock::Clock,
    desk::Desk,
    error::{Code, Error, Result},
};

/// How long a lease holds: longer than a request and noting it.
pub const LEASE: TimeDelta = TimeDelta::seconds(60);

/// The right to work on a webhook.
#[derive(Debug)]
pub struct Lease {
    /// This piece of work.
    pub id: Uuid,
    /// Which webhook.
    pub webhook: Uuid,
    /// How often its owner had moved the position when the work began.
    pub moves: i64,
}

/// Takes the lease of a webhook; none when another has it.
pub async fn take(desk: &Desk, row: &Row, now: DateTimeUtc) -> Result<Option<Lease>> {
    let id = Uuid::new_v4();
    let is_free = Condition::any().add(Column::LeasedUntil.is_null()).add(Column::LeasedUntil.lte(now));
    let taken = webhook::Entity::update_many()
        .col_expr(Column::Lease, Expr::value(id))
        .col_expr(Column::LeasedUntil, Expr::value(now + LEASE))
        .filter(Column::Id.eq(row.id))
        .filter(Column::State.eq(State::Active))
        .filter(is_free);
    let db = desk.database.begin_write().await?;
    let is_taken = taken.exec(&*db).await?.rows_affected == 1;
    db.commit().await?;
    Ok(is_taken.then_some(Lease { id, webhook: row.id, moves: row.moves }))
}

/// Sends everything that is due, up to an entry of the feed, and gives the lease back.
pub async fn work(desk: &Desk, mut lease: Lease, head: i64, clock: Clock) -> Result<()> {
    loop {
        let found = webhook::Entity::find_by_id(lease.webhook).one(desk.database.connection()).await?;
        let is_mine = |row: &Row| row.lease == Some(lease.id) && row.state == State::Active;
        let Some(row) = found.filter(is_mine) else { break };
        lease.moves = row.moves;
        let Some(mut window) = read(desk, &lease, &row, head, clock.now()).await? else { break };
        if let Some(stopped) = send_all(desk, &lease, row, &mut window, clock).await? {
            match stopped {
                Next::BeginAgain => continue,
                _ => break,
            }
        }
        if !(window.is_done() && window.has_next) {
            return rest(desk, &lease, window.retry_at(), head).await;
        }
    }
    give_back(desk, &lease).await
}

/// The next entries that its owner may read. None when entries after its position are gone: then it is disabled.
async fn read(desk: &Desk, lease: &Lease, row: &Row, head: i64, now: DateTimeUtc) -> Result<Option<Window>> {
    let db = desk.database.connection();
    let view = view(row, &desk.live.snapshot())?;
    // Behind the end of the feed: the database was put back to an earlier state.
    let page = match row.position > head {
        true => Err(Error::new(Code::CursorExpired, "", "")),
        false => changes::read(db, &view, Some(row.position), head, ENTRIES).await,
    };
    match page {
        Ok(page) => {
            let known = webhook_entry::Entity::find().filter(webhook_entry::Column::WebhookId.eq(row.id));
            Ok(Some(Window::new(page, known.all(db).await?)))
        }
        Err(error) if error.code == Code::CursorExpired => {
            let db = desk.database.begin_write().await?;
            let mut disabled = row.clone();
            settle::disable(&mut disabled, DisabledBecause::Expired, now);
            let stop = webhook::Entity::update_many()
                .col_expr(Column::State, Expr::value(disabled.state))
                .col_expr(Column::DisabledBecause, Expr::value(disabled.disabled_because))
                .col_expr(Column::DisabledAt, Expr::value(disabled.disabled_at))
                .filter(Column::Id.eq(row.id))
                .filter(Column::Lease.eq(lease.id))
                .filter(Column::Moves.eq(row.moves));
            stop.exec(&*db).await?;
            db.commit().await?;
            tracing::warn!(webhook = %row.id, "a webhook is disabled: changes after its position are not kept any more");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Sends what can be sent of a window, some at once. What stopped it, if something did.
async fn send_all(desk: &Desk, lease: &Lease, mut row: Row, window: &mut Window, clock: Clock) -> Result<Option<Next>> {
    loop {
        let now = clock.now();
        let is_resting = row.resting_until.is_some_and(|until| now < until);
        let ready = if is_resting { Vec::new() } else { window.ready(row.failed_in_a_row < FAILED_IN_A_ROW, now) };
        if ready.is_empty() {
            // What was read but is not for this webhook is behind it too.
            return match settle_position(desk, lease, window, &row, now).await? {
                Next::GoOn(_) => Ok(None),
                stopped => Ok(Some(stopped)),
            };
        }
        let installation = desk.feed.installation();
        let messages = ready.iter().map(|entry| Message::of(&row, installation, entry));
        let messages = messages.collect::<Result<Vec<Message>>>()?;
        let sending = messages.into_iter().map(|message| async {
            let attempt = post::send(&desk.webhooks, &row, &message, now, desk.webhooks.timeout).await;
            Sent { message, attempt }
        });
        let sent = join_all(sending).await;
        match settle(&desk.database, lease, window, sent, clock.now()).await? {
            Next::GoOn(next) => row = *next,
            stopped => return Ok(Some(stopped)),
        }
    }
}

/// Moves the position over what there is nothing to send of.
async fn settle_position(desk: &Desk, lease: &Lease, window: &mut Window, row: &Row, now: DateTimeUtc) -> Result<Next> {
    if window.position(row.position) == row.position {
        return Ok(Next::GoOn(Box::new(row.clone())));
    }
    settle(&desk.database, lease, window, Vec::new(), now).await
}

/// Gives the lease back until something is due again.
async fn rest(desk: &Desk, lease: &Lease, retry_at: Option<DateTimeUtc>, head: i64) -> Result<()> {
    let rested = given_back(lease)
        .col_expr(Column::RetryAt, Expr::value(retry_at))
        .col_expr(Column::Seen, Expr::value(head))
        // Whoever has moved it meanwhile wants it to be looked at again.
        .filter(Column::Moves.eq(lease.moves));
    let db = desk.database.begin_write().await?;
    let is_done = rested.exec(&*db).await?.rows_affected == 1;
    db.commit().await?;
    if is_done { Ok(()) } else { give_back(desk, lease).await }
}

async fn give_back(desk: &Desk, lease: &Lease) -> Result<()> {
    let db = desk.database.begin_write().await?;
    given_back(lease).exec(&*db).await?;
    Ok(db.commit().await?)
}

fn given_back(lease: &Lease) -> sea_orm::UpdateMany<webhook::Entity> {
    webhook::Entity::update_many()
        .col_expr(Column::Lease, Expr::value(Option::<Uuid>::None))
        .col_expr(Column::LeasedUntil, Expr::value(Option::<DateTimeUtc>::None))
        .filter(Column::Id.eq(lease.webhook))
        .filter(Column::Lease.eq(lease.id))
}
