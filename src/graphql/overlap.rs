//! Products of different providers that are probably the same.

use ::entity::overlap_decision;
use async_graphql::{Context, Description, Enum, ID, InputObject, Object, SimpleObject};

use super::{
    connection::{Connection, page},
    context::{Reading, reading, snapshot},
    input::{Parts, ValueFilter, bounded},
    node::global_id,
    payload::{UserError, order, to_its_end, told},
    product::{Product, product_id},
    scalars::DateTime,
    standard_product::StandardProduct,
    subscription_input::ReasonInput,
};
use crate::{
    access::{Duty, Role},
    catalogue::overlap::{LEAST_SCORE, Likeness},
    condition::Condition,
    error::{Error, Result},
    listing::Window,
    orders,
    overlaps::{self, Candidate, Confirming, Dismissing, Is},
};

/// From which likeness on, in percent, names or descriptions are named as a reason.
const ALIKE: u8 = 60;

/// What was decided about a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "overlap_decision::Outcome")]
pub enum OverlapOutcome {
    /// They are different things.
    Dismissed,
    /// They are the same, and implement one standard product.
    Confirmed,
}

/// What a person decided about two products that look the same.
#[derive(Description)]
pub struct OverlapDecision(overlap_decision::Model);

#[Object(use_type_description)]
impl OverlapDecision {
    /// Opaque id.
    async fn id(&self) -> ID {
        global_id("OverlapDecision", self.0.id)
    }

    /// What was decided.
    async fn outcome(&self) -> OverlapOutcome {
        self.0.outcome.into()
    }

    /// The standard product that both were matched to; null when they are different things.
    async fn standard_product(&self, context: &Context<'_>) -> Option<StandardProduct> {
        snapshot(context).standard_products.find(self.0.standard_product_id?).map(StandardProduct)
    }

    /// Both products; one that is not published is left out.
    async fn products(&self, context: &Context<'_>) -> Vec<Product> {
        let ids = [self.0.product_id, self.0.other_id];
        ids.iter().filter_map(|id| snapshot(context).products.find(*id)).map(Product::at).collect()
    }

    /// When.
    async fn decided_at(&self) -> DateTime {
        DateTime(self.0.decided_at)
    }
}

/// Why two products are probably the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OverlapReasonCode {
    /// The same LeiKa key.
    SameLeikaKey,
    /// Names that are alike.
    SimilarName,
    /// Summaries and descriptions that are alike.
    SimilarDescription,
    /// The same category.
    SameCategory,
}

/// Why two products are probably the same, as a code and as a sentence.
#[derive(SimpleObject)]
pub struct OverlapReason {
    /// For programs.
    code: OverlapReasonCode,
    /// For people, in the language of the request.
    message: String,
}

/// Two published products of different providers that are probably the same and implement no standard product together
/// (mutmaßliche Überschneidung).
#[derive(Description)]
pub struct OverlapCandidate(Candidate);

#[Object(use_type_description)]
impl OverlapCandidate {
    /// The first by name.
    async fn product(&self) -> Product {
        Product::at(self.0.overlap.one)
    }

    /// The other.
    async fn other(&self) -> Product {
        Product::at(self.0.overlap.other)
    }

    /// How much they are alike, from 0 to 100: names count 55, summaries and descriptions 15, the category 10, LeiKa keys 20;
    /// what one of both lacks does not count.
    async fn score(&self) -> i32 {
        self.0.overlap.likeness.score.into()
    }

    /// Why, the strongest first.
    async fn reasons(&self, context: &Context<'_>) -> Vec<OverlapReason> {
        reasons(reading(context), &self.0.overlap.likeness)
    }

    /// What was decided about both before; null when nothing was.
    async fn earlier_decision(&self) -> Option<OverlapDecision> {
        self.0.earlier.clone().map(OverlapDecision)
    }
}

fn reasons(reading: &Reading, likeness: &Likeness) -> Vec<OverlapReason> {
    use OverlapReasonCode::{SameCategory, SameLeikaKey, SimilarDescription, SimilarName};
    let Likeness { name, description, is_in_same_category, has_same_leika_key, .. } = *likeness;
    let alike = |code, percent: u8, de: &str, en: &str| {
        let message = format!("{} {percent} %", reading.say(de, en));
        (percent >= ALIKE).then_some(OverlapReason { code, message })
    };
    let same = |code, is: bool, de: &str, en: &str| {
        is.then(|| OverlapReason { code, message: reading.say(de, en).to_owned() })
    };
    let reasons = [
        same(SameLeikaKey, has_same_leika_key == Some(true), "Gleicher LeiKa-Schlüssel", "The same LeiKa key"),
        alike(SimilarName, name, "Ähnlichkeit der Namen:", "Likeness of names:"),
        description.and_then(|percent| {
            alike(SimilarDescription, percent, "Ähnlichkeit der Beschreibungen:", "Likeness of descriptions:")
        }),
        same(SameCategory, is_in_same_category, "Gleiche Kategorie", "The same category"),
    ];
    reasons.into_iter().flatten().collect()
}

/// Which pairs. All parts that are given must hold.
#[derive(Default, InputObject)]
pub struct OverlapFilter {
    /// Key of the provider of one of both, or of one that has gone into it.
    pub provider: Option<ValueFilter<String>>,
    /// Key of the category of one of both; the key of a top category means all below it too.
    pub category: Option<ValueFilter<String>>,
    /// At least this score, 50 to 100: pairs below 50 are not told at all.
    pub min_score: Option<i32>,
}

