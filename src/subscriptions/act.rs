//! What can be done about subscriptions, as a caller asks for it.

use ::entity::product_subscription::LegalBasis;
use sea_orm::prelude::{Date, Uuid};
use serde::Serialize;

use super::Subscriber;
use crate::{
    access::Action,
    audit::Reason,
    error::{Error, Result, check_text},
    text::german_day,
};

/// Longest text of a reason, in characters.
const LONGEST_REASON: usize = 2000;
/// Longest reference of a resolution, in characters.
const LONGEST_REFERENCE: usize = 200;
/// Most units.
const MOST_UNITS: i64 = i32::MAX as i64;
/// How many years ahead a day may lie.
const YEARS_AHEAD: u32 = 10;

/// Something that is to be done, with its reason.
///
/// Its JSON is digested for idempotency: what is left out must stay left out when parts are added.
#[derive(Clone, Debug, Serialize)]
pub struct Act {
    /// What.
    pub deed: Deed,
    /// Why.
    pub reason: Reason,
}

/// What is to be done.
#[derive(Clone, Debug, Serialize)]
pub enum Deed {
    /// A subscription begins.
    Begin(Beginning),
    /// A step with a subscription.
    Continue {
        /// Which subscription.
        id: Uuid,
        /// The version that the caller knows.
        version: i64,
        /// The step.
        step: Step,
    },
}

/// A subscription that is to begin.
#[derive(Clone, Debug, Serialize)]
pub struct Beginning {
    /// A request, not only interest.
    pub is_request: bool,
    /// Who takes the product.
    pub subscriber: Subscriber,
    /// Which product.
    pub product: Uuid,
    /// How many units.
    pub quantity: i64,
    /// From which day on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// On which legal basis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<LegalBasis>,
}

/// A step with a subscription.
#[derive(Clone, Copy, Debug, Serialize)]
pub enum Step {
    /// Approve what waits for approval.
    Approve {
        /// First day that is agreed; the day asked for when left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        agreed_from: Option<Date>,
        /// Legal basis that is agreed.
        #[serde(skip_serializing_if = "Option::is_none")]
        legal_basis: Option<LegalBasis>,
    },
    /// Reject it.
    Reject,
    /// Confirm or refuse what another asked on one's behalf.
    Confirm {
        /// Confirm it.
        accept: bool,
    },
    /// Take back what was asked.
    Withdraw,
    /// Record that delivery has begun.
    Activate {
        /// First day of delivery.
        on: Date,
    },
    /// Change the quantity.
    Change {
        /// How many units.
        quantity: i64,
    },
    /// Give notice.
    Terminate {
        /// The last day.
        on: Date,
    },
    /// Take the notice back.
    Revoke,
}

impl Step {
    /// The action that the rules know it as.
    pub fn action(self) -> Action {
        match self {
            Self::Approve { .. } => Action::ApproveSubscription,
            Self::Reject => Action::RejectSubscription,
            Self::Confirm { .. } => Action::ConfirmSubscription,
            Self::Withdraw => Action::WithdrawSubscription,
            Self::Activate { .. } => Action::ActivateSubscription,
            Self::Change { .. } => Action::ChangeSubscription,
            Self::Terminate { .. } => Action::TerminateSubscription,
            Self::Revoke => Action::RevokeTermination,
        }
    }
}

impl Act {
    /// The action that the rules know it as.
    pub fn action(&self) -> Action {
        match &self.deed {
            Deed::Begin(beginning) if beginning.is_request => Action::RequestSubscription,
            Deed::Begin(_) => Action::DeclareInterest,
            Deed::Continue { step, .. } => step.action(),
        }
    }

    /// Checks the values. A day that was right when a request was first sent need not be so when it is sent again.
    pub fn check(&self, today: Date) -> Result<()> {
        check_reason(&self.reason)?;
        match &self.deed {
            Deed::Begin(beginning) => {
                check_quantity(beginning.quantity)?;
                beginning.from.map_or(Ok(()), |from| check_not_past("from", from, today))
            }
            Deed::Continue { step, .. } => match *step {
                Step::Activate { on } => check_not_future(on, today),
                Step::Change { quantity } => check_quantity(quantity),
                // Too early is told with the earliest day, by notice and term.
                Step::Terminate { on } => check_not_past("on", on.max(today), today),
                _ => Ok(()),
            },
        }
    }
}

fn check_reason(reason: &Reason) -> Result<()> {
    check_text("reason.text", &reason.text, LONGEST_REASON)?;
    if reason.text.trim().is_empty() {
        return Err(Error::bad_input(
            "reason.text",
            "reason.text ist leer. Bitte einen Satz zur Begründung schreiben.",
            "reason.text is empty. Please write a sentence that gives the reason.",
        ));
    }
    reason.reference.as_ref().map_or(Ok(()), |text| check_text("reason.reference", text, LONGEST_REFERENCE))
}

fn check_quantity(quantity: i64) -> Result<()> {
    if (1..=MOST_UNITS).contains(&quantity) {
        return Ok(());
    }
    Err(Error::bad_input(
        "quantity",
        format!("quantity ist {quantity}; möglich ist 1 bis {MOST_UNITS}."),
        format!("quantity is {quantity}; possible is 1 to {MOST_UNITS}."),
    ))
}

/// Checks that a day is not before today, and not endlessly far ahead.
pub fn check_not_past(field: &str, day: Date, today: Date) -> Result<()> {
    let latest = today.checked_add_months(chrono::Months::new(12 * YEARS_AHEAD)).unwrap_or(today);
    if day < today {
        return Err(Error::bad_input(
            field,
            format!("{field} liegt in der Vergangenheit. Möglich ist ab heute, {}.", german_day(today)),
            format!("{field} lies in the past. Possible is from today, {today}."),
        ));
    }
    if day > latest {
        return Err(Error::bad_input(
            field,
            format!("{field} liegt zu weit in der Zukunft. Möglich ist bis {}.", german_day(latest)),
            format!("{field} lies too far in the future. Possible is up to {latest}."),
        ));
    }
    Ok(())
}

fn check_not_future(on: Date, today: Date) -> Result<()> {
    let earliest = today.checked_sub_months(chrono::Months::new(12)).unwrap_or(today);
    if on > today {
        return Err(Error::bad_input(
            "on",
            format!(
                "on liegt in der Zukunft. Festgehalten wird, dass die Lieferung begonnen hat: spätestens heute, {}.",
                german_day(today)
            ),
            format!(
                "on lies in the future. What is recorded is that delivery has begun: today, {today}, at the latest."
            ),
        ));
    }
    if on < earliest {
        return Err(Error::bad_input(
            "on",
            format!("on liegt mehr als ein Jahr zurück. Möglich ist ab {}.", german_day(earliest)),
            format!("on lies more than a year back. Possible is from {earliest}."),
        ));
    }
    Ok(())
}
