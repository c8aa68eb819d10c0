//! Municipalities and Kreise.

use async_graphql::{Context, Description, Enum, ID, Object, OneofObject, SimpleObject};

use super::{
    connection::{Connection, page},
    context::{reading, snapshot},
    customer_group::CustomerGroup,
    node::{global_id, row_id},
    price::Money,
    provider::{Joining, JoiningLevel, Provider},
    scalars::{Ags, Ars, Date, Decimal, hundredths},
    subscription_list::{self, Asked, ProductSubscriptionConnection, SubscriptionFilter, SubscriptionOrder},
};
use crate::{
    catalogue::{self, At, Snapshot, joining_on},
    error::{Error, Result},
    listing::Window,
    municipalities, providers,
    subscriptions::{
        figures,
        scope::{check_municipality, check_whole_municipality},
    },
};

/// What a municipality is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "::entity::municipality::Type")]
pub enum MunicipalityType {
    /// A town that belongs to no Kreis (kreisfreie Stadt).
    KreisfreieStadt,
    /// A town within a Kreis (kreisangehörige Stadt); also the city of Aachen, see `specialStatus`.
    KreisangehoerigeStadt,
    /// A municipality within a Kreis without the title of a town (Gemeinde).
    Gemeinde,
    /// A Kreis; also the StädteRegion Aachen.
    Kreis,
}

/// A Landschaftsverband, by its usual letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "::entity::landschaftsverband::Code")]
pub enum LandschaftsverbandCode {
    /// Landschaftsverband Rheinland.
    Lvr,
    /// Landschaftsverband Westfalen-Lippe.
    Lwl,
}

/// One of the two regional associations of Kreise and kreisfreie Städte (Landschaftsverband).
#[derive(SimpleObject)]
pub struct Landschaftsverband<'s> {
    /// Its usual letters.
    pub code: LandschaftsverbandCode,
    /// Name.
    pub name: &'s str,
    /// Seat.
    pub seat: &'s str,
    /// How many Kreise and kreisfreie Städte belong to it.
    pub member_count: i32,
}

/// A municipality (Kommune): one of the towns, municipalities and Kreise of North Rhine-Westphalia.
#[derive(Description, Clone, Copy)]
pub struct Municipality(pub At<catalogue::Municipality>);

impl Municipality {
    fn row<'c>(&self, context: &Context<'c>) -> &'c catalogue::Municipality {
        &snapshot(context).municipalities[self.0]
    }
}

#[Object(use_type_description)]
impl Municipality {
    /// Opaque global id, the same for ever.
    pub async fn id(&self, context: &Context<'_>) -> ID {
        global_id("Municipality", self.row(context).row.id)
    }

    /// Amtlicher Gemeindeschlüssel.
    async fn ags(&self, context: &Context<'_>) -> Ags {
        Ags(self.row(context).row.ags.clone())
    }

    /// Amtlicher Regionalschlüssel.
    async fn ars(&self, context: &Context<'_>) -> Ars {
        Ars(self.row(context).row.ars.clone())
    }

