//! The facts that the rules need: how the caller stands to a subscription, what it is about, and where it stands.

use std::sync::Arc;

use ::entity::{
    product::Lifecycle,
    product_subscription::{Awaits, Matter, Origin, State},
};
use sea_orm::prelude::{Date, DateTimeUtc, Uuid};
use strum::VariantArray;

use super::{Row, Subscriber, begins_by_itself, catalogue_moved, has_expired, open_at, state_at};
use crate::{
    access::{
        self, Action, Caller, Change, Decision, Engine, Offer, Open, Owners, Permit, Phase, ProductKind, Role,
        Situation, Standing, Standings, Subscribed, WayOut,
    },
    availability,
    catalogue::{At, Product, Snapshot},
    error::Result,
    freezes,
    phase_exceptions::{self, Ruling},
    phases, products, providers,
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
    /// The phase that is current.
    pub phase: Phase,
    /// Another phase that is assumed to rule everything, whatever is current and whatever exceptions there are.
    pub assumed_phase: Option<Phase>,
}

/// What a subscription is to be moved to.
#[derive(Clone, Copy, Debug)]
pub struct Successor {
    /// The product.
    pub at: At<Product>,
    /// Its first day.
    pub from: Date,
}

impl Ground<'_> {
    /// Who takes a product today when somebody names a subscriber: the successor of a provider that has merged.
    pub fn acting(&self, subscriber: Subscriber) -> Subscriber {
        match subscriber {
            Subscriber::Provider(id) => Subscriber::Provider(providers::acting_id(self.snapshot, id, self.today)),
            Subscriber::Municipality(_) => subscriber,
        }
    }

    /// The phase that rules a product today.
    pub fn ruling(&self, at: At<Product>) -> Ruling {
        match self.assumed_phase {
            Some(phase) => Ruling { phase, exception: None },
            None => phase_exceptions::ruling(self.snapshot, at, self.today, self.phase),
        }
    }

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
        let Ruling { phase, exception } = self.ruling(at);
        Situation {
            exception,
            standings: self.standings(caller, action, subscriber, at, None),
            owners: self.owners(action, subscriber, at, None),
            is_frozen: freezes::on(self.snapshot, at, self.today).is_some(),
            kind_if_joined: products::kind_if_joined(product),
            offer: availability::offer(self.snapshot, product, subscriber.municipality(self.snapshot), day),
            is_offered_by_caller: self.is_offered_by(caller, at),
            is_for_requesters: action == Action::RequestForMany,
            ..Situation::new(action, phase, products::kind_on(self.snapshot, product, day))
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
        let subscription = interest.map(|row| self.subscribed(caller, row, at));
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
        successor: Option<Successor>,
    ) -> Result<Situation> {
        let at = self.snapshot.products.find(row.product_id).ok_or_else(catalogue_moved)?;
        let subscriber = Subscriber::of(row).ok_or_else(catalogue_moved)?;
        let is_move = action == Action::ConfirmSubscription && open_at(row, self.now) == Some(Matter::Migration);
        let successor = successor.or_else(|| self.open_successor(row).filter(|_| is_move));
        let judged = successor.map_or(at, |successor| successor.at);
        let product = &self.snapshot.products[judged];
        // A request is decided by the same product as it was made for: as it is on its first day.
        let day = match (successor, open_at(row, self.now)) {
            (Some(successor), _) => successor.from.max(self.today),
            (None, Some(Matter::Request)) => row.requested_from.map_or(self.today, |from| from.max(self.today)),
            (None, _) => self.today,
        };
        let offer = match successor {
            Some(_) => availability::offer(self.snapshot, product, subscriber.municipality(self.snapshot), day),
            // It is not published any more.
            None if is_move => Offer::Retired,
            // Which successor, is not known yet.
            None if action == Action::MigrateSubscription => Offer::Open,
            None if self.is_dissolved(subscriber, day) => Offer::Dissolved,
            None => self.offer_to_subscriber(product),
        };
        let is_frozen = |at: At<Product>| freezes::on(self.snapshot, at, self.today).is_some();
        let Ruling { phase, exception } = self.ruling(judged);
        Ok(Situation {
            exception,
            standings: self.standings(caller, action, subscriber, at, successor),
            owners: self.owners(action, subscriber, at, successor),
            is_frozen: is_frozen(at) || is_frozen(judged),
            kind_if_joined: products::kind_if_joined(product),
            offer,
            subscription: Some(self.subscribed(caller, row, at)),
            is_offered_by_caller: self.is_offered_by(caller, at),
            ..Situation::new(action, phase, products::kind_on(self.snapshot, product, day))
        })
    }

    /// The successor that a confirmation would agree to.
    fn open_successor(&self, row: &Row) -> Option<Successor> {
        let at = self.snapshot.products.find(row.open_product_id?)?;
        Some(Successor { at, from: row.open_on? })
    }

    /// What the rules say to an action with a subscription that exists. For a move whose successor nobody has named yet: what
    /// they say to the kind of successor that could be had.
    pub fn decide(
        &self,
        caller: &Caller,
        action: Action,
        row: &Row,
        successor: Option<Successor>,
    ) -> Result<Arc<Decision>> {
        let situation = self.existing(caller, action, row, successor)?;
        let decision = self.engine.decide(&situation);
        if action != Action::MigrateSubscription || successor.is_some() || decision.is_allowed {
            return Ok(decision);
        }
        let kinds = ProductKind::VARIANTS.iter();
        let others =
            kinds.map(|kind| self.engine.decide(&Situation { kind: *kind, kind_if_joined: *kind, ..situation }));
        Ok(others.into_iter().find(|decision| decision.is_allowed).unwrap_or(decision))
    }

    /// Whether a municipality has gone into another one: its subscriptions follow by an act of its own.
    fn is_dissolved(&self, subscriber: Subscriber, day: Date) -> bool {
        let at = subscriber.municipality(self.snapshot);
        at.is_some_and(|at| self.snapshot.municipalities[at].is_dissolved_on(day))
    }

    /// Who has a product keeps it, wherever it is offered; only its lifecycle counts.
    fn offer_to_subscriber(&self, product: &Product) -> Offer {
        let reached = |day: Option<Date>| day.is_some_and(|day| day <= self.today);
        if providers::has_merged(self.snapshot, product.provider, self.today) {
            Offer::Merged
        } else if product.row.lifecycle == Lifecycle::Retired || reached(product.row.retired_from) {
            Offer::Retired
        } else if product.row.lifecycle == Lifecycle::PhaseOut || reached(product.row.phase_out_from) {
            Offer::PhaseOut
        } else {
            Offer::Open
        }
    }

    fn subscribed(&self, caller: &Caller, row: &Row, product: At<Product>) -> Subscribed {
        let matter = open_at(row, self.now).map(|matter| match matter {
            Matter::Request => access::Matter::Request,
            Matter::Change => access::Matter::Change,
            Matter::Termination => access::Matter::Termination,
            Matter::Revocation => access::Matter::Revocation,
            Matter::Migration => access::Matter::Migration,
        });
        let open = matter.map(|matter| Open {
            matter,
            asked_in: row.asked_in.map_or(self.phase, phases::from_key),
            awaits_confirmation: row.awaits == Some(Awaits::Confirmation),
        });
        let asker = row.asked_by_issuer.as_deref().zip(row.asked_by_subject.as_deref());
        // A row keeps the name of who asked; for a provider that has merged its successor answers now.
        let acting = |id| match self.snapshot.municipalities.find(id) {
            // What a municipality has asked goes over to its successor with the subscription.
            Some(at) if row.municipality_id != Some(id) => {
                self.snapshot.municipalities[self.snapshot.standing_for(at, self.today)].row.id
            }
            Some(_) => id,
            None => providers::acting_id(self.snapshot, id, self.today),
        };
        let organisation = row.asked_by_organisation.map(acting);
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
            asked_by_organisation: organisation
                .is_some_and(|asker| [caller.municipality, caller.provider].contains(&Some(asker))),
            asked_by_owner: organisation.and_then(|asker| self.owner(asker, row, product)),
            has_predecessor: begins_by_itself(row),
            has_successor: row.successor_id.is_some(),
        }
    }

    /// As what an organisation is concerned: as the subscriber's municipality, or as the product's provider.
    fn owner(&self, organisation: Uuid, row: &Row, product: At<Product>) -> Option<Role> {
        let offering = self.snapshot.providers[self.snapshot.products[product].provider].row.id;
        match organisation {
            id if row.municipality_id == Some(id) => Some(Role::Municipality),
            id if offering == id => Some(Role::Provider),
            _ => None,
        }
    }

    fn is_offered_by(&self, caller: &Caller, product: At<Product>) -> bool {
        caller.provider == Some(self.snapshot.providers[self.snapshot.products[product].provider].row.id)
    }

    /// How each of the caller's roles stands; what is its own depends on role and action.
    fn standings(
        &self,
        caller: &Caller,
        action: Action,
        subscriber: Subscriber,
        product: At<Product>,
        successor: Option<Successor>,
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
        successor: Option<Successor>,
    ) -> Owners {
        let municipality = subscriber.municipality(self.snapshot).map(|at| &self.snapshot.municipalities[at]);
        let offered_by = |at: At<Product>| self.snapshot.products[at].provider;
        Owners {
            municipality: municipality.is_some_and(|own| action != Action::RequestForMany || own.district.is_some()),
            provider: match is_of_offering_provider(action) {
                true => successor.is_none_or(|successor| offered_by(successor.at) == offered_by(product)),
                false => municipality.is_none(),
            },
            customer_group: municipality.is_some_and(|own| !own.groups.is_empty()),
            confirmer: municipality.is_some(),
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
        successor: Option<Successor>,
    ) -> bool {
        let offers = |at: At<Product>| self.is_offered_by(caller, at);
        match is_of_offering_provider(action) {
            true => offers(product) && successor.is_none_or(|successor| offers(successor.at)),
            false => caller.provider.is_some_and(|own| subscriber == Subscriber::Provider(own)),
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
