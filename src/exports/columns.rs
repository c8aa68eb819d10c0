//! Exports as tables for people: as spreadsheets of German offices open them, with names beside the ids.
//!
//! Semicolons, UTF-8 with a mark at the beginning, CRLF, decimal commas, days as 2026-11-25. Cells that a spreadsheet would
//! run as a formula get an apostrophe in front.

use std::sync::Arc;

use ::entity::change::Type;
use sea_orm::prelude::Uuid;
use serde_json::Value;

use crate::{
    catalogue::Snapshot,
    error::{Error, Result},
    ids,
};

/// What tells a spreadsheet that it is UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";
/// What a spreadsheet takes as the beginning of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// How a value is shown.
#[derive(Clone, Copy, Debug)]
enum Look {
    /// As it is.
    Plain,
    /// A number with a decimal comma.
    Decimal,
    /// AGS of a municipality.
    Ags,
    /// Name of a municipality.
    Municipality,
    /// Name of a municipality's Kreis.
    District,
    /// Key of a provider, or of a product's provider.
    ProviderKey,
    /// Name of a provider, or of a product's provider.
    Provider,
    /// A product's key at its provider.
    ExternalId,
    /// Name of a product.
    Product,
    /// Name of a category.
    Category,
    /// Name of a standard product.
    StandardProduct,
    /// Key of a customer group.
    CustomerGroup,
}

/// Name of a column, where its value stands in the canonical row, and how it is shown.
type Column = (&'static str, &'static str, Look);

const SUBSCRIPTIONS: &[Column] = &[
    ("id", "/id", Look::Plain),
    ("state", "/state", Look::Plain),
    ("ags", "/municipality", Look::Ags),
    ("municipality", "/municipality", Look::Municipality),
    ("district", "/municipality", Look::District),
    ("subscribingProvider", "/provider", Look::Provider),
    ("providerKey", "/product", Look::ProviderKey),
    ("provider", "/product", Look::Provider),
    ("externalId", "/product", Look::ExternalId),
    ("product", "/product", Look::Product),
    ("productId", "/product", Look::Plain),
    ("quantity", "/quantity", Look::Plain),
    ("price.unit", "/price/unit", Look::Plain),
    ("price.period", "/price/period", Look::Plain),
    ("price.amount", "/price/amount", Look::Decimal),
    ("price.percent", "/price/percent", Look::Decimal),
    ("price.vatRate", "/price/vatRate", Look::Decimal),
    ("origin", "/origin", Look::Plain),
    ("legalBasis", "/legalBasis", Look::Plain),
    ("requestedFrom", "/requestedFrom", Look::Plain),
    ("agreedFrom", "/agreedFrom", Look::Plain),
    ("activeSince", "/activeSince", Look::Plain),
    ("endsOn", "/endsOn", Look::Plain),
    ("noticeMonths", "/noticeMonths", Look::Plain),
    ("termEnd", "/termEnd", Look::Plain),
    ("pendingChange", "/pendingChange", Look::Plain),
    ("awaits", "/awaits", Look::Plain),
    ("expiresAt", "/expiresAt", Look::Plain),
    ("predecessor", "/predecessor", Look::Plain),
    ("successor", "/successor", Look::Plain),
    ("createdAt", "/createdAt", Look::Plain),
    ("updatedAt", "/updatedAt", Look::Plain),
    ("version", "/version", Look::Plain),
    ("sample", "/sample", Look::Plain),
];

