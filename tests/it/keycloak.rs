//! The example for Keycloak: what its realm puts into tokens is understood with its settings. Keycloak itself is not run: the
//! mappers of the export are carried out here, as its documentation tells of them.

use std::{path::PathBuf, sync::OnceLock};

use chrono::{DateTime, TimeDelta, Utc};
use itkatalog::{
    access::Role,
    config::Config,
    identity::{Claims, Identity, Source, demo::DemoKey},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use rsa::pkcs8::EncodePrivateKey;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::NOW;

const REALM: &str = include_str!("../../examples/keycloak/realm.json");
const SETTINGS: &str = include_str!("../../examples/keycloak/itkatalog.toml");
const DEFAULTS: &str = include_str!("../../itkatalog.default.toml");
const ROLES: [(&str, Role); 7] = [
    ("municipality", Role::Municipality),
    ("provider", Role::Provider),
    ("account_manager", Role::AccountManager),
    ("steward", Role::Steward),
    ("transformation_office", Role::TransformationOffice),
    ("land", Role::Land),
    ("auditor", Role::Auditor),
];

fn now() -> DateTime<Utc> {
    NOW.parse().unwrap()
}

fn realm() -> Value {
    serde_json::from_str(REALM).unwrap()
}

fn client(id: &str) -> Value {
    realm()["clients"].as_array().unwrap().iter().find(|client| client["clientId"] == id).unwrap().clone()
}

fn settings() -> Config {
    let file = |text| config::File::from_str(text, config::FileFormat::Toml);
    let both = config::Config::builder().add_source(file(DEFAULTS)).add_source(file(SETTINGS)).build().unwrap();
    both.try_deserialize().unwrap()
}

/// A signing key of an issuer, with its public half as Keycloak publishes it.
struct Key {
    encoding: EncodingKey,
    algorithm: Algorithm,
    jwk: Value,
}

impl Key {
    fn new(encoding: EncodingKey, algorithm: Algorithm, kid: &str) -> Self {
        let mut jwk = json!(Jwk::from_encoding_key(&encoding, algorithm).unwrap());
        let more = json!({ "kid": kid, "use": "sig", "x5c": ["MIICnzCCAYcCBgF"], "x5t": "J9x", "x5t#S256": "dkT" });
        jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Self { encoding, algorithm, jwk }
    }

    fn rsa(kid: &str) -> Self {
        // Making one takes long without optimisation.
        static PEM: OnceLock<String> = OnceLock::new();
        let pem = PEM.get_or_init(|| {
            let key = rsa::RsaPrivateKey::new(&mut p256::elliptic_curve::rand_core::OsRng, 2048).unwrap();
            key.to_pkcs8_pem(rsa::pkcs8::LineEnding::LF).unwrap().to_string()
        });
        Self::new(EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(), Algorithm::RS256, kid)
    }

    fn elliptic(kid: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("key.pem");
        DemoKey::read_or_create(&path).unwrap();
        Self::new(EncodingKey::from_ec_pem(&std::fs::read(path).unwrap()).unwrap(), Algorithm::ES256, kid)
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_by(self.algorithm, claims)
    }

    fn sign_by(&self, algorithm: Algorithm, claims: &Value) -> String {
        let mut header = Header::new(algorithm);
        header.kid = self.jwk["kid"].as_str().map(str::to_owned);
        jsonwebtoken::encode(&header, claims, &self.encoding).unwrap()
    }
}

/// The same key as one for encryption, as Keycloak lists it beside those for signatures.
fn for_encryption(key: &Key) -> Value {
    let mut jwk = key.jwk.clone();
    (jwk["use"], jwk["alg"]) = (json!("enc"), json!("RSA-OAEP"));
    jwk
}

/// An issuer whose keys lie in a file.
struct Issuer {
    folder: TempDir,
}

impl Issuer {
    fn with(keys: &[Value]) -> Self {
        let issuer = Self { folder: TempDir::new().unwrap() };
        issuer.publish(keys);
        issuer
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("certs.json")
    }

    fn publish(&self, keys: &[Value]) {
        std::fs::write(self.path(), json!({ "keys": keys }).to_string()).unwrap();
    }

    async fn identity(&self) -> Identity {
        Identity::new(&settings(), Source::File(self.path()), now()).await.unwrap()
    }
}

/// The access token's claims that the mappers of a client make of a user.
fn claims(client: &Value, roles: &[&str], attributes: &Value) -> Value {
    let mut claims = json!({
        "exp": now().timestamp() + 300, "iat": now().timestamp(), "jti": "onrtac:6f", "typ": "Bearer", "acr": "1",
        "iss": settings().jwt_issuer, "azp": client["clientId"], "sid": "1d0b", "scope": "",
    });
    for mapper in client["protocolMappers"].as_array().unwrap() {
        let setting = |name: &str| mapper["config"][name].as_str().unwrap_or_default();
        assert_eq!(setting("access.token.claim"), "true", "{mapper}");
        let (path, value) = match mapper["protocolMapper"].as_str().unwrap() {
            "oidc-sub-mapper" => ("sub", json!("5f2c1c2e-0c5e-4b52-9d3e-0f7f6f0f1a11")),
            "oidc-audience-mapper" => ("aud", json!(setting("included.client.audience"))),
            "oidc-usermodel-realm-role-mapper" => (setting("claim.name"), json!(roles)),
            "oidc-usermodel-attribute-mapper" => match &attributes[setting("user.attribute")] {
                Value::Null => continue,
                values if setting("multivalued") == "true" => (setting("claim.name"), values.clone()),
                values => (setting("claim.name"), values[0].clone()),
            },
            other => panic!("what {other} does is unknown here"),
        };
        let place = path.split('.').fold(&mut claims, |place, name| &mut place[name]);
        *place = value;
    }
    claims
}

fn portal(roles: &[&str], attributes: Value) -> Value {
    let usual = ["default-roles-itkatalog", "offline_access", "uma_authorization"];
    claims(&client("portal"), &[roles, &usual].concat(), &attributes)
}

async fn read(key: &Key, claims: &Value) -> Claims {
    let identity = Issuer::with(std::slice::from_ref(&key.jwk)).identity().await;
    (*identity.verify(&key.sign(claims), now()).await.expect("the token is accepted")).clone()
}

#[test]
fn settings_and_realm_speak_of_the_same() {
    let (realm, settings) = (realm(), settings());
    let issuer = settings.jwt_issuer.unwrap();
    assert!(issuer.ends_with(&format!("/realms/{}", realm["realm"].as_str().unwrap())));
    assert_eq!(settings.jwks.unwrap(), format!("{issuer}/protocol/openid-connect/certs"));
    assert_eq!(client(&settings.jwt_audience)["bearerOnly"], true);
    let names = realm["roles"]["realm"].as_array().unwrap().iter().map(|role| role["name"].as_str().unwrap());
    assert!(names.eq(ROLES.iter().map(|(name, _)| *name)));
    let (portal, script) = (client("portal"), client("land-script"));
    assert_eq!((&portal["publicClient"], &portal["directAccessGrantsEnabled"]), (&json!(true), &json!(false)));
    assert_eq!((&script["publicClient"], &script["serviceAccountsEnabled"]), (&json!(false), &json!(true)));
    assert_eq!(script.get("secret"), None, "Keycloak makes it");
}

#[test]
fn nobody_gives_organisations_to_themselves() {
    let components = &realm()["components"]["org.keycloak.userprofile.UserProfileProvider"][0];
    let profile = components["config"]["kc.user.profile.config"][0].as_str().unwrap();
    let profile: Value = serde_json::from_str(profile).unwrap();
    for name in ["municipality", "provider", "customer_groups"] {
        let attributes = profile["attributes"].as_array().unwrap();
        let attribute = attributes.iter().find(|attribute| attribute["name"] == name).unwrap();
        assert_eq!(attribute["permissions"]["edit"], json!(["admin"]), "{name}");
    }
    assert_eq!(profile.get("unmanagedAttributePolicy"), None, "no other attributes");
    assert_eq!(realm()["registrationAllowed"], false);
}

#[tokio::test]
async fn every_role_and_organisation_of_a_person_arrives() {
    for key in [Key::rsa("r"), Key::elliptic("e")] {
        for (name, role) in ROLES {
            assert_eq!(read(&key, &portal(&[name], json!({}))).await.roles, [role]);
        }
        let attributes =
            json!({ "municipality": ["05334002"], "provider": ["krzn"], "customer_groups": ["kreise", "kgst-st-2"] });
        let seen = read(&key, &portal(&["municipality", "provider"], attributes)).await;
        assert_eq!(seen.roles, [Role::Municipality, Role::Provider]);
        assert_eq!((seen.municipality.as_deref(), seen.provider.as_deref()), (Some("05334002"), Some("krzn")));
        assert_eq!(
            (seen.customer_groups, seen.issuer),
            (vec!["kreise".to_owned(), "kgst-st-2".to_owned()], settings().jwt_issuer.unwrap())
        );
        assert!(!seen.subject.is_empty());
    }
}

#[tokio::test]
async fn a_script_of_the_land_has_the_role_of_its_service_account() {
    let user = realm()["users"][0].clone();
    assert_eq!(user["serviceAccountClientId"], "land-script");
    let roles: Vec<&str> = user["realmRoles"].as_array().unwrap().iter().map(|role| role.as_str().unwrap()).collect();
    let mut claims = claims(&client("land-script"), &roles, &json!({}));
    let seen = read(&Key::elliptic("e"), &claims).await;
    assert_eq!((seen.roles, seen.municipality, seen.provider), (vec![Role::Land], None, None));
    // Who has roles of another client gets its audience too.
    claims["aud"] = json!(["account", "itkatalog"]);
    assert_eq!(read(&Key::elliptic("e"), &claims).await.roles, [Role::Land]);
}

#[tokio::test]
async fn a_token_for_another_client_or_of_another_realm_is_refused() {
    let key = Key::elliptic("e");
    let identity = Issuer::with(std::slice::from_ref(&key.jwk)).identity().await;
    for (name, value) in
        [("aud", json!("account")), ("iss", json!("https://id.example/realms/master")), ("sub", Value::Null)]
    {
        let mut claims = portal(&["land"], json!({}));
        claims[name] = value;
        assert!(identity.verify(&key.sign(&claims), now()).await.is_none(), "{name}");
    }
}

#[tokio::test]
async fn keys_for_encryption_and_of_unknown_kinds_lie_beside_those_for_signatures() {
    let (rsa, elliptic, encryption, silent) = (Key::rsa("r"), Key::elliptic("e"), Key::rsa("enc"), Key::rsa("silent"));
    // Here `use` alone tells.
    let mut for_what = for_encryption(&silent);
    for_what.as_object_mut().unwrap().remove("alg");
    let strange = [
        json!({ "kty": "AKP", "kid": "pq", "alg": "ML-DSA-65", "use": "sig", "pub": "AA" }),
        json!({ "kty": "EC", "kid": "k1", "crv": "secp256k1", "x": "AA", "y": "AA", "use": "sig" }),
        json!({ "kty": "oct", "kid": "secret", "k": "c2VjcmV0", "alg": "HS256", "use": "sig" }),
        json!({ "kid": "nothing" }),
        json!("no key"),
    ];
    let keys = [&strange[..], &[for_encryption(&encryption), for_what, rsa.jwk.clone(), elliptic.jwk.clone()]].concat();
    let identity = Issuer::with(&keys).identity().await;
    let claims = portal(&["land"], json!({}));
    assert!(identity.verify(&rsa.sign(&claims), now()).await.is_some());
    assert!(identity.verify(&elliptic.sign(&claims), now()).await.is_some());
    for key in [encryption, silent] {
        assert!(identity.verify(&key.sign(&claims), now()).await.is_none(), "a key for encryption signs nothing");
    }
    // Its `alg` is RS256; a key that says nothing is for both.
    assert!(identity.verify(&rsa.sign_by(Algorithm::PS256, &claims), now()).await.is_none());
    let mut open = Key::rsa("open");
    open.jwk.as_object_mut().unwrap().retain(|name, _| name != "alg");
    let identity = Issuer::with(std::slice::from_ref(&open.jwk)).identity().await;
    for algorithm in [Algorithm::RS256, Algorithm::PS256] {
        assert!(identity.verify(&open.sign_by(algorithm, &claims), now()).await.is_some(), "{algorithm:?}");
    }
    let by_secret = |kid: &str| {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(kid.to_owned());
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(b"secret")).unwrap()
    };
    let identity = Issuer::with(&keys).identity().await;
    assert!(identity.verify(&by_secret("secret"), now()).await.is_none(), "never HS256, whatever the issuer publishes");
}

