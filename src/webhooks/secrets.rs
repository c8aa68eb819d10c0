//! Secrets of webhooks: made here, encrypted in the database, and what messages are signed with.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use sea_orm::prelude::Uuid;
use sha2::Sha256;

use crate::{
    config::{KEY_BYTES, WebhookKey},
    error::{Error, Result},
};

/// What every secret begins with.
const PREFIX: &str = "whsec_";
/// Length of a secret, in bytes: Standard Webhooks asks for 24 to 64.
const SECRET_BYTES: usize = 32;
/// Length of what makes every encryption another one, in bytes. Long enough to be drawn by chance.
const NONCE_BYTES: usize = 24;
/// Name of the demo's key.
const DEMO_FILE: &str = "itkatalog-demo-webhook-key";

/// What a receiver verifies messages with.
pub struct Secret([u8; SECRET_BYTES]);

impl Secret {
    /// A new one.
    pub fn random() -> Result<Self> {
        let mut bytes = [0; SECRET_BYTES];
        getrandom::fill(&mut bytes).map_err(Error::internal)?;
        Ok(Self(bytes))
    }

    /// As its owner keeps it.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", BASE64_STANDARD.encode(self.0))
    }

    /// The signature of a message (version v1): HMAC-SHA256 of id, seconds since 1970 and body.
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> Result<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(Error::internal)?;
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        Ok(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
    }
}

/// Encrypts secrets and reads them again.
pub struct Safe(XChaCha20Poly1305);

impl std::fmt::Debug for Safe {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Safe(***)")
    }
}

impl Safe {
    /// With the operators' key.
    pub fn new(key: &WebhookKey) -> Self {
        Self(XChaCha20Poly1305::new(key.secret().into()))
    }

    /// Encrypts the secret of a webhook; nobody can read it as another's.
    pub fn lock(&self, webhook: Uuid, secret: &Secret) -> Result<String> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(Error::internal)?;
        let payload = Payload { msg: &secret.0, aad: webhook.as_bytes() };
        let locked = self.0.encrypt(&XNonce::from(nonce), payload).map_err(Error::internal)?;
        Ok(BASE64_STANDARD.encode([nonce.as_slice(), &locked].concat()))
    }

    /// Reads it; none when it was encrypted with another key, or is another webhook's.
    pub fn unlock(&self, webhook: Uuid, locked: &str) -> Option<Secret> {
        let bytes = BASE64_STANDARD.decode(locked).ok()?;
        let (nonce, locked) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: locked, aad: webhook.as_bytes() };
        let secret = self.0.decrypt(&XNonce::from(*nonce), payload).ok()?;
        Some(Secret(secret.try_into().ok()?))
    }
}

/// The demo's key: in a file beside the demo's signing key that only its owner can read; made first when there is none.
pub fn demo_key(beside: &Path) -> Result<WebhookKey, String> {
    let path = beside.with_file_name(DEMO_FILE);
    let failed = |error: &dyn std::fmt::Display| format!("demo key of webhooks {}: {error}", path.display());
    match fs::read_to_string(&path) {
        Ok(text) => return WebhookKey::parse(&text).map_err(|error| failed(&error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(&error)),
    }
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| failed(&error))?;
    let key = WebhookKey::new(bytes);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&path).and_then(|mut file| {
        writeln!(file, "{}", key.encode())?;
        file.sync_all()
    });
    written.map_err(|error| failed(&error))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn safe(byte: u8) -> Safe {
        Safe::new(&WebhookKey::new([byte; KEY_BYTES]))
    }

    #[test]
    fn a_locked_secret_is_read_with_its_key_for_its_webhook_only() {
        let (secret, id) = (Secret::random().unwrap(), Uuid::new_v4());
        let locked = safe(1).lock(id, &secret).unwrap();
        assert_eq!(safe(1).unlock(id, &locked).unwrap().0, secret.0);
        assert!(safe(2).unlock(id, &locked).is_none());
        assert!(safe(1).unlock(Uuid::new_v4(), &locked).is_none());
        assert!(safe(1).unlock(id, &locked[4..]).is_none() && safe(1).unlock(id, "").is_none());
        assert_ne!(locked, safe(1).lock(id, &secret).unwrap(), "each time another one");
        assert!(!locked.contains(&BASE64_STANDARD.encode(secret.0)));
    }

    #[test]
    fn a_published_library_verifies_what_is_signed() {
        let secret = Secret::random().unwrap();
        let published = standardwebhooks::Webhook::new(&secret.reveal()).unwrap();
        let signed = secret.sign("msg_1", 1_649_367_553, "{\"ü\":1}").unwrap();
        assert_eq!(signed, published.sign("msg_1", 1_649_367_553, "{\"ü\":1}".as_bytes()).unwrap());
        assert_ne!(secret.0, Secret::random().unwrap().0);
    }
}
