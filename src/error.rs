//! The one error of the service: a code that clients branch on, a sentence in both languages, and details.
//!
//! Faults of our own side (database, programming) are kept for the log and masked for the caller.

use std::fmt;

use async_graphql::{ErrorExtensionValues, Pos, ServerError, Value};

use crate::text::{Language, Text};

/// What clients branch on: `extensions.code` of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The HTTP request itself is wrong: no JSON, no query.
    BadRequest,
    /// The document is no valid GraphQL of this schema.
    GraphqlValidationFailed,
    /// A value is wrong; `field` says which.
    BadUserInput,
    /// A token is needed, or the one sent is not accepted.
    Unauthenticated,
    /// No rule lets the caller do it; `rule` names the one that decided.
    Forbidden,
    /// There is no such thing, or the caller may not know of it.
    NotFound,
    /// Somebody else changed it meanwhile; `currentVersion` is the version that it has now.
    Conflict,
    /// The state does not let the step happen; `legalSteps` are those that it does.
    IllegalStep,
    /// The key was used with another input.
    IdempotencyKeyReused,
    /// What was open has expired.
    Expired,
    /// Entries of the change feed after the cursor are not kept any more: start again.
    CursorExpired,
    /// The request is larger than a limit; `limit` and `actual` say by how much.
    LimitExceeded,
    /// The caller sends more requests than it may; `retryAfter` says how many seconds to wait.
    RateLimited,
    /// The service can't answer for now.
    Unavailable,
    /// A fault of the service; only the request's id is told.
    Internal,
}

impl Code {
    /// The code as it is sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "BAD_REQUEST",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::Conflict => "CONFLICT",
            Self::IllegalStep => "ILLEGAL_STEP",
            Self::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::Expired => "EXPIRED",
            Self::CursorExpired => "CURSOR_EXPIRED",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::RateLimited => "RATE_LIMITED",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
        }
    }
}

/// An error with its code, its sentence, and details for `extensions`.
#[derive(Clone, Debug)]
pub struct Error {
    /// What clients branch on.
    pub code: Code,
    // Boxed: results are passed on far more often than errors are made.
    rest: Box<Rest>,
}

#[derive(Clone, Debug)]
struct Rest {
    text: Text,
    next: Option<Text>,
    details: Vec<(&'static str, Value)>,
    position: Option<Pos>,
    cause: Option<String>,
}

/// Result with the service's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of a kind, with a sentence in both languages.
    pub fn new(code: Code, de: impl Into<String>, en: impl Into<String>) -> Self {
        let rest = Rest { text: Text::new(de, en), next: None, details: Vec::new(), position: None, cause: None };
        Self { code, rest: Box::new(rest) }
    }

    /// A value that the caller gave is wrong.
    pub fn bad_input(field: &str, de: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(Code::BadUserInput, de, en).with("field", field)
    }

    /// There is no such thing: `what` as the caller named it.
    pub fn not_found(what: &str) -> Self {
        let shown = shorten(what);
        Self::new(
            Code::NotFound,
            format!("„{shown}“ gibt es nicht im Katalog. Bitte Schlüssel oder Kennung prüfen."),
            format!("“{shown}” is not in the catalogue. Please check the key or id."),
        )
    }

    /// A request that is larger than a limit allows.
    pub fn limit(name: &str, limit: u64, actual: u64) -> Self {
        Self::new(
            Code::LimitExceeded,
            format!("Grenze {name} überschritten: {actual}, erlaubt sind {limit}. Bitte die Anfrage aufteilen."),
            format!("Limit {name} exceeded: {actual}, allowed are {limit}. Please split the request."),
        )
        .with("limit", limit)
        .with("actual", actual)
        .with("name", name)
    }

    /// A fault of the service. `cause` goes to the log, never to the caller.
    pub fn internal(cause: impl fmt::Display) -> Self {
        let mut error = Self::new(
            Code::Internal,
            "Interner Fehler. Bitte die requestId an den Betrieb melden.",
            "Internal error. Please report the requestId to the operators.",
        );
        error.rest.cause = Some(cause.to_string());
        error
    }

