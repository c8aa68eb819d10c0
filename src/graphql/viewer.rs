//! Who is asking.

use async_graphql::{Enum, Object, SimpleObject};

use super::{municipality::Municipality, provider::Provider};
use crate::access;

/// A role that a token can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "access::Role")]
pub enum Role {
    /// A municipality (Kommune).
    Municipality,
    /// A municipal IT provider (IT-Dienstleister).
    Provider,
    /// Central contact of customer groups (Kundenbetreuung).
    AccountManager,
    /// Keeps the catalogue in order (Katalogverantwortung).
    Steward,
    /// Phases, joining, mergers (Transformationsbüro).
    TransformationOffice,
    /// Scripts of the Land.
    Land,
    /// Reads who changed what (Revision).
    Auditor,
}

/// Who the token says the caller is. Without a token: nobody, with the rights of the public.
#[derive(SimpleObject)]
pub struct Viewer {
    /// The token's subject; null without a token.
    subject: Option<String>,
    /// Roles; empty without a token.
    roles: Vec<Role>,
    /// The municipality that the caller acts for.
    municipality: Option<Municipality>,
    /// The provider that the caller acts for.
    provider: Option<Provider>,
}

/// Root fields for the caller.
#[derive(Default)]
pub struct ViewerQuery;

#[Object]
impl ViewerQuery {
    /// Who is asking.
    async fn viewer(&self) -> Viewer {
        Viewer { subject: None, roles: Vec::new(), municipality: None, provider: None }
    }
}
