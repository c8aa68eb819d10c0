//! What was not done, and why: the sentences of refusals, each with its next step.

use std::sync::Arc;

use super::{
    Row,
    act::{Act, Deed},
};
use crate::{
    access::{Action, Decision, Offer, Situation, State},
    error::{Code, Error},
};

/// What was not done, and why.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub error: Error,
    /// The subscription as it stands, where the caller may see it.
    pub row: Option<Row>,
    /// The decision that refused it; none when it never came to one.
    pub decision: Option<Arc<Decision>>,
}

impl<E: Into<Error>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self { error: error.into(), row: None, decision: None }
    }
}

pub(super) fn boxed(error: Error) -> Box<Refused> {
    Box::new(error.into())
}

/// Whether only the state stands in the way.
pub(super) fn is_step(decision: &Decision) -> bool {
    decision.rule.id == "legal-step"
}

/// The error of a refusal: what is legal, or which rule refused, and the next step.
pub(super) fn refusal(situation: &Situation, decision: Arc<Decision>, row: Option<&Row>) -> Box<Refused> {
    let way_out = decision.ways_out.first();
    let next = way_out.map_or_else(
        || {
            let steps: Vec<&str> = situation.legal_steps().into_iter().map(Into::into).collect();
            match (is_step(&decision), steps.is_empty()) {
                (true, false) => {
                    (format!("Möglich sind: {}.", steps.join(", ")), format!("Possible are: {}.", steps.join(", ")))
                }
                (true, true) if situation.subscription.is_some_and(|known| known.state != State::Closed) => (
                    "Zurzeit ist kein Schritt möglich: Der Nachfolger beginnt an seinem Tag von selbst.".into(),
                    "No step is possible at the moment: the successor begins by itself on its day.".into(),
                ),
                (true, true) => (
                    "Der Bezug ist abgeschlossen; möglich ist ein neuer.".into(),
                    "The subscription is over; a new one is possible.".into(),
                ),
                _ if situation.offer == Offer::Dissolved => (
                    "Für die Kommune anfragen, die mergedInto nennt; Bezüge gehen mit followAreaChange auf sie über."
                        .into(),
                    "Ask for the municipality that mergedInto names; subscriptions follow with followAreaChange."
                        .into(),
                ),
                _ => ("explain nennt Regeln und Auswege.".into(), "explain tells rules and ways out.".into()),
            }
        },
        |way| (way.de.clone(), way.en.clone()),
    );
    let has_expired = situation.subscription.is_some_and(|subscribed| subscribed.has_expired);
    let decides = matches!(
        situation.action,
        Action::ApproveSubscription | Action::RejectSubscription | Action::ConfirmSubscription
    );
    let code = match (is_step(&decision), has_expired && decides) {
        (true, true) => Code::Expired,
        (true, false) => Code::IllegalStep,
        (false, _) => Code::Forbidden,
    };
    let (de, en) = match code {
        Code::Expired => ("Die Frist für die Entscheidung ist abgelaufen.", "The time for the decision is over."),
        _ => (decision.rule.de.as_str(), decision.rule.en.as_str()),
    };
    let mut error = Error::new(code, de, en).with("rule", decision.rule.id.as_str()).next(next.0, next.1);
    if is_step(&decision) {
        let steps = situation.legal_steps().into_iter().map(|action| <&str>::from(action).to_owned());
        error = error.with("legalSteps", steps.collect::<Vec<String>>());
    }
    Box::new(Refused { error, row: row.cloned(), decision: Some(decision) })
}

pub(super) fn other_interest() -> Error {
    Error::bad_input(
        "interest.subscription",
        "Das Interesse gilt einer anderen Leistung oder einem anderen Bezieher. Bitte dessen eigenes Interesse angeben oder keines.",
        "The interest is in another product, or of another subscriber. Please give its own interest, or none.",
    )
}

pub(super) fn not_visible(act: &Act) -> Error {
    let error = Error::new(
        Code::NotFound,
        "Einen Bezug mit dieser Kennung gibt es nicht, oder er ist für dieses Token nicht sichtbar.",
        "There is no subscription with this id, or it is not visible for this token.",
    )
    .next(
        "Kennung prüfen; fremde Bezüge sind nicht sichtbar.",
        "Check the id; subscriptions of others are not visible.",
    );
    match (&act.deed, act.known()) {
        (Deed::Continue { .. }, _) => error.with("field", "subscription"),
        (Deed::Begin(_), Some(_)) => error.with("field", "interest.subscription"),
        (Deed::Begin(_), None) => error,
    }
}

pub(super) fn no_product() -> Error {
    Error::new(
        Code::NotFound,
        "Eine veröffentlichte Leistung mit dieser Kennung gibt es nicht.",
        "There is no published product with this id.",
    )
    .with("field", "product")
}

pub(super) fn conflict(current: i64, given: i64) -> Error {
    Error::new(
        Code::Conflict,
        format!("Der Bezug hat die Version {current}, angegeben ist {given}. Nichts wurde geändert."),
        format!("The subscription has the version {current}, given is {given}. Nothing was changed."),
    )
    .with("field", "version")
    .with("currentVersion", current)
    .next(
        "Den Bezug neu ansehen und mit der aktuellen Version wiederholen.",
        "Look at the subscription again and repeat with the current version.",
    )
}

pub(super) fn busy() -> Error {
    Error::new(
        Code::Unavailable,
        "Der Katalog ändert sich gerade zu oft. Bitte gleich noch einmal versuchen.",
        "The catalogue is changing too often at the moment. Please try again soon.",
    )
}
