//! From a provider's words to an entry, or to everything that is wrong with them. One validator for a dry run, the command
//! line, a form, and the real run.

use ::entity::{
    product::{DeliveryMode, Lifecycle, MandatedTask, ServiceArea},
    product_key::Scheme,
};
use sea_orm::prelude::Date;

use super::{
    Entry, Row,
    entry::name_of,
    lifecycle::{self, Known},
    pricing,
    values::shown,
};
use crate::{
    catalogue::{At, Provider, Snapshot},
    error::Error,
    products,
};

/// Longest texts, in characters.
const LONGEST_KEY: usize = 100;
const LONGEST_NAME: usize = 200;
const LONGEST_SUMMARY: usize = 500;
const LONGEST_PROSE: usize = 5_000;
pub(super) const LONGEST_URL: usize = 500;
/// Most keys, municipalities and groups of a product.
const MOST_KEYS: usize = 50;
const MOST_MUNICIPALITIES: usize = 427;
/// Longest notice period and term, in months, and longest lead time, in days.
const LONGEST_NOTICE: i32 = 60;
const LONGEST_TERM: i32 = 120;
const LONGEST_LEAD: i32 = 1_000;
/// Notice period of a product that names none, in months.
const USUAL_NOTICE: i32 = 3;

/// What rows are checked against.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'s> {
    /// The catalogue.
    pub snapshot: &'s Snapshot,
    /// Whose portfolio it is.
    pub provider: At<Provider>,
    /// Today.
    pub today: Date,
}

/// Collects what is wrong with one row.
pub(super) struct Checked<'s> {
    pub(super) around: Surroundings<'s>,
    pub(super) errors: Vec<Error>,
}

/// Checks a row against its surroundings and what is known of its product.
pub fn check(row: &Row, around: Surroundings<'_>, known: Option<&Known>) -> Result<Entry, Vec<Error>> {
    let mut checked = Checked { around, errors: Vec::new() };
    let entry = checked.entry(row, known);
    match entry {
        Some(entry) if checked.errors.is_empty() => Ok(entry),
        _ => Err(checked.errors),
    }
}