#[tokio::test]
async fn a_plain_set_of_one_key_is_enough() {
    let mut key = Key::elliptic("one");
    key.jwk.as_object_mut().unwrap().retain(|name, _| ["kty", "crv", "x", "y", "kid"].contains(&name.as_str()));
    assert_eq!(read(&key, &portal(&["steward"], json!({}))).await.roles, [Role::Steward]);
}

#[tokio::test]
async fn keys_rotate_without_a_restart_and_stay_while_keycloak_is_away() {
    let (old, new, claims) = (Key::rsa("old"), Key::elliptic("new"), {
        let mut claims = portal(&["land"], json!({}));
        claims["exp"] = json!(now().timestamp() + 86_400);
        claims
    });
    let issuer = Issuer::with(&[for_encryption(&Key::rsa("enc")), old.jwk.clone()]);
    let identity = issuer.identity().await;
    let later = |minutes| now() + TimeDelta::minutes(minutes);
    assert!(identity.verify(&old.sign(&claims), now()).await.is_some());
    // Keycloak shows a new active key beside the passive old one, then disables the old one.
    issuer.publish(&[new.jwk.clone(), old.jwk.clone()]);
    assert!(identity.verify(&new.sign(&claims), later(2)).await.is_some());
    assert!(identity.verify(&old.sign(&claims), later(2)).await.is_some());
    issuer.publish(std::slice::from_ref(&new.jwk));
    assert!(identity.verify(&old.sign(&claims), later(13)).await.is_none());
    assert!(identity.verify(&new.sign(&claims), later(13)).await.is_some());
    for broken in ["", "{}", "{\"keys\":[]}", "<html>502</html>"] {
        std::fs::write(issuer.path(), broken).unwrap();
        assert!(identity.verify(&new.sign(&claims), later(30)).await.is_some(), "{broken}");
    }
    std::fs::remove_file(issuer.path()).unwrap();
    assert!(identity.verify(&new.sign(&claims), later(60)).await.is_some());
}
