//! Versions of products, and what changed from one to another.

use async_graphql::{Context, Description, Object, SimpleObject};
use sea_orm::prelude::Uuid;

use super::{
    connection::{Connection, page},
    context::{Reading, reading, today},
    product::Lifecycle,
    provider::Provider,
    scalars::DateTime,
};
use crate::{
    error::{Error, Result},
    listing::{Key, Listing, Position, Window},
    portfolios::{
        differences::{self, Difference},
        steps::no_version,
        versions::{self, Version},
    },
};

/// A field that is another in one version than in another.
#[derive(SimpleObject)]
pub struct FieldDifference {
    /// Its name, as in `PortfolioRowInput` and `Product`.
    field: String,
    /// What it was, in words of the request's language; null for nothing.
    before: Option<String>,
    /// What it became; null for nothing.
    after: Option<String>,
}

/// What a field is in a version.
#[derive(SimpleObject)]
pub struct FieldValue {
    /// Its name, as in `PortfolioRowInput` and `Product`.
    field: String,
    /// What it is, in words of the request's language.
    value: String,
}

/// What a product was since when (Version).
#[derive(Description, Clone)]
pub struct ProductVersion(pub Version);

#[Object(use_type_description)]
impl ProductVersion {
    /// Grows by one with every change.
    async fn number(&self) -> i64 {
        self.0.row.version
    }

    /// Since when.
    async fn at(&self) -> DateTime {
        DateTime(self.0.row.at)
    }

    /// What was done, as in the audit trail; FIRST_RECORD for what was there before versions were kept.
    async fn action(&self) -> &str {
        &self.0.row.action
    }

    /// Where it stood.
    async fn lifecycle(&self) -> Lifecycle {
        self.0.row.lifecycle.into()
    }

    /// In whose portfolio.
    async fn provider(&self, context: &Context<'_>) -> Option<Provider> {
        self.0.row.provider_id.and_then(|id| reading(context).snapshot.providers.find(id)).map(Provider)
    }

    /// What it was: every field that is something, by name.
    async fn fields(&self, context: &Context<'_>) -> Result<Vec<FieldValue>> {
        let reading = today(context);
        let told = differences::told(&self.0.row, &reading.snapshot, reading.language)?;
        Ok(told.into_iter().map(|(field, value)| FieldValue { field, value }).collect())
    }

    /// Names of the fields that are others than in the version before that the caller may see; empty for the first.
    async fn changed_fields(&self, context: &Context<'_>) -> Result<Vec<String>> {
        Ok(between(today(context), &self.0)?.into_iter().map(|difference| difference.field).collect())
    }

    /// The same with what each was and became.
    async fn difference(&self, context: &Context<'_>) -> Result<Vec<FieldDifference>> {
        Ok(between(today(context), &self.0)?.into_iter().map(Into::into).collect())
    }
}

impl From<Difference> for FieldDifference {
    fn from(difference: Difference) -> Self {
        let Difference { field, before, after } = difference;
        Self { field, before, after }
    }
}

fn between(reading: &Reading, version: &Version) -> Result<Vec<Difference>> {
    differences::difference(version.before.as_ref(), &version.row, &reading.snapshot, reading.language)
}

/// Whose versions: a published product, or one that the caller was given though the public does not see it.
#[derive(Clone, Copy)]
pub enum Of {
    /// A published product.
    Published(Uuid),
    /// One that the public does not see yet.
    Unpublished(Uuid),
}

impl Of {
    fn product(self) -> Uuid {
        match self {
            Self::Published(id) | Self::Unpublished(id) => id,
        }
    }

    /// The versions that the caller may see, oldest first.
    async fn versions(self, reading: &Reading) -> Result<Vec<Version>> {
        let provider = reading.snapshot.products.find(self.product()).map(|at| reading.snapshot.products[at].provider);
        let sees_all = match self {
            // Whoever was given it may see it.
            Self::Unpublished(_) => true,
            Self::Published(_) => provider
                .is_some_and(|at| versions::sees_all(reading.caller.as_ref(), reading.snapshot.providers[at].row.id)),
        };
        versions::of(reading.db(), &[self.product()], sees_all).await
    }
}

/// A page of the versions of a product.
pub async fn page_of(context: &Context<'_>, of: Of, window: &Window) -> Result<Connection<ProductVersion>> {
    let versions = of.versions(today(context)).await?;
    let product = of.product();
    let position = move |version: &Version| Position(vec![Key::new(version.row.version, true)], product);
    page(Listing::sorted("versions".to_owned(), versions, position), window, ProductVersion)
}

/// One version of a product.
pub async fn numbered(context: &Context<'_>, of: Of, field: &str, number: i64) -> Result<ProductVersion> {
    let mut versions = of.versions(today(context)).await?.into_iter();
    versions.find(|version| version.row.version == number).map(ProductVersion).ok_or_else(|| no_version(field, number))
}

/// What is another in one version than in another.
pub async fn difference(context: &Context<'_>, of: Of, from: i64, to: Option<i64>) -> Result<Vec<FieldDifference>> {
    let reading = today(context);
    let versions = of.versions(reading).await?;
    let find = |field: &str, number: i64| -> Result<&Version> {
        versions.iter().find(|version| version.row.version == number).ok_or_else(|| no_version(field, number))
    };
    let from = find("from", from)?;
    let to = match to {
        Some(number) => find("to", number)?,
        None => versions.last().ok_or_else(|| Error::internal("a product without a version"))?,
    };
    let difference = differences::difference(Some(&from.row), &to.row, &reading.snapshot, reading.language)?;
    Ok(difference.into_iter().map(Into::into).collect())
}
