//! Contacts: a function mailbox first, a person second.

use sea_orm::entity::prelude::*;

/// One row of `contacts`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "contacts")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Natural key.
    pub key: String,
    /// The function, as people know it.
    pub function: String,
    /// Mailbox of the function.
    pub email: String,
    /// Telephone of the function.
    pub phone: Option<String>,
    /// Personal: who it is.
    pub person_name: Option<String>,
    /// Personal: own mailbox.
    pub person_email: Option<String>,
    /// Personal: own telephone.
    pub person_phone: Option<String>,
    /// What a person's data are kept for; set where a person is.
    pub person_purpose: Option<String>,
    /// When somebody last confirmed that this is right.
    pub confirmed_at: Option<Date>,
    /// Last day.
    pub valid_until: Option<Date>,
    /// Invented for demonstration.
    pub sample: bool,
    /// Whose it is: a provider,
    pub provider_id: Option<Uuid>,
    /// or the account managers of a customer group; the central provider when neither is set.
    pub customer_group_id: Option<Uuid>,
    /// Rises with every change, from 1.
    pub version: i64,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
