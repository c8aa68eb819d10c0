//! The one door through which the directory of municipalities comes in: all of it or nothing.
//!
//! One transaction: the catalogue is held still, every line is compared with what is there, and municipalities, coverage,
//! audit events and change entries are written. A directory that changes nothing writes nothing.

use std::{collections::HashMap, sync::Arc};

use ::entity::{
    change::Type,
    municipality::{self, Column},
};
use sea_orm::{
    ConnectionTrait, EntityTrait, IntoActiveModel, Iterable,
    prelude::{Date, DateTimeUtc, Uuid},
    sea_query::OnConflict,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    changes::AreaChange,
    coverage, file,
    plan::{Plan, differences, plan, successors, told},
};
use crate::{
    access::{Duty, DutyPermit},
    catalogue::{self, Snapshot},
    clock::day_of,
    contacts::{self, Matter},
    desk::Desk,
    error::{Error, Result},
    feed::Changed,
    orders::{Act, Order, busy, written},
    phases,
};

/// Rows in one statement: both databases take that many values.
const ROWS_IN_STATEMENT: usize = 500;
/// How often an import begins again because the catalogue or the caller's key moved meanwhile.
const ATTEMPTS: usize = 5;

/// A directory that is to be brought in.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Importing {
    /// The file.
    #[serde(skip)]
    csv: String,
    sha256: String,
    /// How many municipalities the sender counted.
    count: i64,
    /// Municipalities that become part of others.
    area_changes: Vec<AreaChange>,
    /// Only tell what would happen.
    is_rehearsal: bool,
}

impl Importing {
    /// A file, its number of municipalities, and its area changes. The records keep the digest of the file, not the file.
    pub fn new(csv: String, count: i64, area_changes: Vec<AreaChange>, is_rehearsal: bool) -> Self {
        let sha256 = base16ct::lower::encode_string(&Sha256::digest(&csv));
        Self { csv, sha256, count, area_changes, is_rehearsal }
    }
}

/// What became of a directory.
#[derive(Debug)]
pub struct Report {
    /// Line by line.
    pub plan: Plan,
    /// Whether it is written.
    pub is_written: bool,
}

/// Brings in a directory.
pub async fn import(desk: Arc<Desk>, order: Order<Importing>) -> Result<Report> {
    let permit = order.check(&desk, Duty::ImportMunicipalities, false).await?;
    let (key, deed) = (order.key(permit.duty())?, &order.deed);
    let lines = file::read(&deed.csv, deed.count)?;
    for _ in 0..ATTEMPTS {
        let now = desk.clock.now();
        let db = desk.database.begin_write().await?;
        let Some(snapshot) = desk.live.snapshot_to_change(&*db, now).await? else {
            db.roll_back().await?;
            desk.live.refresh().await;
            continue;
        };
        let is_repeated = !deed.is_rehearsal && key.find(&*db, now).await?.is_some();
        let mut plan = plan(&snapshot, &lines, &deed.area_changes, day_of(now));
        if is_repeated {
            db.roll_back().await?;
            return Ok(Report { plan, is_written: true });
        }
        check_contacts(&*db, &mut plan, day_of(now)).await?;
        if deed.is_rehearsal || plan.is_refused() || plan.writes.is_empty() {
            // Nothing is another than before: nothing to record, and no new version of the catalogue.
            db.roll_back().await?;
            let is_written = !deed.is_rehearsal && !plan.is_refused();
            return Ok(Report { plan, is_written });
        }
        let phase = phases::key(phases::current(&snapshot)?);
        let about = plan.writes.first().map_or(Uuid::nil(), |write| write.after.id);
        if !key.keep(&*db, written(about, &permit, phase), now).await? {
            db.roll_back().await?;
            continue;
        }
        write(&desk, &*db, &order, (&permit, &snapshot), &plan, now).await?;
        db.commit().await?;
        desk.live.refresh().await;
        return Ok(Report { plan, is_written: true });
    }
    Err(busy())
}

/// Every municipality belongs to a customer group and has a contact, also after the import.
async fn check_contacts(db: &impl ConnectionTrait, plan: &mut Plan, today: Date) -> Result<()> {
    if plan.is_refused() || plan.writes.is_empty() {
        return Ok(());
    }
    let mut rows = catalogue::rows(db).await?;
    let mut after: HashMap<Uuid, municipality::Model> =
        plan.writes.iter().map(|write| (write.after.id, write.after.clone())).collect();
    for row in &mut rows.municipalities {
        if let Some(after) = after.remove(&row.id) {
            *row = after;
        }
    }
    rows.municipalities.extend(after.into_values());
    let next = Snapshot::build(rows);
    for write in &plan.writes.clone() {
        let Some(municipality) = next.municipalities.find(write.after.id) else { continue };
        let has_group = !next.municipalities[municipality].groups.is_empty();
        let matter = Matter { municipality, product: None, topic: None, day: today };
        if !has_group || contacts::find(&next, &matter).is_none() {
            plan.reject(&write.after.ags, alone(&write.after.ags));
        }
    }
    Ok(())
}

fn alone(ags: &str) -> Error {
    Error::bad_input(
        "population",
        format!("{ags} wäre danach in keiner Kundengruppe oder hätte keinen Kontakt."),
        format!("{ags} would be in no customer group afterwards, or would have no contact."),
    )
    .next(
        "Zuerst mit saveCustomerGroup eine Gruppe anpassen, oder mit assignContact einen Kontakt zuweisen.",
        "First change a group with saveCustomerGroup, or assign a contact with assignContact.",
    )
}

/// Writes what is another than before, with its records; the caller commits.
async fn write(
    desk: &Desk,
    db: &impl ConnectionTrait,
    order: &Order<Importing>,
    (permit, snapshot): (&DutyPermit, &Snapshot),
    plan: &Plan,
    now: DateTimeUtc,
) -> Result<()> {
    let columns: Vec<Column> = Column::iter().filter(|column| !matches!(column, Column::Id)).collect();
    for writes in plan.writes.chunks(ROWS_IN_STATEMENT) {
        let rows = writes.iter().map(|write| write.after.clone().into_active_model());
        let kept = OnConflict::column(Column::Id).update_columns(columns.iter().copied()).to_owned();
        municipality::Entity::insert_many(rows).on_conflict(kept).exec_without_returning(db).await?;
    }
    let providers = coverage::follow(db, &plan.writes).await?;
    let mut concerned: Vec<Uuid> = plan.writes.iter().map(|write| write.after.id).collect();
    concerned.extend(successors(plan).into_iter().filter(|id| plan.writes.iter().all(|write| write.after.id != *id)));
    let changed = |kind| move |id| Changed { kind, id, version: None };
    let municipalities = concerned.into_iter().map(changed(Type::Municipality));
    let changed: Vec<Changed> = municipalities.chain(providers.into_iter().map(changed(Type::Provider))).collect();
    let acts = plan.writes.iter().map(|write| {
        let (before, after) = told(&differences(snapshot, write.before.as_ref(), &write.after));
        let before = before.filter(|_| write.before.is_some());
        Act { permit, entity: ("Municipality", write.after.id), before, after }
    });
    order.record_all(desk, db, acts.collect(), &changed, now).await
}