const PRODUCTS: &[Column] = &[
    ("id", "/id", Look::Plain),
    ("providerKey", "/provider", Look::ProviderKey),
    ("provider", "/provider", Look::Provider),
    ("externalId", "/externalId", Look::Plain),
    ("name", "/name", Look::Plain),
    ("summary", "/summary", Look::Plain),
    ("description", "/description", Look::Plain),
    ("category", "/category", Look::Category),
    ("standardProduct", "/standardProduct", Look::StandardProduct),
    ("lifecycle", "/lifecycle", Look::Plain),
    ("availableFrom", "/availableFrom", Look::Plain),
    ("phaseOutFrom", "/phaseOutFrom", Look::Plain),
    ("retiredFrom", "/retiredFrom", Look::Plain),
    ("deliveryMode", "/deliveryMode", Look::Plain),
    ("baseService", "/baseService", Look::Plain),
    ("mandatedTask", "/mandatedTask", Look::Plain),
    ("initialPortfolio", "/initialPortfolio", Look::Plain),
    ("serviceArea", "/serviceArea", Look::Plain),
    ("municipalities", "/municipalities", Look::Ags),
    ("customerGroups", "/customerGroups", Look::CustomerGroup),
    ("organisationalConditions", "/organisationalConditions", Look::Plain),
    ("technicalConditions", "/technicalConditions", Look::Plain),
    ("leadTimeDays", "/leadTimeDays", Look::Plain),
    ("noticeMonths", "/noticeMonths", Look::Plain),
    ("termMonths", "/termMonths", Look::Plain),
    ("slaUrl", "/slaUrl", Look::Plain),
    ("dataProcessingAgreementUrl", "/dataProcessingAgreementUrl", Look::Plain),
    ("leikaKeys", "/leikaKeys", Look::Plain),
    ("ozgIds", "/ozgIds", Look::Plain),
    ("prices.unit", "/price/unit", Look::Plain),
    ("prices.period", "/price/period", Look::Plain),
    ("prices.amount", "/price/amount", Look::Decimal),
    ("prices.percent", "/price/percent", Look::Decimal),
    ("prices.vatRate", "/price/vatRate", Look::Decimal),
    ("prices.validFrom", "/price/validFrom", Look::Plain),
    ("prices.validTo", "/price/validTo", Look::Plain),
    ("prices.customerGroup", "/price/customerGroup", Look::CustomerGroup),
    ("createdAt", "/createdAt", Look::Plain),
    ("updatedAt", "/updatedAt", Look::Plain),
    ("version", "/version", Look::Plain),
    ("sample", "/sample", Look::Plain),
];

const PROVIDERS: &[Column] = &[
    ("id", "/id", Look::Plain),
    ("key", "/key", Look::Plain),
    ("name", "/name", Look::Plain),
    ("shortName", "/shortName", Look::Plain),
    ("kind", "/kind", Look::Plain),
    ("legalForm", "/legalForm", Look::Plain),
    ("seat", "/seat", Look::Plain),
    ("areaServed", "/areaServed", Look::Plain),
    ("website", "/website", Look::Plain),
    ("kdnMember", "/kdnMember", Look::Plain),
    ("sample", "/sample", Look::Plain),
];

const MUNICIPALITIES: &[Column] = &[
    ("id", "/id", Look::Plain),
    ("ags", "/ags", Look::Plain),
    ("ars", "/ars", Look::Plain),
    ("name", "/name", Look::Plain),
    ("officialName", "/officialName", Look::Plain),
    ("type", "/type", Look::Plain),
    ("specialStatus", "/specialStatus", Look::Plain),
    ("districtAgs", "/district", Look::Ags),
    ("district", "/district", Look::Municipality),
    ("governmentDistrict", "/governmentDistrict", Look::Plain),
    ("population", "/population", Look::Plain),
    ("populationDate", "/populationDate", Look::Plain),
    ("areaHectares", "/areaHectares", Look::Plain),
    ("postcode", "/postcode", Look::Plain),
    ("longitude", "/longitude", Look::Decimal),
    ("latitude", "/latitude", Look::Decimal),
    ("kgstSizeClass", "/kgstSizeClass", Look::Plain),
    ("goNrwStatus", "/goNrwStatus", Look::Plain),
    ("dissolvedOn", "/dissolvedOn", Look::Plain),
    ("mergedIntoAgs", "/mergedInto", Look::Ags),
    ("mergedInto", "/mergedInto", Look::Municipality),
    ("areaChangeReference", "/areaChangeReference", Look::Plain),
];

/// A table of things of one kind. Names are those of the catalogue of today.
pub(super) struct Table {
    kind: Type,
    columns: &'static [Column],
    snapshot: Arc<Snapshot>,
}

