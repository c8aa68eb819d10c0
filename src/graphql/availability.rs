//! What a municipality can have: the main job of a municipal portal.

use std::{collections::HashSet, sync::Arc};

use async_graphql::{Context, Description, Enum, Object, SimpleObject};
use sea_orm::prelude::Uuid;
use tokio::sync::OnceCell;

use super::{
    conditions::{Conditions, conditions},
    contact::Contact,
    context::{Reading, reading, reading_as_of, snapshot},
    facet::{Listed, ProductPage, product_page},
    in_turn::InTurn,
    input::bounded,
    municipality::{Municipality, MunicipalityBy},
    price::{Money, Price},
    product::Product,
    product_list::{ProductFilter, condition, question},
    scalars::Date,
};
use crate::{
    access::Role,
    availability::{Availability, Reason, Situation, Status, Wanted},
    catalogue::{self, At},
    contacts::{self, Matter},
    equivalents,
    error::{Error, Result},
    listing::Window,
    prices::{self, Missing},
    products::Is,
    subscriptions::{figures, scope::Scope},
    text::{Text, german_day},
};

/// Whether a municipality can have a product (Verfügbarkeit): the first that fits, from the bottom of this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Status")]
pub enum AvailabilityStatus {
    /// A request by the municipality would be allowed, with or without approval.
    Available,
    /// A request would be refused in the current phase; interest can be declared.
    InterestOnly,
    /// From a later day on.
    Planned,
    /// Not at all; `reason` says why.
    Unavailable,
}

/// Why a product is not available.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Reason")]
pub enum AvailabilityReasonCode {
    /// The municipality has gone into another one; `successor` tells which.
    MunicipalityDissolved,
    /// Its provider has gone into another one; `provider.mergedInto` tells which.
    ProviderMerged,
    /// It is gone.
    Retired,
    /// It is being phased out and takes no new subscription.
    PhaseOut,
    /// It is not offered to this municipality.
    NotOfferedHere,
    /// It is for other customer groups.
    NotEligible,
    /// It begins on a later day.
    NotYetAvailable,
    /// Its provider has not joined the central provider.
    ProviderNotJoined,
    /// The current phase knows no requests yet.
    PhaseTooEarly,
    /// It is frozen at the moment; `freezes` tells why and until when.
    Frozen,
}

/// Why a product is not available, as a code and as a sentence.
#[derive(SimpleObject)]
pub struct AvailabilityReason {
    /// For programs.
    code: AvailabilityReasonCode,
    /// For people, in the language of the request.
    message: String,
    /// The municipality that can have it instead, for MUNICIPALITY_DISSOLVED; null for all other reasons.
    successor: Option<Municipality>,
}

/// Why there is no yearly estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Missing")]
pub enum EstimateReasonCode {
    /// No price is valid on that day.
    NoPrice,
    /// Nobody knows how many units the municipality would take.
    QuantityUnknown,
    /// The price is due with every use.
    UsageUnknown,
}

/// Why there is no yearly estimate, as a code and as a sentence.
#[derive(SimpleObject)]
pub struct EstimateReason {
    /// For programs.
    code: EstimateReasonCode,
    /// For people, in the language of the request.
    message: String,
}

/// One price of an estimate with its quantity.
#[derive(SimpleObject)]
pub struct PriceEstimateLine<'s> {
    /// The price that applies to the municipality on that day.
    price: InTurn<Price<'s>>,
    /// Units that it is multiplied by; null when not known.
    quantity: Option<i64>,
    /// Whether the quantity is assumed from the population.
    assumed: bool,
    /// Net amount in a year, or once for a price that is due once; null when not known.
    amount: Option<InTurn<Money>>,
}

/// What a product would cost a municipality: an estimate that states what it assumes, net.
#[derive(SimpleObject)]
pub struct PriceEstimate<'s> {
    /// Recurring cost of a year; null with a `reason` when it can't be estimated.
    per_year: Option<InTurn<Money>>,
    /// Cost that is due once; null when there is none.
    one_off: Option<InTurn<Money>>,
    /// How it was estimated, line by line, with its assumptions, in the language of the request.
    basis: String,
    /// Why there is no yearly figure.
    reason: Option<EstimateReason>,
    /// The same line by line.
    lines: Vec<InTurn<PriceEstimateLine<'s>>>,
    /// Rests on invented prices: not an offer of anybody.
    sample: bool,
}

