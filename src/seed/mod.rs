//! Data to start with: reference data from `data/`, and sample data for a first look and for tests.
//!
//! Ids are derived from natural keys, so every installation knows a municipality or provider by the same id.
//! All of it is written in one transaction that raises the catalogue's version.

mod groups;
mod municipalities;
mod phases;
mod providers;
mod sample;

use std::str::FromStr;

use ::entity::{audit_event::Outcome, category, change::Type, municipality, product};
use sea_orm::{
    ActiveModelBehavior, DbErr, EntityTrait, IntoActiveModel, Iterable, ModelTrait, PaginatorTrait,
    prelude::{DateTimeUtc, Uuid},
    sea_query::ValueType,
};
use serde::de::DeserializeOwned;

use crate::{
    audit::{Actor, Event},
    catalogue,
    clock::Clock,
    database::Database,
    feed::Changed,
    ids::natural_id as id_of,
    portfolios::versions,
    records,
    text::fold,
};

/// Everything that `itkatalog seed` can load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Municipalities, providers, categories, customer groups, phases.
    Reference,
    /// Reference data, and invented portfolios, contacts and subscriptions, marked as sample.
    Demo,
}

/// How many rows were written, by table.
pub type Report = Vec<(&'static str, usize)>;

/// Loads what is missing; what is there already stays as it is. `policies` is the fingerprint of those in force. The
/// report is empty when nothing was missing.
pub async fn run(database: &Database, policies: &str, clock: Clock, content: Content) -> Result<Report, String> {
    load(database, policies, clock, content).await.map_err(|error| format!("nothing was loaded: {error}"))
}

async fn load(database: &Database, policies: &str, clock: Clock, content: Content) -> Result<Report, DbErr> {
    let db = database.begin_exclusive().await?;
    let mut reports = Vec::new();
    if municipality::Entity::find().count(&*db).await? == 0 {
        let mut writer = Writer::new(&db);
        load_reference(&mut writer).await?;
        reports.push(("LOAD_REFERENCE_DATA", writer));
    }
    if content == Content::Demo && product::Entity::find().count(&*db).await? == 0 {
        let mut writer = Writer::new(&db);
        sample::load(&mut writer).await?;
        reports.push(("LOAD_SAMPLE_DATA", writer));
    }
    if !reports.is_empty() {
        catalogue::raise_version(&*db, clock.now()).await?;
        let snapshot = catalogue::Snapshot::read(&*db).await?;
        versions::keep_missing(&*db, &snapshot).await.map_err(|error| DbErr::Custom(error.to_string()))?;
    }
    let mut report = Report::new();
    for (action, writer) in reports {
        writer.record(action, policies, clock.now()).await?;
        report.extend(writer.report);
    }
    db.commit().await?;
    Ok(report)
}

/// Whether the database holds no catalogue at all.
pub async fn is_empty(database: &Database) -> Result<bool, DbErr> {
    Ok(municipality::Entity::find().count(database.connection()).await? == 0)
}

async fn load_reference(writer: &mut Writer<'_>) -> Result<(), DbErr> {
    municipalities::load(writer).await?;
    providers::load(writer).await?;
    writer.insert::<category::Entity>("categories", categories()?).await?;
    groups::load(writer).await?;
    phases::load(writer).await
}

/// Writes rows of one transaction and counts them.
struct Writer<'db> {
    db: &'db sea_orm::DatabaseTransaction,
    report: Report,
    changed: Vec<Changed>,
}

impl<'db> Writer<'db> {
    fn new(db: &'db sea_orm::DatabaseTransaction) -> Self {
        Self { db, report: Report::new(), changed: Vec::new() }
    }

    /// Writes the entries of the change feed and one audit event: loading is a write like any other.
    async fn record(&self, action: &str, policies: &str, now: DateTimeUtc) -> Result<(), DbErr> {
        let rows: serde_json::Map<_, _> =
            self.report.iter().map(|(table, rows)| ((*table).to_owned(), (*rows).into())).collect();
        let event = Event {
            actor: Actor::service("seed"),
            action,
            outcome: Outcome::Committed,
            entity: None,
            before: None,
            after: Some(serde_json::Value::from(rows).to_string()),
            reason: None,
            rule: None,
            policies,
            request_id: None,
        };
        records::append(self.db, &self.changed, [event], now).await
    }