impl Table {
    pub(super) fn new(kind: Type, snapshot: Arc<Snapshot>) -> Self {
        let columns = match kind {
            Type::ProductSubscription => SUBSCRIPTIONS,
            Type::Product => PRODUCTS,
            Type::Provider => PROVIDERS,
            _ => MUNICIPALITIES,
        };
        Self { kind, columns, snapshot }
    }

    /// The names of the columns.
    pub(super) fn head(&self) -> Result<Vec<u8>> {
        let mut to = MARK.to_vec();
        write(&mut to, self.columns.iter().map(|(name, ..)| (*name).to_owned()))?;
        Ok(to)
    }

    /// Writes a canonical row: a product on as many lines as it has prices.
    pub(super) fn write(&self, row: &str, to: &mut Vec<u8>) -> Result<()> {
        let mut row: Value = serde_json::from_str(row).map_err(Error::internal)?;
        if self.kind != Type::Product {
            return self.line(&row, to);
        }
        let prices = row.as_object_mut().and_then(|row| row.remove("prices"));
        let prices = prices.as_ref().and_then(Value::as_array).filter(|prices| !prices.is_empty());
        for price in prices.map_or([Value::Null].as_slice(), Vec::as_slice) {
            row["price"] = price.clone();
            self.line(&row, to)?;
        }
        Ok(())
    }

    fn line(&self, row: &Value, to: &mut Vec<u8>) -> Result<()> {
        write(to, self.columns.iter().map(|(_, place, look)| self.cell(row.pointer(place), *look)))
    }

    fn cell(&self, value: Option<&Value>, look: Look) -> String {
        match value {
            None | Some(Value::Null) => String::new(),
            // Several values stand in one cell, parted by "|", as in portfolios.
            Some(Value::Array(values)) => {
                values.iter().map(|value| self.cell(Some(value), look)).collect::<Vec<_>>().join("|")
            }
            Some(Value::String(text)) => self.text(text, look),
            Some(other) => other.to_string(),
        }
    }

    fn text(&self, text: &str, look: Look) -> String {
        match look {
            Look::Plain => guarded(text),
            Look::Decimal => text.replace('.', ","),
            look => {
                ids::parse(text).and_then(|(_, id)| self.name(id, look)).map(|name| guarded(&name)).unwrap_or_default()
            }
        }
    }

    fn name(&self, id: Uuid, look: Look) -> Option<String> {
        let catalogue = &*self.snapshot;
        let municipality = || catalogue.municipalities.find(id).map(|at| &catalogue.municipalities[at]);
        let product = || catalogue.products.find(id).map(|at| &catalogue.products[at].row);
        let of_product = || catalogue.products.find(id).map(|at| catalogue.products[at].provider);
        let provider = || catalogue.providers.find(id).or_else(of_product).map(|at| &catalogue.providers[at].row);
        match look {
            Look::Plain | Look::Decimal => None,
            Look::Ags => Some(municipality()?.row.ags.clone()),
            Look::Municipality => Some(municipality()?.row.name.clone()),
            Look::District => Some(catalogue.municipalities[municipality()?.district?].row.name.clone()),
            Look::ProviderKey => Some(provider()?.key.clone()),
            Look::Provider => Some(provider()?.name.clone()),
            Look::ExternalId => Some(product()?.external_id.clone()),
            Look::Product => Some(product()?.name.clone()),
            Look::Category => Some(catalogue.categories[catalogue.categories.find(id)?].row.name.clone()),
            Look::StandardProduct => {
                Some(catalogue.standard_products[catalogue.standard_products.find(id)?].row.name.clone())
            }
            Look::CustomerGroup => Some(catalogue.customer_groups[catalogue.customer_groups.find(id)?].row.key.clone()),
        }
    }
}

/// A cell that no spreadsheet runs.
fn guarded(text: &str) -> String {
    if text.starts_with(FORMULA) { format!("'{text}") } else { text.to_owned() }
}

fn write(to: &mut Vec<u8>, cells: impl Iterator<Item = String>) -> Result<()> {
    let mut writer = csv::WriterBuilder::new().delimiter(b';').terminator(csv::Terminator::CRLF).from_writer(to);
    writer.write_record(cells.collect::<Vec<_>>()).map_err(Error::internal)?;
    writer.flush().map_err(Error::internal)
}
