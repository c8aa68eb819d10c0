//! Customer groups.

use ::entity::customer_group;
use async_graphql::{Context, Description, ID, Object};
use sea_orm::prelude::Uuid;

use super::{
    connection::{Connection, page},
    context::{reading, snapshot},
    municipality::Municipality,
    node::global_id,
    scalars::Json,
};
use crate::{
    catalogue::{self, At, Snapshot},
    error::{Error, Result},
    listing::Window,
    municipalities,
};

/// A set of municipalities (Kundengruppe) by rule, by hand, or both; every municipality is in at least one.
#[derive(Description, Clone)]
pub enum CustomerGroup {
    /// As published.
    Published(At<catalogue::CustomerGroup>),
    /// As it was written, with its members by name.
    Saved(Box<(customer_group::Model, Vec<Uuid>)>),
}

impl CustomerGroup {
    fn row<'c>(&'c self, context: &Context<'c>) -> &'c customer_group::Model {
        match self {
            Self::Published(at) => &snapshot(context).customer_groups[*at].row,
            Self::Saved(saved) => &saved.0,
        }
    }

    fn members_of(&self, snapshot: &Snapshot, today: sea_orm::prelude::Date) -> Vec<At<catalogue::Municipality>> {
        match self {
            Self::Published(at) => municipalities::standing(snapshot, &snapshot.customer_groups[*at].members, today),
            Self::Saved(saved) => saved.1.iter().filter_map(|id| snapshot.municipalities.find(*id)).collect(),
        }
    }
}

#[Object(use_type_description)]
impl CustomerGroup {
    /// Opaque global id, the same for ever.
    pub async fn id(&self, context: &Context<'_>) -> ID {
        global_id("CustomerGroup", self.row(context).id)
    }

    /// Natural key.
    async fn key<'c>(&'c self, context: &Context<'c>) -> &'c str {
        &self.row(context).key
    }

    /// Name.
    async fn name<'c>(&'c self, context: &Context<'c>) -> &'c str {
        &self.row(context).name
    }

    /// What the group is for.
    async fn description<'c>(&'c self, context: &Context<'c>) -> Option<&'c str> {
        self.row(context).description.as_deref()
    }

    /// Who belongs to it: an object with any of `types`, `minPopulation`, `maxPopulation`, `districts` (AGS of Kreise),
    /// `governmentDistricts`, all of which must hold. Null when all members are listed by hand.
    async fn rule(&self, context: &Context<'_>) -> Result<Option<Json>> {
        let rule = self.row(context).rule.as_ref().map(serde_json::to_value).transpose();
        Ok(rule.map_err(Error::internal)?.map(Json))
    }

    /// How many municipalities belong to it, without those that have gone into another one.
    async fn member_count(&self, context: &Context<'_>) -> i32 {
        i32::try_from(self.members_of(snapshot(context), reading(context).today).len()).unwrap_or(i32::MAX)
    }

    /// Its members by name, without those that have gone into another one.
    async fn members(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Municipality>> {
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let snapshot = snapshot(context);
        page(
            municipalities::by_name(snapshot, "members", self.members_of(snapshot, reading(context).today)),
            &window,
            Municipality,
        )
    }

    /// Rises with every change; give it with the next one.
    async fn version(&self, context: &Context<'_>) -> i64 {
        self.row(context).version
    }

    /// Where its limits come from, or `ours`.
    async fn source<'c>(&'c self, context: &Context<'c>) -> &'c str {
        &self.row(context).source
    }
}

/// Root fields for customer groups.
#[derive(Default)]
pub struct CustomerGroupQuery;

#[Object]
impl CustomerGroupQuery {
    /// All customer groups by key. Together they cover every municipality.
    async fn customer_groups(&self, context: &Context<'_>) -> Vec<CustomerGroup> {
        snapshot(context).customer_groups.places().map(CustomerGroup::Published).collect()
    }
}
