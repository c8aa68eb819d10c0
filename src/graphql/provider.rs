//! Providers, and how far they have joined.

use ::entity::joining;
use async_graphql::{Context, Description, Enum, ID, InputObject, Object, OneofObject, SimpleObject};

use super::{
    connection::{Connection, page},
    context::{reading, reading_as_of, snapshot},
    facet::{Listed, ProductPage, product_page},
    input::{BooleanFilter, LONGEST_TEXT, OrderDirection, Parts, TextFilter, ValueFilter, bounded, order},
    merger::ProviderMerger,
    municipality::Municipality,
    node::{global_id, row_id},
    product::Product,
    scalars::Date,
};
use crate::{
    access::Role,
    catalogue::{self, At, Snapshot, joining_on},
    condition::Condition,
    error::{Error, Result, check_text},
    listing::Window,
    municipalities, portfolios, products,
    providers::{self, Field, Is},
};

/// What kind of provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "::entity::provider::Kind")]
pub enum ProviderKind {
    /// Serves whole Kreise (flächendeckend).
    AreaWide,
    /// Serves some municipalities of a region.
    Regional,
    /// IT of one town.
    City,
    /// IT of one Kreis.
    District,
    /// IT of a Landschaftsverband.
    RegionalAssociation,
    /// Umbrella organisation of providers (Dachverband).
    Umbrella,
    /// Institution of the Land and its municipalities.
    State,
    /// The central municipal provider (kommunaler Zentraldienstleister).
    Central,
    /// A municipality's own IT department.
    OwnIt,
}

/// How far an organisation has joined the central provider (Beitritt).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "::entity::joining::Level")]
pub enum JoiningLevel {
    /// Has not joined.
    NotJoined,
    /// Takes single products without joining.
    SingleProducts,
    /// Has joined with its whole portfolio (providers only).
    Portfolio,
    /// Has joined.
    Joined,
    /// Has gone into another provider (providers only).
    Merged,
}

/// A level of joining with its first day and its resolution.
#[derive(SimpleObject)]
pub struct Joining {
    /// How far.
    level: JoiningLevel,
    /// First day of this level.
    since: Date,
    /// Reference of the resolution (Beschluss).
    resolution: Option<String>,
    /// Invented for demonstration: nobody resolved this.
    sample: bool,
}

impl Joining {
    /// A level of joining.
    pub fn new(row: &joining::Model) -> Self {
        let resolution = row.resolution.clone();
        Self { level: row.level.into(), since: Date(row.valid_from), resolution, sample: row.sample }
    }
}

/// A municipal IT provider (IT-Dienstleister).
#[derive(Description, Clone, Copy)]
pub struct Provider(pub At<catalogue::Provider>);

impl Provider {
    fn row<'c>(&self, context: &Context<'c>) -> &'c catalogue::Provider {
        &snapshot(context).providers[self.0]
    }
}

#[Object(use_type_description)]
impl Provider {
    /// Opaque global id, the same for ever.
    pub async fn id(&self, context: &Context<'_>) -> ID {
        global_id("Provider", self.row(context).row.id)
    }