fn condition(filter: OverlapFilter, reading: &Reading) -> Result<Condition<Is>> {
    let mut parts = Parts::default();
    parts.keys("where.provider", filter.provider, |keys| Is::Provider(reading.with_acting(keys)))?;
    parts.keys("where.category", filter.category, Is::Category)?;
    if let Some(least) = filter.min_score {
        let least = u8::try_from(least).ok().filter(|least| (LEAST_SCORE..=100).contains(least));
        parts.is(Is::ScoreAtLeast(least.ok_or_else(|| {
            Error::bad_input(
                "where.minScore",
                format!("minScore muss zwischen {LEAST_SCORE} und 100 liegen."),
                format!("minScore must be between {LEAST_SCORE} and 100."),
            )
        })?));
    }
    parts.join(None, None, None, |part| condition(part, reading))
}

/// Outcome of a decision about two products that look the same.
#[derive(SimpleObject)]
pub struct OverlapDecisionPayload {
    /// The decision; null when it was refused.
    decision: Option<OverlapDecision>,
    /// What went wrong; empty when it was decided.
    errors: Vec<UserError>,
}

/// Decides that two products are different things.
#[derive(InputObject)]
pub struct DismissOverlapInput {
    /// Id of one product.
    product: ID,
    /// Id of the other, of another provider.
    other: ID,
    /// Why.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Decides that two products are the same.
#[derive(InputObject)]
pub struct ConfirmOverlapInput {
    /// Id of one product.
    product: ID,
    /// The version of it that the change starts from.
    version: i64,
    /// Id of the other, of another provider.
    other: ID,
    /// The version of it that the change starts from.
    other_version: i64,
    /// Key of the standard product that both implement from now on.
    standard_product: String,
    /// Why.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Root fields for overlaps.
#[derive(Default)]
pub struct OverlapQuery;

#[Object]
impl OverlapQuery {
    /// Pairs of products of different providers that are probably the same, implement no standard product together, and were
    /// not dismissed: the most alike first, then by name. For stewards; a provider sees pairs with its own products. Products
    /// that are gone are left out.
    #[allow(clippy::too_many_arguments)]
    async fn overlap_candidates(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
        #[graphql(name = "where", desc = "Only these pairs.")] filter: Option<OverlapFilter>,
    ) -> Result<Option<Connection<OverlapCandidate>>> {
        let reading = reading(context);
        let (caller, duty, phase) = (reading.signed_in()?, Duty::ReviewOverlaps, reading.phase()?);
        let engine = &reading.desk.engine;
        let sees_all = engine.duty(caller, duty, false, phase).is_ok();
        // Whose own it is: a provider asks for its own portfolio.
        let permitted = engine.duty(caller, duty, caller.acts_as(Role::Provider), phase);
        permitted.map_err(|rule| orders::refusal(&reading.desk, duty, phase, &rule))?;
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let condition = bounded(condition(filter.unwrap_or_default(), reading)?, Is::size)?;
        let provider = caller.provider.filter(|_| !sees_all);
        let listing = overlaps::list(reading.db(), reading.snapshot.shared(), &condition, provider).await?;
        page(listing, &window, OverlapCandidate).map(Some)
    }
}

/// Decisions about products that look the same.
#[derive(Default)]
pub struct OverlapMutation;

#[Object]
impl OverlapMutation {
    /// Decides that two products are different things: they are no candidates any more, until a name or description of one of
    /// both changes.
    async fn dismiss_overlap(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which products, and why.")] input: DismissOverlapInput,
    ) -> Result<Option<OverlapDecisionPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let dismissed = match pair(reading, &input.product, &input.other) {
            Ok((product, other)) => {
                let deed = Dismissing { product, other };
                let order = order(reading, caller, input.idempotency_key, deed, Some(input.reason));
                to_its_end(overlaps::dismiss(reading.desk.clone(), order)).await
            }
            Err(error) => Err(error),
        };
        payload(reading, dismissed)
    }

    /// Decides that two products are the same: both implement the standard product from now on, also where one implemented
    /// another before.
    async fn confirm_overlap(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which products, which standard product, and why.")] input: ConfirmOverlapInput,
    ) -> Result<Option<OverlapDecisionPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let ConfirmOverlapInput { version, other_version, standard_product, reason, idempotency_key, .. } = input;
        let confirmed = match pair(reading, &input.product, &input.other) {
            Ok((product, other)) => {
                let deed = Confirming { product, version, other, other_version, standard_product };
                let order = order(reading, caller, idempotency_key, deed, Some(reason));
                to_its_end(overlaps::confirm(reading.desk.clone(), order)).await
            }
            Err(error) => Err(error),
        };
        payload(reading, confirmed)
    }
}

type Pair = (sea_orm::prelude::Uuid, sea_orm::prelude::Uuid);

fn pair(reading: &Reading, product: &ID, other: &ID) -> Result<Pair> {
    Ok((product_id(&reading.snapshot, "product", product)?, product_id(&reading.snapshot, "other", other)?))
}

fn payload(reading: &Reading, decided: Result<overlap_decision::Model>) -> Result<Option<OverlapDecisionPayload>> {
    reading.renew();
    let (decision, errors) = told(reading, decided)?;
    Ok(Some(OverlapDecisionPayload { decision: decision.map(OverlapDecision), errors }))
}
