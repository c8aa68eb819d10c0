//! Municipal IT providers.

use sea_orm::entity::prelude::*;

/// One row of `providers`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "providers")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Natural key, for ever.
    pub key: String,
    /// Full name.
    pub name: String,
    /// Short name.
    pub short_name: Option<String>,
    /// What kind of provider.
    pub kind: Kind,
    /// Legal form.
    pub legal_form: Option<String>,
    /// Seat.
    pub seat: Option<String>,
    /// Area served, in words.
    pub area_served: Option<String>,
    /// Web address without scheme.
    pub website: Option<String>,
    /// Member of the KDN; none where not known.
    pub kdn_member: Option<bool>,
    /// Where the facts come from.
    pub source: String,
    /// How sure they are.
    pub confidence: String,
    /// Invented for demonstration.
    pub sample: bool,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Kind of provider.
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
pub enum Kind {
    /// Serves whole Kreise.
    AreaWide,
    /// Serves some municipalities of a region.
    Regional,
    /// IT of one town.
    City,
    /// IT of one Kreis.
    District,
    /// IT of a Landschaftsverband.
    RegionalAssociation,
    /// Umbrella organisation of providers.
    Umbrella,
    /// Institution of the Land and its municipalities.
    State,
    /// The central municipal provider.
    Central,
    /// A municipality's own IT department.
    OwnIt,
}
