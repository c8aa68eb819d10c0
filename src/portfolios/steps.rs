//! Steps of one product: it goes to the review, is phased out, retired, or becomes again what it was. Each comes to a row that
//! passes the same door as every other.

use ::entity::{
    product::Lifecycle,
    product_version::{self, Column},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    prelude::{Date, Uuid},
};
use serde::Serialize;

use super::{
    Row,
    entry::name_of,
    lifecycle::Known,
    plan::Facts,
    pricing,
    store::Stored,
    versions::{Content, unknown},
};
use crate::{
    clock::day_of,
    error::{Code, Error, Result},
    orders::check_version,
};

/// A step of one product.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stepping {
    /// Which one.
    pub product: Uuid,
    /// The version that the step starts from.
    pub version: i64,
    /// What is done.
    pub step: Step,
}

/// What is done with a product.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// It goes to the review.
    Submit,
    /// It takes no new subscriptions.
    PhaseOut {
        /// From which day; today when none is given.
        from: Option<Date>,
        /// From which day it is gone.
        retired_from: Option<Date>,
    },
    /// It is gone.
    Retire,
    /// It becomes again what it was in a version.
    Revert {
        /// In which one.
        to: i64,
    },
}

impl Stepping {
    /// Whether what is being written goes to the review.
    pub(super) fn is_submission(&self) -> bool {
        matches!(self.step, Step::Submit)
    }

    /// The product in its provider's words, as it stands.
    pub(super) fn as_it_stands(&self, facts: &Facts<'_>) -> Result<Row> {
        Ok(self.known(facts, self.stored(facts)?)?.entry.row())
    }

    /// The product in its provider's words after the step.
    pub(super) async fn row(&self, db: &impl ConnectionTrait, facts: &Facts<'_>) -> Result<Row> {
        let stored = self.stored(facts)?;
        check_version("version", stored.row.version, self.version)?;
        let known = self.known(facts, stored)?;
        let today = facts.around.today;
        match self.step {
            Step::Submit => submitted(&known, today),
            Step::PhaseOut { from, retired_from } => phased_out(&known, from, retired_from, today),
            Step::Retire => retired(&known, today),
            Step::Revert { to } => {
                let version = product_version::Entity::find()
                    .filter(Column::ProductId.eq(self.product))
                    .filter(Column::Version.eq(to))
                    .one(db)
                    .await?;
                let version = version.ok_or_else(|| no_version("toVersion", to))?;
                let earlier = Content::read(&version)?.entry;
                let prices = pricing::brought_back(&known, &earlier, day_of(version.at), today);
                Ok(reverted(&known, Row { prices, ..earlier.row() }))
            }
        }
    }

    fn stored<'f>(&self, facts: &'f Facts<'_>) -> Result<&'f Stored> {
        let found = facts.existing.values().map(|stored| &**stored).find(|stored| stored.row.id == self.product);
        found.ok_or_else(|| unknown("product"))
    }

    fn known(&self, facts: &Facts<'_>, stored: &Stored) -> Result<Known> {
        let known = stored.known(facts.around.snapshot, facts.around.today);
        known.ok_or_else(|| Error::internal("a product refers to what the catalogue does not hold"))
    }
}

/// There is no such version, or the caller may not know of it.
pub fn no_version(field: &str, number: i64) -> Error {
    Error::new(
        Code::NotFound,
        format!("Eine Version {number} dieser Leistung gibt es nicht. Die Versionen nennt Product.versions."),
        format!("There is no version {number} of this product. Product.versions tells them."),
    )
    .with("field", field)
}

fn submitted(known: &Known, today: Date) -> Result<Row> {
    if known.lifecycle != Lifecycle::Draft {
        return Err(illegal(
            known.lifecycle,
            "Zur Prüfung gegeben wird nur eine Leistung im Stand DRAFT.",
            "Only a product that is a DRAFT is given to the review.",
        ));
    }
    let is_later = known.entry.available_from.is_some_and(|day| day > today);
    let wanted = match known.entry.lifecycle {
        Lifecycle::Draft if is_later => Lifecycle::Planned,
        Lifecycle::Draft => Lifecycle::Available,
        wanted => wanted,
    };
    Ok(Row { lifecycle: Some(name_of(wanted)), ..known.entry.row() })
}

