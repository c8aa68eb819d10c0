//! The address of the database, which can hold a password.

use std::fmt;

use serde::Deserialize;

/// A database address that never shows its password.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(from = "String")]
pub struct DatabaseUrl(String);

impl From<String> for DatabaseUrl {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl DatabaseUrl {
    /// The address with its password, for connecting only.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match url::Url::parse(&self.0) {
            // The query can hold a password too.
            Ok(mut url) => {
                url.set_query(None);
                let is_shown = url.password().is_none() || url.set_password(Some("***")).is_ok();
                formatter.write_str(if is_shown { url.as_str() } else { "***" })
            }
            Err(_) => formatter.write_str("***"),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let url = DatabaseUrl("postgres://u:secret@db.example/x".into());
        assert!(!format!("{url} {url:?}").contains("secret"));
        assert!(format!("{url}").contains("db.example"));
        let url = DatabaseUrl("postgres://db.example/x?password=secret".into());
        assert!(!format!("{url}").contains("secret"));
    }
}
