//! The question what the rules would say, and why.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object};

use super::{
    context::{Reading, reading},
    decision::{CallerRole, Decision, SubscriptionAction},
    node::row_id,
    phase::PhaseKey,
    scalars::{Ags, Date},
    subscriber::SubscriberBy,
};
use crate::{
    access,
    catalogue::{self, At},
    error::{Code, Error, Result, check_text},
    phases,
    subscriptions::{
        act::check_not_past,
        moves,
        scope::Scope,
        situation::{Ground, Successor},
        terms,
    },
};

/// Another caller, as a token would name it.
#[derive(InputObject)]
pub struct ExplainAs {
    /// In which role.
    pub role: CallerRole,
    /// The token's subject; somebody who asked for nothing when left out. At most 255 characters.
    pub subject: Option<String>,
    /// AGS of the municipality that the token names.
    pub municipality: Option<Ags>,
    /// Key of the provider that the token names.
    pub provider: Option<String>,
    /// Keys of the customer groups that the token names.
    pub customer_groups: Option<Vec<String>>,
}

/// What is to be explained: an action with a subscription, or with a product and a subscriber where none exists yet.
#[derive(InputObject)]
pub struct ExplainInput {
    /// What would be done.
    pub action: SubscriptionAction,
    /// With which subscription.
    pub subscription: Option<ID>,
    /// About which product, where a subscription would begin.
    pub product: Option<ID>,
    /// For whom, where a subscription would begin.
    pub subscriber: Option<SubscriberBy>,
    /// The successor product of a migration.
    pub successor: Option<ID>,
    /// First day of a subscription that would begin, today when left out; of a successor tomorrow.
    pub from: Option<Date>,
    /// In another phase than today's, without any exceptions.
    pub phase: Option<PhaseKey>,
    /// For another caller: for auditors, stewards and the transformation office only.
    #[graphql(name = "as")]
    pub another: Option<ExplainAs>,
}

/// Root fields for questions about the rules.
#[derive(Default)]
pub struct ExplainQuery;

#[Object]
impl ExplainQuery {
    /// What the rules would say to an action, exactly as the mutation would decide now, and the ways out of a refusal. Needs
    /// a token (any role); nothing is done and nothing recorded.
    async fn explain(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be explained.")] input: ExplainInput,
    ) -> Result<Decision> {
        let reading = reading(context);
        let own = reading.signed_in()?;
        let caller = input.another.as_ref().map(|another| somebody(reading, own, another)).transpose()?;
        let caller = caller.as_ref().unwrap_or(own);
        let mut ground = reading.ground()?;
        if let Some(phase) = input.phase {
            ground.assumed_phase = Some(phases::from_key(phase.into()));
        }
        let action = access::Action::from(input.action);
        let is_migration = action == access::Action::MigrateSubscription;
        let is_about_something_new =
            input.product.is_some() || input.subscriber.is_some() || (input.from.is_some() && !is_migration);
        if input.successor.is_some() && !is_migration {
            return Err(Error::bad_input(
                "input.successor",
                "successor gehört nur zu MIGRATE_SUBSCRIPTION. Bitte weglassen.",
                "successor goes with MIGRATE_SUBSCRIPTION only. Please leave it out.",
            ));
        }
        match (&input.subscription, action.is_beginning()) {
            (Some(id), false) if !is_about_something_new => {
                existing(reading, &ground, own, caller, id, &input).await.map(Decision)
            }
            (None, true) => beginning(&ground, caller, action, &input).map(Decision),
            (_, is_beginning) => Err(wrong_ground(is_beginning)),
        }
    }
}

