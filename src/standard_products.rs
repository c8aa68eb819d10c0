//! Standard products: which ones a caller looks for, and how they are made and changed.

use std::sync::Arc;

use ::entity::{
    category,
    change::Type,
    standard_product::{self, Column},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, prelude::Uuid,
};
use serde::Serialize;

use crate::{
    access::Duty,
    catalogue::{self, At, Snapshot, StandardProduct},
    condition::Condition,
    desk::Desk,
    error::{Code, Error, Result, check_text},
    feed::Changed,
    listing::{self, Key, Listing, Position},
    orders::{self, Act, check_version},
    products::is_in_category,
};

/// Longest key and longest name, in characters.
const LONGEST_NAME: usize = 200;
/// Longest summary, in characters.
const LONGEST_SUMMARY: usize = 500;

/// A standard product as it is to be.
#[derive(Clone, Debug, Serialize)]
pub struct Saving {
    /// Natural key.
    pub key: String,
    /// Name.
    pub name: String,
    /// What it is, in a sentence.
    pub summary: String,
    /// Key of its category.
    pub category: String,
    /// The version that the change starts from; none for a new one.
    pub version: Option<i64>,
}

/// A plain condition on a standard product. Lists of values mean one of them.
#[derive(Clone, Debug)]
pub enum Is {
    /// Its key.
    Key(Vec<String>),
    /// Key of its category, or of the category above.
    Category(Vec<String>),
    /// Part of its name, folded.
    NameContains(String),
}

impl Is {
    /// How much there is to compare.
    pub fn size(&self) -> usize {
        match self {
            Self::Key(values) | Self::Category(values) => values.len() + 1,
            Self::NameContains(_) => 1,
        }
    }
}

/// What standard products can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Name.
    Name,
    /// Order of the category.
    Category,
    /// Number of published products that implement it.
    ImplementationCount,
}

/// The standard products that fulfil a condition, in the order given, or by name.
pub fn list<'s>(
    snapshot: &'s Snapshot,
    condition: &Condition<Is>,
    order: Vec<listing::Order<Field>>,
) -> Listing<'s, At<StandardProduct>> {
    let holds = |standard_product: &StandardProduct| {
        condition.holds(&|is| match is {
            Is::Key(keys) => keys.contains(&standard_product.row.key),
            Is::Category(keys) => is_in_category(snapshot, standard_product.category, keys),
            Is::NameContains(part) => standard_product.name_key.contains(part),
        })
    };
    let found = snapshot.standard_products.iter().filter(|(_, row)| holds(row)).map(|(at, _)| at).collect();
    let signature = listing::signature(&order);
    Listing::sorted(format!("standard products {signature}"), found, move |at| {
        let row = &snapshot.standard_products[*at];
        let key = |order: &listing::Order<Field>| match order.field {
            Field::Name => Key::new(row.name_key.as_str(), order.is_descending),
            Field::Category => Key::new(i64::from(snapshot.categories[row.category].row.ordinal), order.is_descending),
            Field::ImplementationCount => Key::new(row.implementations.len() as i64, order.is_descending),
        };
        let by_name = Key::new(row.name_key.as_str(), false);
        Position(order.iter().map(key).chain([by_name]).collect(), row.row.id)
    })
}

/// Makes or changes a standard product; gives its id.
pub async fn save(desk: Arc<Desk>, order: orders::Order<Saving>) -> Result<Uuid> {
    let permit = order.check(&desk, Duty::SaveStandardProduct, false).await?;
    let key = order.key(permit.duty())?;
    let deed = &order.deed;
    check(deed)?;
    let now = desk.clock.now();
    let db = desk.database.begin_write().await?;
    catalogue::raise_version(&*db, now).await?;
    if let Some(known) = key.find(&*db, now).await? {
        return Ok(known.entity_id);
    }
    let before = find(&*db, &deed.key).await?;
    let category = category_id(&*db, &deed.category).await?;
    let (id, version) = next(before.as_ref(), deed)?;
    let after = standard_product::Model {
        id,
        key: deed.key.clone(),
        name: deed.name.clone(),
        summary: deed.summary.clone(),
        category_id: category,
        sample: before.as_ref().is_some_and(|row| row.sample),
        version,
    };
    let row = after.clone().into_active_model();
    match before {
        None => row.insert(&*db).await?,
        Some(_) => row.reset_all().update(&*db).await?,
    };
    let json = |row: &standard_product::Model| serde_json::to_value(row).map_err(Error::internal);
    let (before, after) = (before.as_ref().map(json).transpose()?, Some(json(&after)?));
    let act = Act { permit: &permit, entity: ("StandardProduct", id), before, after };
    let changed = [Changed { kind: Type::StandardProduct, id, version: Some(version) }];
    order.finish(&desk, db, &key, act, &changed, now).await?;
    Ok(id)
}

/// Id and version of what is saved.
fn next(before: Option<&standard_product::Model>, deed: &Saving) -> Result<(Uuid, i64)> {
    match (before, deed.version) {
        (None, None) => Ok((Uuid::new_v4(), 1)),
        (Some(row), Some(given)) => check_version("version", row.version, given).map(|()| (row.id, row.version + 1)),
        (Some(row), None) => Err(exists(row)),
        (None, Some(_)) => Err(Error::not_found(&deed.key).with("field", "key")),
    }
}

/// The standard product with a key, as the database has it.
pub async fn load(db: &impl ConnectionTrait, field: &'static str, key: &str) -> Result<standard_product::Model> {
    check_text(field, key, LONGEST_NAME)?;
    find(db, key).await?.ok_or_else(|| Error::not_found(key).with("field", field))
}

async fn find(db: &impl ConnectionTrait, key: &str) -> Result<Option<standard_product::Model>> {
    Ok(standard_product::Entity::find().filter(Column::Key.eq(key)).one(db).await?)
}

async fn category_id(db: &impl ConnectionTrait, key: &str) -> Result<Uuid> {
    let found = category::Entity::find().filter(category::Column::Key.eq(key)).one(db).await?;
    found.map(|row| row.id).ok_or_else(|| Error::not_found(key).with("field", "category"))
}

fn check(deed: &Saving) -> Result<()> {
    let of_key = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    let is_key = deed.key.split('-').all(|word| !word.is_empty() && word.chars().all(of_key));
    check_text("key", &deed.key, LONGEST_NAME)?;
    if !is_key {
        return Err(Error::bad_input(
            "key",
            "key besteht aus Kleinbuchstaben (a bis z) und Ziffern, Wörter durch Bindestrich getrennt, zum Beispiel e-akte.",
            "key consists of small letters (a to z) and digits, words separated by hyphens, for example e-akte.",
        ));
    }
    for (field, text, longest) in [("name", &deed.name, LONGEST_NAME), ("summary", &deed.summary, LONGEST_SUMMARY)] {
        check_text(field, text, longest)?;
        if text.trim().is_empty() {
            return Err(Error::bad_input(
                field,
                format!("{field} ist leer. Bitte ausfüllen."),
                format!("{field} is empty. Please fill it in."),
            ));
        }
    }
    check_text("category", &deed.category, LONGEST_NAME)
}

fn exists(row: &standard_product::Model) -> Error {
    Error::new(
        Code::Conflict,
        format!("Das Standardprodukt {} gibt es schon: „{}“.", row.key, row.name),
        format!("The standard product {} exists already: “{}”.", row.key, row.name),
    )
    .with("field", "key")
    .with("currentVersion", row.version)
    .next(
        "Zum Ändern version angeben, für ein neues einen anderen key.",
        "Give version to change it, or another key for a new one.",
    )
}
