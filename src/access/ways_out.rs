//! What would turn a refusal into a permit: every single change, tried with the same engine.

use chrono::NaiveDate;
use strum::VariantArray;
use uuid::Uuid;

use super::{
    Action, Engine, Offer, Phase, ProductKind, Role, Situation, Standing,
    situation::{Matter, State},
};

/// What is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Another phase.
    Phase(Phase),
    /// Another caller in this role, or the same role for the owning organisation.
    Role(Role),
    /// The open matter is decided.
    Approval,
    /// Another day.
    Date(NaiveDate),
    /// The product's provider joins.
    Joining,
    /// Another product, by its id. Found by who knows the catalogue.
    Product(Uuid),
    /// The freeze ends.
    Unfreeze,
}

/// A way out of a refusal: true when tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayOut {
    /// What is changed.
    pub change: Change,
    /// As a sentence, in German.
    pub de: String,
    /// As a sentence, in English.
    pub en: String,
}

/// Tries every single change.
pub(super) fn find(engine: &Engine, situation: &Situation) -> Vec<WayOut> {
    let changes = roles(situation).chain(phases(situation)).chain(circumstances(situation));
    let found = changes.filter(|(_, changed)| engine.judge(changed).is_allowed);
    found.map(|(change, _)| way_out(situation, change)).collect()
}

/// The roles in which somebody else could do it, for the organisation whose own it is.
pub(super) fn deciders(engine: &Engine, situation: &Situation) -> Vec<Role> {
    let may = roles(situation).filter(|(_, changed)| engine.judge(changed).is_allowed);
    may.filter_map(|(change, _)| if let Change::Role(role) = change { Some(role) } else { None }).collect()
}

fn roles(situation: &Situation) -> impl Iterator<Item = (Change, Situation)> {
    Role::VARIANTS.iter().map(|role| (Change::Role(*role), by_another(situation, *role)))
}

fn phases(situation: &Situation) -> impl Iterator<Item = (Change, Situation)> {
    let others = Phase::VARIANTS.iter().filter(|phase| **phase != situation.phase);
    others.map(|phase| (Change::Phase(*phase), Situation { phase: *phase, ..*situation }))
}

fn circumstances(situation: &Situation) -> impl Iterator<Item = (Change, Situation)> + use<> {
    let later = match situation.offer {
        Offer::Later(Some(day)) => Some((Change::Date(day), Situation { offer: Offer::Open, ..*situation })),
        _ => None,
    };
    let joined = Situation { kind: situation.kind_if_joined, ..*situation };
    let joining = (situation.kind == ProductKind::NotJoined).then_some((Change::Joining, joined));
    let free = Situation { is_frozen: false, ..*situation };
    let unfreeze = situation.is_frozen.then_some((Change::Unfreeze, free));
    let approval = decided(situation).map(|decided| (Change::Approval, decided));
    [approval, later, joining, unfreeze].into_iter().flatten()
}

fn way_out(situation: &Situation, change: Change) -> WayOut {
    let (de, en) = match change {
        Change::Role(role) => role_text(situation, role),
        Change::Phase(phase) => {
            let name: &str = phase.into();
            (format!("In der Phase {name} wäre es erlaubt."), format!("In the phase {name} it would be allowed."))
        }
        Change::Date(day) => (
            format!("Mit einem Beginn ab {} wäre es erlaubt.", day.format("%d.%m.%Y")),
            format!("With a start from {day} it would be allowed."),
        ),
        Change::Approval => (
            "Wenn entschieden ist, was offen ist, wäre es erlaubt.".to_owned(),
            "Once what is open has been agreed to it would be allowed.".to_owned(),
        ),
        Change::Joining => (
            "Nach dem Beitritt des Anbieters zum Zentraldienstleister wäre es erlaubt.".to_owned(),
            "After the provider has joined the central provider it would be allowed.".to_owned(),
        ),
        Change::Unfreeze => (
            "Nach dem Ende der Sperre wäre es erlaubt.".to_owned(),
            "After the freeze has ended it would be allowed.".to_owned(),
        ),
        Change::Product(_) => (
            "Für eine andere Leistung wäre es erlaubt.".to_owned(),
            "For another product it would be allowed.".to_owned(),
        ),
    };
    WayOut { change, de, en }
}

/// The same, asked by somebody else in one role, for the organisation whose own it is.
fn by_another(situation: &Situation, role: Role) -> Situation {
    let standing = if situation.owners.has(role) { Standing::Own } else { Standing::Foreign };
    let mut changed = situation.asked_as(role, standing);
    if let Some(subscribed) = &mut changed.subscription {
        subscribed.asked_by_caller = false;
        subscribed.asked_by_organisation = subscribed.asked_by_owner == Some(role);
    }
    changed
}

/// The same after what is open was approved or confirmed.
fn decided(situation: &Situation) -> Option<Situation> {
    let mut changed = *situation;
    let subscribed = changed.subscription.as_mut()?;
    let matter = subscribed.open.take()?.matter;
    subscribed.has_successor |= matter == Matter::Migration;
    subscribed.state = match matter {
        Matter::Request => State::Approved,
        Matter::Change => subscribed.state,
        Matter::Termination | Matter::Migration => State::Terminating,
        Matter::Revocation => State::Active,
    };
    Some(changed)
}

fn role_text(situation: &Situation, role: Role) -> (String, String) {
    if situation.is_own_decision() {
        let name: &str = role.into();
        return (
            format!("Eine andere Person in der Rolle {name} kann es."),
            format!("Another person in the role {name} can do it."),
        );
    }
    let (de, en) = match (situation.action, role) {
        (Action::RequestForMany, Role::Municipality) => {
            ("Der Kreis kann es für seine Kommunen.", "The Kreis can do it for its municipalities.")
        }
        _ => who_can(role),
    };
    (de.to_owned(), en.to_owned())
}

/// The sentence that names who can.
pub(super) fn who_can(role: Role) -> (&'static str, &'static str) {
    match role {
        Role::Municipality => ("Die Kommune selbst kann es.", "The municipality itself can do it."),
        Role::Provider => ("Der zuständige IT-Dienstleister kann es.", "The provider whose own it is can do it."),
        Role::AccountManager => {
            ("Die Kundenbetreuung der Kundengruppe kann es.", "An account manager of the customer group can do it.")
        }
        Role::Steward => ("Die Katalogverantwortung kann es.", "A steward can do it."),
        Role::TransformationOffice => ("Das Transformationsbüro kann es.", "The transformation office can do it."),
        Role::Land => ("Das Land kann es.", "The Land can do it."),
        Role::Auditor => ("Die Revision kann es.", "An auditor can do it."),
    }
}
