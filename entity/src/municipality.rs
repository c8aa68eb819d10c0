//! Municipalities and Kreise: who can have products.

use sea_orm::entity::prelude::*;

/// One row of `municipalities`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "municipalities")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Amtlicher Gemeindeschlüssel, 8 digits; a Kreis has its 5 digits filled with `000`.
    pub ags: String,
    /// Amtlicher Regionalschlüssel, 12 digits.
    pub ars: String,
    /// Name as people use it.
    pub name: String,
    /// Name as in the official directory.
    pub official_name: String,
    /// What it is.
    #[sea_orm(column_name = "type")]
    pub kind: Type,
    /// A status that its type does not tell (the city of Aachen).
    pub special_status: Option<String>,
    /// The Kreis that it belongs to; none for a Kreis or a kreisfreie Stadt.
    pub district_id: Option<Uuid>,
    /// Regierungsbezirk.
    pub government_district: String,
    /// Its Landschaftsverband.
    pub landschaftsverband_id: Uuid,
    /// Inhabitants.
    pub population: i64,
    /// The day of that count.
    pub population_date: Date,
    /// Area in hectares.
    pub area_hectares: i64,
    /// Postcode of the seat.
    pub postcode: Option<String>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// KGSt size class, 1 (largest) to 7, of Kreise 1 to 3.
    pub kgst_size_class: i32,
    /// Status after § 4 GO NRW as computed in the source.
    pub go_nrw_status: Option<String>,
    /// The first day on which it is part of another one; none while it goes on.
    pub dissolved_on: Option<Date>,
    /// The municipality that it has gone into; set together with the day.
    pub merged_into_id: Option<Uuid>,
    /// Where that is laid down.
    pub area_change_reference: Option<String>,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Kind of municipality.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Type {
    /// A town that belongs to no Kreis.
    KreisfreieStadt,
    /// A town within a Kreis.
    KreisangehoerigeStadt,
    /// A municipality within a Kreis without the title of a town.
    Gemeinde,
    /// A Kreis; also the StädteRegion Aachen.
    Kreis,
}
