//! Inputs that every noun shares: filters of one value, directions, and their checks.

use async_graphql::{Enum, InputObject, InputType};

use super::scalars::Ags;
use crate::{
    condition::Condition,
    error::{Error, Result, check_text},
    listing::Order,
    text::fold,
};

/// Longest text of a filter, a key or a search.
pub const LONGEST_TEXT: usize = 200;
/// Most values of an `in` filter.
const MOST_VALUES: usize = 500;
/// Most conditions and values of a whole filter.
const MOST_CONDITIONS: usize = 1000;

/// Compares with one value or with several. All parts that are given must hold.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(concrete(name = "LifecycleFilter", params(super::product::Lifecycle)))]
#[graphql(concrete(name = "DeliveryModeFilter", params(super::product::DeliveryMode)))]
#[graphql(concrete(name = "MandatedTaskFilter", params(super::product::MandatedTask)))]
#[graphql(concrete(name = "MunicipalityTypeFilter", params(super::municipality::MunicipalityType)))]
#[graphql(concrete(name = "LandschaftsverbandFilter", params(super::municipality::LandschaftsverbandCode)))]
#[graphql(concrete(name = "ProviderKindFilter", params(super::provider::ProviderKind)))]
#[graphql(concrete(name = "JoiningLevelFilter", params(super::provider::JoiningLevel)))]
#[graphql(concrete(name = "AgsFilter", params(Ags)))]
#[graphql(concrete(name = "KeyFilter", params(String)))]
#[graphql(concrete(name = "IdFilter", params(async_graphql::ID)))]
#[graphql(concrete(name = "SubscriptionStateFilter", params(super::subscription::SubscriptionState)))]
#[graphql(concrete(name = "SubscriptionOriginFilter", params(super::subscription::SubscriptionOrigin)))]
pub struct ValueFilter<T: InputType> {
    /// Equal to this value.
    pub eq: Option<T>,
    /// Equal to one of these values; an empty list fits nothing. At most 500.
    pub r#in: Option<Vec<T>>,
}

/// Compares text; umlauts, ß and case do not matter.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TextFilter {
    /// Has this part anywhere. At most 200 characters.
    pub contains: Option<String>,
}

/// Compares yes and no.
#[derive(Clone, Debug, Default, InputObject)]
pub struct BooleanFilter {
    /// Equal to this value.
    pub eq: Option<bool>,
}

/// Compares whole numbers. All parts that are given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct IntRangeFilter {
    /// At least this number.
    pub gte: Option<i32>,
    /// At most this number.
    pub lte: Option<i32>,
}

/// Direction of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// Smaller values first.
    Asc,
    /// Larger values first.
    Desc,
}

/// Checks that a whole filter is not too large to be asked of every row.
pub fn bounded<C>(condition: Condition<C>, size: impl Fn(&C) -> usize) -> Result<Condition<C>> {
    let actual = condition.size(&size);
    if actual > MOST_CONDITIONS {
        return Err(Error::limit("where", MOST_CONDITIONS as u64, actual as u64));
    }
    Ok(condition)
}

/// The order that pairs of field and direction mean; each field may be named once.
pub fn order<F: PartialEq + Copy>(pairs: impl Iterator<Item = (F, OrderDirection)>) -> Result<Vec<Order<F>>> {
    let mut order: Vec<Order<F>> = Vec::new();
    for (field, direction) in pairs {
        if order.iter().any(|earlier| earlier.field == field) {
            return Err(Error::bad_input(
                "orderBy",
                "orderBy nennt ein Feld zweimal. Bitte jedes Feld nur einmal angeben.",
                "orderBy names a field twice. Please give each field only once.",
            ));
        }
        order.push(Order { field, is_descending: direction == OrderDirection::Desc });
    }
    Ok(order)
}

/// Conditions of one filter object, all of which must hold.
pub struct Parts<C>(Vec<Condition<C>>);

impl<C> Default for Parts<C> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<C> Parts<C> {
    /// Adds a condition for each part of a value filter that is given.
    pub fn values<T: InputType, V>(
        &mut self,
        field: &str,
        filter: Option<ValueFilter<T>>,
        convert: impl Fn(T) -> Result<V>,
        is: impl Fn(Vec<V>) -> C,
    ) -> Result<()> {
        let Some(filter) = filter else { return Ok(()) };
        if let Some(value) = filter.eq {
            self.is(is(vec![convert(value)?]));
        }
        if let Some(values) = filter.r#in {
            if values.len() > MOST_VALUES {
                return Err(Error::limit(&format!("{field}.in"), MOST_VALUES as u64, values.len() as u64));
            }
            self.is(is(values.into_iter().map(convert).collect::<Result<_>>()?));
        }
        Ok(())
    }

    /// Adds a condition for a filter on keys.
    pub fn keys(
        &mut self,
        field: &str,
        filter: Option<ValueFilter<String>>,
        is: impl Fn(Vec<String>) -> C,
    ) -> Result<()> {
        self.values(field, filter, |key| check_text(field, &key, LONGEST_TEXT).map(|()| key), is)
    }

    /// Adds a condition for a filter on text.
    pub fn text(&mut self, field: &str, filter: Option<TextFilter>, is: impl Fn(String) -> C) -> Result<()> {
        let Some(part) = filter.and_then(|filter| filter.contains) else { return Ok(()) };
        check_text(field, &part, LONGEST_TEXT)?;
        let folded = fold(&part);
        if folded.is_empty() {
            return Err(Error::bad_input(
                field,
                format!("{field} braucht einen Buchstaben oder eine Ziffer."),
                format!("{field} needs a letter or a digit."),
            ));
        }
        self.is(is(folded));
        Ok(())
    }

    /// Adds a condition for a filter on yes and no.
    pub fn boolean(&mut self, filter: Option<BooleanFilter>, is: impl Fn(bool) -> C) {
        if let Some(wanted) = filter.and_then(|filter| filter.eq) {
            self.is(is(wanted));
        }
    }

    /// Adds a plain condition.
    pub fn is(&mut self, condition: C) {
        self.0.push(Condition::Is(condition));
    }

    /// Adds what `and`, `or`, `not` of the same filter say, and closes the list.
    pub fn join<F>(
        mut self,
        and: Option<Vec<F>>,
        or: Option<Vec<F>>,
        not: Option<Box<F>>,
        condition: impl Fn(F) -> Result<Condition<C>>,
    ) -> Result<Condition<C>> {
        if let Some(and) = and {
            self.0.push(Condition::All(and.into_iter().map(&condition).collect::<Result<_>>()?));
        }
        if let Some(or) = or {
            self.0.push(Condition::Any(or.into_iter().map(&condition).collect::<Result<_>>()?));
        }
        if let Some(not) = not {
            self.0.push(Condition::Not(Box::new(condition(*not)?)));
        }
        Ok(Condition::All(self.0))
    }
}
