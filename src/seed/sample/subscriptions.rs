//! Existing contracts of the municipalities whose provider is known, and subscriptions in every other state.

use std::collections::HashMap;

use ::entity::{
    price,
    product::{self, Lifecycle},
    product_subscription::{self, Awaits, LegalBasis, Matter, Origin, State},
    provider_coverage,
    subscription_history::{self, Action, ReasonCode},
};
use rand::{RngExt, seq::IteratorRandom};
use rand_chacha::ChaCha8Rng;
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, QueryOrder,
    prelude::{Date, Uuid},
};

use super::{id_of, portfolios::Portfolios, sample_day, sample_time};

/// Contracts of one municipality: about 5,000 in all.
const CONTRACTS_OF_ONE: usize = 20;

/// How many in each other state: 200 in all.
const OTHERS: [(State, usize); 8] = [
    (State::Interest, 60),
    (State::Requested, 40),
    (State::Approved, 30),
    (State::Terminating, 20),
    (State::Ended, 20),
    (State::Rejected, 10),
    (State::Withdrawn, 10),
    (State::Expired, 10),
];

/// Draws all sample subscriptions of the portfolios.
pub(super) async fn draw(
    db: &impl ConnectionTrait,
    portfolios: &Portfolios,
    chance: &mut ChaCha8Rng,
) -> Result<Vec<product_subscription::Model>, DbErr> {
    let coverage = provider_coverage::Entity::find().order_by_asc(provider_coverage::Column::Id).all(db).await?;
    let towns = towns(db).await?;
    let served: Vec<_> = coverage.iter().filter(|row| towns.contains_key(&row.municipality_id)).collect();
    let prices: HashMap<Uuid, &price::Model> =
        portfolios.prices.iter().rev().map(|price| (price.product_id, price)).collect();
    // What only Kreise and kreisfreie Städte may have is left out, so that no contract contradicts eligibility.
    let available =
        |product: &&product::Model| product.lifecycle == Lifecycle::Available && !portfolios.is_restricted(product.id);
    let mut drawn = Vec::new();
    for row in &served {
        let of_provider = portfolios.products.iter().filter(|product| product.provider_id == row.provider_id);
        for product in of_provider.filter(available).sample(chance, CONTRACTS_OF_ONE) {
            drawn.push(subscription(
                drawn.len(),
                (row.municipality_id, towns[&row.municipality_id]),
                product,
                prices[&product.id],
                State::Active,
                chance,
            )?);
        }
    }
    let initial: Vec<_> =
        portfolios.products.iter().filter(|product| product.initial_portfolio).filter(available).collect();
    for (state, count) in OTHERS {
        for _ in 0..count {
            let row = served.iter().choose(chance);
            let product = initial.iter().choose(chance);
            if let (Some(row), Some(product)) = (row, product) {
                drawn.push(subscription(
                    drawn.len(),
                    (row.municipality_id, towns[&row.municipality_id]),
                    product,
                    prices[&product.id],
                    state,
                    chance,
                )?);
            }
        }
    }
    Ok(drawn)
}

/// Inhabitants of all municipalities that are no Kreis.
async fn towns(db: &impl ConnectionTrait) -> Result<HashMap<Uuid, i64>, DbErr> {
    use ::entity::municipality::{Entity, Type};
    let all = Entity::find().all(db).await?;
    Ok(all.into_iter().filter(|row| row.kind != Type::Kreis).map(|row| (row.id, row.population)).collect())
}

