//! What a version says, and what became another from one to the next, in words for people.

use std::collections::{BTreeMap, BTreeSet};

use ::entity::product_version;
use sea_orm::prelude::{Date, Uuid};
use serde_json::Value;

use super::{EntryPrice, entry::name_of, lifecycle::is_published, versions::Content};
use crate::{
    catalogue::Snapshot,
    error::{Error, Result},
    prices,
    text::{Language, german_day},
};

/// A field that is another in one version than in another, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name in the schema.
    pub field: String,
    /// What it was; none for nothing.
    pub before: Option<String>,
    /// What it became; none for nothing.
    pub after: Option<String>,
}

/// What a product was in a version: every field that is something, by name.
pub fn told(row: &product_version::Model, snapshot: &Snapshot, language: Language) -> Result<BTreeMap<String, String>> {
    let content = Content::read(row)?;
    let Value::Object(fields) = serde_json::to_value(&content.entry).map_err(Error::internal)? else {
        return Err(Error::internal("an entry is an object"));
    };
    let plain = fields.into_iter().filter_map(|(name, value)| Some((name, in_words(&value)?)));
    let mut told: BTreeMap<String, String> = plain.collect();
    // As in `Product`: where it stands, and where it is to stand once it is accepted.
    told.insert("lifecycle".to_owned(), name_of(content.stands));
    if !is_published(content.stands) {
        told.insert("requestedLifecycle".to_owned(), name_of(content.entry.lifecycle));
    }
    if let Some(provider) = row.provider_id.and_then(|id| snapshot.providers.find(id)) {
        told.insert("provider".to_owned(), snapshot.providers[provider].row.key.clone());
    }
    let prices: Vec<String> = content.entry.prices.iter().map(|price| price_told(price, language)).collect();
    let lists = [
        ("requires", names(snapshot, &content.requires)),
        ("replaces", names(snapshot, &content.replaces)),
        ("excludes", names(snapshot, &content.excludes)),
        ("prices", prices.join("; ")),
    ];
    for (name, text) in lists.into_iter().filter(|(_, text)| !text.is_empty()) {
        told.insert(name.to_owned(), text);
    }
    Ok(told)
}

/// What became another from one version to another, by name; nothing when there is no version before.
pub fn difference(
    before: Option<&product_version::Model>,
    after: &product_version::Model,
    snapshot: &Snapshot,
    language: Language,
) -> Result<Vec<Difference>> {
    let Some(before) = before else { return Ok(Vec::new()) };
    let (before, after) = (told(before, snapshot, language)?, told(after, snapshot, language)?);
    let fields: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = fields.into_iter().filter(|field| before.get(*field) != after.get(*field));
    let shown = |field: &String| Difference {
        field: field.clone(),
        before: before.get(field).cloned(),
        after: after.get(field).cloned(),
    };
    Ok(changed.map(shown).collect())
}

fn in_words(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        // Prices are told otherwise.
        Value::Array(values) => {
            let texts: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
            Some(texts.join(", ")).filter(|text| !text.is_empty())
        }
        other => Some(other.to_string()),
    }
}

fn price_told(price: &EntryPrice, language: Language) -> String {
    let told = prices::told(price.unit, price.period, price.amount_cents, price.percent_basis_points, language);
    let day = |day: Date| match language {
        Language::De => german_day(day),
        Language::En => day.to_string(),
    };
    let (from, to, group) = match language {
        Language::De => ("ab", "bis", "nur für"),
        Language::En => ("from", "until", "only for"),
    };
    let vat = prices::decimal(price.vat_basis_points.into(), language);
    let until = price.valid_to.map_or_else(String::new, |until| format!(" {to} {}", day(until)));
    let only = price.customer_group.as_ref().map_or_else(String::new, |key| format!(", {group} {key}"));
    let tax = match language {
        Language::De => format!("{vat} % USt."),
        Language::En => format!("{vat} % VAT"),
    };
    format!("{told}, {tax}, {from} {}{until}{only}", day(price.valid_from))
}

fn names(snapshot: &Snapshot, products: &[Uuid]) -> String {
    let name = |id: &Uuid| match snapshot.products.find(*id) {
        Some(at) => snapshot.products[at].row.name.clone(),
        None => id.to_string(),
    };
    let mut names: Vec<String> = products.iter().map(name).collect();
    names.sort_unstable();
    names.join(", ")
}
