//! Subscriptions: what is told of one.

use std::{collections::HashMap, sync::Arc};

use ::entity::{product_subscription::Matter, subscription_history};
use async_graphql::{Context, Description, Enum, ID, Object, SimpleObject};
use sea_orm::prelude::Uuid;
use tokio::sync::OnceCell;

use super::{
    connection::{Connection, page},
    context::{reading, snapshot},
    decision::{Decision, SubscriptionAction},
    history::SubscriptionEvent,
    in_turn::InTurn,
    node::global_id,
    price::{Money, Price, PricePeriod, PriceUnit},
    product::Product,
    scalars::{Date, DateTime, Decimal, hundredths},
    subscriber::Subscriber,
};
use crate::{
    access::Action,
    error::Result,
    listing::{Place, Window},
    subscriptions::{self, Row, history, scope::Scope, state_at, terms},
};

/// State of a subscription. What is due counts as done: a request expires, a termination ends, on its day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "::entity::product_subscription::State")]
pub enum SubscriptionState {
    /// Interest declared, no obligation (Interesse).
    Interest,
    /// Asked for, waits for a decision (angefragt).
    Requested,
    /// Agreed, not delivered yet (genehmigt).
    Approved,
    /// Being delivered (aktiv).
    Active,
    /// Notice given, still delivered (gekündigt).
    Terminating,
    /// Delivered until its last day (beendet).
    Ended,
    /// Refused (abgelehnt).
    Rejected,
    /// Taken back (zurückgenommen).
    Withdrawn,
    /// Nobody decided in time (verfallen).
    Expired,
}

/// How a subscription came into the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "::entity::product_subscription::Origin")]
pub enum SubscriptionOrigin {
    /// Asked for here.
    Requested,
    /// An existing contract, reported.
    Reported,
    /// Moved from another product.
    Migrated,
}

/// What a subscription rests on (Rechtsgrundlage).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "::entity::product_subscription::LegalBasis")]
pub enum LegalBasis {
    /// In-house award (Inhouse-Vergabe).
    Inhouse,
    /// Agreement under public law (öffentlich-rechtliche Vereinbarung).
    PublicLawAgreement,
    /// Framework agreement (Rahmenvereinbarung).
    FrameworkAgreement,
    /// Tender (Ausschreibung).
    Tender,
}

/// The price that was agreed, net.
#[derive(SimpleObject)]
pub struct AgreedPrice {
    /// What is counted.
    unit: PriceUnit,
    /// How often it is due.
    period: PricePeriod,
    /// Net amount for one unit and one period; null for a percentage.
    amount: Option<InTurn<Money>>,
    /// Percentage with two places, for `REVENUE_PERCENT` only.
    percent: Option<Decimal>,
    /// VAT rate in percent (§ 2b UStG makes public bodies liable).
    vat_rate: Decimal,
}

/// A price that the catalogue announces for a later day of a subscription.
#[derive(SimpleObject)]
pub struct PriceChange<'s> {
    /// First day.
    from: Date,
    /// The price of the catalogue from then on, for this subscriber.
    price: Price<'s>,
    /// Last day on which notice can be given to leave before it holds; null when it is too late for that.
    notice_by: Option<Date>,
}

/// A change that waits for a decision and has no effect until then.
#[derive(SimpleObject)]
pub struct PendingChange {
    /// What was asked: change, terminate, revoke a termination, or migrate.
    action: SubscriptionAction,
    /// Of a change or migration: how many units.
    quantity: Option<i64>,
    /// Of a termination: the last day; of a migration: the first day of the successor.
    on: Option<Date>,
    /// Of a migration: the product to move to.
    successor: Option<Product>,
    /// Who asked: the subject of the token, never a name.
    requested_by: Option<String>,
    /// Until when it can be decided.
    expires_at: Option<DateTime>,
}

/// The subscriptions of one page: what is read for one of them is read for all.
#[derive(Debug, Default)]
pub struct Together {
    ids: Vec<Uuid>,
    links: Vec<Uuid>,
    linked: OnceCell<HashMap<Uuid, ProductSubscription>>,
    histories: OnceCell<HashMap<Uuid, Vec<subscription_history::Model>>>,
}

impl Together {
    fn new<'r>(rows: impl Iterator<Item = &'r Row> + Clone) -> Self {
        let links = rows.clone().flat_map(|row| row.predecessor_id.into_iter().chain(row.successor_id)).collect();
        Self { ids: rows.map(|row| row.id).collect(), links, ..Self::default() }
    }
}