fn somebody(reading: &Reading, own: &access::Caller, another: &ExplainAs) -> Result<access::Caller> {
    use access::Role::{Auditor, Steward, TransformationOffice};
    if ![Auditor, Steward, TransformationOffice].iter().any(|role| own.is(*role)) {
        return Err(Error::new(
            Code::Forbidden,
            "Für andere fragen können Revision, Katalogverantwortung und Transformationsbüro. Ohne as wird das eigene Token erklärt.",
            "Auditors, stewards and the transformation office can ask for others. Without as your own token is explained.",
        )
        .with("rule", "no-rule-permits"));
    }
    let subject = another.subject.clone().unwrap_or_default();
    check_text("input.as.subject", &subject, 255)?;
    let snapshot = &reading.snapshot;
    let municipality = another.municipality.as_ref().and_then(|ags| snapshot.municipality_by_ags(&ags.0));
    let provider = another
        .provider
        .as_ref()
        .and_then(|key| snapshot.provider_by_key(key))
        .map(|at| snapshot.acting_for(at, reading.today));
    let keys = another.customer_groups.as_deref().unwrap_or_default();
    let groups = snapshot.customer_groups.iter().filter(|(_, group)| keys.contains(&group.row.key));
    Ok(access::Caller {
        issuer: own.issuer.clone(),
        subject,
        roles: another.role.role().into_iter().collect(),
        municipality: municipality.map(|at| snapshot.municipalities[at].row.id),
        provider: provider.map(|at| snapshot.providers[at].row.id),
        customer_groups: groups.map(|(_, group)| group.row.id).collect(),
    })
}

async fn existing(
    reading: &Reading,
    ground: &Ground<'_>,
    own: &access::Caller,
    caller: &access::Caller,
    id: &ID,
    input: &ExplainInput,
) -> Result<Arc<access::Decision>> {
    let row = row_id("input.subscription", "ProductSubscription", id)?;
    let scope = Scope::of(Some(own), &reading.snapshot);
    let row = scope.find(reading.db(), row).await?.ok_or_else(|| Error::not_found(id))?;
    let tomorrow = ground.today.succ_opt().unwrap_or(ground.today);
    let from = input.from.map_or(tomorrow, |from| from.0);
    let successor = input.successor.as_ref().map(|id| product(ground, "input.successor", id)).transpose()?;
    let successor = successor.map(|at| Successor { at, from });
    if let Some(successor) = successor {
        // What the move would be refused for, whatever the rules say.
        let product = ground.snapshot.products[successor.at].row.id;
        moves::check_move(ground, &row, product, successor.from, Some(row.quantity)).map_err(in_input)?;
    }
    ground.decide(caller, input.action.into(), &row, successor)
}

fn beginning(
    ground: &Ground<'_>,
    caller: &access::Caller,
    action: access::Action,
    input: &ExplainInput,
) -> Result<Arc<access::Decision>> {
    let (Some(id), Some(subscriber)) = (&input.product, &input.subscriber) else { return Err(wrong_ground(true)) };
    let at = product(ground, "input.product", id)?;
    let subscriber = ground.acting(subscriber.find(ground.snapshot)?);
    let from = input.from.map_or(ground.today, |from| from.0);
    if action != access::Action::ReportContract {
        check_not_past("input.from", from, ground.today)?;
    }
    if matches!(action, access::Action::RequestSubscription | access::Action::RequestForMany) {
        // What the request would be refused for, whatever the rules say.
        terms::price(ground, subscriber, at, from, false).map_err(|error| error.with("field", "input.from"))?;
    }
    Ok(match ground.permit_beginning(caller, action, subscriber, at, from, None) {
        Ok(permit) => permit.decision().clone(),
        Err((_, refused)) => refused,
    })
}

fn product(ground: &Ground<'_>, field: &str, id: &ID) -> Result<At<catalogue::Product>> {
    let row = row_id(field, "Product", id)?;
    ground.snapshot.products.find(row).ok_or_else(|| Error::not_found(id))
}

/// An error of the mutation's input, told of this one.
fn in_input(error: Error) -> Error {
    match error.detail("field") {
        Some(async_graphql::Value::String(field)) => {
            let field = format!("input.{}", if field == "on" { "from" } else { field });
            error.clone().with("field", field)
        }
        _ => error,
    }
}

fn wrong_ground(is_beginning: bool) -> Error {
    match is_beginning {
        true => Error::bad_input(
            "input.product",
            "Für diese Aktion bitte product und subscriber angeben, aber keine subscription.",
            "For this action please give product and subscriber, but no subscription.",
        ),
        false => Error::bad_input(
            "input.subscription",
            "Für diese Aktion bitte nur subscription angeben: die Kennung eines Bezugs.",
            "For this action please give subscription alone: the id of a subscription.",
        ),
    }
}
