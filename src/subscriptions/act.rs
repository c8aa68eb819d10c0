//! What can be done about subscriptions, as a caller asks for it.

use ::entity::{
    price::{Period, Unit},
    product_subscription::LegalBasis,
};
use sea_orm::prelude::{Date, Uuid};
use serde::Serialize;

use super::Subscriber;
use crate::{
    access::Action,
    audit::Reason,
    error::{Error, Result},
    text::german_day,
};

/// Most units.
const MOST_UNITS: i64 = i32::MAX as i64;
/// How many years ahead a day may lie.
const YEARS_AHEAD: u32 = 10;
/// Longest notice period of a reported contract, in months.
const LONGEST_NOTICE: i32 = 60;
/// Longest term of a reported contract from today, in years.
const LONGEST_TERM_YEARS: u32 = 30;
/// Earliest year in which a reported contract can have begun.
const FIRST_YEAR: i32 = 1990;

/// Something that is to be done, with its reason.
///
/// Its JSON is digested for idempotency: what is left out must stay left out when parts are added.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Act {
    /// What.
    pub deed: Deed,
    /// Why.
    pub reason: Reason,
}

/// What is to be done.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
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
#[serde(rename_all = "camelCase")]
pub struct Beginning {
    /// How it begins.
    pub start: Start,
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
    /// The collective request that it is part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collective: Option<Uuid>,
}

impl Beginning {
    /// The action that the rules know it as.
    pub fn action(&self) -> Action {
        match self.start {
            Start::Request { .. } if self.collective.is_some() => Action::RequestForMany,
            start => start.action(),
        }
    }
}

/// How a subscription begins.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Start {
    /// With interest, without obligation.
    Interest,
    /// With a request.
    Request {
        /// The interest that becomes the request.
        #[serde(skip_serializing_if = "Option::is_none")]
        interest: Option<Known>,
    },
    /// It has begun already: an existing contract is reported.
    Contract(Contract),
}

impl Start {
    fn action(self) -> Action {
        match self {
            Self::Interest => Action::DeclareInterest,
            Self::Request { .. } => Action::RequestSubscription,
            Self::Contract(_) => Action::ReportContract,
        }
    }
}

/// A subscription at the version that the caller knows.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Known {
    /// Which one.
    pub id: Uuid,
    /// Its version.
    pub version: i64,
}

/// What is known of an existing contract.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contract {
    /// First day of delivery.
    pub active_since: Date,
    /// Notice period in months; the product's when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice_months: Option<i32>,
    /// Last day of the term.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term_end: Option<Date>,
    /// Agreed price; the product's when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<ContractPrice>,
}

/// The price of an existing contract.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContractPrice {
    /// What is counted.
    pub unit: Unit,
    /// How often it is due.
    pub period: Period,
    /// Net amount in euro cents.
    pub amount_cents: i64,
    /// VAT rate in hundredths of a percent.
    pub vat_basis_points: i32,
}

/// A step with a subscription.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
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
    /// Move to a successor product.
    Migrate {
        /// The product to move to.
        successor: Uuid,
        /// Its first day.
        on: Date,
        /// How many units of it; as many as before when left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        quantity: Option<i64>,
    },
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
            Self::Migrate { .. } => Action::MigrateSubscription,
        }
    }
}

impl Act {
    /// The action that the rules know it as.
    pub fn action(&self) -> Action {
        match &self.deed {
            Deed::Begin(beginning) => beginning.action(),
            Deed::Continue { step, .. } => step.action(),
        }
    }

    /// The subscription that it starts from; none for a new one.
    pub fn known(&self) -> Option<Known> {
        match &self.deed {
            Deed::Begin(Beginning { start: Start::Request { interest }, .. }) => *interest,
            Deed::Begin(_) => None,
            Deed::Continue { id, version, .. } => Some(Known { id: *id, version: *version }),
        }
    }

    /// Checks the values. A day that was right when a request was first sent need not be so when it is sent again.
    pub fn check(&self, today: Date) -> Result<()> {
        self.reason.check()?;
        match &self.deed {
            Deed::Begin(beginning) => {
                check_quantity(beginning.quantity)?;
                if let Start::Contract(contract) = &beginning.start {
                    check_contract(contract, today)?;
                }
                beginning.from.map_or(Ok(()), |from| check_not_past("from", from, today))
            }
            Deed::Continue { step, .. } => match *step {
                Step::Activate { on } => check_not_future(on, today),
                Step::Change { quantity } => check_quantity(quantity),
                // Too early is told with the earliest day, by notice and term.
                Step::Terminate { on } => check_not_past("on", on.max(today), today),
                Step::Migrate { on, quantity, .. } => {
                    quantity.map_or(Ok(()), check_quantity)?;
                    // Too early is told with the earliest day.
                    check_not_past("on", on.max(today), today)
                }
                _ => Ok(()),
            },
        }
    }
}

fn check_contract(contract: &Contract, today: Date) -> Result<()> {
    let wrong = |field: &str, de: String, en: String| Err(Error::bad_input(field, de, en));
    let earliest = Date::from_ymd_opt(FIRST_YEAR, 1, 1).unwrap_or(today);
    if !(earliest..=today).contains(&contract.active_since) {
        return wrong(
            "activeSince",
            format!("activeSince liegt außerhalb von {} bis heute, {}.", german_day(earliest), german_day(today)),
            format!("activeSince is not between {earliest} and today, {today}."),
        );
    }
    if let Some(months) = contract.notice_months.filter(|months| !(0..=LONGEST_NOTICE).contains(months)) {
        return wrong(
            "noticeMonths",
            format!("noticeMonths ist {months}; möglich ist 0 bis {LONGEST_NOTICE}."),
            format!("noticeMonths is {months}; possible is 0 to {LONGEST_NOTICE}."),
        );
    }
    let latest = today.checked_add_months(chrono::Months::new(12 * LONGEST_TERM_YEARS)).unwrap_or(today);
    if contract.term_end.is_some_and(|end| !(contract.active_since..=latest).contains(&end)) {
        return wrong(
            "termEnd",
            format!("termEnd liegt nicht zwischen activeSince und dem {}.", german_day(latest)),
            format!("termEnd is not between activeSince and {latest}."),
        );
    }
    Ok(())
}

pub(super) fn check_quantity(quantity: i64) -> Result<()> {
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
