//! Customer groups.

use async_graphql::{Context, Description, ID, Object};

use super::{
    connection::{Connection, page},
    context::snapshot,
    municipality::Municipality,
    node::global_id,
    scalars::Json,
};
use crate::{
    catalogue::{self, At},
    error::{Error, Result},
    listing::Window,
    municipalities,
};

/// A set of municipalities (Kundengruppe) by rule, by hand, or both; every municipality is in at least one.
#[derive(Description, Clone, Copy)]
pub struct CustomerGroup(pub At<catalogue::CustomerGroup>);

impl CustomerGroup {
    fn row<'c>(&self, context: &Context<'c>) -> &'c catalogue::CustomerGroup {
        &snapshot(context).customer_groups[self.0]
    }
}

#[Object(use_type_description)]
impl CustomerGroup {
    /// Opaque global id, the same for ever.
    pub async fn id(&self, context: &Context<'_>) -> ID {
        global_id("CustomerGroup", self.row(context).row.id)
    }

    /// Natural key.
    async fn key<'c>(&self, context: &Context<'c>) -> &'c str {
        &self.row(context).row.key
    }

    /// Name.
    async fn name<'c>(&self, context: &Context<'c>) -> &'c str {
        &self.row(context).row.name
    }

    /// What the group is for.
    async fn description<'c>(&self, context: &Context<'c>) -> Option<&'c str> {
        self.row(context).row.description.as_deref()
    }

    /// Who belongs to it: an object with any of `types`, `minPopulation`, `maxPopulation`, `districts` (AGS of Kreise),
    /// `governmentDistricts`, all of which must hold. Null when all members are listed by hand.
    async fn rule(&self, context: &Context<'_>) -> Result<Option<Json>> {
        let rule = self.row(context).row.rule.as_ref().map(serde_json::to_value).transpose();
        Ok(rule.map_err(Error::internal)?.map(Json))
    }

    /// How many municipalities belong to it.
    async fn member_count(&self, context: &Context<'_>) -> i32 {
        i32::try_from(self.row(context).members.len()).unwrap_or(i32::MAX)
    }

    /// Its members by name.
    async fn members(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Municipality>> {
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let members = self.row(context).members.clone();
        page(municipalities::by_name(snapshot(context), "members", members), &window, Municipality)
    }

    /// Where its limits come from, or `ours`.
    async fn source<'c>(&self, context: &Context<'c>) -> &'c str {
        &self.row(context).row.source
    }
}

/// Root fields for customer groups.
#[derive(Default)]
pub struct CustomerGroupQuery;

#[Object]
impl CustomerGroupQuery {
    /// All customer groups by key. Together they cover every municipality.
    async fn customer_groups(&self, context: &Context<'_>) -> Vec<CustomerGroup> {
        snapshot(context).customer_groups.places().map(CustomerGroup).collect()
    }
}
