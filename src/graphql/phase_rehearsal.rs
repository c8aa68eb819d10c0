//! What a change of phase would mean, before anybody proposes it.

use async_graphql::{Context, Description, Enum, Object, SimpleObject};

use super::{
    connection::{Connection, page},
    context::reading,
    decision::PolicyCell,
    phase::PhaseKey,
    phase_exception::PhaseException,
    subscription::ProductSubscription,
    viewer::Role,
};
use crate::{
    access,
    error::{Error, Result},
    listing::Window,
    orders,
    phase_rehearsals::{self, Effect, Waiting},
    phases,
    subscriptions::scope::Scope,
};

/// What a role gains or loses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Effect")]
pub enum RuleEffect {
    /// It could not and will.
    Gained,
    /// It can and could not any more.
    Lost,
    /// It needs nobody's decision any more.
    Eased,
    /// It will need somebody's decision.
    Restricted,
    /// Others will decide.
    OtherApprovers,
}

/// A cell of the table of rules that changes with the phase.
#[derive(SimpleObject)]
pub struct RuleDifference {
    /// What becomes of it.
    effect: RuleEffect,
    /// The cell of the current phase.
    before: PolicyCell,
    /// The same cell in the phase that is rehearsed.
    after: PolicyCell,
    /// How many municipalities it concerns: of a beginning those that are offered such a product, otherwise those that have
    /// or have asked for one. Products that an exception rules don't count.
    municipalities: usize,
}

/// Something that waits for a decision and would be decided by others, or by nobody.
#[derive(SimpleObject)]
pub struct RehearsedRequest {
    /// The subscription that it is about.
    subscription: ProductSubscription,
    /// Whether anybody could still decide it.
    possible: bool,
    /// In which roles it can be decided now.
    deciders_before: Vec<Role>,
    /// In which roles it could be decided then.
    deciders_after: Vec<Role>,
}

/// What entering a phase would mean. Nothing is written.
#[derive(Description)]
pub struct PhaseRehearsal {
    from: access::Phase,
    to: access::Phase,
    waiting: Vec<Waiting>,
}

#[Object(use_type_description)]
impl PhaseRehearsal {
    /// The phase that is current.
    async fn from(&self) -> PhaseKey {
        phases::key(self.from).into()
    }

    /// The phase that is rehearsed.
    async fn to(&self) -> PhaseKey {
        phases::key(self.to).into()
    }

    /// Every cell of the table of rules that changes.
    async fn differences(&self, context: &Context<'_>) -> Result<Vec<RuleDifference>> {
        let reading = reading(context);
        let differences = phase_rehearsals::differences(reading.db(), &reading.ground()?, self.to).await?;
        let shown = differences.iter().map(|difference| RuleDifference {
            effect: difference.effect.into(),
            before: PolicyCell(difference.before.clone()),
            after: PolicyCell(difference.after.clone()),
            municipalities: difference.municipalities,
        });
        Ok(shown.collect())
    }

    /// How many open requests and changes nobody could decide any more.
    async fn impossible(&self) -> usize {
        phase_rehearsals::impossible(&self.waiting)
    }

    /// Open requests and changes that others would decide than now: first those that become impossible, then the oldest.
    async fn open_requests(
        &self,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
    ) -> Result<Connection<RehearsedRequest>> {
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let roles = |roles: &[access::Role]| roles.iter().map(|role| Role::from(*role)).collect();
        let mut connection = page(phase_rehearsals::list(&self.waiting), &window, |waiting| RehearsedRequest {
            subscription: ProductSubscription::one(waiting.row.clone()),
            possible: !waiting.after.is_empty(),
            deciders_before: roles(&waiting.before),
            deciders_after: roles(&waiting.after),
        })?;
        ProductSubscription::join(connection.edges.iter_mut().map(|edge| &mut edge.0.node.0.subscription));
        Ok(connection)
    }

    /// Exceptions to the current phase; they go on as they are.
    async fn exceptions(&self, context: &Context<'_>) -> Vec<PhaseException> {
        PhaseException::held(reading(context))
    }
}

/// Root fields for rehearsals.
#[derive(Default)]
pub struct PhaseRehearsalQuery;

#[Object]
impl PhaseRehearsalQuery {
    /// What entering a phase would mean: which role gains or loses what, for how many municipalities, and which open requests
    /// others would decide, or nobody. For the transformation office, stewards and auditors. Nothing is written.
    async fn rehearse_phase_change(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The phase to enter.")] to: PhaseKey,
    ) -> Result<PhaseRehearsal> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let (from, to) = (reading.phase()?, phases::from_key(to.into()));
        let permitted = reading.desk.engine.duty(caller, access::Duty::RehearsePhaseChange, false, from);
        permitted.map_err(|rule| orders::refusal(&reading.desk, access::Duty::RehearsePhaseChange, from, &rule))?;
        if from == to {
            return Err(Error::bad_input(
                "to",
                "Diese Phase gilt schon. Bitte eine andere angeben.",
                "This phase is current already. Please give another one.",
            ));
        }
        let scope = Scope::of(Some(caller), &reading.snapshot);
        let waiting = phase_rehearsals::waiting(reading.db(), &reading.ground()?, &scope, to).await?;
        Ok(PhaseRehearsal { from, to, waiting })
    }
}