    /// Adds a detail to `extensions`, in the place of one with the same name.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.rest.details.retain(|(known, _)| *known != name);
        self.rest.details.push((name, value.into()));
        self
    }

    /// Says what to do next, where the sentence itself does not.
    #[must_use]
    pub fn next(mut self, de: impl Into<String>, en: impl Into<String>) -> Self {
        self.rest.next = Some(Text::new(de, en));
        self
    }

    /// The sentence, in the caller's language.
    pub fn message(&self, language: Language) -> String {
        self.rest.text.clone().in_language(language)
    }

    /// What to do next, in the caller's language.
    pub fn next_step(&self, language: Language) -> String {
        let usual = || match self.code {
            Code::NotFound => Text::new(
                "Schlüssel oder Kennung prüfen und noch einmal senden.",
                "Check the key or id and send it again.",
            ),
            Code::IdempotencyKeyReused => {
                Text::new("Einen neuen idempotencyKey vergeben.", "Choose a new idempotencyKey.")
            }
            _ => Text::new(
                "Den genannten Wert berichtigen und noch einmal senden.",
                "Correct the value named and send it again.",
            ),
        };
        self.rest.next.clone().unwrap_or_else(usual).in_language(language)
    }

    /// Where in the input of a change, from `input` on; `place` leads to the part of it that the error's field is of.
    pub fn path(&self, place: &[&str]) -> Vec<String> {
        let field = match self.detail("field") {
            Some(Value::String(field)) => field.as_str(),
            _ => "",
        };
        let parts = field.split('.').filter(|part| !part.is_empty());
        std::iter::once("input").chain(place.iter().copied()).chain(parts).map(str::to_owned).collect()
    }

    /// A detail by its name.
    pub fn detail(&self, name: &str) -> Option<&Value> {
        self.rest.details.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Keeps what must not be told for the log; called where an error leaves the service.
    pub fn log(&self, request_id: &str) {
        if let Some(cause) = &self.rest.cause {
            tracing::error!(request_id, cause, "a request failed");
        }
    }

    /// Names the place in the document, for errors of the document.
    #[must_use]
    pub fn at(mut self, position: Option<Pos>) -> Self {
        self.rest.position = position;
        self
    }

    /// Turns this error into what GraphQL sends, in the caller's language.
    pub fn to_server_error(&self, language: Language, request_id: &str) -> ServerError {
        self.log(request_id);
        let mut error = ServerError::new(self.rest.text.clone().in_language(language), self.rest.position);
        error.extensions = Some(self.extensions(language, request_id));
        error
    }

    fn extensions(&self, language: Language, request_id: &str) -> ErrorExtensionValues {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", self.code.as_str());
        for (name, value) in &self.rest.details {
            extensions.set(name, value.clone());
        }
        if let Some(next) = &self.rest.next {
            extensions.set("nextStep", next.clone().in_language(language));
        }
        extensions.set("requestId", request_id);
        extensions
    }
}

// `Display` and no `std::error::Error`: so `?` in a resolver keeps the whole error as the source of GraphQL's.
impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code.as_str(), self.rest.text.en)?;
        match &self.rest.cause {
            Some(cause) => write!(formatter, " ({cause})"),
            None => Ok(()),
        }
    }
}

impl From<sea_orm::DbErr> for Error {
    fn from(error: sea_orm::DbErr) -> Self {
        let mut translated = match error {
            sea_orm::DbErr::ConnectionAcquire(_) | sea_orm::DbErr::Conn(_) => Self::new(
                Code::Unavailable,
                "Die Datenbank antwortet zurzeit nicht. Bitte gleich noch einmal versuchen.",
                "The database does not answer at the moment. Please try again soon.",
            ),
            _ => return Self::internal(error),
        };
        translated.rest.cause = Some(error.to_string());
        translated
    }
}

/// Checks a text that a caller gave: at most `max` characters and no NUL.
pub fn check_text(field: &str, text: &str, max: usize) -> Result<()> {
    if text.contains('\0') {
        return Err(Error::bad_input(
            field,
            format!("{field} enthält ein NUL-Zeichen. Bitte entfernen."),
            format!("{field} contains a NUL character. Please remove it."),
        ));
    }
    let length = text.chars().count();
    if length > max {
        return Err(Error::bad_input(
            field,
            format!("{field} ist {length} Zeichen lang, erlaubt sind {max}. Bitte kürzen."),
            format!("{field} has {length} characters, allowed are {max}. Please shorten it."),
        ));
    }
    Ok(())
}

fn shorten(text: &str) -> String {
    const SHOWN: usize = 60;
    let mut shown: String = text.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
    if text.chars().count() > SHOWN {
        shown.push('…');
    }
    shown
}
