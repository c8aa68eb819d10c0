//! Subscriptions that follow an area change.

use async_graphql::{Context, Description, InputObject, Object, SimpleObject};

use super::{
    connection::{Connection, page},
    context::{reading, snapshot},
    municipality::{Municipality, MunicipalityBy},
    payload::{UserError, order, to_its_end, told},
    scalars::Date,
    subscription::ProductSubscription,
    subscription_input::ReasonInput,
};
use crate::{
    area_changes::{self, Following, Move, Plan},
    error::Result,
    listing::{Key, Listing, Position, Window},
};

/// Lets the subscriptions of a municipality that has gone into another one go over to it.
#[derive(InputObject)]
pub struct FollowAreaChangeInput {
    /// The municipality that has gone into another one, on its `dissolvedOn` or later.
    municipality: MunicipalityBy,
    /// Tell the plan and write nothing.
    #[graphql(default = false)]
    dry_run: bool,
    /// `hash` of the plan that a dry run told. Needed unless `dryRun`; CONFLICT and the new plan when something has changed since.
    plan_hash: Option<String>,
    /// Why.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Outcome of letting subscriptions go over.
#[derive(SimpleObject)]
pub struct FollowAreaChangePayload {
    /// What would go over, or has gone over; null when the input was wrong. Of an earlier request with the same key: what is left.
    plan: Option<AreaChangePlan>,
    /// Whether it has gone over; false for a dry run, and when something was wrong.
    written: bool,
    /// What went wrong; empty when the plan was told, or carried out.
    errors: Vec<UserError>,
}

/// What goes over from a municipality to the one that it has gone into (Rechtsnachfolgerin): interests, requests and
/// everything that is agreed or runs. What is over stays where it was.
#[derive(Description)]
pub struct AreaChangePlan(Plan);

/// A subscription that goes over. It keeps its id, price, deadlines and what waits for a decision.
#[derive(SimpleObject)]
pub struct MovedSubscription {
    /// The subscription: as it is, or as it has been since it went over.
    subscription: ProductSubscription,
    /// Subscriptions that the successor has to the same product. All are kept apart; somebody has to decide which one stays.
    collides_with: Vec<ProductSubscription>,
}

#[Object(use_type_description)]
impl AreaChangePlan {
    /// Names this plan: to be sent as `planHash`. Another one as soon as anything of it changes.
    async fn hash(&self) -> &str {
        &self.0.hash
    }

    /// The municipality that has gone into another one.
    async fn municipality(&self, context: &Context<'_>) -> Option<Municipality> {
        snapshot(context).municipalities.find(self.0.municipality).map(Municipality)
    }

    /// The municipality that goes on: the last one where several followed one another.
    async fn successor(&self, context: &Context<'_>) -> Option<Municipality> {
        snapshot(context).municipalities.find(self.0.successor).map(Municipality)
    }

    /// The first day on which the one is part of the other.
    async fn on(&self) -> Date {
        Date(self.0.on)
    }

    /// What goes over, oldest first.
    async fn subscriptions(
        &self,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
    ) -> Result<Connection<MovedSubscription>> {
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let rows = self.0.moves.iter().enumerate().collect();
        let listing =
            Listing::ordered("subscriptions that follow".to_owned(), rows, |(place, row): &(usize, &Move)| {
                Position(vec![Key::new(i64::try_from(*place).unwrap_or(i64::MAX), false)], row.row.id)
            });
        let mut connection = page(listing, &window, |(_, row)| moved(row))?;
        ProductSubscription::join(connection.edges.iter_mut().map(|edge| &mut edge.0.node.0.subscription));
        Ok(connection)
    }

    /// Those of them to a product that the successor has already.
    async fn collisions(&self) -> Vec<MovedSubscription> {
        let collide = self.0.moves.iter().filter(|row| !row.collides_with.is_empty());
        let mut rows: Vec<_> = collide.map(moved).collect();
        ProductSubscription::join(rows.iter_mut().map(|row| &mut row.subscription));
        rows
    }
}

fn moved(row: &Move) -> MovedSubscription {
    let mut collides_with: Vec<_> = row.collides_with.iter().cloned().map(ProductSubscription::one).collect();
    ProductSubscription::join(collides_with.iter_mut());
    MovedSubscription { subscription: ProductSubscription::one(row.row.clone()), collides_with }
}

/// Letting subscriptions follow.
#[derive(Default)]
pub struct AreaChangeMutation;

#[Object]
impl AreaChangeMutation {
    /// Lets the subscriptions of a municipality that has gone into another one go over to it (Gebietsänderung,
    /// Rechtsnachfolge), all at once: each gets a new version and a step FOLLOW_AREA_CHANGE that names who had it. First ask for
    /// the plan with `dryRun`, then send its hash. The area change itself comes with `importMunicipalities`.
    async fn follow_area_change(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose subscriptions, and why.")] input: FollowAreaChangeInput,
    ) -> Result<Option<FollowAreaChangePayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let found = input.municipality.find(&reading.snapshot).map_err(|error| error.with("field", "municipality"));
        let followed = match found {
            Ok(at) => {
                let deed = Following {
                    municipality: reading.snapshot.municipalities[at].row.id,
                    plan_hash: input.plan_hash,
                    is_rehearsal: input.dry_run,
                };
                let order = order(reading, caller, input.idempotency_key, deed, Some(input.reason));
                to_its_end(area_changes::follow(reading.desk.clone(), order)).await
            }
            Err(error) => Err(error),
        };
        let (followed, mut errors) = told(reading, followed)?;
        let Some(followed) = followed else {
            return Ok(Some(FollowAreaChangePayload { plan: None, written: false, errors }));
        };
        if let Some(refusal) = followed.refusal {
            errors = told::<()>(reading, Err(refusal))?.1;
        }
        let (plan, written) = (Some(AreaChangePlan(followed.plan)), followed.is_written);
        Ok(Some(FollowAreaChangePayload { plan, written, errors }))
    }
}
