//! Changes of subscriptions: from an input to an act, from its outcome to a payload.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject, Value};

use super::{
    context::{Reading, reading},
    decision::{Decision, SubscriptionAction},
    node::row_id,
    scalars::Date,
    subscriber::SubscriberBy,
    subscription::{LegalBasis, ProductSubscription, ReasonCode},
};
use crate::{
    audit,
    error::{Code, Error, Result},
    subscriptions::{
        act::{Act, Beginning, Deed, Step},
        perform::{Order, perform},
    },
};

/// What clients branch on when something goes wrong; also `extensions.code` of errors outside of payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Code")]
pub enum ErrorCode {
    /// The HTTP request itself is wrong: no JSON, no query.
    BadRequest,
    /// The document is no valid GraphQL of this schema.
    GraphqlValidationFailed,
    /// A value is wrong; `path` says which.
    BadUserInput,
    /// A token is needed, or the one sent is not accepted.
    Unauthenticated,
    /// No rule lets the caller do it; `rule` names the one that decided.
    Forbidden,
    /// There is no such thing, or the caller may not know of it.
    NotFound,
    /// Somebody else changed it meanwhile; `currentVersion` is the version that it has now.
    Conflict,
    /// The state does not let the step happen; `legalSteps` are those that it does.
    IllegalStep,
    /// The key was used with another input.
    IdempotencyKeyReused,
    /// What was open has expired.
    Expired,
    /// The request is larger than a limit.
    LimitExceeded,
    /// The service can't answer for now.
    Unavailable,
    /// A fault of the service; only the request's id is told.
    Internal,
}

/// Something that went wrong with a change; nothing was changed.
#[derive(SimpleObject)]
pub struct UserError {
    /// What clients branch on.
    code: ErrorCode,
    /// Where in the input, from `input` on.
    path: Vec<String>,
    /// What is wrong, in the language of the request.
    message: String,
    /// What to do next, in the language of the request.
    next_step: String,
    /// Id of the rule that refused, for FORBIDDEN, ILLEGAL_STEP and EXPIRED.
    rule: Option<String>,
    /// The version that the subscription has now, for CONFLICT.
    current_version: Option<i64>,
    /// The steps that the state allows, for ILLEGAL_STEP and EXPIRED.
    legal_steps: Option<Vec<SubscriptionAction>>,
    /// The earliest day that would be right, for a termination that is too early.
    earliest: Option<Date>,
}

/// Outcome of a change of a subscription.
#[derive(SimpleObject)]
pub struct SubscriptionPayload {
    /// The subscription as it stands now, also when the change was refused. Null when there is none that the caller may see.
    subscription: Option<ProductSubscription>,
    /// What the rules said; null when it did not come to that.
    decision: Option<Decision>,
    /// What went wrong; empty when the change was made.
    errors: Vec<UserError>,
}

/// Why something is done.
#[derive(InputObject)]
pub struct ReasonInput {
    /// As a code; any code goes with any action.
    pub code: ReasonCode,
    /// As a sentence, 1 to 2000 characters. Please name no persons.
    pub text: String,
    /// Reference of a resolution (Beschluss), at most 200 characters.
    pub reference: Option<String>,
}

/// A step with a subscription, as every change names it.
#[derive(InputObject)]
pub struct StepInput {
    /// Id of the subscription.
    pub subscription: ID,
    /// The version that the step starts from.
    pub version: i64,
    /// Why.
    pub reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    pub idempotency_key: String,
}

