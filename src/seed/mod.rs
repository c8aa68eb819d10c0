//! Data to start with: reference data from `data/`, and sample data for a first look and for tests.
//!
//! Ids are derived from natural keys, so every installation knows a municipality or provider by the same id.
//! All of it is written in one transaction that raises the catalogue's version.

mod groups;
mod municipalities;
mod phases;
mod providers;
mod sample;

use ::entity::{catalogue_state, category, municipality, product};
use sea_orm::{
    ActiveModelBehavior, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, Iterable, PaginatorTrait,
    QueryFilter,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait},
};
use serde::de::DeserializeOwned;

use crate::{clock::Clock, database::Database, text::fold};

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

/// Loads what is missing; what is there already stays as it is. The report is empty when nothing was missing.
pub async fn run(database: &Database, clock: Clock, content: Content) -> Result<Report, String> {
    load(database, clock, content).await.map_err(|error| format!("nothing was loaded: {error}"))
}

async fn load(database: &Database, clock: Clock, content: Content) -> Result<Report, DbErr> {
    let db = database.begin_exclusive().await?;
    let mut writer = Writer { db: &db, report: Report::new() };
    if municipality::Entity::find().count(&db).await? == 0 {
        load_reference(&mut writer).await?;
    }
    if content == Content::Demo && product::Entity::find().count(&db).await? == 0 {
        sample::load(&mut writer).await?;
    }
    let report = writer.report;
    if !report.is_empty() {
        raise_version(&db, clock).await?;
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

async fn raise_version(db: &impl ConnectionTrait, clock: Clock) -> Result<(), DbErr> {
    catalogue_state::Entity::update_many()
        .col_expr(catalogue_state::Column::Version, Expr::col(catalogue_state::Column::Version).add(1))
        .col_expr(catalogue_state::Column::UpdatedAt, Expr::value(clock.now()))
        .filter(catalogue_state::Column::Id.eq(1))
        .exec(db)
        .await?;
    Ok(())
}

/// Writes rows of one transaction and counts them.
struct Writer<'db> {
    db: &'db sea_orm::DatabaseTransaction,
    report: Report,
}

impl Writer<'_> {
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
        let mut rows = rows.into_iter().map(IntoActiveModel::into_active_model).peekable();
        while rows.peek().is_some() {
            let chunk: Vec<E::ActiveModel> = rows.by_ref().take(rows_in_statement).collect();
            E::insert_many(chunk).exec_without_returning(self.db).await?;
        }
        Ok(())
    }
}

/// The id of a thing with a natural key: the same in every installation.
fn id_of(noun: &str, key: &str) -> Uuid {
    const NAMESPACE: Uuid = Uuid::from_u128(0x6e72_775f_6974_5f6b_6174_616c_6f67_2026);
    Uuid::new_v5(&NAMESPACE, format!("{noun}:{key}").as_bytes())
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