impl Checked<'_> {
    fn entry(&mut self, row: &Row, known: Option<&Known>) -> Option<Entry> {
        let external_id = self.needed("externalId", &row.external_id, LONGEST_KEY);
        let name = self.needed("name", &row.name, LONGEST_NAME);
        let summary = self.prose("summary", row.summary.as_deref(), LONGEST_SUMMARY);
        let description = self.prose("description", row.description.as_deref(), LONGEST_PROSE);
        let category = self.category(&row.category);
        // Who leaves it out keeps what a steward may have matched.
        let matched = known.and_then(|known| known.entry.standard_product.clone());
        let standard_product = self.standard_product(row.standard_product.as_deref()).or(matched);
        let delivery_mode: Option<DeliveryMode> = self.word("deliveryMode", &row.delivery_mode);
        let base_service = self.yes_or_no("baseService", row.base_service.as_deref());
        let mandated_task = self.word_or("mandatedTask", row.mandated_task.as_deref(), MandatedTask::No);
        let service_area = self.word_or("serviceArea", row.service_area.as_deref(), ServiceArea::ProviderCoverage);
        let municipalities = self.municipalities(&row.municipalities, service_area);
        let customer_groups = self.groups(&row.customer_groups);
        let (available_from, phase_out_from, retired_from) = self.days(row);
        let lifecycle = self.lifecycle(row.lifecycle.as_deref(), known, available_from);
        let notice_months = self.number("noticeMonths", row.notice_months.as_deref(), LONGEST_NOTICE);
        let term_months = self.number("termMonths", row.term_months.as_deref(), LONGEST_TERM);
        let lead_time_days = self.number("leadTimeDays", row.lead_time_days.as_deref(), LONGEST_LEAD);
        let notice_months = notice_months.unwrap_or(USUAL_NOTICE);
        let prices = pricing::prices(self, row, known, notice_months, available_from);
        Some(Entry {
            summary: summary.or_else(|| name.clone()).unwrap_or_default(),
            organisational_conditions: self.prose(
                "organisationalConditions",
                row.organisational_conditions.as_deref(),
                LONGEST_PROSE,
            ),
            technical_conditions: self.prose("technicalConditions", row.technical_conditions.as_deref(), LONGEST_PROSE),
            sla_url: self.url("slaUrl", row.sla_url.as_deref()),
            data_processing_agreement_url: self
                .url("dataProcessingAgreementUrl", row.data_processing_agreement_url.as_deref()),
            leika_keys: self.keys("leikaKeys", &row.leika_keys, Scheme::Leika),
            ozg_ids: self.keys("ozgIds", &row.ozg_ids, Scheme::Ozg),
            external_id: external_id?,
            name: name?,
            description,
            category: category?,
            standard_product,
            lifecycle: lifecycle?,
            available_from,
            phase_out_from,
            retired_from,
            delivery_mode: delivery_mode?,
            base_service,
            mandated_task,
            service_area,
            municipalities,
            customer_groups,
            lead_time_days,
            notice_months,
            term_months,
            prices,
        })
    }

    fn days(&mut self, row: &Row) -> (Option<Date>, Option<Date>, Option<Date>) {
        let available = self.day("availableFrom", row.available_from.as_deref());
        let phase_out = self.day("phaseOutFrom", row.phase_out_from.as_deref());
        let retired = self.day("retiredFrom", row.retired_from.as_deref());
        for (field, day, earlier) in [
            ("phaseOutFrom", phase_out, available),
            ("retiredFrom", retired, phase_out),
            ("retiredFrom", retired, available),
        ] {
            if day.zip(earlier).is_some_and(|(day, earlier)| day < earlier) {
                self.wrong(
                    field,
                    format!("{field} liegt vor einem früheren Schritt. Die Reihenfolge ist availableFrom, phaseOutFrom, retiredFrom."),
                    format!("{field} lies before an earlier step. The order is availableFrom, phaseOutFrom, retiredFrom."),
                );
                break;
            }
        }
        (available, phase_out, retired)
    }

    fn lifecycle(
        &mut self,
        word: Option<&str>,
        known: Option<&Known>,
        available_from: Option<Date>,
    ) -> Option<Lifecycle> {
        let usual = known.map_or(Lifecycle::Available, |known| known.entry.lifecycle);
        let wanted = self.word_or("lifecycle", word, usual);
        let legal = lifecycle::requestable(known, self.around.today);
        if !legal.contains(&wanted) {
            let legal: Vec<String> = legal.iter().map(name_of).collect();
            let (wanted, legal) = (name_of(wanted), legal.join(", "));
            self.wrong(
                "lifecycle",
                format!("lifecycle ist {wanted}; von hier aus möglich ist {legal}."),
                format!("lifecycle is {wanted}; possible from here is {legal}."),
            );
            return None;
        }
        let is_planned_for_nobody =
            wanted == Lifecycle::Planned && available_from.is_some_and(|day| day <= self.around.today);
        if is_planned_for_nobody {
            self.wrong(
                "availableFrom",
                "availableFrom liegt nicht in der Zukunft, die Leistung ist aber PLANNED. Bitte AVAILABLE schreiben oder einen späteren Tag.",
                "availableFrom does not lie in the future, but the product is PLANNED. Please write AVAILABLE, or a later day.",
            );
        }
        Some(wanted)
    }

    fn category(&mut self, key: &str) -> Option<String> {
        let key = self.needed("category", key, LONGEST_KEY)?.to_lowercase();
        let snapshot = self.around.snapshot;
        let found = snapshot.categories.iter().find(|(_, category)| category.row.key == key);
        match found {
            Some((_, category)) if category.parent.is_some() || category.children.is_empty() => Some(key),
            Some((_, category)) => {
                let below: Vec<&str> =
                    category.children.iter().map(|at| snapshot.categories[*at].row.key.as_str()).collect();
                let below = below.join(", ");
                self.wrong(
                    "category",
                    format!("category „{key}“ ist eine Obergruppe. Bitte eine von diesen: {below}."),
                    format!("category “{key}” is an upper level. Please choose one of these: {below}."),
                );
                None
            }
            None => {
                self.unknown(
                    "category",
                    &shown(&key),
                    "Die Schlüssel nennt das Feld categories.",
                    "The field categories tells the keys.",
                );
                None
            }
        }
    }

    fn standard_product(&mut self, key: Option<&str>) -> Option<String> {
        let key = self.text("standardProduct", key?, LONGEST_KEY)?;
        let known = self.around.snapshot.standard_products.iter().any(|(_, standard)| standard.row.key == key);
        if !known {
            self.unknown(
                "standardProduct",
                &shown(&key),
                "Die Schlüssel nennt das Feld standardProducts.",
                "The field standardProducts tells the keys.",
            );
        }
        Some(key)
    }

    fn municipalities(&mut self, given: &[String], area: ServiceArea) -> Vec<String> {
        let is_listed = area == ServiceArea::Listed;
        if is_listed == given.is_empty() {
            self.wrong(
                "municipalities",
                "municipalities und serviceArea passen nicht zusammen: Eine Liste gehört zu LISTED, und LISTED braucht eine.",
                "municipalities and serviceArea don't fit: a list goes with LISTED, and LISTED needs one.",
            );
        }
        let known = |around: &Surroundings<'_>, ags: &str| around.snapshot.municipality_by_ags(ags).is_some();
        self.list("municipalities", given, MOST_MUNICIPALITIES, known, "Ein AGS hat 8 Ziffern.", "An AGS has 8 digits.")
    }

    fn groups(&mut self, given: &[String]) -> Vec<String> {
        let known = |around: &Surroundings<'_>, key: &str| {
            around.snapshot.customer_groups.iter().any(|(_, group)| group.row.key == key)
        };
        self.list(
            "customerGroups",
            given,
            MOST_KEYS,
            known,
            "Die Schlüssel nennt das Feld customerGroups.",
            "The field customerGroups tells the keys.",
        )
    }

    /// Whether a customer group is known.
    pub(super) fn group(&mut self, field: &str, key: Option<&str>) -> Option<String> {
        let key = self.text(field, key?, LONGEST_KEY)?;
        if !self.around.snapshot.customer_groups.iter().any(|(_, group)| group.row.key == key) {
            let (de, en) = ("Die Schlüssel nennt das Feld customerGroups.", "The field customerGroups tells the keys.");
            self.unknown(field, &shown(&key), de, en);
        }
        Some(key)
    }

    fn keys(&mut self, field: &str, given: &[String], scheme: Scheme) -> Vec<String> {
        let (de, en) = match scheme {
            Scheme::Leika => (
                "LeiKa-Schlüssel haben 14 Ziffern und beginnen mit 99.",
                "LeiKa keys have 14 digits and begin with 99.",
            ),
            Scheme::Ozg => ("OZG-Ids haben 5 Ziffern.", "OZG ids have 5 digits."),
        };
        self.list(field, given, MOST_KEYS, |_, key| products::has_format(scheme, key), de, en)
    }
}
