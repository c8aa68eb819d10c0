//! The root of all changes. The description of each ends with who may make it, in words that the policies give.
//!
//! Descriptions are fixed when the schema is built, so they tell the rules as delivered. The library takes descriptions
//! from comments only; its registry is public but hidden, see `docs/decisions/0011-descriptions-from-policies.md`.

use std::{borrow::Cow, collections::BTreeMap, sync::LazyLock};

use async_graphql::{
    ContainerType, Context, ContextSelectionSet, ObjectType, OutputType, Positioned, ServerResult, Value,
    parser::types::Field,
    registry::{MetaType, Registry},
};
use strum::VariantArray;

use super::Mutation;
use crate::access::{Action, Duty, Engine};

/// Changes, described with the rights that they need.
#[derive(Default)]
pub struct MutationRoot(Mutation);

/// The paragraph of each mutation, by its name: worked out beforehand, because that asks the rules some thousand times.
static PARAGRAPHS: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| match serde_json::from_str(include_str!("rights.json")) {
        Ok(paragraphs) => paragraphs,
        Err(error) => {
            tracing::error!(%error, "src/graphql/rights.json: mutations are described without their rights");
            BTreeMap::new()
        }
    });

/// The paragraphs as the rules give them, as a page of JSON.
pub fn page(engine: &Engine) -> Result<String, String> {
    let here = " (`policyMatrix` tells what holds here)";
    let of_action = |action: &Action| (mutation(action.into()), paragraph(here, &engine.summary(*action)));
    let of_duty = |duty: &Duty| (mutation(duty.into()), paragraph("", &engine.duty_summary(*duty)));
    let paragraphs: BTreeMap<String, String> =
        Action::VARIANTS.iter().map(of_action).chain(Duty::VARIANTS.iter().map(of_duty)).collect();
    serde_json::to_string_pretty(&paragraphs).map(|page| page + "\n").map_err(|error| error.to_string())
}

fn paragraph(here: &str, lines: &[String]) -> String {
    let lines = if lines.is_empty() { "nobody".to_owned() } else { lines.join("\n* ") };
    format!("\n\nWho may, as delivered{here}:\n* {lines}")
}

/// The mutation of an action: `requestSubscription` of `REQUEST_SUBSCRIPTION`.
fn mutation(action: &str) -> String {
    let mut name = String::new();
    for (place, word) in action.to_ascii_lowercase().split('_').enumerate() {
        let (first, rest) = word.split_at(word.len().min(1));
        name.push_str(&if place == 0 { first.to_owned() } else { first.to_ascii_uppercase() });
        name.push_str(rest);
    }
    name
}

impl OutputType for MutationRoot {
    fn type_name() -> Cow<'static, str> {
        Mutation::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        let name = Mutation::create_type_info(registry);
        if let Some(MetaType::Object { fields, .. }) = registry.types.get_mut(Mutation::type_name().as_ref()) {
            for (name, field) in fields {
                let (Some(description), Some(paragraph)) = (&mut field.description, PARAGRAPHS.get(name)) else {
                    continue;
                };
                if !description.ends_with(paragraph) {
                    description.push_str(paragraph);
                }
            }
        }
        name
    }

    async fn resolve(&self, context: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        self.0.resolve(context, field).await
    }
}

impl ContainerType for MutationRoot {
    async fn resolve_field(&self, context: &Context<'_>) -> ServerResult<Option<Value>> {
        self.0.resolve_field(context).await
    }
}

impl ObjectType for MutationRoot {}
