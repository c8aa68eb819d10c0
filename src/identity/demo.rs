//! The demo key: beside the database, for trying out only. Who has the file can be anybody.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, ThumbprintHash},
};
use p256::{SecretKey, pkcs8::EncodePrivateKey};
use serde_json::{Map, Value};

use crate::config::DatabaseUrl;

/// Who vouches for demo tokens.
pub const ISSUER: &str = "itkatalog-demo";
/// Name of the key's file.
const FILE: &str = "itkatalog-demo-key.pem";

/// A key for demo tokens.
pub struct DemoKey {
    encoding: EncodingKey,
    jwk: Jwk,
}

impl DemoKey {
    /// Where the key lies: beside the database file, or in the working directory.
    pub fn path(database: &DatabaseUrl) -> PathBuf {
        let file = database.secret().strip_prefix("sqlite:").map(|rest| rest.strip_prefix("//").unwrap_or(rest));
        let file = file.map(|file| file.split('?').next().unwrap_or(file)).filter(|file| !file.contains(":memory:"));
        let folder = file.and_then(|file| Path::new(file).parent().map(Path::to_path_buf)).unwrap_or_default();
        folder.join(FILE)
    }

    /// Reads the key; makes one first when there is none.
    pub fn read_or_create(path: &Path) -> Result<Self, String> {
        if !path.exists() {
            create(path)?;
            tracing::info!(path = %path.display(), "demo key created; sign tokens with `itkatalog token`");
        }
        Self::read(path)
    }

    /// Reads the key.
    pub fn read(path: &Path) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("demo key {}: {error}", path.display());
        let pem = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(failed(
                    &"it does not exist. `itkatalog serve --demo` creates it; elsewhere tokens come from your own issuer",
                ));
            }
            read => read.map_err(|error| failed(&error))?,
        };
        let encoding = EncodingKey::from_ec_pem(&pem).map_err(|error| failed(&error))?;
        let mut jwk = Jwk::from_encoding_key(&encoding, Algorithm::ES256).map_err(|error| failed(&error))?;
        jwk.common.key_id = Some(jwk.thumbprint(ThumbprintHash::SHA256).map_err(|error| failed(&error))?);
        Ok(Self { encoding, jwk })
    }

    /// The public half.
    pub fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// Signs a token; `claims` are those of the caller, without issuer and times.
    pub fn sign(
        &self,
        mut claims: Map<String, Value>,
        audience: &str,
        now: DateTime<Utc>,
        lifetime: std::time::Duration,
    ) -> Result<String, String> {
        let seconds = i64::try_from(lifetime.as_secs()).map_err(|error| error.to_string())?;
        let expires = now.timestamp().checked_add(seconds).ok_or("--ttl is too long")?;
        claims.insert("iss".into(), ISSUER.into());
        claims.insert("aud".into(), audience.into());
        claims.insert("iat".into(), now.timestamp().into());
        claims.insert("exp".into(), expires.into());
        let mut header = Header::new(Algorithm::ES256);
        header.kid.clone_from(&self.jwk.common.key_id);
        jsonwebtoken::encode(&header, &claims, &self.encoding).map_err(|error| error.to_string())
    }
}

/// Writes a new key that only its owner can read.
fn create(path: &Path) -> Result<(), String> {
    use std::io::Write;
    let failed = |error: &dyn std::fmt::Display| format!("demo key {}: {error}", path.display());
    let key = SecretKey::random(&mut p256::elliptic_curve::rand_core::OsRng);
    let pem = key.to_pkcs8_pem(p256::pkcs8::LineEnding::LF).map_err(|error| failed(&error))?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|error| failed(&error))?;
    file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| failed(&error))
}
