//! The digest of how everything stands, for readers that prove that their copy is whole.

use ::entity::change::Type;
use async_graphql::{Context, Enum, Object, SimpleObject};

use super::context::reading;
use crate::{
    changes::Cursor,
    error::{Error, Result},
    states::{self, View},
    subscriptions::scope::Scope,
};

/// Things that are exported as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ExportKind {
    /// Products that are published, with their prices.
    Products,
    /// Providers.
    Providers,
    /// Municipalities and Kreise.
    Municipalities,
    /// Subscriptions that the caller may read.
    Subscriptions,
}

impl From<ExportKind> for Type {
    fn from(kind: ExportKind) -> Self {
        match kind {
            ExportKind::Products => Self::Product,
            ExportKind::Providers => Self::Provider,
            ExportKind::Municipalities => Self::Municipality,
            ExportKind::Subscriptions => Self::ProductSubscription,
        }
    }
}

impl TryFrom<Type> for ExportKind {
    type Error = Error;

    fn try_from(kind: Type) -> Result<Self> {
        match kind {
            Type::Product => Ok(Self::Products),
            Type::Provider => Ok(Self::Providers),
            Type::Municipality => Ok(Self::Municipalities),
            Type::ProductSubscription => Ok(Self::Subscriptions),
            _ => Err(Error::internal("a kind that is not exported")),
        }
    }
}

/// What everything of one kind comes to at one place of the change feed. Who keeps a copy works the same out of it: equal means
/// that nothing is missing and nothing is wrong.
#[derive(SimpleObject)]
pub struct StateDigest {
    /// What kind of thing.
    what: ExportKind,
    /// The place in the change feed.
    cursor: String,
    /// How many rows.
    count: u64,
    /// SHA-256 in hexadecimal over the SHA-256 of all canonical rows (`Change.state` after RFC 8785), in hexadecimal and ascending,
    /// each with a line feed.
    sha256: String,
}

/// Root field for digests.
#[derive(Default)]
pub struct StateDigestQuery;

#[Object]
impl StateDigestQuery {
    /// The digest of everything of one kind that the caller may read, as it stood after an entry of the change feed. CURSOR_EXPIRED
    /// for a place of which not everything is known any more. Which subscriptions the caller may read is what holds now.
    async fn state_digest(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What kind of thing.")] what: ExportKind,
        #[graphql(desc = "A cursor of the change feed: as it stood then; now when left out.")] at: Option<String>,
    ) -> Result<StateDigest> {
        let reading = reading(context);
        let (installation, head) = (reading.desk.feed.installation(), reading.feed_head);
        let at = at.map(|text| Cursor::decode("at", &text, installation, head)).transpose()?.unwrap_or(head);
        let scope = Scope::of(reading.caller.as_ref(), &reading.snapshot);
        let digest = states::digest(reading.db(), &View { kind: what.into(), scope, at }).await;
        let digest = digest.map_err(|error| error.with("field", "at"))?;
        let cursor = Cursor::after(installation, at).encode();
        Ok(StateDigest { what, cursor, count: digest.count, sha256: digest.sha256 })
    }
}
