//! How far providers and municipalities have joined, as dated rows: a level holds from its day until a later one follows.
//!
//! The past is not rewritten, except that the last level can be corrected; the audit trail keeps what stood there. Level
//! MERGED belongs to mergers, see [`crate::mergers`].

use std::sync::Arc;

use ::entity::{
    change::Type,
    joining::{self, Level},
    product::{self, Lifecycle},
    provider::Kind,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder,
    prelude::{Date, Uuid},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    access::Duty,
    catalogue::{At, Provider, Snapshot},
    clock::day_of,
    desk::Desk,
    error::{Error, Result, check_text},
    feed::Changed,
    orders::{Order, busy},
    portfolios, providers,
    publishing::{self, ATTEMPTS, Done},
    text::german_day,
};

/// Longest reference of a resolution, in characters.
pub const LONGEST_RESOLUTION: usize = 200;
/// How far back and ahead a level can begin.
const MOST_YEARS: u32 = 10;

/// Who joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Organisation {
    /// A provider.
    Provider(Uuid),
    /// A municipality or Kreis.
    Municipality(Uuid),
}

/// A level that is to be recorded.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Joining {
    /// Whose.
    pub organisation: Organisation,
    /// How far.
    pub level: Level,
    /// First day.
    pub since: Date,
    /// Reference of the resolution (Beschluss).
    pub resolution: Option<String>,
    /// Whether it takes the place of the last level instead of following it.
    pub is_correction: bool,
}

impl Organisation {
    fn duty(self) -> Duty {
        match self {
            Self::Provider(_) => Duty::JoinProvider,
            Self::Municipality(_) => Duty::JoinMunicipality,
        }
    }
}

/// What stands there, and what is to stand there.
#[derive(Debug)]
struct Step {
    before: Option<joining::Model>,
    after: joining::Model,
}

/// Records how far somebody has joined. The same again changes nothing.
pub async fn join(desk: Arc<Desk>, order: Order<Joining>) -> Result<joining::Model> {
    let deed = &order.deed;
    for _ in 0..ATTEMPTS {
        let Some(begun) = publishing::begin(&desk, &order, deed.organisation.duty(), |_| false).await? else {
            continue;
        };
        if let Some(known) = begun.known {
            let row = joining::Entity::find_by_id(known).one(&*begun.db).await?;
            return row.ok_or_else(|| Error::internal("a recorded joining is gone"));
        }
        check(&*begun.db, &begun.snapshot, deed, day_of(begun.now)).await?;
        let Step { before, after } = step(&history(&*begun.db, deed.organisation).await?, deed)?;
        if before.as_ref() == Some(&after) {
            begun.roll_back().await?;
            return Ok(after);
        }
        match &before {
            None => after.clone().into_active_model().insert(&*begun.db).await?,
            Some(_) => after.clone().into_active_model().reset_all().update(&*begun.db).await?,
        };
        let done = Done {
            entity: ("Joining", after.id),
            before: before.as_ref().map(shown),
            after: Some(shown(&after)),
            changed: vec![Changed { kind: Type::Joining, id: after.id, version: None }],
        };
        if begun.commit(&desk, &order, done).await? {
            return Ok(after);
        }
    }
    Err(busy())
}

/// A row as the audit trail tells it.
pub fn shown(row: &joining::Model) -> Value {
    json!({
        "providerId": row.provider_id,
        "municipalityId": row.municipality_id,
        "level": row.level,
        "validFrom": row.valid_from,
        "resolution": row.resolution,
    })
}

