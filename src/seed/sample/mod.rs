//! Invented data for a first look and for tests: everything here is marked as sample, and the same every time.
//!
//! The sample stands in phase FOUNDATION with open exit criteria.

mod contacts;
mod portfolios;
mod products;
mod subscriptions;

use ::entity::{change::Type, joining, phase, phase_exit_criterion, provider};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    DbErr, EntityTrait,
    prelude::{Date, DateTimeUtc, Uuid},
};

use super::{Writer, broken, id_of, municipalities::municipality_id, phases, providers::provider_id};
use crate::feed::Changed;

/// Key of the invented central provider.
const CENTRAL: &str = "zentral-nrw";

/// Providers that have joined in the sample, and how far.
const JOINED: [(&str, joining::Level); 4] = [
    ("regioit", joining::Level::Joined),
    ("krzn", joining::Level::Portfolio),
    ("citeq", joining::Level::Portfolio),
    ("kdvz", joining::Level::SingleProducts),
];

/// Municipalities that take single products in the sample.
const MUNICIPALITIES: [&str; 4] = ["05334002", "05154036", "05515000", "05170024"];

pub(super) async fn load(writer: &mut Writer<'_>) -> Result<(), DbErr> {
    writer.insert::<provider::Entity>("providers (sample)", vec![central_provider()]).await?;
    writer.insert::<joining::Entity>("joinings", joinings()?).await?;
    enter_foundation(writer).await?;
    let mut providers = provider::Entity::find().all(writer.db).await?;
    // Ordered here, not in SQL: the order of text there depends on the cluster.
    providers.sort_by(|one, other| one.key.cmp(&other.key));
    let mut chance = ChaCha8Rng::seed_from_u64(2035);
    let portfolios = portfolios::draw(&providers, &mut chance)?;
    contacts::load(writer, &providers).await?;
    let existing = subscriptions::draw(writer.db, &portfolios, &mut chance).await?;
    portfolios.write(writer).await?;
    let history = existing.iter().map(subscriptions::history).collect::<Result<Vec<_>, _>>()?;
    writer.insert::<::entity::product_subscription::Entity>("product_subscriptions", existing).await?;
    writer.insert::<::entity::subscription_history::Entity>("subscription_history", history.concat()).await
}

/// A day that the whole sample is dated by.
fn sample_day() -> Result<Date, DbErr> {
    day(2026, 11, 1)
}

fn sample_time() -> Result<DateTimeUtc, DbErr> {
    let midnight = sample_day()?.and_hms_opt(0, 0, 0).ok_or_else(|| broken("sample", "time"))?;
    Ok(midnight.and_utc())
}

fn day(year: i32, month: u32, day: u32) -> Result<Date, DbErr> {
    Date::from_ymd_opt(year, month, day).ok_or_else(|| broken("sample", "date"))
}

fn central_provider() -> provider::Model {
    provider::Model {
        id: provider_id(CENTRAL),
        key: CENTRAL.to_owned(),
        name: "Kommunaler Zentraldienstleister NRW AöR (Beispiel)".to_owned(),
        short_name: Some("Zentral NRW".to_owned()),
        kind: provider::Kind::Central,
        legal_form: Some("Anstalt des öffentlichen Rechts".to_owned()),
        seat: None,
        area_served: Some("Nordrhein-Westfalen".to_owned()),
        website: None,
        kdn_member: None,
        source: "Beispieldaten; das Zielmodell beschreibt S1".to_owned(),
        confidence: "sample".to_owned(),
        sample: true,
    }
}

fn joinings() -> Result<Vec<joining::Model>, DbErr> {
    let joining = |key: String, provider: Option<Uuid>, municipality: Option<Uuid>, level, valid_from| joining::Model {
        id: id_of("joining", &key),
        provider_id: provider,
        municipality_id: municipality,
        level,
        valid_from,
        resolution: Some("Beispielbeschluss 1/2026".to_owned()),
        sample: true,
    };
    let since = day(2026, 7, 1)?;
    let providers =
        JOINED.iter().map(|(key, level)| joining((*key).into(), Some(provider_id(key)), None, *level, since));
    let single = joining::Level::SingleProducts;
    let municipalities =
        MUNICIPALITIES.iter().map(|ags| joining((*ags).into(), None, Some(municipality_id(ags)), single, since));
    Ok(providers.chain(municipalities).collect())
}

async fn enter_foundation(writer: &mut Writer<'_>) -> Result<(), DbErr> {
    let founded = day(2026, 7, 1)?;
    let ended = phase::ActiveModel {
        id: Set(phases::phase_id(phase::Key::Preparation)),
        state: Set(phase::State::Done),
        started_at: Set(Some(day(2025, 7, 1)?)),
        ended_at: Set(founded.pred_opt()),
        ..Default::default()
    };
    // First the old phase ends, then the new one begins: two current ones are refused by the database.
    ended.update(writer.db).await?;
    let begun = phase::ActiveModel {
        id: Set(phases::phase_id(phase::Key::Foundation)),
        state: Set(phase::State::Current),
        started_at: Set(Some(founded)),
        ..Default::default()
    };
    begun.update(writer.db).await?;
    for key in [phase::Key::Preparation, phase::Key::Foundation] {
        writer.changed.push(Changed { kind: Type::Phase, id: phases::phase_id(key), version: None });
    }
    for (of, ordinal) in [
        (phase::Key::Preparation, 1),
        (phase::Key::Preparation, 2),
        (phase::Key::Foundation, 2),
        (phase::Key::Foundation, 3),
    ] {
        let met = phase_exit_criterion::ActiveModel {
            id: Set(phases::criterion_id(of, ordinal)),
            met: Set(true),
            met_at: Set(Some(founded)),
            ..Default::default()
        };
        met.update(writer.db).await?;
    }
    Ok(())
}