fn phased_out(known: &Known, from: Option<Date>, retired_from: Option<Date>, today: Date) -> Result<Row> {
    let entry = &known.entry;
    let is_running = matches!(known.lifecycle, Lifecycle::Planned | Lifecycle::Available);
    if !is_running && known.lifecycle != Lifecycle::PhaseOut {
        return Err(illegal(
            known.lifecycle,
            "Auslaufen kann nur eine veröffentlichte Leistung, die nicht RETIRED ist. Ein Entwurf wird mit saveProduct geändert.",
            "Only a published product that is not RETIRED is phased out. A draft is changed with saveProduct.",
        ));
    }
    let from = phase_out_day(known, from, today)?;
    let has_begun = entry.available_from.is_none_or(|day| day <= today);
    let lifecycle = match entry.lifecycle {
        _ if from.is_none_or(|from| from <= today) => Lifecycle::PhaseOut,
        Lifecycle::Planned if has_begun && entry.available_from.is_some() => Lifecycle::Available,
        stands => stands,
    };
    let day = |day: Option<Date>| day.map(|day| day.to_string());
    Ok(Row {
        lifecycle: Some(name_of(lifecycle)),
        phase_out_from: day(from),
        retired_from: day(retired_from.or(entry.retired_from)),
        ..entry.row()
    })
}

/// The day from which a product takes no new subscriptions: one that is being phased out keeps it.
fn phase_out_day(known: &Known, from: Option<Date>, today: Date) -> Result<Option<Date>> {
    let is_running = known.lifecycle != Lifecycle::PhaseOut;
    let from = match (is_running, from) {
        (true, from) => Some(from.unwrap_or(today)),
        (false, None) => known.entry.phase_out_from,
        (false, from) if from == known.entry.phase_out_from => from,
        (false, Some(_)) => {
            return Err(illegal(
                known.lifecycle,
                "Sie läuft schon aus: Nur retiredFrom kann noch gesetzt werden.",
                "It is being phased out already: only retiredFrom can still be set.",
            )
            .with("field", "phaseOutFrom"));
        }
    };
    if is_running && from.is_some_and(|from| from < today) {
        return Err(Error::bad_input(
            "phaseOutFrom",
            "phaseOutFrom liegt in der Vergangenheit. Möglich ist heute oder ein späterer Tag.",
            "phaseOutFrom lies in the past. Possible is today or a later day.",
        ));
    }
    Ok(from)
}

fn retired(known: &Known, today: Date) -> Result<Row> {
    let entry = &known.entry;
    let is_phased_out = known.lifecycle == Lifecycle::PhaseOut
        || (known.lifecycle == Lifecycle::Available && entry.phase_out_from.is_some_and(|from| from <= today));
    if !is_phased_out && known.lifecycle != Lifecycle::Planned {
        return Err(illegal(
            known.lifecycle,
            "RETIRED wird eine Leistung nach PHASE_OUT: zuerst phaseOutProduct.",
            "A product becomes RETIRED after PHASE_OUT: first phaseOutProduct.",
        ));
    }
    // What was to come later does not come any more.
    let until_today = |day: Option<Date>| day.filter(|day| *day <= today).map(|day| day.to_string());
    Ok(Row {
        lifecycle: Some(name_of(Lifecycle::Retired)),
        available_from: until_today(entry.available_from),
        phase_out_from: until_today(entry.phase_out_from),
        retired_from: Some(entry.retired_from.map_or(today, |day| day.min(today)).to_string()),
        ..entry.row()
    })
}

/// The words of an earlier version. Where the product stands, its days, its key, and what a steward matched are no words.
fn reverted(known: &Known, earlier: Row) -> Row {
    let now = known.entry.row();
    Row {
        external_id: now.external_id,
        standard_product: now.standard_product,
        lifecycle: now.lifecycle,
        available_from: now.available_from,
        phase_out_from: now.phase_out_from,
        retired_from: now.retired_from,
        ..earlier
    }
}

fn illegal(stands: Lifecycle, next_de: &str, next_en: &str) -> Error {
    let stands = name_of(stands);
    Error::new(
        Code::IllegalStep,
        format!("Die Leistung steht auf {stands}; von dort aus geht das nicht."),
        format!("The product is {stands}; from there this is not possible."),
    )
    .with("field", "product")
    .next(next_de, next_en)
}