/// What one municipality can do about one product on a day.
#[derive(Description)]
pub struct AvailableProduct {
    found: Availability,
    municipality: At<catalogue::Municipality>,
    day: Date,
    // Read for the whole page at once, when it is asked for.
    had: Arc<OnceCell<HashSet<Uuid>>>,
}

#[Object(use_type_description)]
impl AvailableProduct {
    /// Whether it can be had.
    async fn status(&self) -> AvailabilityStatus {
        self.found.status.into()
    }

    /// Whether the municipality has it already, agreed or running; null for callers who may not know, and with `asOf`.
    async fn subscribed(&self, context: &Context<'_>) -> Result<Option<bool>> {
        let reading = reading(context);
        if reading.is_of_another_day {
            return Ok(None);
        }
        let municipality = reading.snapshot.municipalities[self.municipality].row.id;
        let product = &reading.snapshot.products[self.found.product];
        let is_own_product = || {
            let provider =
                reading.caller.as_ref().filter(|caller| caller.is(Role::Provider)).and_then(|own| own.provider);
            provider == Some(reading.snapshot.providers[product.provider].row.id)
        };
        if !Scope::of(reading.caller.as_ref(), &reading.snapshot).has_all_of(municipality) && !is_own_product() {
            return Ok(None);
        }
        let load = || figures::products_of(reading.subscriptions_db(), municipality, reading.now);
        Ok(Some(self.had.get_or_try_init(load).await?.contains(&product.row.id)))
    }

    /// Of an available product the day asked for (`leadTimeDays` come on top); of a planned one its planned day, when the
    /// rules decide anew whether it can be requested; null for all others.
    async fn available_from(&self) -> Option<Date> {
        self.found.available_from.map(Date)
    }

    /// Why it is not available; null when it is.
    async fn reason(&self, context: &Context<'_>) -> Option<InTurn<AvailabilityReason>> {
        let (reason, reading) = (self.found.reason?, reading(context));
        let successor = (reason == Reason::MunicipalityDissolved)
            .then(|| Municipality(reading.snapshot.standing_for(self.municipality, self.day.0)));
        let message = match successor {
            Some(Municipality(at)) => dissolved(&reading.snapshot.municipalities[at]),
            None => reason.text(),
        };
        Some(InTurn(AvailabilityReason {
            code: reason.into(),
            message: message.in_language(reading.language),
            successor,
        }))
    }

    /// What must be settled and in place before.
    async fn conditions<'c>(&self, context: &Context<'c>) -> InTurn<Conditions<'c>> {
        InTurn(conditions(&snapshot(context).products[self.found.product]))
    }

    /// What it would cost the municipality if it began on that day.
    async fn price_estimate<'c>(&self, context: &Context<'c>) -> InTurn<PriceEstimate<'c>> {
        InTurn(estimate(reading(context), self))
    }

    /// Who to ask; null only before a central desk is set up.
    async fn contact(&self, context: &Context<'_>) -> Option<InTurn<Contact>> {
        let product = Some(self.found.product);
        let matter = Matter { municipality: self.municipality, product, topic: None, day: reading(context).today };
        let snapshot = snapshot(context);
        let found = contacts::find(snapshot, &matter)?;
        Some(InTurn(Contact::at(snapshot, found.contact, found.deputy)))
    }

    /// The product.
    async fn product(&self) -> InTurn<Product> {
        InTurn(Product::at(self.found.product))
    }
}

/// Why a municipality that has gone into another one can have nothing new.
fn dissolved(successor: &catalogue::Municipality) -> Text {
    let (name, ags) = (&successor.row.name, &successor.row.ags);
    Text::new(
        format!("Die Kommune ist in {name} ({ags}) aufgegangen. Bitte für diese Kommune anfragen."),
        format!("The municipality has gone into {name} ({ags}). Please request for that municipality."),
    )
}