    /// Inserts rows, as many in a statement as both databases take.
    async fn insert<E>(&mut self, table: &'static str, rows: Vec<E::Model>) -> Result<(), DbErr>
    where
        E: EntityTrait,
        E::Model: IntoActiveModel<E::ActiveModel>,
        E::ActiveModel: ActiveModelBehavior + Send,
    {
        const MOST_VALUES: usize = 30_000;
        let rows_in_statement = MOST_VALUES / E::Column::iter().count().max(1);
        self.report.push((table, rows.len()));
        if let Some(kind) = type_of(table) {
            self.changed.extend(rows.iter().filter_map(|row| changed::<E>(kind, row)));
        }
        let mut rows = rows.into_iter().map(IntoActiveModel::into_active_model).peekable();
        while rows.peek().is_some() {
            let chunk: Vec<E::ActiveModel> = rows.by_ref().take(rows_in_statement).collect();
            E::insert_many(chunk).exec_without_returning(self.db).await?;
        }
        Ok(())
    }
}

/// What readers of the change feed know the rows of a table as; none for parts of other things.
fn type_of(table: &str) -> Option<Type> {
    Some(match table {
        "municipalities" => Type::Municipality,
        "providers" | "providers (sample)" => Type::Provider,
        "provider_mergers" => Type::ProviderMerger,
        "joinings" => Type::Joining,
        "customer_groups" => Type::CustomerGroup,
        "categories" => Type::Category,
        "standard_products" => Type::StandardProduct,
        "products" => Type::Product,
        "phases" => Type::Phase,
        "contacts" => Type::Contact,
        "product_subscriptions" => Type::ProductSubscription,
        _ => return None,
    })
}

fn changed<E: EntityTrait>(kind: Type, row: &E::Model) -> Option<Changed> {
    let value = |column: &str| Some(row.get(E::Column::from_str(column).ok()?));
    let id = <Uuid as ValueType>::try_from(value("id")?).ok()?;
    let version = value("version").and_then(|version| <i64 as ValueType>::try_from(version).ok());
    Some(Changed { kind, id, version })
}

/// Reads an embedded CSV file with a header line.
fn read<T: DeserializeOwned>(file: &'static str, text: &'static str) -> Result<Vec<T>, DbErr> {
    let rows = csv::Reader::from_reader(text.as_bytes()).into_deserialize().collect::<Result<Vec<T>, _>>();
    rows.map_err(|error| DbErr::Custom(format!("{file}: {error}")))
}

/// An error in embedded data: a test would have found it.
fn broken(file: &'static str, what: &str) -> DbErr {
    DbErr::Custom(format!("{file}: {what}"))
}

fn some_text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// A decimal number with at most two places as hundredths: `0.4` is 40.
fn hundredths(decimal: &str) -> Option<i64> {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let fraction = match fraction.len() {
        0 => 0,
        1 => fraction.parse::<i64>().ok()? * 10,
        2 => fraction.parse::<i64>().ok()?,
        _ => return None,
    };
    Some(whole.parse::<i64>().ok()? * 100 + fraction)
}

fn slug(text: &str) -> String {
    fold(text).replace(' ', "-")
}

/// A row of the taxonomy: a typical product.
#[derive(Clone, Debug, serde::Deserialize)]
struct Typical {
    product_id: String,
    top_category: String,
    category_id: String,
    category: String,
    product_name: String,
    example_software: String,
    delivery_mode: String,
    pricing_unit: String,
    illustrative_price_eur: String,
    leika_ids: String,
    ozg_ids: String,
    pflichtaufgabe_nach_weisung: String,
    basisdienst: bool,
}

fn taxonomy() -> Result<Vec<Typical>, DbErr> {
    read("product_taxonomy.csv", include_str!("../../data/product_taxonomy.csv"))
}

fn category_id(key: &str) -> Uuid {
    id_of("category", key)
}

fn categories() -> Result<Vec<category::Model>, DbErr> {
    let mut categories: Vec<category::Model> = Vec::new();
    let mut add = |key: String, name: &str, parent: Option<Uuid>| {
        let id = category_id(&key);
        if !categories.iter().any(|category| category.id == id) {
            let ordinal = categories.len() as i32 + 1;
            categories.push(category::Model { id, key, name: name.to_owned(), parent_id: parent, ordinal });
        }
        id
    };
    let mut typical = taxonomy()?;
    typical.sort_by(|one, other| one.top_category.cmp(&other.top_category));
    for row in &typical {
        let top = row.top_category.split_once(' ').map_or(row.top_category.as_str(), |(_, name)| name);
        let parent = add(slug(top), top, None);
        add(row.category_id.to_lowercase(), &row.category, Some(parent));
    }
    Ok(categories)
}
