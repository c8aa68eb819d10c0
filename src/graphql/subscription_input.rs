//! Inputs of changes of subscriptions.

use async_graphql::{ID, InputObject};

use super::{
    history::ReasonCode,
    node::row_id,
    price::{PricePeriod, PriceUnit},
    scalars::{Date, Decimal, parse_hundredths},
    subscriber::SubscriberBy,
    subscription::LegalBasis,
};
use crate::{
    audit,
    error::{Error, Result},
    subscriptions::act::{ContractPrice, Known},
};

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
            /// Which subscription, from which version, why.
            #[graphql(flatten)]
            pub step: StepInput,
            $($(#[doc = $field_doc])* pub $field: $type,)*
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
    /// Moves a subscription to a successor product.
    MigrateSubscriptionInput {
        /// Id of the product to move to.
        successor: ID,
        /// First day of the successor, from tomorrow to 12 months ahead; the day before is the last one of what it follows.
        on: Date,
        /// How many units of the successor's price, 1 to 2147483647; as many as before when left out,
        /// which is possible where both count the same unit.
        quantity: Option<i64>,
    }
}

/// Declares interest in a product.
#[derive(InputObject)]
pub struct DeclareInterestInput {
    /// Who is interested.
    pub subscriber: SubscriberBy,
    /// Id of the product.
    pub product: ID,
    /// How many units, about; 1 to 2147483647.
    #[graphql(default = 1)]
    pub quantity: i64,
    /// From which day on, about; not before today.
    pub from: Option<Date>,
    /// Why.
    pub reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    pub idempotency_key: String,
}

/// An interest at the version that the caller knows.
#[derive(InputObject)]
pub struct InterestInput {
    /// Id of the subscription in state INTEREST, of the same subscriber in the same product.
    pub subscription: ID,
    /// The version that it has.
    pub version: i64,
}

impl InterestInput {
    /// What is known of it.
    pub fn known(&self) -> Result<Known> {
        let id = row_id("interest.subscription", "ProductSubscription", &self.subscription)?;
        Ok(Known { id, version: self.version })
    }
}

/// The price of an existing contract.
#[derive(InputObject)]
pub struct ContractPriceInput {
    /// What is counted; not REVENUE_PERCENT.
    pub unit: PriceUnit,
    /// How often it is due.
    pub period: PricePeriod,
    /// Net amount in EUR for one unit and one period, with at most two places, for example `"14.00"`.
    pub amount: Decimal,
    /// VAT rate in percent, 0 to 100 with at most two places.
    #[graphql(default_with = "Decimal(\"19.00\".to_owned())")]
    pub vat_rate: Decimal,
}

impl ContractPriceInput {
    /// The price in cents; BAD_USER_INPUT for what is none.
    pub fn price(&self) -> Result<ContractPrice> {
        if self.unit == PriceUnit::RevenuePercent {
            return Err(Error::bad_input(
                "price.unit",
                "REVENUE_PERCENT hat keinen Betrag. Bitte eine andere Einheit angeben oder price weglassen.",
                "REVENUE_PERCENT has no amount. Please give another unit, or leave price out.",
            ));
        }
        let vat = parse_hundredths("price.vatRate", &self.vat_rate, 10_000)?;
        Ok(ContractPrice {
            unit: self.unit.into(),
            period: self.period.into(),
            amount_cents: parse_hundredths("price.amount", &self.amount, 100_000_000_000)?,
            vat_basis_points: i32::try_from(vat).map_err(Error::internal)?,
        })
    }
}

/// Reports a contract that exists already.
#[derive(InputObject)]
pub struct ReportContractInput {
    /// Who takes the product.
    pub subscriber: SubscriberBy,
    /// Id of the product.
    pub product: ID,
    /// How many units of its price, 1 to 2147483647.
    pub quantity: i64,
    /// First day of delivery, from 1990 to today.
    pub active_since: Date,
    /// Notice period in months, 0 to 60; the product's when left out.
    pub notice_months: Option<i32>,
    /// Last day of the term, at most 30 years ahead; none when left out.
    pub term_end: Option<Date>,
    /// Agreed price; the product's when left out.
    pub price: Option<ContractPriceInput>,
    /// Legal basis.
    pub legal_basis: Option<LegalBasis>,
    /// Why.
    pub reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    pub idempotency_key: String,
}

/// Requests a product.
#[derive(InputObject)]
pub struct RequestSubscriptionInput {
    /// Who is to take it.
    pub subscriber: SubscriberBy,
    /// Id of the product.
    pub product: ID,
    /// How many units of its price, 1 to 2147483647; a flat price is due once, however many.
    pub quantity: i64,
    /// First day, from today to 10 years ahead.
    pub from: Date,
    /// The interest that becomes this request, if there is one; it keeps its identity and its history.
    pub interest: Option<InterestInput>,
    /// Legal basis, when it is known.
    pub legal_basis: Option<LegalBasis>,
    /// Why.
    pub reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    pub idempotency_key: String,
}

impl From<ReasonInput> for audit::Reason {
    fn from(input: ReasonInput) -> Self {
        // A blank reference is none.
        let reference = input.reference.filter(|text| !text.trim().is_empty());
        Self { code: input.code.into(), text: input.text, reference }
    }
}