fn estimate<'s>(reading: &'s Reading, of: &AvailableProduct) -> PriceEstimate<'s> {
    let estimate = prices::estimate(&reading.snapshot, of.found.product, of.municipality, of.day.0);
    let basis = estimate.basis(reading.language);
    let line = |line: &prices::Line<'s>| {
        InTurn(PriceEstimateLine {
            price: InTurn(Price(line.price)),
            quantity: line.quantity.map(|quantity| quantity.count),
            assumed: line.quantity.is_some_and(|quantity| matches!(quantity.from, prices::Source::Assumption(_))),
            amount: line.amount_cents.map(Money::from_cents).map(InTurn),
        })
    };
    PriceEstimate {
        per_year: estimate.per_year_cents.map(Money::from_cents).map(InTurn),
        one_off: estimate.one_off_cents.map(Money::from_cents).map(InTurn),
        basis,
        reason: estimate.missing.map(|missing| EstimateReason {
            code: missing.into(),
            message: missing.text().in_language(reading.language),
        }),
        sample: estimate.lines.iter().any(|line| line.price.row.sample),
        lines: estimate.lines.iter().map(line).collect(),
    }
}

/// A situation of a municipality on a day; today when none is given.
fn situation<'r>(reading: &'r Reading, municipality: &MunicipalityBy, on: Option<Date>) -> Result<Situation<'r>> {
    let municipality = municipality.find(&reading.snapshot)?;
    let day = on.map_or(reading.today, |day| day.0);
    if day < reading.today {
        return Err(past_day(reading));
    }
    let (snapshot, engine) = (&reading.snapshot, &reading.desk.engine);
    Ok(Situation { snapshot, engine, municipality, day, phase: reading.phase()? })
}

/// What a municipality can do about the products of a list.
fn available(situation: &Situation<'_>) -> impl Fn(Availability) -> AvailableProduct + use<> {
    let (municipality, day, had) = (situation.municipality, Date(situation.day), Arc::new(OnceCell::new()));
    move |found| AvailableProduct { found, municipality, day, had: had.clone() }
}

/// Other providers' offers of the same standard product.
pub fn equivalents(
    reading: &Reading,
    product: At<catalogue::Product>,
    municipality: &MunicipalityBy,
    on: Option<Date>,
) -> Result<Vec<AvailableProduct>> {
    let situation = situation(reading, municipality, on)?;
    Ok(equivalents::of(&situation, product).into_iter().map(available(&situation)).collect())
}

fn past_day(reading: &Reading) -> Error {
    let today = reading.today;
    Error::bad_input(
        "on",
        format!("on liegt vor dem Stand, der gefragt ist. Möglich ist ab dem {}.", german_day(today)),
        format!("on lies before the day that the catalogue is asked for. Possible is from {today}."),
    )
}

/// Root fields for availability.
#[derive(Default)]
pub struct AvailabilityQuery;

#[Object]
impl AvailabilityQuery {
    /// The products that a municipality can have on a day: when, at which price, under which conditions, and who to
    /// ask (S3). With `search` the best match comes first; then available ones, the initial portfolio, the name. Judged by the phase that is current today, or that was current with `asOf`, whatever day is asked for. Null and NOT_FOUND
    /// for an unknown municipality.
    #[allow(clippy::too_many_arguments)]
    async fn available_products(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "For which municipality.")] municipality: MunicipalityBy,
        #[graphql(desc = "On which day, not before today or `asOf`; that day when left out.")] on: Option<Date>,
        #[graphql(desc = "Also what it can't have, each with its reason; false when left out.")]
        include_unavailable: Option<bool>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
        #[graphql(name = "where", desc = "Only these products.")] filter: Option<ProductFilter>,
        #[graphql(
            desc = "Words that must all be found, little ones (von, für) aside; umlauts, ß, case and hyphens do not matter. Finds beginnings of words, parts of compounds and other forms (Akten, Akte); a compound also finds its parts. When no product has them all, words of five letters or more may have one mistake. At most 200 characters."
        )]
        search: Option<String>,
        #[graphql(
            desc = "The catalogue as it was at the end of this day, or as it will be by the days that are known; today when left out. Names and facts of providers, municipalities, categories and standard products, members of groups, and contacts are those of today. BAD_USER_INPUT names the first day that is recorded."
        )]
        as_of: Option<Date>,
    ) -> Result<Option<ProductPage<AvailableProduct>>> {
        let reading = reading_as_of(context, as_of).await?;
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let situation = situation(reading, &municipality, on)?;
        let wanted = Wanted {
            condition: bounded(condition(filter.unwrap_or_default(), reading)?, Is::size)?,
            question: question(search)?,
            include_unavailable: include_unavailable.unwrap_or_default(),
        };
        let node = available(&situation);
        product_page(situation.list(wanted), &window, Listed::Available, node).map(Some)
    }
}