    /// Name as people use it.
    async fn name<'c>(&self, context: &Context<'c>) -> &'c str {
        &self.row(context).row.name
    }

    /// Name as in the official directory.
    async fn official_name<'c>(&self, context: &Context<'c>) -> &'c str {
        &self.row(context).row.official_name
    }

    /// What it is.
    #[graphql(name = "type")]
    async fn kind(&self, context: &Context<'_>) -> MunicipalityType {
        self.row(context).row.kind.into()
    }

    /// A status that its type does not tell: the city of Aachen has the rights of a kreisfreie Stadt.
    async fn special_status<'c>(&self, context: &Context<'c>) -> Option<&'c str> {
        self.row(context).row.special_status.as_deref()
    }

    /// The Kreis that it belongs to; null for a Kreis or a kreisfreie Stadt.
    async fn district(&self, context: &Context<'_>) -> Option<Municipality> {
        self.row(context).district.map(Municipality)
    }

    /// The municipalities of a Kreis by name, without those that have gone into another one; empty for all others.
    async fn municipalities(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Municipality>> {
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let (snapshot, today) = (snapshot(context), reading(context).today);
        let members = municipalities::standing(snapshot, &self.row(context).members, today);
        page(municipalities::by_name(snapshot, "of a Kreis", members), &window, Municipality)
    }

    /// Regierungsbezirk.
    async fn government_district<'c>(&self, context: &Context<'c>) -> &'c str {
        &self.row(context).row.government_district
    }

    /// Its Landschaftsverband.
    async fn landschaftsverband(&self, context: &Context<'_>) -> LandschaftsverbandCode {
        self.row(context).landschaftsverband.into()
    }

    /// Inhabitants on `populationDate`.
    async fn population(&self, context: &Context<'_>) -> i64 {
        self.row(context).row.population
    }

    /// The day on which the inhabitants were counted.
    async fn population_date(&self, context: &Context<'_>) -> Date {
        Date(self.row(context).row.population_date)
    }

    /// Area in square kilometres.
    async fn area_km2(&self, context: &Context<'_>) -> Decimal {
        hundredths(self.row(context).row.area_hectares)
    }

    /// Postcode of the seat; not known for a Kreis.
    async fn postcode<'c>(&self, context: &Context<'c>) -> Option<&'c str> {
        self.row(context).row.postcode.as_deref()
    }

    /// Degrees east of the seat; not known for a Kreis.
    async fn longitude(&self, context: &Context<'_>) -> Option<f64> {
        self.row(context).row.longitude
    }

    /// Degrees north of the seat; not known for a Kreis.
    async fn latitude(&self, context: &Context<'_>) -> Option<f64> {
        self.row(context).row.latitude
    }

    /// KGSt size class: 1 (largest) to 7, of Kreise 1 to 3.
    async fn kgst_size_class(&self, context: &Context<'_>) -> i32 {
        self.row(context).row.kgst_size_class
    }

    /// Status after § 4 GO NRW as the source computed it from the population.
    async fn go_nrw_status<'c>(&self, context: &Context<'c>) -> Option<&'c str> {
        self.row(context).row.go_nrw_status.as_deref()
    }

    /// The first day on which it is part of another municipality (Gebietsänderung), also one that is to come; null while it
    /// goes on. It stays addressable by AGS, ARS and id for ever; from that day nothing new can be requested for it.
    async fn dissolved_on(&self, context: &Context<'_>) -> Option<Date> {
        self.row(context).row.dissolved_on.map(Date)
    }

    /// The municipality that it goes into on `dissolvedOn`, or has gone into (Rechtsnachfolgerin); null while it goes on.
    async fn merged_into(&self, context: &Context<'_>) -> Option<Municipality> {
        self.row(context).merged_into.map(Municipality)
    }

    /// Where that is laid down (Fundstelle); null while it goes on.
    async fn area_change_reference<'c>(&self, context: &Context<'c>) -> Option<&'c str> {
        self.row(context).row.area_change_reference.as_deref()
    }

    /// Municipalities that have gone into it, or will on their `dissolvedOn`, by name.
    async fn predecessors(&self, context: &Context<'_>) -> Vec<Municipality> {
        self.row(context).predecessors.iter().copied().map(Municipality).collect()
    }

    /// Customer groups it belongs to, smallest first.
    async fn customer_groups(&self, context: &Context<'_>) -> Vec<CustomerGroup> {
        self.row(context).groups.iter().copied().map(CustomerGroup::Published).collect()
    }

    /// Providers that serve it today; empty where none is known.
    async fn providers(&self, context: &Context<'_>) -> Vec<Provider> {
        let served_by = self.row(context).served_by.iter();
        served_by.filter(|served| served.holds_on(reading(context).today)).map(|served| Provider(served.at)).collect()
    }

    /// How far it has joined the central provider today (Beitritt).
    async fn joining(&self, context: &Context<'_>) -> JoiningLevel {
        providers::level_on(&self.row(context).joinings, reading(context).today).into()
    }

    /// Net cost of a year of what runs: what is due every year or month. What is due once, with every use or as a percentage
    /// is not in it. For the municipality itself, its account managers, stewards, the transformation office, the Land and
    /// auditors; null with UNAUTHENTICATED or FORBIDDEN for anyone else.
    async fn annual_cost(&self, context: &Context<'_>) -> Result<Option<Money>> {
        let reading = reading(context);
        reading.only_today("annualCost")?;
        check_whole_municipality(reading.caller.as_ref(), &reading.snapshot, self.0)?;
        let cents =
            figures::annual_cost_cents(reading.subscriptions_db(), self.row(context).row.id, reading.now).await?;
        Ok(Some(Money::from_cents(cents)))
    }

    /// Its subscriptions, newest first unless ordered. For the municipality itself, its account managers, stewards, the
    /// transformation office, the Land and auditors; a provider sees those to its products. Null with UNAUTHENTICATED or
    /// FORBIDDEN for anyone else.
    #[allow(clippy::too_many_arguments)]
    async fn subscriptions(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
        #[graphql(name = "where", desc = "Only these subscriptions.")] filter: Option<SubscriptionFilter>,
        #[graphql(desc = "In this order.")] order_by: Option<Vec<SubscriptionOrder>>,
    ) -> Result<Option<ProductSubscriptionConnection>> {
        let reading = reading(context);
        reading.only_today("subscriptions")?;
        check_municipality(reading.caller.as_ref(), &reading.snapshot, self.0)?;
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let asked = Asked { window, filter, order_by };
        subscription_list::page(context, asked, Some(self.row(context).row.id)).await.map(Some)
    }

    /// Since when, and by which resolution; null when it has not joined.
    async fn joining_details(&self, context: &Context<'_>) -> Option<Joining> {
        joining_on(&self.row(context).joinings, reading(context).today).map(Joining::new)
    }
}

/// Which municipality: exactly one of these.
#[derive(OneofObject)]
pub enum MunicipalityBy {
    /// By Amtlicher Gemeindeschlüssel; a Kreis with its 5 digits filled with `000`.
    Ags(Ags),
    /// By Amtlicher Regionalschlüssel.
    Ars(Ars),
    /// By global id.
    Id(ID),
}

impl MunicipalityBy {
    /// The municipality that is meant; NOT_FOUND when there is none.
    pub fn find(&self, snapshot: &Snapshot) -> Result<At<catalogue::Municipality>> {
        let (found, named) = match self {
            Self::Ags(ags) => (snapshot.municipality_by_ags(&ags.0), format!("AGS {}", ags.0)),
            Self::Ars(ars) => (snapshot.municipality_by_ars(&ars.0), format!("ARS {}", ars.0)),
            Self::Id(id) => {
                (snapshot.municipalities.find(row_id("municipality.id", "Municipality", id)?), id.to_string())
            }
        };
        found.ok_or_else(|| Error::not_found(&named))
    }
}