fn subscription(
    number: usize,
    (municipality, population): (Uuid, i64),
    product: &product::Model,
    price: &price::Model,
    state: State,
    chance: &mut ChaCha8Rng,
) -> Result<product_subscription::Model, DbErr> {
    let today = sample_day()?;
    let is_contract = state == State::Active;
    let is_requested = state == State::Requested;
    let was_agreed = matches!(state, State::Active | State::Approved | State::Terminating | State::Ended);
    let was_active = matches!(state, State::Active | State::Terminating | State::Ended);
    // The central provider delivers since the founding only.
    let months_ago = if is_contract { chance.random_range(4..=60) } else { chance.random_range(2..=4) };
    let since = plus_months(today, -months_ago);
    let begins = if was_active { since } else { plus_months(today, chance.random_range(2..=6)) };
    let ends_on = match state {
        State::Terminating => Some(plus_months(today, 8)),
        State::Ended => Some(plus_months(today, -1)),
        _ => None,
    };
    let legal_basis = if is_contract { LegalBasis::PublicLawAgreement } else { LegalBasis::Inhouse };
    // Who leaves does so at the end of its term.
    let term = product.term_months.filter(|_| was_agreed).map(|months| plus_months(begins, months));
    let term_end = ends_on.or(term);
    Ok(product_subscription::Model {
        id: id_of("product_subscription", &number.to_string()),
        municipality_id: Some(municipality),
        provider_id: None,
        product_id: product.id,
        state,
        version: steps_to(state).len() as i64,
        quantity: match price.unit {
            price::Unit::Flat | price::Unit::RevenuePercent => 1,
            price::Unit::Inhabitant => population,
            _ => chance.random_range(1..=50),
        },
        origin: if is_contract { Origin::Reported } else { Origin::Requested },
        legal_basis: was_agreed.then_some(legal_basis),
        requested_from: Some(begins),
        agreed_from: was_agreed.then_some(begins),
        active_since: was_active.then_some(begins),
        ends_on,
        notice_months: product.notice_months,
        term_end,
        price_unit: price.unit,
        price_period: price.period,
        price_amount_cents: price.amount_cents,
        price_percent_basis_points: price.percent_basis_points,
        price_vat_basis_points: price.vat_basis_points,
        open_matter: is_requested.then_some(Matter::Request),
        awaits: is_requested.then_some(Awaits::Approval),
        open_quantity: None,
        open_on: None,
        expires_at: is_requested.then_some(sample_time()? + chrono::TimeDelta::days(90)),
        asked_by_issuer: Some("itkatalog".to_owned()),
        asked_by_subject: Some("sample".to_owned()),
        asked_by_organisation: None,
        asked_in: Some(::entity::phase::Key::Foundation),
        open_product_id: None,
        predecessor_id: None,
        successor_id: None,
        collective_id: None,
        collective_by: None,
        created_at: sample_time()?,
        updated_at: sample_time()?,
        sample: true,
    })
}

/// How a sample subscription came to its state, one entry for each version.
pub(super) fn history(row: &product_subscription::Model) -> Result<Vec<subscription_history::Model>, DbErr> {
    let steps = steps_to(row.state).iter().zip(1..);
    steps
        .map(|((action, state), version)| {
            Ok(subscription_history::Model {
                subscription_id: row.id,
                version,
                at: sample_time()?,
                action: *action,
                state: *state,
                role: None,
                reason_code: ReasonCode::Other,
                reason_text: Some("Beispieldaten".to_owned()),
                reason_reference: None,
                former_municipality_id: None,
            })
        })
        .collect()
}

/// The steps to a state, each with the state afterwards.
fn steps_to(state: State) -> &'static [(Action, State)] {
    const REQUEST: (Action, State) = (Action::RequestSubscription, State::Requested);
    const APPROVE: (Action, State) = (Action::ApproveSubscription, State::Approved);
    const ACTIVATE: (Action, State) = (Action::ActivateSubscription, State::Active);
    const TERMINATE: (Action, State) = (Action::TerminateSubscription, State::Terminating);
    match state {
        State::Interest => &[(Action::DeclareInterest, State::Interest)],
        State::Requested | State::Expired => &[REQUEST],
        State::Approved => &[REQUEST, APPROVE],
        State::Active => &[(Action::ReportContract, State::Active)],
        State::Terminating | State::Ended => &[REQUEST, APPROVE, ACTIVATE, TERMINATE],
        State::Rejected => &[REQUEST, (Action::RejectSubscription, State::Rejected)],
        State::Withdrawn => &[REQUEST, (Action::WithdrawSubscription, State::Withdrawn)],
    }
}

fn plus_months(day: Date, months: i32) -> Date {
    let by = chrono::Months::new(months.unsigned_abs());
    let moved = if months < 0 { day.checked_sub_months(by) } else { day.checked_add_months(by) };
    moved.unwrap_or(day)
}