/// Whether a provider's portfolio is all there: registered as a whole with no row refused, something published, and nothing
/// waits to be written or reviewed.
async fn portfolio_is_complete(snapshot: &Snapshot, db: &impl ConnectionTrait, provider: At<Provider>) -> Result<()> {
    let provider = &snapshot.providers[provider];
    match portfolios::register::last_registration(db, provider.row.id).await?.map(|registration| registration.rejected)
    {
        Some(0) => {}
        Some(rejected) => return Err(rows_refused(rejected)),
        None => return Err(not_registered()),
    }
    if provider.products.is_empty() {
        return Err(incomplete(
            "es ist keine Leistung veröffentlicht",
            "no product is published",
            "Zuerst das Portfolio prüfen lassen.",
            "First have the portfolio reviewed.",
        ));
    }
    let open = product::Entity::find()
        .filter(product::Column::ProviderId.eq(provider.row.id))
        .filter(product::Column::Lifecycle.is_in([Lifecycle::Draft, Lifecycle::InReview]))
        .count(db)
        .await?;
    match open {
        0 => Ok(()),
        open => Err(incomplete(
            &format!("{open} Leistungen sind noch Entwurf oder in Prüfung"),
            &format!("{open} products are still drafts or in review"),
            "Zuerst diese Leistungen prüfen oder zurückziehen.",
            "First have these products reviewed, or withdraw them.",
        )),
    }
}

fn not_registered() -> Error {
    incomplete(
        "es ist noch nicht als Ganzes angemeldet",
        "it is not registered as a whole yet",
        "Zuerst mit registerPortfolio alle Leistungen anmelden.",
        "First register all products with registerPortfolio.",
    )
}

fn rows_refused(rejected: i64) -> Error {
    incomplete(
        &format!("bei der letzten Anmeldung wurden {rejected} Zeilen abgewiesen"),
        &format!("the last registration refused {rejected} rows"),
        "Zuerst die Zeilen berichtigen und das Portfolio noch einmal anmelden.",
        "First correct the rows and register the portfolio again.",
    )
}

fn incomplete(de: &str, en: &str, next_de: &str, next_en: &str) -> Error {
    Error::bad_input(
        "level",
        format!("PORTFOLIO braucht ein vollständiges, geprüftes Portfolio: {de}."),
        format!("PORTFOLIO needs a complete, reviewed portfolio: {en}."),
    )
    .next(next_de, next_en)
}

/// The levels of an organisation, oldest first.
pub async fn history(db: &impl ConnectionTrait, organisation: Organisation) -> Result<Vec<joining::Model>> {
    let whose = match organisation {
        Organisation::Provider(id) => joining::Column::ProviderId.eq(id),
        Organisation::Municipality(id) => joining::Column::MunicipalityId.eq(id),
    };
    Ok(joining::Entity::find().filter(whose).order_by_asc(joining::Column::ValidFrom).all(db).await?)
}

/// Checks what came with the order.
async fn check(db: &impl ConnectionTrait, snapshot: &Snapshot, deed: &Joining, today: Date) -> Result<()> {
    deed.resolution.as_ref().map_or(Ok(()), |text| check_text("resolution", text, LONGEST_RESOLUTION))?;
    check_day(deed.since, today)?;
    if deed.level == Level::Merged {
        return Err(Error::bad_input(
            "level",
            "MERGED entsteht nur durch eine Fusion. Bitte mergeProviders verwenden.",
            "MERGED comes from a merger only. Please use mergeProviders.",
        ));
    }
    let id = match deed.organisation {
        Organisation::Provider(id) => id,
        Organisation::Municipality(id) => return check_municipality(snapshot, deed, id),
    };
    let at = snapshot.providers.find(id).ok_or_else(|| Error::not_found(&id.to_string()).with("field", "provider"))?;
    if snapshot.providers[at].row.kind == Kind::Central {
        return Err(Error::bad_input(
            "provider",
            "Der Zentraldienstleister tritt nicht sich selbst bei. Bitte einen anderen IT-Dienstleister angeben.",
            "The central provider does not join itself. Please give another provider.",
        ));
    }
    if providers::has_merged(snapshot, at, today) {
        let successor = &snapshot.providers[snapshot.acting_for(at, today)].row;
        return Err(Error::bad_input(
            "provider",
            format!("Dieser IT-Dienstleister ist in einem anderen aufgegangen. Bitte {} angeben.", successor.key),
            format!("This provider has gone into another one. Please give {}.", successor.key),
        ));
    }
    if deed.level == Level::Portfolio { portfolio_is_complete(snapshot, db, at).await } else { Ok(()) }
}