/// A subscription (Bezug): a municipality or provider takes a product.
#[derive(Description, Clone, Debug)]
pub struct ProductSubscription {
    row: Box<Row>,
    together: Arc<Together>,
}

impl ProductSubscription {
    /// Makes subscriptions read together what is read of them.
    pub fn join<'p>(parts: impl Iterator<Item = &'p mut Self>) {
        let parts: Vec<&mut Self> = parts.collect();
        let together = Arc::new(Together::new(parts.iter().map(|part| &*part.row)));
        parts.into_iter().for_each(|part| part.together = together.clone());
    }

    /// Makes subscriptions of the rows of a page, which are read together.
    pub fn of_page(rows: &[(Place, Row)]) -> impl Fn(Row) -> Self + use<> {
        let together = Arc::new(Together::new(rows.iter().map(|(_, row)| row)));
        move |row| Self { row: Box::new(row), together: together.clone() }
    }

    /// One subscription.
    pub fn one(row: Row) -> Self {
        let together = Together::new([&row].into_iter());
        Self { row: Box::new(row), together: Arc::new(together) }
    }

    /// What it was moved from or to: one statement for all of a page.
    async fn linked(&self, context: &Context<'_>, id: Option<Uuid>) -> Result<Option<Self>> {
        let Some(id) = id else { return Ok(None) };
        let reading = reading(context);
        let load = async || {
            let scope = Scope::of(reading.caller.as_ref(), &reading.snapshot);
            let rows = scope.find_all(reading.subscriptions_db(), &self.together.links).await?;
            let mut linked: Vec<Self> = rows.into_iter().map(Self::one).collect();
            Self::join(linked.iter_mut());
            Ok::<_, crate::error::Error>(linked.into_iter().map(|linked| (linked.row.id, linked)).collect())
        };
        let linked = self.together.linked.get_or_try_init(load).await?;
        Ok(linked.get(&id).cloned())
    }
}

#[Object(use_type_description)]
impl ProductSubscription {
    /// Opaque global id, the same for ever.
    pub async fn id(&self) -> ID {
        global_id("ProductSubscription", self.row.id)
    }

    /// The product.
    async fn product(&self, context: &Context<'_>) -> Result<InTurn<Product>> {
        let found = snapshot(context).products.find(self.row.product_id).map(Product::at);
        found.map(InTurn).ok_or_else(subscriptions::catalogue_moved)
    }

    /// Who takes it.
    async fn subscriber(&self, context: &Context<'_>) -> Result<InTurn<Subscriber>> {
        Subscriber::of(&self.row, snapshot(context)).map(InTurn).ok_or_else(subscriptions::catalogue_moved)
    }

    /// Where it stands today.
    async fn state(&self, context: &Context<'_>) -> SubscriptionState {
        state_at(&self.row, reading(context).now).into()
    }

    /// Grows by one with every change; a change names the version that it starts from.
    async fn version(&self) -> i64 {
        self.row.version
    }

    /// How many units of the price; a flat price is due once, however many.
    async fn quantity(&self) -> i64 {
        self.row.quantity
    }

    /// How it came into the catalogue.
    async fn origin(&self) -> SubscriptionOrigin {
        self.row.origin.into()
    }

    /// What it rests on; null while nothing is agreed.
    async fn legal_basis(&self) -> Option<LegalBasis> {
        self.row.legal_basis.map(Into::into)
    }

    /// First day as asked for.
    async fn requested_from(&self) -> Option<Date> {
        self.row.requested_from.map(Date)
    }

    /// First day as agreed.
    async fn agreed_from(&self) -> Option<Date> {
        self.row.agreed_from.map(Date)
    }

    /// First day of delivery.
    async fn active_since(&self, context: &Context<'_>) -> Option<Date> {
        subscriptions::active_since_at(&self.row, reading(context).now).map(Date)
    }

    /// Last day, once notice is given.
    async fn ends_on(&self) -> Option<Date> {
        self.row.ends_on.map(Date)
    }

    /// Notice period in months.
    async fn notice_months(&self) -> i32 {
        self.row.notice_months
    }

    /// Last day of the term; notice ends it at the earliest then.
    async fn term_end(&self) -> Option<Date> {
        self.row.term_end.map(Date)
    }

    /// The earliest last day if notice is given today.
    async fn earliest_end(&self, context: &Context<'_>) -> Date {
        Date(terms::earliest_end(&self.row, reading(context).today))
    }

