//! One sample product with its prices.

use ::entity::{
    price::{self, Period, Unit},
    product::{self, DeliveryMode, Lifecycle, MandatedTask, ServiceArea},
    provider,
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use sea_orm::{
    DbErr,
    prelude::{Date, Uuid},
};
use serde::Deserialize;

use super::{
    super::{Typical, category_id, groups::group_id, hundredths, some_text},
    broken, day, id_of, sample_time,
};

/// VAT in hundredths of a percent.
const VAT_BASIS_POINTS: i32 = 1900;

/// Conditions of a category.
#[derive(Debug, Deserialize)]
pub(super) struct Conditions {
    pub category_id: String,
    organisational: String,
    technical: String,
    lead_time_days: i32,
}

/// What a sample product is made of.
pub(super) struct Draft<'a> {
    pub provider: &'a provider::Model,
    pub typical: &'a Typical,
    pub standard: Option<(Uuid, &'a str)>,
    pub conditions: &'a Conditions,
    pub is_initial: bool,
}

struct Dates {
    lifecycle: Lifecycle,
    available_from: Option<Date>,
    phase_out_from: Option<Date>,
    retired_from: Option<Date>,
}

impl Draft<'_> {
    pub(super) fn product(&self, chance: &mut ChaCha8Rng) -> Result<product::Model, DbErr> {
        let typical = self.typical;
        let dates = self.dates(chance)?;
        let name = match self.standard {
            Some((_, name)) if self.is_initial => name.to_owned(),
            _ => typical.product_name.clone(),
        };
        Ok(product::Model {
            id: id_of("product", &format!("{}:{}", self.provider.key, typical.product_id)),
            provider_id: self.provider.id,
            external_id: typical.product_id.clone(),
            summary: format!("{name}: Einführung, Betrieb und Unterstützung (Beispieleintrag)"),
            name,
            description: some_text(&typical.example_software).map(|software| format!("Übliche Verfahren: {software}.")),
            category_id: category_id(&typical.category_id.to_lowercase()),
            standard_product_id: self.standard.map(|(id, _)| id),
            lifecycle: dates.lifecycle,
            requested_lifecycle: (dates.lifecycle == Lifecycle::InReview).then_some(Lifecycle::Available),
            return_reason: None,
            available_from: dates.available_from,
            phase_out_from: dates.phase_out_from,
            retired_from: dates.retired_from,
            delivery_mode: match typical.delivery_mode.as_str() {
                _ if self.provider.kind == provider::Kind::Central => DeliveryMode::Central,
                "zentral" => DeliveryMode::Central,
                "dezentral" => DeliveryMode::Decentral,
                _ => DeliveryMode::Regional,
            },
            base_service: typical.basisdienst,
            mandated_task: match typical.pflichtaufgabe_nach_weisung.as_str() {
                "ja" => MandatedTask::Yes,
                "teilweise" => MandatedTask::Partly,
                _ => MandatedTask::No,
            },
            initial_portfolio: self.is_initial,
            service_area: match self.provider.kind {
                provider::Kind::Central | provider::Kind::Umbrella | provider::Kind::State => ServiceArea::StateWide,
                _ => ServiceArea::ProviderCoverage,
            },
            organisational_conditions: some_text(&self.conditions.organisational),
            technical_conditions: some_text(&self.conditions.technical),
            lead_time_days: Some(self.conditions.lead_time_days),
            notice_months: if self.is_initial { chance.random_range(1..=6) } else { chance.random_range(3..=12) },
            term_months: Some(12 * chance.random_range(1..=3)),
            sla_url: Some(self.document("sla")),
            data_processing_agreement_url: Some(self.document("avv")),
            version: 1,
            created_at: sample_time()?,
            updated_at: sample_time()?,
            sample: true,
        })
    }

    fn document(&self, kind: &str) -> String {
        let product = self.typical.product_id.to_lowercase();
        format!("https://{}.example/{kind}/{product}.pdf", self.provider.key)
    }

    /// Nine of ten are available; of the initial portfolio all but the archive, which is planned.
    fn dates(&self, chance: &mut ChaCha8Rng) -> Result<Dates, DbErr> {
        let mut dates =
            Dates { lifecycle: Lifecycle::Available, available_from: None, phase_out_from: None, retired_from: None };
        let drawn = chance.random_range(0..100);
        if self.is_initial {
            let is_archive = self.typical.product_id == "DMS-04";
            dates.available_from = Some(if is_archive { day(2027, 7, 1)? } else { day(2026, 7, 1)? });
            dates.lifecycle = if is_archive { Lifecycle::Planned } else { Lifecycle::Available };
            return Ok(dates);
        }
        match drawn {
            0..4 => {
                dates.lifecycle = Lifecycle::Planned;
                dates.available_from = Some(day(2027, chance.random_range(1..=12), 1)?);
            }
            4..7 => {
                dates.lifecycle = Lifecycle::PhaseOut;
                dates.phase_out_from = Some(day(2026, 10, 1)?);
                dates.retired_from = Some(day(2028, 12, 31)?);
            }
            7..8 => {
                dates.lifecycle = Lifecycle::Retired;
                dates.retired_from = Some(day(2026, 6, 30)?);
            }
            8..10 => dates.lifecycle = Lifecycle::InReview,
            _ => {}
        }
        Ok(dates)
    }

    pub(super) fn prices(&self, product: &product::Model, chance: &mut ChaCha8Rng) -> Result<Vec<price::Model>, DbErr> {
        let (unit, period) = unit_and_period(&self.typical.pricing_unit)?;
        let list_price = hundredths(&self.typical.illustrative_price_eur)
            .ok_or_else(|| broken("product_taxonomy.csv", &self.typical.illustrative_price_eur))?;
        let factor = if self.is_initial { 100 } else { chance.random_range(80..=130) };
        let now = (list_price * factor + 50) / 100;
        let new_year = day(2028, 1, 1)?;
        let price = |name: &str, unit, period, value: i64, valid_from| price::Model {
            id: id_of("price", &format!("{}:{name}", product.id)),
            product_id: product.id,
            unit,
            period,
            amount_cents: (unit != Unit::RevenuePercent).then_some(value),
            percent_basis_points: (unit == Unit::RevenuePercent).then_some(value as i32),
            vat_basis_points: VAT_BASIS_POINTS,
            valid_from,
            valid_to: None,
            customer_group_id: None,
            sample: true,
        };
        let mut prices = vec![price("now", unit, period, now, day(2026, 1, 1)?)];
        if self.is_initial && now > 0 {
            // The price list of the central provider rises by 3 % in 2028; its largest customers pay less.
            let mut rising = price("2028", unit, period, (now * 103 + 50) / 100, new_year);
            rising.valid_to = None;
            prices[0].valid_to = new_year.pred_opt();
            let mut band = price("band", unit, period, (now * 90 + 50) / 100, day(2026, 1, 1)?);
            band.customer_group_id = Some(group_id("kgst-st-1"));
            prices.extend([rising, band]);
        }
        if chance.random_range(0..5) == 0 {
            let setup = chance.random_range(5..=40) * 50_000;
            prices.push(price("setup", Unit::Flat, Period::Once, setup, day(2026, 1, 1)?));
        }
        Ok(prices)
    }
}

