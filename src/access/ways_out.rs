//! What would turn a refusal into a permit: every single change, tried with the same engine.

use chrono::NaiveDate;
use strum::VariantArray;
use uuid::Uuid;

use super::{
    Engine, Offer, Phase, ProductKind, Role, Situation, Standing,
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
    let allows = |changed: &Situation| engine.judge(changed).is_allowed;
    let mut found = Vec::new();
    let mut add = |change: Change, de: String, en: String| found.push(WayOut { change, de, en });
    for role in Role::VARIANTS {
        if allows(&by_another(situation, *role)) {
            let (de, en) = role_text(situation, *role);
            add(Change::Role(*role), de, en);
        }
    }
    for phase in Phase::VARIANTS {
        if *phase != situation.phase && allows(&Situation { phase: *phase, ..*situation }) {
            let name: &str = phase.into();
            add(
                Change::Phase(*phase),
                format!("In der Phase {name} wäre es erlaubt."),
                format!("In the phase {name} it would be allowed."),
            );
        }
    }
    if let Some(decided) = decided(situation).filter(allows) {
        let is_confirmation =
            situation.subscription.and_then(|own| own.open).is_some_and(|open| open.awaits_confirmation);
        debug_assert!(decided != *situation);
        let (de, en) = match is_confirmation {
            true => (
                "Nach der Bestätigung dessen, was offen ist, wäre es erlaubt.",
                "After the confirmation of what is open it would be allowed.",
            ),
            false => (
                "Nach der Genehmigung dessen, was offen ist, wäre es erlaubt.",
                "After the approval of what is open it would be allowed.",
            ),
        };
        add(Change::Approval, de.into(), en.into());
    }
    if let Offer::Later(Some(day)) = situation.offer
        && allows(&Situation { offer: Offer::Open, ..*situation })
    {
        let de = format!("Mit einem Beginn ab {} wäre es erlaubt.", day.format("%d.%m.%Y"));
        add(Change::Date(day), de, format!("With a start from {day} it would be allowed."));
    }
    if situation.kind == ProductKind::NotJoined && allows(&Situation { kind: situation.kind_if_joined, ..*situation }) {
        add(
            Change::Joining,
            "Nach dem Beitritt des Anbieters zum Zentraldienstleister wäre es erlaubt.".into(),
            "After the provider has joined the central provider it would be allowed.".into(),
        );
    }
    if situation.is_frozen && allows(&Situation { is_frozen: false, ..*situation }) {
        add(
            Change::Unfreeze,
            "Nach dem Ende der Sperre wäre es erlaubt.".into(),
            "After the freeze has ended it would be allowed.".into(),
        );
    }
    found
}

/// The same, asked by somebody else in one role, for the organisation whose own it is.
fn by_another(situation: &Situation, role: Role) -> Situation {
    let standing = if situation.owners.has(role) { Standing::Own } else { Standing::Foreign };
    let mut changed = situation.asked_as(role, standing);
    if let Some(subscribed) = &mut changed.subscription {
        subscribed.asked_by_caller = false;
    }
    changed
}

/// The same after what is open was approved or confirmed.
fn decided(situation: &Situation) -> Option<Situation> {
    let mut changed = *situation;
    let subscribed = changed.subscription.as_mut()?;
    subscribed.state = match subscribed.open.take()?.matter {
        Matter::Request => State::Approved,
        Matter::Change | Matter::Migration => subscribed.state,
        Matter::Termination => State::Terminating,
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
    let (de, en) = match role {
        Role::Municipality => ("Die Kommune selbst kann es.", "The municipality itself can do it."),
        Role::Provider => ("Der zuständige IT-Dienstleister kann es.", "The provider whose own it is can do it."),
        Role::AccountManager => {
            ("Die Kundenbetreuung der Kundengruppe kann es.", "An account manager of the customer group can do it.")
        }
        Role::Steward => ("Die Katalogverantwortung kann es.", "A steward can do it."),
        Role::TransformationOffice => ("Das Transformationsbüro kann es.", "The transformation office can do it."),
        Role::Land => ("Das Land kann es.", "The Land can do it."),
        Role::Auditor => ("Die Revision kann es.", "An auditor can do it."),
    };
    (de.to_owned(), en.to_owned())
}
