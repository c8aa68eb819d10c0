//! The schema: one file per noun, each with its type, its inputs and its root fields.

pub mod area_change;
pub mod audit;
pub mod availability;
pub mod bulk;
pub mod category;
pub mod change;
pub mod collective;
pub mod conditions;
pub mod connection;
pub mod contact;
pub mod contact_assignment;
pub mod contact_mutation;
pub mod contact_person;
pub mod context;
pub mod customer_group;
pub mod customer_group_mutation;
pub mod decision;
pub mod documents;
pub mod explain;
pub mod export;
pub mod export_mutation;
pub mod facet;
pub mod freeze;
pub mod guard;
pub mod history;
pub mod in_turn;
pub mod input;
pub mod joining;
pub mod merger;
pub mod merger_mutation;
pub mod merger_plan;
pub mod municipality;
pub mod municipality_import;
pub mod municipality_list;
pub mod node;
pub mod nulls;
pub mod order;
pub mod overlap;
pub mod payload;
pub mod phase;
pub mod phase_change;
pub mod phase_exception;
pub mod phase_rehearsal;
pub mod portfolio;
pub mod portfolio_row;
pub mod price;
pub mod product;
pub mod product_change;
pub mod product_list;
pub mod product_relation;
pub mod product_review;
pub mod product_step;
pub mod product_version;
pub mod provider;
pub mod rights;
pub mod scalars;
pub mod standard_product;
pub mod standard_product_change;
pub mod state_digest;
pub mod subscriber;
pub mod subscription;
pub mod subscription_input;
pub mod subscription_list;
pub mod subscription_mutation;
pub mod trusted;
pub mod types;
pub mod usage;
pub mod variables;
pub mod viewer;
pub mod webhook;
pub mod webhook_delivery;
pub mod webhook_mutation;
pub mod written;

use async_graphql::{MergedObject, SDLExportOptions, ValidationMode};

/// What can be read. The public catalogue is for everybody; what belongs to somebody needs a token.
// In parts: the library looks for a field in one after the other, each time one call deeper, and a debug build has no stack for two dozen.
#[derive(Default, MergedObject)]
pub struct Query(CatalogueQueries, OrganisationQueries, SubscriptionQueries, OperationQueries);

#[derive(Default, MergedObject)]
struct CatalogueQueries(
    node::NodeQuery,
    viewer::ViewerQuery,
    availability::AvailabilityQuery,
    product_list::ProductQuery,
    standard_product::StandardProductQuery,
    category::CategoryQuery,
    provider::ProviderQuery,
);

#[derive(Default, MergedObject)]
struct OrganisationQueries(
    municipality_list::MunicipalityQuery,
    customer_group::CustomerGroupQuery,
    contact::ContactQuery,
    phase::PhaseQuery,
    phase_exception::PhaseExceptionQuery,
    phase_rehearsal::PhaseRehearsalQuery,
    phase_change::PhaseChangeQuery,
);

#[derive(Default, MergedObject)]
struct SubscriptionQueries(
    subscription_list::SubscriptionQuery,
    decision::DecisionQuery,
    explain::ExplainQuery,
    audit::AuditQuery,
    change::ChangeQuery,
    freeze::FreezeQuery,
);

#[derive(Default, MergedObject)]
struct OperationQueries(
    overlap::OverlapQuery,
    contact_person::ContactPersonQuery,
    product_change::ProductChangeQuery,
    state_digest::StateDigestQuery,
    webhook::WebhookQuery,
    export::ExportQuery,
);

/// What can be changed. Every change needs a token, a reason, the expected version, and a key of the caller's own.
#[derive(Default, MergedObject)]
pub struct Mutation(SubscriptionMutations, ProductMutations, OrganisationMutations, OperationMutations);

#[derive(Default, MergedObject)]
struct SubscriptionMutations(
    subscription_mutation::SubscriptionMutation,
    collective::CollectiveMutation,
    phase_change::PhaseChangeMutation,
    freeze::FreezeMutation,
    portfolio::PortfolioMutation,
);

#[derive(Default, MergedObject)]
struct ProductMutations(
    product_review::ProductReviewMutation,
    product_step::ProductStepMutation,
    product_change::ProductChangeMutation,
    standard_product_change::StandardProductMutation,
    overlap::OverlapMutation,
);

#[derive(Default, MergedObject)]
struct OrganisationMutations(
    product_relation::ProductRelationMutation,
    joining::JoiningMutation,
    merger_mutation::MergerMutation,
    municipality_import::MunicipalityImportMutation,
    area_change::AreaChangeMutation,
);

#[derive(Default, MergedObject)]
struct OperationMutations(
    contact_mutation::ContactMutation,
    contact_assignment::ContactAssignmentMutation,
    customer_group_mutation::CustomerGroupMutation,
    webhook_mutation::WebhookMutation,
    export_mutation::ExportMutation,
);

/// The schema of the service.
pub type Schema = async_graphql::Schema<Query, rights::MutationRoot, change::SubscriptionRoot>;

/// Builds the schema. Limits are checked before a document comes here, see `http`.
pub fn schema() -> Schema {
    Schema::build(Query::default(), rights::MutationRoot::default(), change::SubscriptionRoot).finish()
}

/// The same for documents that were valid before: it does not look for their mistakes again.
pub fn schema_for_valid() -> Schema {
    let schema = Schema::build(Query::default(), rights::MutationRoot::default(), change::SubscriptionRoot);
    schema.validation_mode(ValidationMode::Fast).finish()
}

/// The schema as text, in a stable order: exactly what `schema.graphql` holds.
pub fn sdl(schema: &Schema) -> String {
    let options = SDLExportOptions::new().include_specified_by().prefer_single_line_descriptions();
    let sdl = schema.sdl_with_options(options);
    let lines: Vec<&str> = sdl.lines().map(str::trim_end).collect();
    format!("{}\n", lines.join("\n").trim())
}