    /// Natural key, the same for ever.
    async fn key<'c>(&self, context: &Context<'c>) -> &'c str {
        &self.row(context).row.key
    }

    /// Full name.
    async fn name<'c>(&self, context: &Context<'c>) -> &'c str {
        &self.row(context).row.name
    }

    /// Short name.
    async fn short_name<'c>(&self, context: &Context<'c>) -> Option<&'c str> {
        self.row(context).row.short_name.as_deref()
    }

    /// What kind of provider.
    async fn kind(&self, context: &Context<'_>) -> ProviderKind {
        self.row(context).row.kind.into()
    }

    /// Legal form.
    async fn legal_form<'c>(&self, context: &Context<'c>) -> Option<&'c str> {
        self.row(context).row.legal_form.as_deref()
    }

    /// Seat.
    async fn seat<'c>(&self, context: &Context<'c>) -> Option<&'c str> {
        self.row(context).row.seat.as_deref()
    }

    /// Area served, in words; `municipalities` lists what is known.
    async fn area_served<'c>(&self, context: &Context<'c>) -> Option<&'c str> {
        self.row(context).row.area_served.as_deref()
    }

    /// Host of the website.
    async fn website<'c>(&self, context: &Context<'c>) -> Option<&'c str> {
        self.row(context).row.website.as_deref()
    }

    /// Whether it is a member of the KDN (Dachverband kommunaler IT-Dienstleister); null where not known.
    async fn kdn_member(&self, context: &Context<'_>) -> Option<bool> {
        self.row(context).row.kdn_member
    }

    /// How far it has joined the central provider today.
    async fn joining(&self, context: &Context<'_>) -> JoiningLevel {
        providers::level_of(self.row(context), reading(context).today).into()
    }

    /// Since when, and by which resolution; null when it has not joined.
    async fn joining_details(&self, context: &Context<'_>) -> Option<Joining> {
        joining_on(&self.row(context).joinings, reading(context).today).map(Joining::new)
    }

    /// The provider that it has gone into; null while it goes on.
    async fn merged_into(&self, context: &Context<'_>) -> Option<Provider> {
        snapshot(context).merged_into(self.0, reading(context).today).map(Provider)
    }

    /// Mergers that it was part of, before or after.
    async fn mergers<'c>(&self, context: &Context<'c>) -> Vec<ProviderMerger<'c>> {
        let id = self.row(context).row.id;
        let rows = snapshot(context).mergers.iter().map(|(_, merger)| merger);
        let took_part = |merger: &&catalogue::Merger| {
            merger.row.successor_id == Some(id) || merger.predecessors.iter().any(|row| row.provider_id == Some(id))
        };
        rows.filter(took_part).map(ProviderMerger::new).collect()
    }

    /// Its products by name: the published ones; for itself and for stewards also those that the public does not see yet.
    async fn products(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
    ) -> Result<ProductPage<Product>> {
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let (reading, id) = (reading(context), self.row(context).row.id);
        let sees_all = !reading.is_of_another_day
            && reading.caller.as_ref().is_some_and(|caller| {
                caller.is(Role::Steward) || (caller.acts_as(Role::Provider) && caller.provider == Some(id))
            });
        if !sees_all {
            let listing = products::of_provider(&reading.snapshot, self.0);
            return product_page(listing, &window, Listed::Published, Product::at);
        }
        let unpublished = portfolios::store::unpublished(reading.db(), Some(id)).await?;
        let unpublished = unpublished.iter().filter_map(|stored| stored.product(&reading.snapshot)).collect();
        let listing = products::of_provider_with(&reading.snapshot, self.0, unpublished);
        product_page(listing, &window, Listed::Mixed, |product| product.map_or_else(Product::unpublished, Product::at))
    }

    /// The municipalities and Kreise that it serves today, by name, as far as known.
    async fn municipalities(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Municipality>> {
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let serves = self.row(context).serves.iter().filter(|served| served.holds_on(reading(context).today));
        let served = serves.map(|served| served.at).collect();
        page(municipalities::by_name(snapshot(context), "served", served), &window, Municipality)
    }

    /// Where these facts come from.
    async fn source<'c>(&self, context: &Context<'c>) -> &'c str {
        &self.row(context).row.source
    }

    /// How sure these facts are, in the words of the collection.
    async fn confidence<'c>(&self, context: &Context<'c>) -> &'c str {
        &self.row(context).row.confidence
    }

    /// Invented for demonstration.
    async fn sample(&self, context: &Context<'_>) -> bool {
        self.row(context).row.sample
    }
}

/// Which provider: exactly one of these.
#[derive(OneofObject)]
pub enum ProviderBy {
    /// By natural key.
    Key(String),
    /// By global id.
    Id(ID),
}

