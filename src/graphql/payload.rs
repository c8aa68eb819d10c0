//! Payloads of changes: what was done, or what went wrong as errors of the caller.

use async_graphql::{Enum, SimpleObject, Value};

use super::{
    context::Reading,
    decision::{Decision, SubscriptionAction},
    scalars::Date,
    subscription::ProductSubscription,
    subscription_input::ReasonInput,
};
use crate::{
    access::Caller,
    error::{Code, Error, Result},
    orders::Order,
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
    /// Entries of the change feed after the cursor are not kept any more: start again.
    CursorExpired,
    /// The request is larger than a limit.
    LimitExceeded,
    /// Too many requests: wait as many seconds as `Retry-After` says.
    RateLimited,
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
    /// The version that it has now, for CONFLICT.
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

/// The payload of a change of a subscription.
pub fn payload(
    reading: &Reading,
    row: Option<crate::subscriptions::Row>,
    decision: Option<std::sync::Arc<crate::access::Decision>>,
    error: Option<Error>,
) -> Result<Option<SubscriptionPayload>> {
    let (_, errors) = told(reading, error.map_or(Ok(()), Err))?;
    let subscription = row.map(ProductSubscription::one);
    Ok(Some(SubscriptionPayload { subscription, decision: decision.map(Decision), errors }))
}

fn user_error(reading: &Reading, place: &[&str], error: &Error) -> UserError {
    let text = |name: &str| match error.detail(name) {
        Some(Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    let steps = error.detail("legalSteps").and_then(|steps| match steps {
        Value::List(names) => {
            let names = names.iter().filter_map(|name| if let Value::String(name) = name { Some(name) } else { None });
            Some(names.filter_map(|name| name.parse::<crate::access::Action>().ok()).map(Into::into).collect())
        }
        _ => None,
    });
    UserError {
        code: error.code.into(),
        path: error.path(place),
        message: error.message(reading.language),
        next_step: error.next_step(reading.language),
        rule: text("rule"),
        current_version: match error.detail("currentVersion") {
            Some(Value::Number(number)) => number.as_i64(),
            _ => None,
        },
        legal_steps: steps,
        earliest: text("earliest").and_then(|day| day.parse().ok()).map(Date),
    }
}

/// Errors at a place of the input; a fault of the service stands outside of payloads.
pub fn user_errors(reading: &Reading, place: &[&str], errors: &[Error]) -> Result<Vec<UserError>> {
    if let Some(fault) = errors.iter().find(|error| error.code == Code::Internal) {
        return Err(fault.clone());
    }
    Ok(errors.iter().map(|error| user_error(reading, place, error)).collect())
}

/// The errors of one row of a list called `rows`.
pub fn row_errors(reading: &Reading, index: usize, error: &Error) -> Vec<UserError> {
    vec![user_error(reading, &["rows", &index.to_string()], error)]
}

/// An order of this request's caller.
pub fn order<D>(reading: &Reading, caller: &Caller, key: String, deed: D, reason: Option<ReasonInput>) -> Order<D> {
    let reason = reason.map(Into::into);
    Order { caller: caller.clone(), key, request_id: reading.request_id.clone(), deed, reason }
}

/// Runs a change to its end, also when nobody waits for it any more.
pub async fn to_its_end<T: Send + 'static>(change: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    tokio::spawn(change).await.map_err(Error::internal)?
}

/// What was done, or the errors of the caller; faults and limits stand outside of payloads.
pub fn told<T>(reading: &Reading, outcome: Result<T>) -> Result<(Option<T>, Vec<UserError>)> {
    match outcome {
        Ok(done) => Ok((Some(done), Vec::new())),
        Err(error) if matches!(error.code, Code::Internal | Code::Unavailable | Code::LimitExceeded) => Err(error),
        Err(error) => Ok((None, vec![user_error(reading, &[], &error)])),
    }
}
