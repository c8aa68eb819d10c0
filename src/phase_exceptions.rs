//! Exceptions to the current phase: for one provider or one product another phase rules (S1, "Transformationsroadmap": the
//! transformation goes step by step). They come and go as a change of phase does, see [`crate::phase_changes`].

use ::entity::{phase::Key, phase_exception, phase_proposal as proposal};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    prelude::{Date, DateTimeUtc, Uuid},
    sea_query::SimpleExpr,
};

use crate::{
    access::Phase,
    catalogue::{At, Product, Snapshot},
    clock::day_of,
    error::{Code, Error, Result},
    phase_changes::Proposing,
    phases,
    subscriptions::act::check_not_past,
};

/// The phase that rules something, and the exception by which it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// The phase.
    pub phase: Phase,
    /// The exception; none when it is the phase that is current for all.
    pub exception: Option<Uuid>,
}

/// The phase that rules a product on a day: by an exception for it, by one for its provider, or the current one.
pub fn ruling(snapshot: &Snapshot, product: At<Product>, day: Date, current: Phase) -> Ruling {
    match on(snapshot, product, day) {
        Some(exception) => Ruling { phase: phases::from_key(exception.phase), exception: Some(exception.id) },
        None => Ruling { phase: current, exception: None },
    }
}

/// The exceptions that hold on a day, oldest first.
pub fn held(snapshot: &Snapshot, day: Date) -> impl Iterator<Item = &phase_exception::Model> + Clone {
    snapshot
        .phase_exceptions
        .iter()
        .filter(move |exception| exception.from_day <= day && exception.until_day.is_none_or(|until| day <= until))
}

fn on(snapshot: &Snapshot, product: At<Product>, day: Date) -> Option<&phase_exception::Model> {
    let product = &snapshot.products[product];
    let provider = snapshot.providers[product.provider].row.id;
    let of_product = |exception: &&phase_exception::Model| exception.product_id == Some(product.row.id);
    let of_provider = |exception: &&phase_exception::Model| exception.provider_id == Some(provider);
    let mut held = held(snapshot, day);
    // What is said of one product goes before what is said of all of its provider.
    held.clone().find(of_product).or_else(|| held.find(of_provider))
}

/// Whether an exception can begin, or end.
pub async fn check(db: &impl ConnectionTrait, current: Key, deed: &Proposing, today: Date) -> Result<()> {
    if deed.to == current && exception_of(db, deed.provider, deed.product).await?.is_none() {
        return Err(no_exception());
    }
    match deed.until {
        Some(_) if deed.to == current => Err(Error::bad_input(
            "until",
            "Die Ausnahme endet mit der Bestätigung; until bitte weglassen.",
            "The exception ends with the confirmation; please leave until out.",
        )),
        Some(until) => check_not_past("until", until, today),
        None => Ok(()),
    }
}

/// Puts what was confirmed in the place of the exception that holds: another one begins, or, back to the current phase, that
/// one ends. Gives what held before, and what holds or held last.
pub async fn replace(
    db: &impl ConnectionTrait,
    current: Key,
    row: &proposal::Model,
    now: DateTimeUtc,
) -> Result<(Option<phase_exception::Model>, phase_exception::Model)> {
    check_still_meant(db, row).await?;
    let before = exception_of(db, row.provider_id, row.product_id).await?;
    let mut after = None;
    if let Some(before) = &before {
        let ended = phase_exception::ActiveModel { id: Set(before.id), ended_at: Set(Some(now)), ..Default::default() };
        after = Some(ended.update(db).await?);
    }
    if row.to_phase != current {
        let begun = phase_exception::Model {
            id: Uuid::new_v4(),
            provider_id: row.provider_id,
            product_id: row.product_id,
            phase: row.to_phase,
            from_day: day_of(now),
            until_day: row.until_day,
            proposal_id: row.id,
            created_at: now,
            ended_at: None,
        };
        after = Some(begun.into_active_model().insert(db).await?);
    }
    Ok((before, after.ok_or_else(no_exception)?))
}

/// A proposal is about what held when it was made: an exception that came or went since then makes it void.
async fn check_still_meant(db: &impl ConnectionTrait, row: &proposal::Model) -> Result<()> {
    use phase_exception::Column::{CreatedAt, EndedAt};
    let since = Condition::any().add(CreatedAt.gt(row.proposed_at)).add(EndedAt.gt(row.proposed_at));
    let of = phase_exception::Entity::find().filter(about(row.provider_id, row.product_id));
    match of.filter(since).one(db).await? {
        None => Ok(()),
        Some(_) => Err(Error::new(
            Code::Conflict,
            "Die Ausnahme wurde inzwischen geändert; dieser Vorschlag gilt nicht mehr.",
            "The exception was changed meanwhile; this proposal does not hold any more.",
        )
        .with("field", "proposal")
        .next("Bei Bedarf neu vorschlagen.", "Propose again if needed.")),
    }
}

/// The exception for a provider or a product that was not ended.
async fn exception_of(
    db: &impl ConnectionTrait,
    provider: Option<Uuid>,
    product: Option<Uuid>,
) -> Result<Option<phase_exception::Model>> {
    let of = phase_exception::Entity::find().filter(about(provider, product));
    Ok(of.filter(phase_exception::Column::EndedAt.is_null()).one(db).await?)
}

fn about(provider: Option<Uuid>, product: Option<Uuid>) -> SimpleExpr {
    match (provider, product) {
        (Some(provider), _) => phase_exception::Column::ProviderId.eq(provider),
        (None, product) => phase_exception::Column::ProductId.eq(product),
    }
}

fn no_exception() -> Error {
    Error::bad_input(
        "to",
        "Diese Phase gilt hier schon, und eine Ausnahme gibt es nicht. Bitte eine andere Phase angeben.",
        "This phase rules here already, and there is no exception. Please give another phase.",
    )
}
