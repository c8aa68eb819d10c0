//! Who is asking.

use async_graphql::{Context, Description, Enum, Object};

use super::{
    connection::{Connection, page},
    context::reading,
    customer_group::CustomerGroup,
    municipality::Municipality,
    provider::Provider,
    scalars::Date,
    subscription::ProductSubscription,
    usage::Usage,
};
use crate::{access, error::Result, listing::Window, subscriptions::tasks};

/// A role that a token can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "access::Role")]
pub enum Role {
    /// A municipality (Kommune).
    Municipality,
    /// A municipal IT provider (IT-Dienstleister).
    Provider,
    /// Central contact of customer groups (Kundenbetreuung).
    AccountManager,
    /// Keeps the catalogue in order (Katalogverantwortung).
    Steward,
    /// Phases, joining, mergers (Transformationsbüro).
    TransformationOffice,
    /// Scripts of the Land.
    Land,
    /// Reads who changed what (Revision).
    Auditor,
}

/// What kind of task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "tasks::Kind")]
pub enum TaskKind {
    /// Approve or reject what somebody asked (Genehmigung).
    Approve,
    /// Confirm or refuse what was asked on one's behalf (Bestätigung).
    Confirm,
    /// Something that the caller asked expires within 14 days without a decision.
    Expiring,
    /// Notice has to be given by then, or the subscription goes on; told 90 days ahead (Kündigungstermin).
    NoticeDeadline,
}

/// Something that waits for the caller.
#[derive(Description)]
pub struct Task {
    kind: tasks::Kind,
    due_on: Option<chrono::NaiveDate>,
    subscription: ProductSubscription,
}

#[Object(use_type_description)]
impl Task {
    /// What kind of task.
    async fn kind(&self) -> TaskKind {
        self.kind.into()
    }

    /// Until when.
    async fn due_on(&self) -> Option<Date> {
        self.due_on.map(Date)
    }

    /// About which subscription.
    async fn subscription(&self) -> &ProductSubscription {
        &self.subscription
    }
}

/// Who the token says the caller is. Without a token: nobody, with the rights of the public.
#[derive(Description)]
pub struct Viewer;

#[Object(use_type_description)]
impl Viewer {
    /// The token's subject; null without a token.
    async fn subject<'c>(&self, context: &Context<'c>) -> Option<&'c str> {
        Some(reading(context).caller.as_ref()?.subject.as_str())
    }

    /// Roles that are known here; empty without a token.
    async fn roles(&self, context: &Context<'_>) -> Vec<Role> {
        let roles = reading(context).caller.iter().flat_map(|caller| &caller.roles);
        roles.map(|role| Role::from(*role)).collect()
    }

    /// The municipality that the caller acts for; null when the token names none that exists.
    async fn municipality(&self, context: &Context<'_>) -> Option<Municipality> {
        let reading = reading(context);
        reading.snapshot.municipalities.find(reading.caller.as_ref()?.municipality?).map(Municipality)
    }

    /// The provider that the caller acts for; null when the token names none that exists.
    async fn provider(&self, context: &Context<'_>) -> Option<Provider> {
        let reading = reading(context);
        reading.snapshot.providers.find(reading.caller.as_ref()?.provider?).map(Provider)
    }

    /// The customer groups that the caller looks after.
    async fn customer_groups(&self, context: &Context<'_>) -> Vec<CustomerGroup> {
        let reading = reading(context);
        let ids = reading.caller.iter().flat_map(|caller| &caller.customer_groups);
        ids.filter_map(|id| reading.snapshot.customer_groups.find(*id)).map(CustomerGroup::Published).collect()
    }

    /// How often the caller's client asks, and which limits it meets; null without a token.
    async fn usage(&self, context: &Context<'_>) -> Result<Option<Usage>> {
        Usage::of(reading(context)).await
    }

    /// What waits for the caller: approvals, confirmations, own requests about to expire, deadlines for giving notice. Most
    /// urgent first; empty without a token.
    async fn tasks(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Task>> {
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let reading = reading(context);
        let listing = tasks::of(reading.db(), &reading.ground()?, reading.caller.as_ref()).await?;
        let mut connection = page(listing, &window, |task| Task {
            subscription: ProductSubscription::one(task.row),
            kind: task.kind,
            due_on: task.due_on,
        })?;
        ProductSubscription::join(connection.edges.iter_mut().map(|edge| &mut edge.0.node.0.subscription));
        Ok(connection)
    }
}

/// Root fields for the caller.
#[derive(Default)]
pub struct ViewerQuery;

#[Object]
impl ViewerQuery {
    /// Who is asking.
    async fn viewer(&self) -> Viewer {
        Viewer
    }
}
