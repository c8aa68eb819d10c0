//! Changes of subscriptions: from an input to an act, from its outcome to a payload.

use async_graphql::{Context, ID, Object};

use super::{
    context::{Reading, reading},
    node::row_id,
    payload::{SubscriptionPayload, payload},
    scalars::Date,
    subscriber::SubscriberBy,
    subscription_input::*,
};
use crate::{
    error::Result,
    subscriptions::{
        act::{Act, Beginning, Contract, Deed, Start, Step},
        perform::{Order, perform},
    },
};

/// Changes of subscriptions.
#[derive(Default)]
pub struct SubscriptionMutation;

#[Object]
impl SubscriptionMutation {
    /// Declares interest, without obligation.
    async fn declare_interest(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "In what, for whom.")] input: DeclareInterestInput,
    ) -> Result<Option<SubscriptionPayload>> {
        let DeclareInterestInput { subscriber, product, quantity, from, reason, idempotency_key } = input;
        let begin = |reading: &Reading| beginning(reading, &subscriber, &product, quantity, from);
        act(context, reason, &idempotency_key, |reading| begin(reading).map(Deed::Begin)).await
    }

    /// Requests a product. Depending on phase and product it waits for an approval, for the municipality's confirmation, or
    /// for nobody.
    async fn request_subscription(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What, for whom, from when.")] input: RequestSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        let RequestSubscriptionInput {
            subscriber,
            product,
            quantity,
            from,
            interest,
            legal_basis,
            reason,
            idempotency_key,
        } = input;
        let deed = |reading: &Reading| {
            let beginning = beginning(reading, &subscriber, &product, quantity, Some(from))?;
            let interest = interest.as_ref().map(InterestInput::known).transpose()?;
            let legal_basis = legal_basis.map(Into::into);
            Ok(Deed::Begin(Beginning { start: Start::Request { interest }, legal_basis, ..beginning }))
        };
        act(context, reason, &idempotency_key, deed).await
    }

    /// Reports a contract that exists already; it is ACTIVE with origin REPORTED.
    async fn report_contract(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which product, for whom, since when, on which terms.")] input: ReportContractInput,
    ) -> Result<Option<SubscriptionPayload>> {
        let deed = |reading: &Reading| {
            let contract = Contract {
                active_since: input.active_since.0,
                notice_months: input.notice_months,
                term_end: input.term_end.map(|day| day.0),
                price: input.price.as_ref().map(ContractPriceInput::price).transpose()?,
            };
            let beginning = beginning(reading, &input.subscriber, &input.product, input.quantity, None)?;
            let legal_basis = input.legal_basis.map(Into::into);
            Ok(Deed::Begin(Beginning { start: Start::Contract(contract), legal_basis, ..beginning }))
        };
        act(context, input.reason, &input.idempotency_key, deed).await
    }

    /// Approves a request or a pending change. Never by whoever asked.
    async fn approve_subscription(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: ApproveSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        let agreed_from = input.agreed_from.map(|day| day.0);
        let legal_basis = input.legal_basis.map(Into::into);
        take(context, input.step, Step::Approve { agreed_from, legal_basis }).await
    }

    /// Rejects a request, or drops a pending change.
    async fn reject_subscription(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: RejectSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        take(context, input.step, Step::Reject).await
    }

    /// Takes back interest, a request, an approved subscription before it begins, or a pending change.
    async fn withdraw_subscription(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: WithdrawSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        take(context, input.step, Step::Withdraw).await
    }

    /// Records that delivery has begun.
    async fn activate_subscription(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one, since when.")] input: ActivateSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        take(context, input.step, Step::Activate { on: input.on.0 }).await
    }

    /// Confirms or refuses what another asked on one's behalf. Never by whoever asked.
    async fn confirm_subscription(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one, yes or no.")] input: ConfirmSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        take(context, input.step, Step::Confirm { accept: input.accept }).await
    }

    /// Changes the quantity. Where it needs an approval or confirmation it waits as `pendingChange`.
    async fn change_subscription(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one, to how many units.")] input: ChangeSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        take(context, input.step, Step::Change { quantity: input.quantity }).await
    }

    /// Gives notice. Where it needs a confirmation it waits as `pendingChange`.
    async fn terminate_subscription(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one, to which last day.")] input: TerminateSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        take(context, input.step, Step::Terminate { on: input.on.0 }).await
    }

    /// Takes a notice back until the last day; it waits as `pendingChange` until that is agreed to.
    async fn revoke_termination(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: RevokeTerminationInput,
    ) -> Result<Option<SubscriptionPayload>> {
        take(context, input.step, Step::Revoke).await
    }

    /// Moves an active subscription to a successor product, without a gap and without an overlap: it ends on the day before
    /// the successor begins, and both know each other. The municipality confirms, until the day before; the successor then
    /// begins by itself. By the transformation office until the steady state, by a provider between its own products during
    /// the integration, by a steward to standard products during the integration and to any in the steady state.
    async fn migrate_subscription(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one, to which product, from when.")] input: MigrateSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        let MigrateSubscriptionInput { step, successor, on, quantity } = input;
        let successor = row_id("successor", "Product", &successor);
        let migrate = successor.map(|successor| Step::Migrate { successor, on: on.0, quantity });
        match migrate {
            Ok(migrate) => take(context, step, migrate).await,
            Err(error) => {
                let reading = reading(context);
                reading.signed_in()?;
                payload(reading, None, None, Some(error))
            }
        }
    }
}

fn beginning(
    reading: &Reading,
    subscriber: &SubscriberBy,
    product: &ID,
    quantity: i64,
    from: Option<Date>,
) -> Result<Beginning> {
    Ok(Beginning {
        start: Start::Interest,
        subscriber: subscriber.find(&reading.snapshot).map_err(|error| error.with("field", "subscriber"))?,
        product: row_id("product", "Product", product)?,
        quantity,
        from: from.map(|from| from.0),
        legal_basis: None,
        collective: None,
    })
}

async fn take(context: &Context<'_>, input: StepInput, step: Step) -> Result<Option<SubscriptionPayload>> {
    let StepInput { subscription, version, reason, idempotency_key } = input;
    let deed = |_: &Reading| {
        let id = row_id("subscription", "ProductSubscription", &subscription)?;
        Ok(Deed::Continue { id, version, step })
    };
    act(context, reason, &idempotency_key, deed).await
}

async fn act(
    context: &Context<'_>,
    reason: ReasonInput,
    key: &str,
    deed: impl FnOnce(&Reading) -> Result<Deed>,
) -> Result<Option<SubscriptionPayload>> {
    let reading = reading(context);
    let caller = reading.signed_in()?;
    // Taken in any case: nobody else may wait for it.
    let opened = reading.opened.lock().take();
    let deed = match deed(reading) {
        Ok(deed) => deed,
        Err(error) => return payload(reading, None, None, Some(error)),
    };
    let act = Act { deed, reason: reason.into() };
    let order = Order { caller: caller.clone(), key: key.to_owned(), request_id: reading.request_id.clone(), act };
    match perform(reading.desk.clone(), order, opened).await {
        Ok(done) => payload(reading, Some(done.row), Some(done.decision), None),
        Err(refused) => payload(reading, refused.row, refused.decision, Some(refused.error)),
    }
}
