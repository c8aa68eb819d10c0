//! The schema: one file per noun, each with its type, its inputs and its root fields.

pub mod availability;
pub mod category;
pub mod connection;
pub mod contact;
pub mod context;
pub mod customer_group;
pub mod documents;
pub mod guard;
pub mod input;
pub mod merger;
pub mod municipality;
pub mod node;
pub mod nulls;
pub mod phase;
pub mod price;
pub mod product;
pub mod product_list;
pub mod provider;
pub mod scalars;
pub mod standard_product;
pub mod types;
pub mod variables;
pub mod viewer;

use async_graphql::{EmptyMutation, EmptySubscription, MergedObject, SDLExportOptions};

/// What can be read. Nothing here needs a token; the public catalogue is for everybody.
#[derive(Default, MergedObject)]
pub struct Query(
    node::NodeQuery,
    viewer::ViewerQuery,
    availability::AvailabilityQuery,
    product_list::ProductQuery,
    standard_product::StandardProductQuery,
    category::CategoryQuery,
    provider::ProviderQuery,
    municipality::MunicipalityQuery,
    customer_group::CustomerGroupQuery,
    contact::ContactQuery,
    phase::PhaseQuery,
);

/// The schema of the service.
pub type Schema = async_graphql::Schema<Query, EmptyMutation, EmptySubscription>;

/// Builds the schema. Limits are checked before a document comes here, see `http`.
pub fn schema() -> Schema {
    Schema::build(Query::default(), EmptyMutation, EmptySubscription).finish()
}

/// The schema as text, in a stable order: exactly what `schema.graphql` holds.
pub fn sdl(schema: &Schema) -> String {
    let options = SDLExportOptions::new().include_specified_by().prefer_single_line_descriptions();
    let sdl = schema.sdl_with_options(options);
    let lines: Vec<&str> = sdl.lines().map(str::trim_end).collect();
    format!("{}\n", lines.join("\n").trim())
}
