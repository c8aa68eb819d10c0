//! The facts that the rules need: how the caller stands to a subscription, what it is about, and where it stands.

use std::sync::Arc;

use ::entity::{
    product::Lifecycle,
    product_subscription::{Awaits, Matter, Origin, State},
};
use sea_orm::prelude::{Date, DateTimeUtc};

use super::{Row, Subscriber, catalogue_moved, has_expired, open_at, state_at};
use crate::{
    access::{
        self, Action, Caller, Change, Decision, Engine, Offer, Open, Owners, Permit, Phase, Role, Situation, Standing,
        Standings, Subscribed, WayOut,
    },
    availability,
    catalogue::{At, Product, Snapshot},
    error::Result,
    freezes, phases, products,
};

/// What decisions stand on: one version of the catalogue, the rules, one moment, one phase.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The catalogue.
    pub snapshot: &'a Snapshot,
    /// The rules.
    pub engine: &'a Engine,
    /// Now.
    pub now: DateTimeUtc,
    /// Today's calendar day.
    pub today: Date,
    /// The phase that rules.
    pub phase: Phase,
}

impl Ground<'_> {
    /// The situation before a subscription that is to begin on a day.
    pub fn beginning(
        &self,
        caller: &Caller,
        action: Action,
        subscriber: Subscriber,
        at: At<Product>,
        from: Date,
    ) -> Situation {
        let product = &self.snapshot.products[at];
        let day = from.max(self.today);
        Situation {
            standings: self.standings(caller, action, subscriber, at, None),
            owners: self.owners(action, subscriber, at, None),
            is_frozen: freezes::on(self.snapshot, at, self.today).is_some(),
            kind_if_joined: products::kind_if_joined(product),
            offer: availability::offer(self.snapshot, product, subscriber.municipality(self.snapshot), day),
            ..Situation::new(action, self.phase, products::kind_on(self.snapshot, product, day))
        }
    }

    /// What the rules say to a beginning: a permit, or the situation and its refusal. Where the product stands in the way,
    /// the refusal also names another product of the same standard that could be had.
    pub fn permit_beginning(
        &self,
        caller: &Caller,
        action: Action,
        subscriber: Subscriber,
        at: At<Product>,
        from: Date,
        interest: Option<&Row>,
    ) -> Result<Permit, (Situation, Arc<Decision>)> {
        let subscription = interest.map(|row| self.subscribed(caller, row));
        let situation = Situation { subscription, ..self.beginning(caller, action, subscriber, at, from) };
        self.engine.permit(&situation).map_err(|refused| {
            let allows = |other: &At<Product>| {
                *other != at && self.engine.decide(&self.beginning(caller, action, subscriber, *other, from)).is_allowed
            };
            let mut refused = Decision::clone(&refused);
            // A day on which something else would stand in the way is no way out.
            refused.ways_out.retain(|way| match way.change {
                Change::Date(day) => {
                    let later = self.beginning(caller, action, subscriber, at, day);
                    self.engine.decide(&later).is_allowed
                }
                _ => true,
            });
            let standard = self.snapshot.products[at].standard_product;
            let others = standard.map_or(&[][..], |at| &self.snapshot.standard_products[at].implementations);
            if let Some(other) = others.iter().find(|other| allows(other)) {
                refused.ways_out.push(self.another_product(*other));
            }
            (situation, Arc::new(refused))
        })
    }

    fn another_product(&self, other: At<Product>) -> WayOut {
        let product = &self.snapshot.products[other];
        let (name, provider) = (&product.row.name, &self.snapshot.providers[product.provider].row.name);
        WayOut {
            change: Change::Product(product.row.id),
            de: format!("Für „{name}“ von {provider} wäre es erlaubt."),
            en: format!("For “{name}” of {provider} it would be allowed."),
        }
    }

    /// The situation of a subscription that exists. A migration is judged by its successor.
    pub fn existing(
        &self,
        caller: &Caller,
        action: Action,
        row: &Row,
        successor: Option<At<Product>>,
    ) -> Result<Situation> {
        let at = self.snapshot.products.find(row.product_id).ok_or_else(catalogue_moved)?;
        let subscriber = Subscriber::of(row).ok_or_else(catalogue_moved)?;
        let judged = successor.unwrap_or(at);
        let product = &self.snapshot.products[judged];
        // A request is decided by the same product as it was made for: as it is on its first day.
        let day = match open_at(row, self.now) {
            Some(Matter::Request) => row.requested_from.map_or(self.today, |from| from.max(self.today)),
            _ => self.today,
        };
        let offer = match successor {
            Some(_) => {
                let municipality = subscriber.municipality(self.snapshot);
                availability::offer(self.snapshot, product, municipality, self.today)
            }
            // Which successor, is not known yet.
            None if action == Action::MigrateSubscription => Offer::Open,
            None => self.offer_to_subscriber(product),
        };
        Ok(Situation {
            standings: self.standings(caller, action, subscriber, at, successor),
            owners: self.owners(action, subscriber, at, successor),
            is_frozen: [Some(at), successor]
                .into_iter()
                .flatten()
                .any(|at| freezes::on(self.snapshot, at, self.today).is_some()),
            kind_if_joined: products::kind_if_joined(product),
            offer,
            subscription: Some(self.subscribed(caller, row)),
            ..Situation::new(action, self.phase, products::kind_on(self.snapshot, product, day))
        })
    }

    /// Who has a product keeps it, wherever it is offered; only its lifecycle counts.
    fn offer_to_subscriber(&self, product: &Product) -> Offer {
        let reached = |day: Option<Date>| day.is_some_and(|day| day <= self.today);
        if product.row.lifecycle == Lifecycle::Retired || reached(product.row.retired_from) {
            Offer::Retired
        } else if product.row.lifecycle == Lifecycle::PhaseOut || reached(product.row.phase_out_from) {
            Offer::PhaseOut
        } else {
            Offer::Open
        }
    }

    fn subscribed(&self, caller: &Caller, row: &Row) -> Subscribed {
        let matter = open_at(row, self.now).map(|matter| match matter {
            Matter::Request => access::Matter::Request,
            Matter::Change => access::Matter::Change,
            Matter::Termination => access::Matter::Termination,
            Matter::Revocation => access::Matter::Revocation,
        });
        let open = matter.map(|matter| Open {
            matter,
            asked_in: row.asked_in.map_or(self.phase, phases::from_key),
            awaits_confirmation: row.awaits == Some(Awaits::Confirmation),
        });
        let asker = row.asked_by_issuer.as_deref().zip(row.asked_by_subject.as_deref());
        Subscribed {
            state: match state_at(row, self.now) {
                State::Interest => access::State::Interest,
                State::Requested => access::State::Requested,
                State::Approved => access::State::Approved,
                State::Active => access::State::Active,
                State::Terminating => access::State::Terminating,
                State::Ended | State::Rejected | State::Withdrawn | State::Expired => access::State::Closed,
            },
            open,
            has_expired: has_expired(row, self.now) || row.state == State::Expired,
            is_reported: row.origin == Origin::Reported,
            asked_by_caller: asker.is_some_and(|(issuer, subject)| caller.is_person(issuer, subject)),
        }
    }

    /// How each of the caller's roles stands; what is its own depends on role and action.
    fn standings(
        &self,
        caller: &Caller,
        action: Action,
        subscriber: Subscriber,
        product: At<Product>,
        successor: Option<At<Product>>,
    ) -> Standings {
        let mut standings = Standings::default();
        for role in &caller.roles {
            let is_own = match role {
                Role::Municipality => self.is_own_municipality(caller, action, subscriber),
                Role::Provider => self.is_own_provider(caller, action, subscriber, product, successor),
                Role::AccountManager => subscriber.municipality(self.snapshot).is_some_and(|at| {
                    let groups = self.snapshot.municipalities[at].groups.iter();
                    groups
                        .map(|at| self.snapshot.customer_groups[*at].row.id)
                        .any(|id| caller.customer_groups.contains(&id))
                }),
                Role::Steward | Role::TransformationOffice | Role::Land | Role::Auditor => false,
            };
            standings[*role as usize] = Some(match (is_own, caller.has_organisation_for(*role)) {
                (_, false) => Standing::Missing,
                (true, true) => Standing::Own,
                (false, true) => Standing::Foreign,
            });
        }
        standings
    }

    /// Whose own it could be, whoever asks.
    fn owners(
        &self,
        action: Action,
        subscriber: Subscriber,
        product: At<Product>,
        successor: Option<At<Product>>,
    ) -> Owners {
        let municipality = subscriber.municipality(self.snapshot).map(|at| &self.snapshot.municipalities[at]);
        let offered_by = |at: At<Product>| self.snapshot.products[at].provider;
        Owners {
            municipality: municipality.is_some_and(|own| action != Action::RequestForMany || own.district.is_some()),
            provider: match is_of_offering_provider(action) {
                true => successor.is_none_or(|successor| offered_by(successor) == offered_by(product)),
                false => municipality.is_none(),
            },
            customer_group: municipality.is_some_and(|own| !own.groups.is_empty()),
        }
    }

    fn is_own_municipality(&self, caller: &Caller, action: Action, subscriber: Subscriber) -> bool {
        let Some(own) = caller.municipality else { return false };
        if action != Action::RequestForMany {
            return subscriber == Subscriber::Municipality(own);
        }
        // A Kreis acts for its municipalities.
        let district = subscriber.municipality(self.snapshot).and_then(|at| self.snapshot.municipalities[at].district);
        district.is_some_and(|at| self.snapshot.municipalities[at].row.id == own)
    }

    fn is_own_provider(
        &self,
        caller: &Caller,
        action: Action,
        subscriber: Subscriber,
        product: At<Product>,
        successor: Option<At<Product>>,
    ) -> bool {
        let Some(own) = caller.provider else { return false };
        let offers = |at: At<Product>| self.snapshot.providers[self.snapshot.products[at].provider].row.id == own;
        match is_of_offering_provider(action) {
            true => offers(product) && successor.is_none_or(offers),
            false => subscriber == Subscriber::Provider(own),
        }
    }
}

/// Whether an action is the own of the product's provider, not of a provider that takes it.
fn is_of_offering_provider(action: Action) -> bool {
    matches!(
        action,
        Action::ApproveSubscription
            | Action::RejectSubscription
            | Action::ActivateSubscription
            | Action::ReportContract
            | Action::TerminateSubscription
            | Action::MigrateSubscription
    )
}