fn unit_and_period(pricing_unit: &str) -> Result<(Unit, Period), DbErr> {
    Ok(match pricing_unit {
        "pauschal_jahr" => (Unit::Flat, Period::Year),
        "je_einwohner_jahr" => (Unit::Inhabitant, Period::Year),
        "je_schueler_jahr" => (Unit::Pupil, Period::Year),
        "je_arbeitsplatz_monat" => (Unit::Workplace, Period::Month),
        "je_mitarbeitenden_monat" => (Unit::Employee, Period::Month),
        "je_geraet_monat" => (Unit::Device, Period::Month),
        "je_gb_monat" => (Unit::Gigabyte, Period::Month),
        "je_server_monat" => (Unit::Server, Period::Month),
        "je_vcpu_monat" => (Unit::Vcpu, Period::Month),
        "je_hoeheneinheit_monat" => (Unit::RackUnit, Period::Month),
        "je_abrechnungsfall_monat" => (Unit::PayrollCase, Period::Month),
        "je_mandatstraeger_monat" => (Unit::MandateHolder, Period::Month),
        "je_fall" => (Unit::Case, Period::PerUse),
        "je_blatt" => (Unit::Sheet, Period::PerUse),
        "je_wahlberechtigten" => (Unit::EligibleVoter, Period::PerUse),
        "je_stunde" => (Unit::Hour, Period::PerUse),
        "je_tagessatz" => (Unit::Day, Period::PerUse),
        "prozent_umsatz" => (Unit::RevenuePercent, Period::PerUse),
        other => return Err(broken("product_taxonomy.csv", other)),
    })
}
