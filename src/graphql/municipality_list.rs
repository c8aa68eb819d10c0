//! Lists of municipalities: what they are asked for, in which order, and the root fields.

use async_graphql::{Context, Enum, InputObject, Object};

use super::{
    connection::{Connection, page},
    context::{Reading, reading, snapshot},
    input::{IntRangeFilter, OrderDirection, Parts, TextFilter, ValueFilter, bounded, order},
    municipality::{Landschaftsverband, LandschaftsverbandCode, Municipality, MunicipalityBy, MunicipalityType},
    scalars::Ags,
};
use crate::{
    catalogue,
    condition::Condition,
    error::Result,
    listing::Window,
    municipalities::{self, Field, Is},
};

/// Which municipalities. All parts that are given must hold.
#[derive(Default, InputObject)]
pub struct MunicipalityFilter {
    /// All of these hold too.
    pub and: Option<Vec<MunicipalityFilter>>,
    /// At least one of these holds too.
    pub or: Option<Vec<MunicipalityFilter>>,
    /// This does not hold.
    pub not: Option<Box<MunicipalityFilter>>,
    /// What it is.
    #[graphql(name = "type")]
    pub kind: Option<ValueFilter<MunicipalityType>>,
    /// AGS of the Kreis that it belongs to.
    pub district: Option<ValueFilter<Ags>>,
    /// Regierungsbezirk.
    pub government_district: Option<ValueFilter<String>>,
    /// Landschaftsverband.
    pub landschaftsverband: Option<ValueFilter<LandschaftsverbandCode>>,
    /// Key of a customer group that it belongs to.
    pub customer_group: Option<ValueFilter<String>>,
    /// Key of a provider that serves it today, or of one that has gone into such a provider.
    pub provider: Option<ValueFilter<String>>,
    /// Inhabitants.
    pub population: Option<IntRangeFilter>,
    /// Whether it has gone into another one by today.
    pub dissolved: Option<bool>,
    /// Its name.
    pub name: Option<TextFilter>,
}

fn condition(filter: MunicipalityFilter, reading: &Reading) -> Result<Condition<Is>> {
    let mut parts = Parts::default();
    parts.values("type", filter.kind, |value| Ok(value.into()), Is::Type)?;
    parts.values("district", filter.district, |ags| Ok(ags.0), Is::District)?;
    parts.keys("governmentDistrict", filter.government_district, Is::GovernmentDistrict)?;
    parts.values("landschaftsverband", filter.landschaftsverband, |value| Ok(value.into()), Is::Landschaftsverband)?;
    parts.keys("customerGroup", filter.customer_group, Is::CustomerGroup)?;
    parts.keys("provider", filter.provider, |keys| Is::Provider(reading.with_acting(keys)))?;
    if let Some(range) = filter.population {
        range.gte.into_iter().for_each(|fewest| parts.is(Is::PopulationAtLeast(fewest.into())));
        range.lte.into_iter().for_each(|most| parts.is(Is::PopulationAtMost(most.into())));
    }
    if let Some(wanted) = filter.dissolved {
        parts.is(Is::Dissolved(wanted));
    }
    parts.text("name.contains", filter.name, Is::NameContains)?;
    parts.join(filter.and, filter.or, filter.not, |part| condition(part, reading))
}

/// What municipalities can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Field")]
pub enum MunicipalityOrderField {
    /// Name; umlauts as in a telephone book.
    Name,
    /// AGS.
    Ags,
    /// Inhabitants.
    Population,
}

/// An order of municipalities. Equal ones stand by name.
#[derive(InputObject)]
pub struct MunicipalityOrder {
    /// What is compared.
    pub field: MunicipalityOrderField,
    /// In which direction.
    #[graphql(default_with = "OrderDirection::Asc")]
    pub direction: OrderDirection,
}

/// Root fields for municipalities.
#[derive(Default)]
pub struct MunicipalityQuery;

#[Object]
impl MunicipalityQuery {
    /// Municipalities and Kreise, by name unless ordered; also those that have gone into another one, see `dissolved`.
    #[allow(clippy::too_many_arguments)]
    async fn municipalities(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
        #[graphql(name = "where", desc = "Only these municipalities.")] filter: Option<MunicipalityFilter>,
        #[graphql(desc = "In this order.")] order_by: Option<Vec<MunicipalityOrder>>,
    ) -> Result<Connection<Municipality>> {
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let condition = bounded(condition(filter.unwrap_or_default(), reading(context))?, Is::size)?;
        let order_by = order_by.unwrap_or_default().into_iter();
        let order = order(order_by.map(|order| (order.field.into(), order.direction)))?;
        let listing = municipalities::list(snapshot(context), &condition, order, reading(context).today);
        page(listing, &window, Municipality)
    }

    /// One municipality or Kreis; null and NOT_FOUND when there is none.
    async fn municipality(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] by: MunicipalityBy,
    ) -> Result<Option<Municipality>> {
        Ok(Some(Municipality(by.find(snapshot(context))?)))
    }

    /// The two Landschaftsverbände.
    async fn landschaftsverbaende<'c>(&self, context: &Context<'c>) -> Vec<Landschaftsverband<'c>> {
        use ::entity::municipality::Type;
        let snapshot = snapshot(context);
        let today = reading(context).today;
        let is_member = |row: &catalogue::Municipality| {
            matches!(row.row.kind, Type::Kreis | Type::KreisfreieStadt) && !row.is_dissolved_on(today)
        };
        let count = |code| {
            let of_code = |row: &&catalogue::Municipality| row.landschaftsverband == code && is_member(row);
            snapshot.municipalities.iter().map(|(_, row)| row).filter(of_code).count() as i32
        };
        let rows = snapshot.landschaftsverbaende.iter();
        rows.map(|(_, row)| Landschaftsverband {
            code: row.code.into(),
            name: &row.name,
            seat: &row.seat,
            member_count: count(row.code),
        })
        .collect()
    }
}
