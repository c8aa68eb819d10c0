//! Making and changing customer groups, with a preview of what that means.

use ::entity::customer_group::Rule;
use async_graphql::{Context, Description, InputObject, Object, SimpleObject};
use sea_orm::prelude::Uuid;

use super::{
    connection::{Connection, page},
    context::{reading, snapshot},
    customer_group::CustomerGroup,
    municipality::{Municipality, MunicipalityBy, MunicipalityType},
    payload::{UserError, order, to_its_end, told},
    scalars::Ags,
    subscription_input::ReasonInput,
};
use crate::{
    catalogue::Snapshot,
    customer_groups::{self, Preview, Saving},
    error::{Error, Result, check_text},
    listing::Window,
    municipalities,
};

/// Most values of a list.
const MOST_VALUES: usize = 500;
/// Longest name of a Regierungsbezirk, in characters.
const LONGEST_TEXT: usize = 200;

/// Who belongs to a group by rule. All parts that are given must hold; without any everybody does.
#[derive(InputObject)]
pub struct CustomerGroupRuleInput {
    /// One of these types.
    #[graphql(default)]
    types: Vec<MunicipalityType>,
    /// Fewest inhabitants.
    min_population: Option<i32>,
    /// Most inhabitants.
    max_population: Option<i32>,
    /// In one of these Kreise, by AGS; the Kreis itself too.
    #[graphql(default)]
    districts: Vec<Ags>,
    /// In one of these Regierungsbezirke.
    #[graphql(default)]
    government_districts: Vec<String>,
}

/// Makes a customer group, or changes one as a whole: what is left out is empty then.
#[derive(InputObject)]
pub struct SaveCustomerGroupInput {
    /// Natural key: 1 to 60 lower-case letters, digits and hyphens. Of a group that is changed, its key.
    key: String,
    /// The version that is changed; left out for a new group.
    version: Option<i64>,
    /// Name, 1 to 200 characters.
    name: String,
    /// What the group is for, at most 2000 characters.
    description: Option<String>,
    /// Who belongs to it by rule; nobody when left out.
    rule: Option<CustomerGroupRuleInput>,
    /// Who belongs to it by hand, at most 500.
    #[graphql(default)]
    members: Vec<MunicipalityBy>,
    /// Only tell what it would mean.
    #[graphql(default)]
    dry_run: bool,
    /// Why.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// What a change of a customer group means.
#[derive(Description)]
pub struct CustomerGroupPreview(Preview);

macro_rules! lists {
    ($($(#[doc = $doc:literal])* $name:ident)+) => {
        #[Object(use_type_description)]
        impl CustomerGroupPreview {
            $($(#[doc = $doc])*
            async fn $name(
                &self,
                context: &Context<'_>,
                #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
                #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
                #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
                #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
            ) -> Result<Connection<Municipality>> {
                let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
                list(snapshot(context), stringify!($name), &self.0.$name, &window)
            })+
        }
    };
}

lists! {
    /// Who belongs to the group then, by name.
    members
    /// Who comes to it, by name.
    enters
    /// Who leaves it, by name.
    leaves
    /// Who would be in no group at all, by name: then the change is refused.
    uncovered
    /// Who would be in two groups or more, by name.
    overlapping
}

fn list(snapshot: &Snapshot, name: &str, ids: &[Uuid], window: &Window) -> Result<Connection<Municipality>> {
    let found = ids.iter().filter_map(|id| snapshot.municipalities.find(*id)).collect();
    page(municipalities::by_name(snapshot, name, found), window, Municipality)
}

/// Outcome of a change of a customer group.
#[derive(SimpleObject)]
pub struct SaveCustomerGroupPayload {
    /// The group as it is since, or as it would be; null when the change was refused.
    customer_group: Option<CustomerGroup>,
    /// What the change means; null when it did not come to that.
    preview: Option<CustomerGroupPreview>,
    /// What went wrong; empty when the change was made.
    errors: Vec<UserError>,
}

/// Making and changing.
#[derive(Default)]
pub struct CustomerGroupMutation;

#[Object]
impl CustomerGroupMutation {
    /// Makes or changes a customer group, and tells who enters and who leaves. Refused when a municipality would be left
    /// without any group.
    async fn save_customer_group(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The group as it is to be, and why.")] input: SaveCustomerGroupInput,
    ) -> Result<Option<SaveCustomerGroupPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let saved = match saving(&input, &reading.snapshot) {
            Ok(deed) => {
                let order = order(reading, caller, input.idempotency_key, deed, Some(input.reason));
                to_its_end(customer_groups::save(reading.desk.clone(), order, input.dry_run)).await
            }
            Err(error) => Err(error),
        };
        let (saved, mut errors) = told(reading, saved)?;
        let Some(saved) = saved else {
            return Ok(Some(SaveCustomerGroupPayload { customer_group: None, preview: None, errors }));
        };
        errors.extend(
            saved.error.map(|error| told::<()>(reading, Err(error))).transpose()?.into_iter().flat_map(|told| told.1),
        );
        let members = saved.preview.members.clone();
        let customer_group = saved.group.map(|row| CustomerGroup::Saved(Box::new((row, members))));
        Ok(Some(SaveCustomerGroupPayload {
            customer_group,
            preview: Some(CustomerGroupPreview(saved.preview)),
            errors,
        }))
    }
}

fn saving(input: &SaveCustomerGroupInput, snapshot: &Snapshot) -> Result<Saving> {
    if input.members.len() > MOST_VALUES {
        return Err(Error::limit("members", MOST_VALUES as u64, input.members.len() as u64));
    }
    let member = |by: &MunicipalityBy| {
        let at = by.find(snapshot).map_err(|error| error.with("field", "members"))?;
        Ok(snapshot.municipalities[at].row.id)
    };
    Ok(Saving {
        key: input.key.clone(),
        name: input.name.clone(),
        description: input.description.clone(),
        rule: input.rule.as_ref().map(rule).transpose()?,
        members: input.members.iter().map(member).collect::<Result<_>>()?,
        version: input.version,
    })
}

fn rule(input: &CustomerGroupRuleInput) -> Result<Rule> {
    let lists = [
        ("rule.types", input.types.len()),
        ("rule.districts", input.districts.len()),
        ("rule.governmentDistricts", input.government_districts.len()),
    ];
    if let Some((name, length)) = lists.into_iter().find(|(_, length)| *length > MOST_VALUES) {
        return Err(Error::limit(name, MOST_VALUES as u64, length as u64));
    }
    input
        .government_districts
        .iter()
        .try_for_each(|name| check_text("rule.governmentDistricts", name, LONGEST_TEXT))?;
    Ok(Rule {
        types: input.types.iter().map(|kind| (*kind).into()).collect(),
        min_population: input.min_population.map(i64::from),
        max_population: input.max_population.map(i64::from),
        districts: input.districts.iter().map(|ags| ags.0.clone()).collect(),
        government_districts: input.government_districts.clone(),
    })
}
