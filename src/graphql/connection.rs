//! Relay connections over the lists of the nouns.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, ObjectType, OutputType, Positioned, ServerResult, SimpleObject, Value, connection::PageInfo,
    parser::types::Field, registry::Registry,
};

use super::{
    availability::AvailableProduct, history::SubscriptionEvent, in_turn::InTurn, municipality::Municipality,
    overlap::OverlapCandidate, product::Product, provider::Provider, standard_product::StandardProduct,
    subscription::ProductSubscription, viewer::Task,
};
use crate::{
    error::Result,
    listing::{Cut, Listing, Place, Window},
};

/// A page of a list, after Relay's connection specification.
#[derive(SimpleObject)]
#[graphql(concrete(name = "StandardProductConnection", params(StandardProduct)))]
#[graphql(concrete(name = "ProviderConnection", params(Provider)))]
#[graphql(concrete(name = "MunicipalityConnection", params(Municipality)))]
#[graphql(concrete(name = "SubscriptionEventConnection", params(SubscriptionEvent)))]
#[graphql(concrete(name = "TaskConnection", params(Task)))]
#[graphql(concrete(name = "RehearsedRequestConnection", params(super::phase_rehearsal::RehearsedRequest)))]
#[graphql(concrete(name = "OverlapCandidateConnection", params(OverlapCandidate)))]
#[graphql(concrete(name = "MovedProductConnection", params(super::merger_plan::MovedProduct)))]
#[graphql(concrete(name = "MergerRequestConnection", params(super::merger_plan::MergerRequest)))]
#[graphql(concrete(name = "MovedSubscriptionConnection", params(super::area_change::MovedSubscription)))]
#[graphql(concrete(name = "PriceEffectConnection", params(super::merger_plan::PriceEffect)))]
#[graphql(concrete(name = "ProductVersionConnection", params(super::product_version::ProductVersion)))]
#[graphql(concrete(name = "ProductChangeConnection", params(super::product_change::ProductChange)))]
#[graphql(concrete(name = "ContactConnection", params(super::contact::Contact)))]
#[graphql(concrete(name = "ContactAssignmentConnection", params(super::contact_assignment::ContactAssignment)))]
pub struct Connection<N: ObjectType>
where
    Edge<N>: ObjectType,
{
    /// The rows of this page, each with its cursor.
    pub edges: Vec<InTurn<Edge<N>>>,
    /// Whether there is more, and the cursors to go on with.
    pub page_info: PageInfo,
    /// Rows of the whole list, all pages together.
    pub total_count: i32,
}

/// A row of a page with its cursor.
#[derive(SimpleObject)]
#[graphql(concrete(name = "ProductEdge", params(Product)))]
#[graphql(concrete(name = "AvailableProductEdge", params(AvailableProduct)))]
#[graphql(concrete(name = "StandardProductEdge", params(StandardProduct)))]
#[graphql(concrete(name = "ProviderEdge", params(Provider)))]
#[graphql(concrete(name = "MunicipalityEdge", params(Municipality)))]
#[graphql(concrete(name = "ProductSubscriptionEdge", params(ProductSubscription)))]
#[graphql(concrete(name = "SubscriptionEventEdge", params(SubscriptionEvent)))]
#[graphql(concrete(name = "TaskEdge", params(Task)))]
#[graphql(concrete(name = "RehearsedRequestEdge", params(super::phase_rehearsal::RehearsedRequest)))]
#[graphql(concrete(name = "MovedProductEdge", params(super::merger_plan::MovedProduct)))]
#[graphql(concrete(name = "MergerRequestEdge", params(super::merger_plan::MergerRequest)))]
#[graphql(concrete(name = "MovedSubscriptionEdge", params(super::area_change::MovedSubscription)))]
#[graphql(concrete(name = "PriceEffectEdge", params(super::merger_plan::PriceEffect)))]
#[graphql(concrete(name = "AuditEventEdge", params(super::audit::AuditEvent)))]
#[graphql(concrete(name = "ChangeEdge", params(super::change::Change)))]
#[graphql(concrete(name = "OverlapCandidateEdge", params(OverlapCandidate)))]
#[graphql(concrete(name = "ProductVersionEdge", params(super::product_version::ProductVersion)))]
#[graphql(concrete(name = "ProductChangeEdge", params(super::product_change::ProductChange)))]
#[graphql(concrete(name = "ContactEdge", params(super::contact::Contact)))]
#[graphql(concrete(name = "ContactAssignmentEdge", params(super::contact_assignment::ContactAssignment)))]
#[graphql(concrete(name = "WebhookDeliveryEdge", params(super::webhook_delivery::WebhookDelivery)))]
pub struct Edge<N: ObjectType> {
    /// Where the row stands: give it as `after` or `before` to go on from here. Holds while rows come and go.
    pub cursor: Place,
    /// The row.
    pub node: InTurn<N>,
}

/// A cursor is told as a text, and written then.
impl OutputType for Place {
    fn type_name() -> Cow<'static, str> {
        <String as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <String as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::String(self.cursor()))
    }
}

/// Cuts a page out of a list and turns its rows into nodes.
pub fn page<T: Clone, N: ObjectType>(
    listing: Listing<'_, T>,
    window: &Window,
    node: impl Fn(T) -> N,
) -> Result<Connection<N>>
where
    Edge<N>: ObjectType,
{
    let page = listing.page(window)?;
    let total_count = i32::try_from(page.total).unwrap_or(i32::MAX);
    let cut = Cut { rows: page.rows, has_previous: page.has_previous, has_next: page.has_next };
    let (edges, page_info) = edges(cut, node);
    Ok(Connection { edges, page_info, total_count })
}

/// Turns the rows of a page into edges, with the page's bounds.
pub fn edges<T, N: ObjectType>(cut: Cut<T>, node: impl Fn(T) -> N) -> (Vec<InTurn<Edge<N>>>, PageInfo)
where
    Edge<N>: ObjectType,
{
    let edge = |(place, row)| InTurn(Edge { cursor: place, node: InTurn(node(row)) });
    let edges: Vec<InTurn<Edge<N>>> = cut.rows.into_iter().map(edge).collect();
    let page_info = PageInfo {
        has_previous_page: cut.has_previous,
        has_next_page: cut.has_next,
        start_cursor: edges.first().map(|edge| edge.0.cursor.cursor()),
        end_cursor: edges.last().map(|edge| edge.0.cursor.cursor()),
    };
    (edges, page_info)
}
