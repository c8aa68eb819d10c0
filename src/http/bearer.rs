//! Who sends a request: nobody in particular, or the bearer of a token that is accepted.

use std::{sync::Arc, time::Duration};

use axum::http::{HeaderMap, header};

use super::App;
use crate::identity::Claims;

/// How often a token of somebody who stays connected is looked at again: its keys may have been withdrawn.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// The bearer of a token, or anybody.
#[derive(Clone, Default)]
pub struct Bearer {
    /// What the token claims; none without a token.
    pub claims: Option<Arc<Claims>>,
    token: Option<String>,
}

/// The credentials are not accepted.
#[derive(Debug)]
pub struct NotAccepted;

impl Bearer {
    /// Reads the header `Authorization`; without it anybody.
    pub async fn of_request(app: &App, headers: &HeaderMap) -> Result<Self, NotAccepted> {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        match (given.next(), given.next()) {
            (None, _) => Ok(Self::default()),
            (Some(value), None) => Self::of_text(app, value.to_str().map_err(|_| NotAccepted)?).await,
            (Some(_), Some(_)) => Err(NotAccepted),
        }
    }

    /// Reads `Bearer TOKEN`. Anything else is not accepted: never taken as anonymous.
    pub async fn of_text(app: &App, text: &str) -> Result<Self, NotAccepted> {
        let (scheme, token) = text.split_once(' ').ok_or(NotAccepted)?;
        if !scheme.eq_ignore_ascii_case("Bearer") {
            return Err(NotAccepted);
        }
        let token = token.trim();
        let claims = app.0.identity.verify(token, app.0.desk.clock.now()).await.ok_or(NotAccepted)?;
        Ok(Self { claims: Some(claims), token: Some(token.to_owned()) })
    }

    /// Waits until the token is not accepted any more; for ever without a token.
    pub async fn expired(self, app: App) {
        let Some(token) = self.token else { return std::future::pending().await };
        loop {
            let now = app.0.desk.clock.now();
            let Some(claims) = app.0.identity.verify(&token, now).await else { return };
            tokio::time::sleep(claims.rest_at(now).min(LOOK_AGAIN)).await;
        }
    }
}