    /// The price that was agreed.
    async fn price(&self) -> InTurn<AgreedPrice> {
        let row = &self.row;
        InTurn(AgreedPrice {
            unit: row.price_unit.into(),
            period: row.price_period.into(),
            amount: row.price_amount_cents.map(Money::from_cents).map(InTurn),
            percent: row.price_percent_basis_points.map(|points| hundredths(points.into())),
            vat_rate: hundredths(row.price_vat_basis_points.into()),
        })
    }

    /// Prices that the product announces for later days, for what the agreed price counts, oldest first: whoever does not want
    /// one can still leave before. `price` is what was agreed and does not change by itself. Empty when none is announced, and
    /// for what is not agreed or over.
    async fn price_changes<'c>(&self, context: &Context<'c>) -> Vec<PriceChange<'c>> {
        let reading = reading(context);
        let announced = terms::announced(&reading.snapshot, &self.row, reading.today).into_iter();
        let change = |price: &'c crate::catalogue::Price| {
            let last_day = price.row.valid_from.pred_opt();
            let notice_by = last_day.and_then(|day| terms::last_day_of_notice(&self.row, day));
            PriceChange {
                from: Date(price.row.valid_from),
                price: Price(price),
                notice_by: notice_by.filter(|day| *day >= reading.today).map(Date),
            }
        };
        announced.map(change).collect()
    }

    /// A change or termination that waits for a decision; there is one at a time. Null when nothing waits. A new request
    /// that waits is no pending change: its state says so.
    async fn pending_change(&self, context: &Context<'_>) -> Option<InTurn<PendingChange>> {
        let row = &self.row;
        let action = match subscriptions::open_at(row, reading(context).now)? {
            Matter::Request => return None,
            Matter::Change => SubscriptionAction::ChangeSubscription,
            Matter::Termination => SubscriptionAction::TerminateSubscription,
            Matter::Revocation => SubscriptionAction::RevokeTermination,
            Matter::Migration => SubscriptionAction::MigrateSubscription,
        };
        let successor = row.open_product_id.and_then(|id| snapshot(context).products.find(id));
        Some(InTurn(PendingChange {
            action,
            quantity: row.open_quantity,
            on: row.open_on.map(Date),
            successor: successor.map(Product::at),
            requested_by: row.asked_by_subject.clone(),
            expires_at: row.expires_at.map(DateTime),
        }))
    }

    /// The subscription that this one was moved from; null when it was not, or when the caller may not read it.
    async fn predecessor(&self, context: &Context<'_>) -> Result<Option<ProductSubscription>> {
        self.linked(context, self.row.predecessor_id).await
    }

    /// The subscription that this one was moved to; it begins on the day after `endsOn`. Null when it was not moved.
    async fn successor(&self, context: &Context<'_>) -> Result<Option<ProductSubscription>> {
        self.linked(context, self.row.successor_id).await
    }

    /// Opaque id of the collective request (Sammelanfrage) that it was asked in, the same for all of them; null when it was
    /// asked alone.
    async fn collective_request(&self) -> Option<ID> {
        self.row.collective_id.map(|id| global_id("CollectiveRequest", id))
    }

    /// Until when a request or pending change can be decided; null when nothing waits.
    async fn expires_at(&self, context: &Context<'_>) -> Option<DateTime> {
        subscriptions::open_at(&self.row, reading(context).now)?;
        self.row.expires_at.map(DateTime)
    }

    /// What the caller may do with it now, and why not.
    async fn permissions(&self, context: &Context<'_>) -> Result<Vec<InTurn<Decision>>> {
        let reading = reading(context);
        let (caller, ground) = (reading.signed_in()?, reading.ground()?);
        let decide = |action| ground.decide(caller, action, &self.row, None).map(|decision| InTurn(Decision(decision)));
        Action::ON_SUBSCRIPTIONS.into_iter().map(decide).collect()
    }

    /// What was done with it, newest first.
    async fn history(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
    ) -> Result<Connection<SubscriptionEvent>> {
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let load = || history::of(reading(context).subscriptions_db(), &self.together.ids);
        let histories = self.together.histories.get_or_try_init(load).await?;
        let entries = histories.get(&self.row.id).map_or(&[][..], Vec::as_slice);
        page(history::list(entries), &window, |entry| SubscriptionEvent(entry.clone()))
    }

    /// When it was first written.
    async fn created_at(&self) -> DateTime {
        DateTime(self.row.created_at)
    }

    /// When it was last written.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.row.updated_at)
    }

    /// Invented for demonstration: not a contract of anybody.
    async fn sample(&self) -> bool {
        self.row.sample
    }
}