macro_rules! step_inputs {
    ($($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $field_doc:literal])* $field:ident: $type:ty,)* })+) => {$(
        $(#[doc = $doc])*
        #[derive(InputObject)]
        pub struct $name {
            #[graphql(flatten)]
            step: StepInput,
            $($(#[doc = $field_doc])* $field: $type,)*
        }
    )+};
}

step_inputs! {
    /// Approves what waits for approval.
    ApproveSubscriptionInput {
        /// Of a request: first day as agreed, from today to 10 years ahead; the day asked for when left out. The price is that
        /// of this day. Without meaning for a change.
        agreed_from: Option<Date>,
        /// Of a request: legal basis as agreed. Without meaning for a change.
        legal_basis: Option<LegalBasis>,
    }
    /// Rejects what waits for approval.
    RejectSubscriptionInput {}
    /// Takes back what was asked.
    WithdrawSubscriptionInput {}
    /// Records that delivery has begun.
    ActivateSubscriptionInput {
        /// First day of delivery: today or up to a year back, also before the agreed day.
        on: Date,
    }
    /// Confirms or refuses what another asked on one's behalf.
    ConfirmSubscriptionInput {
        /// True confirms, false refuses.
        accept: bool,
    }
    /// Changes the quantity.
    ChangeSubscriptionInput {
        /// How many units from now on, 1 to 2147483647.
        quantity: i64,
    }
    /// Gives notice.
    TerminateSubscriptionInput {
        /// The last day: not earlier than notice and term allow, see `earliestEnd`; at most 10 years ahead.
        on: Date,
    }
    /// Takes a notice back.
    RevokeTerminationInput {}
}

/// Declares interest in a product.
#[derive(InputObject)]
pub struct DeclareInterestInput {
    /// Who is interested.
    subscriber: SubscriberBy,
    /// Id of the product.
    product: ID,
    /// How many units, about; 1 to 2147483647.
    #[graphql(default = 1)]
    quantity: i64,
    /// From which day on, about; not before today.
    from: Option<Date>,
    /// Why.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Requests a product.
#[derive(InputObject)]
pub struct RequestSubscriptionInput {
    /// Who is to take it.
    subscriber: SubscriberBy,
    /// Id of the product.
    product: ID,
    /// How many units of its price, 1 to 2147483647; a flat price is due once, however many.
    quantity: i64,
    /// First day, from today to 10 years ahead.
    from: Date,
    /// Legal basis, when it is known.
    legal_basis: Option<LegalBasis>,
    /// Why.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

impl From<ReasonInput> for audit::Reason {
    fn from(input: ReasonInput) -> Self {
        // A blank reference is none.
        let reference = input.reference.filter(|text| !text.trim().is_empty());
        Self { code: input.code.into(), text: input.text, reference }
    }
}

/// Changes of subscriptions.
#[derive(Default)]
pub struct SubscriptionMutation;

#[Object]
impl SubscriptionMutation {
    /// Declares interest, without obligation. By the municipality or provider itself, or an account manager of its group;
    /// until the steady state.
    async fn declare_interest(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "In what, for whom.")] input: DeclareInterestInput,
    ) -> Result<Option<SubscriptionPayload>> {
        let DeclareInterestInput { subscriber, product, quantity, from, reason, idempotency_key } = input;
        let begin = |reading: &Reading| beginning(reading, &subscriber, &product, quantity, from);
        act(context, reason, &idempotency_key, |reading| begin(reading).map(Deed::Begin)).await
    }

    /// Requests a product. By the municipality or provider itself, or an account manager of its group; from the founding on.
    /// Depending on phase and product it waits for an approval, for the municipality's confirmation, or for nobody:
    /// `policyMatrix` tells all cases.
    async fn request_subscription(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What, for whom, from when.")] input: RequestSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        let RequestSubscriptionInput { subscriber, product, quantity, from, legal_basis, reason, idempotency_key } =
            input;
        let deed = |reading: &Reading| {
            let beginning = beginning(reading, &subscriber, &product, quantity, Some(from))?;
            Ok(Deed::Begin(Beginning { is_request: true, legal_basis: legal_basis.map(Into::into), ..beginning }))
        };
        act(context, reason, &idempotency_key, deed).await
    }

    /// Approves a request or a pending change. By an account manager of the group or a steward for the initial portfolio, by
    /// the product's provider or a steward for other products; never by whoever asked.
    async fn approve_subscription(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: ApproveSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        let agreed_from = input.agreed_from.map(|day| day.0);
        let legal_basis = input.legal_basis.map(Into::into);
        take(context, input.step, Step::Approve { agreed_from, legal_basis }).await
    }

    /// Rejects a request, or drops a pending change. By whoever could approve it.
    async fn reject_subscription(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: RejectSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        take(context, input.step, Step::Reject).await
    }

    /// Takes back interest, a request, an approved subscription before it begins, or a pending change. By whoever asked, or
    /// by the municipality itself; in every phase.
    async fn withdraw_subscription(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: WithdrawSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        take(context, input.step, Step::Withdraw).await
    }

    /// Records that delivery has begun. By the product's provider or a steward; from the founding on.
    async fn activate_subscription(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one, since when.")] input: ActivateSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        take(context, input.step, Step::Activate { on: input.on.0 }).await
    }

    /// Confirms or refuses what another asked on one's behalf. By the municipality itself, never by whoever asked; in every
    /// phase.
    async fn confirm_subscription(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one, yes or no.")] input: ConfirmSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        take(context, input.step, Step::Confirm { accept: input.accept }).await
    }

    /// Changes the quantity. By the municipality itself or an account manager of its group; from the founding on. Where it
    /// needs an approval or confirmation it waits as `pendingChange`.
    async fn change_subscription(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one, to how many units.")] input: ChangeSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        take(context, input.step, Step::Change { quantity: input.quantity }).await
    }

    /// Gives notice. By the municipality itself in every phase; by an account manager of its group, who needs its
    /// confirmation; by the provider for reported contracts and for products in phase-out.
    async fn terminate_subscription(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one, to which last day.")] input: TerminateSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        take(context, input.step, Step::Terminate { on: input.on.0 }).await
    }

    /// Takes a notice back until the last day. By the municipality itself in every phase; the product's provider approves.
    async fn revoke_termination(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: RevokeTerminationInput,
    ) -> Result<Option<SubscriptionPayload>> {
        take(context, input.step, Step::Revoke).await
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
        is_request: false,
        subscriber: subscriber.find(&reading.snapshot).map_err(|error| error.with("field", "subscriber"))?,
        product: row_id("product", "Product", product)?,
        quantity,
        from: from.map(|from| from.0),
        legal_basis: None,
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
    let deed = match deed(reading) {
        Ok(deed) => deed,
        Err(error) => return payload(reading, None, None, Some(error)),
    };
    let act = Act { deed, reason: reason.into() };
    let order = Order { caller: caller.clone(), key: key.to_owned(), request_id: reading.request_id.clone(), act };
    match perform(reading.desk.clone(), order).await {
        Ok(done) => payload(reading, Some(done.row), Some(done.decision), None),
        Err(refused) => payload(reading, refused.row, refused.decision, Some(refused.error)),
    }
}

/// Faults, limits and what is about the token stand outside of payloads; everything else in them.
fn payload(
    reading: &Reading,
    row: Option<crate::subscriptions::Row>,
    decision: Option<std::sync::Arc<crate::access::Decision>>,
    error: Option<Error>,
) -> Result<Option<SubscriptionPayload>> {
    let errors = match error {
        Some(error) if matches!(error.code, Code::Internal | Code::Unavailable | Code::LimitExceeded) => {
            return Err(error);
        }
        error => error.iter().map(|error| user_error(reading, error)).collect(),
    };
    let subscription = row.map(ProductSubscription::one);
    Ok(Some(SubscriptionPayload { subscription, decision: decision.map(Decision), errors }))
}

fn user_error(reading: &Reading, error: &Error) -> UserError {
    let text = |name: &str| match error.detail(name) {
        Some(Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    let field = text("field").unwrap_or_default();
    let steps = error.detail("legalSteps").and_then(|steps| match steps {
        Value::List(names) => {
            let names = names.iter().filter_map(|name| if let Value::String(name) = name { Some(name) } else { None });
            Some(names.filter_map(|name| name.parse::<crate::access::Action>().ok()).map(Into::into).collect())
        }
        _ => None,
    });
    UserError {
        code: error.code.into(),
        path: std::iter::once("input")
            .chain(field.split('.').filter(|part| !part.is_empty()))
            .map(str::to_owned)
            .collect(),
        message: error.message(reading.language),
        next_step: error.next_step(reading.language).unwrap_or_else(|| usual_next_step(reading, error.code)),
        rule: text("rule"),
        current_version: match error.detail("currentVersion") {
            Some(Value::Number(number)) => number.as_i64(),
            _ => None,
        },
        legal_steps: steps,
        earliest: text("earliest").and_then(|day| day.parse().ok()).map(Date),
    }
}

fn usual_next_step(reading: &Reading, code: Code) -> String {
    let (de, en) = match code {
        Code::NotFound => {
            ("Schlüssel oder Kennung prüfen und noch einmal senden.", "Check the key or id and send it again.")
        }
        Code::IdempotencyKeyReused => ("Einen neuen idempotencyKey vergeben.", "Choose a new idempotencyKey."),
        _ => ("Den genannten Wert berichtigen und noch einmal senden.", "Correct the value named and send it again."),
    };
    reading.say(de, en).to_owned()
}