/// A municipality joins on its own, as long as it goes on.
fn check_municipality(snapshot: &Snapshot, deed: &Joining, id: Uuid) -> Result<()> {
    if deed.level == Level::Portfolio {
        return Err(Error::bad_input(
            "level",
            "PORTFOLIO gibt es nur für IT-Dienstleister. Möglich sind NOT_JOINED, SINGLE_PRODUCTS und JOINED.",
            "PORTFOLIO is for providers only. Possible are NOT_JOINED, SINGLE_PRODUCTS and JOINED.",
        ));
    }
    let gone = snapshot.municipalities.find(id).filter(|at| snapshot.municipalities[*at].is_dissolved_on(deed.since));
    let Some(at) = gone else { return Ok(()) };
    let successor = &snapshot.municipalities[snapshot.standing_for(at, deed.since)].row;
    Err(Error::bad_input(
        "municipality",
        format!("Diese Kommune ist dann in einer anderen aufgegangen. Bitte {} angeben.", successor.ags),
        format!("This municipality has gone into another one by then. Please give {}.", successor.ags),
    ))
}

fn check_day(since: Date, today: Date) -> Result<()> {
    let years = chrono::Months::new(12 * MOST_YEARS);
    let earliest = today.checked_sub_months(years).unwrap_or(today);
    let latest = today.checked_add_months(years).unwrap_or(today);
    if (earliest..=latest).contains(&since) {
        return Ok(());
    }
    Err(Error::bad_input(
        "since",
        format!("since liegt zu weit weg. Möglich ist {} bis {}.", german_day(earliest), german_day(latest)),
        format!("since is too far away. Possible is {earliest} to {latest}."),
    ))
}

/// What a level comes to after those that are recorded.
fn step(history: &[joining::Model], deed: &Joining) -> Result<Step> {
    let (provider_id, municipality_id) = match deed.organisation {
        Organisation::Provider(id) => (Some(id), None),
        Organisation::Municipality(id) => (None, Some(id)),
    };
    let after = |id: Uuid| joining::Model {
        id,
        provider_id,
        municipality_id,
        level: deed.level,
        valid_from: deed.since,
        resolution: deed.resolution.clone(),
        sample: false,
    };
    let Some((last, earlier)) = history.split_last() else {
        return match (deed.is_correction, deed.level) {
            (true, _) => Err(nothing_to_correct()),
            (false, Level::NotJoined) => Err(holds_already(None)),
            (false, _) => Ok(Step { before: None, after: after(Uuid::new_v4()) }),
        };
    };
    if deed.is_correction {
        return match earlier.last() {
            Some(previous) if deed.since <= previous.valid_from => Err(too_early(previous.valid_from)),
            _ => Ok(Step { before: Some(last.clone()), after: after(last.id) }),
        };
    }
    let is_same = (deed.level, &deed.resolution) == (last.level, &last.resolution);
    if deed.since == last.valid_from && is_same {
        return Ok(Step { before: Some(last.clone()), after: last.clone() });
    }
    if deed.since <= last.valid_from {
        return Err(too_early(last.valid_from));
    }
    if deed.level == last.level {
        return Err(holds_already(Some(last.valid_from)));
    }
    Ok(Step { before: None, after: after(Uuid::new_v4()) })
}

fn nothing_to_correct() -> Error {
    Error::bad_input(
        "correction",
        "Es gibt keinen Stand, der zu berichtigen wäre. Bitte correction weglassen.",
        "There is no level to correct. Please leave correction out.",
    )
}

fn holds_already(since: Option<Date>) -> Error {
    let (de, en) = match since {
        Some(day) => (format!(" seit {}", german_day(day)), format!(" since {day}")),
        None => (String::new(), String::new()),
    };
    Error::bad_input("level", format!("Dieser Stand gilt schon{de}."), format!("This level holds already{en}."))
        .next("Einen anderen Stand angeben, oder mit correction berichtigen.", "Give another level, or use correction.")
}

fn too_early(last: Date) -> Error {
    let next = last.succ_opt().unwrap_or(last);
    Error::bad_input(
        "since",
        format!("since liegt nicht nach dem Stand davor. Möglich ist ab {}.", german_day(next)),
        format!("since does not lie after the level before. Possible is from {next}."),
    )
    .next(
        "Einen späteren Tag angeben, oder den letzten Stand mit correction berichtigen.",
        "Give a later day, or use correction for the last level.",
    )
}