impl ProviderBy {
    /// The provider that is meant; NOT_FOUND when there is none.
    pub fn find(&self, snapshot: &Snapshot) -> Result<At<catalogue::Provider>> {
        let (found, named) = match self {
            Self::Id(id) => (snapshot.providers.find(row_id("by.id", "Provider", id)?), id.as_str()),
            Self::Key(key) => {
                check_text("by.key", key, LONGEST_TEXT)?;
                (snapshot.provider_by_key(key), key.as_str())
            }
        };
        found.ok_or_else(|| Error::not_found(named))
    }
}

/// Which providers. All parts that are given must hold.
#[derive(Default, InputObject)]
pub struct ProviderFilter {
    /// All of these hold too.
    pub and: Option<Vec<ProviderFilter>>,
    /// At least one of these holds too.
    pub or: Option<Vec<ProviderFilter>>,
    /// This does not hold.
    pub not: Option<Box<ProviderFilter>>,
    /// Its key.
    pub key: Option<ValueFilter<String>>,
    /// What kind.
    pub kind: Option<ValueFilter<ProviderKind>>,
    /// How far it has joined today.
    pub joining: Option<ValueFilter<JoiningLevel>>,
    /// Whether it is known to be a member of the KDN, or known not to be.
    pub kdn_member: Option<BooleanFilter>,
    /// Its name or short name.
    pub name: Option<TextFilter>,
}

fn condition(filter: ProviderFilter) -> Result<Condition<Is>> {
    let mut parts = Parts::default();
    parts.keys("key", filter.key, Is::Key)?;
    parts.values("kind", filter.kind, |value| Ok(value.into()), Is::Kind)?;
    parts.values("joining", filter.joining, |value| Ok(value.into()), Is::Joining)?;
    parts.boolean(filter.kdn_member, Is::KdnMember);
    parts.text("name.contains", filter.name, Is::NameContains)?;
    parts.join(filter.and, filter.or, filter.not, condition)
}

/// What providers can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Field")]
pub enum ProviderOrderField {
    /// Name; umlauts as in a telephone book.
    Name,
    /// Key.
    Key,
    /// Number of published products.
    ProductCount,
}

/// An order of providers. Equal ones stand by name.
#[derive(InputObject)]
pub struct ProviderOrder {
    /// What is compared.
    pub field: ProviderOrderField,
    /// In which direction.
    #[graphql(default_with = "OrderDirection::Asc")]
    pub direction: OrderDirection,
}

/// Root fields for providers.
#[derive(Default)]
pub struct ProviderQuery;

#[Object]
impl ProviderQuery {
    /// Providers, by name unless ordered.
    #[allow(clippy::too_many_arguments)]
    async fn providers(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
        #[graphql(name = "where", desc = "Only these providers.")] filter: Option<ProviderFilter>,
        #[graphql(desc = "In this order.")] order_by: Option<Vec<ProviderOrder>>,
        #[graphql(
            desc = "The catalogue as it was at the end of this day, or as it will be by the days that are known; today when left out. Names and facts of providers, municipalities, categories and standard products, members of groups, and contacts are those of today. BAD_USER_INPUT names the first day that is recorded."
        )]
        as_of: Option<Date>,
    ) -> Result<Connection<Provider>> {
        let reading = reading_as_of(context, as_of).await?;
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let condition = bounded(condition(filter.unwrap_or_default())?, Is::size)?;
        let order_by = order_by.unwrap_or_default().into_iter();
        let order = order(order_by.map(|order| (order.field.into(), order.direction)))?;
        let listing = providers::list(&reading.snapshot, &condition, order, reading.today);
        page(listing, &window, Provider)
    }

    /// One provider; null and NOT_FOUND when there is none.
    async fn provider(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] by: ProviderBy,
        #[graphql(
            desc = "The catalogue as it was at the end of this day, or as it will be by the days that are known; today when left out. Names and facts of providers, municipalities, categories and standard products, members of groups, and contacts are those of today. BAD_USER_INPUT names the first day that is recorded."
        )]
        as_of: Option<Date>,
    ) -> Result<Option<Provider>> {
        Ok(Some(Provider(by.find(&reading_as_of(context, as_of).await?.snapshot)?)))
    }
}
