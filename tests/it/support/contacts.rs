//! Contacts and customer groups as callers change them.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use entity::{contact, contact_assignment};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, prelude::Uuid};
use serde_json::{Value, json};

use super::{Answer, TestApp, acts::reason};

const CONTACT: &str =
    "contact { id version function email phone confirmedAt validUntil person { name email phone purpose } }";
const HELD: &str = "contact { id } rank topic product { id } provider { key } customerGroup { key } district { ags } centralDesk from until";
const GROUP: &str = "customerGroup { key name version memberCount source rule } preview { members(first: 100) { totalCount edges { node { ags } } }
    enters(first: 100) { totalCount edges { node { ags } } } leaves(first: 100) { totalCount edges { node { ags } } }
    uncovered(first: 100) { totalCount edges { node { ags } } } overlapping(first: 1) { totalCount } }";

/// Everybody with a token, by name.
pub fn everybody() -> [(&'static str, String); 8] {
    [
        ("municipality", super::municipality(super::acts::AACHEN)),
        ("provider", super::provider("krzn")),
        ("other provider", super::provider("regioit")),
        ("manager", super::account_manager("kgst-st-2")),
        ("other manager", super::account_manager("kgst-st-4")),
        ("office", super::transformation_office()),
        ("land", super::land()),
        ("auditor", super::auditor()),
    ]
}

/// A global id.
pub fn global(kind: &str, id: Uuid) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(format!("{kind}:{}", id.simple()))
}

impl TestApp {
    /// Sends a change with a reason and a key of its own, unless `input` has them.
    pub async fn send_contact_change(&self, token: Option<&str>, mutation: &str, input: Value) -> Answer {
        let payload = match mutation {
            "assignContact" => format!("assignment {{ {HELD} }} replaced {{ {HELD} }}"),
            "handOverContacts" => format!("assignments(first: 100) {{ totalCount edges {{ node {{ {HELD} }} }} }}"),
            "saveCustomerGroup" => GROUP.to_owned(),
            "eraseContact" => format!("{CONTACT} others {{ id }}"),
            _ => CONTACT.to_owned(),
        };
        let kind = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let query = format!(
            "mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {payload} errors {{ code path message nextStep rule currentVersion }} }} }}"
        );
        let mut whole = json!({ "reason": reason("OTHER"), "idempotencyKey": Uuid::new_v4().to_string() });
        whole.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
        match token {
            Some(token) => self.ask_as(token, &query, json!({ "input": whole })).await,
            None => self.ask(&query, json!({ "input": whole })).await,
        }
    }

    /// The payload of a change, whatever it says.
    pub async fn change_contacts(&self, token: &str, mutation: &str, input: Value) -> Value {
        let answer = self.send_contact_change(Some(token), mutation, input).await;
        assert_eq!(answer.body.get("errors"), None, "{mutation}: {}", answer.body);
        answer.body["data"][mutation].clone()
    }

    /// The payload of a change that is expected to succeed.
    pub async fn changed(&self, token: &str, mutation: &str, input: Value) -> Value {
        let payload = self.change_contacts(token, mutation, input).await;
        assert_eq!(payload["errors"], json!([]), "{mutation}");
        payload
    }

    /// The one error of a change that is expected to fail, of the payload or of the request.
    pub async fn not_changed(&self, token: &str, mutation: &str, input: Value) -> (String, Vec<String>) {
        let answer = self.send_contact_change(Some(token), mutation, input).await;
        let texts =
            |path: &Value| path.as_array().unwrap().iter().map(|part| part.as_str().unwrap().to_owned()).collect();
        match &answer.body["data"][mutation]["errors"] {
            Value::Array(errors) => {
                assert_eq!(errors.len(), 1, "{mutation}: {}", answer.body);
                assert!(!errors[0]["nextStep"].as_str().unwrap().is_empty());
                (errors[0]["code"].as_str().unwrap().to_owned(), texts(&errors[0]["path"]))
            }
            _ => {
                let extensions = &answer.body["errors"][0]["extensions"];
                let field = extensions["field"].as_str().or(extensions["name"].as_str()).unwrap_or_default();
                (extensions["code"].as_str().unwrap().to_owned(), field.split('.').map(str::to_owned).collect())
            }
        }
    }

    /// The contacts of the central desk, in the order of their mailboxes.
    pub async fn desk(&self) -> Vec<contact::Model> {
        self.holders(Condition::all().add(contact_assignment::Column::CentralDesk.eq(true))).await
    }

    /// The contacts of a provider's portfolio, in the order of their mailboxes: primary and deputy.
    pub async fn contacts_of_provider(&self, key: &str) -> Vec<contact::Model> {
        let snapshot = self.server.live().snapshot();
        let id = snapshot.providers[snapshot.provider_by_key(key).unwrap()].row.id;
        self.holders(Condition::all().add(contact_assignment::Column::ProviderId.eq(id))).await
    }

    /// The contacts of a group for all topics.
    pub async fn contacts_of_group(&self, key: &str) -> Vec<contact::Model> {
        let snapshot = self.server.live().snapshot();
        let (_, group) = snapshot.customer_groups.iter().find(|(_, group)| group.row.key == key).unwrap();
        let of_group = contact_assignment::Column::CustomerGroupId.eq(group.row.id);
        let of_all_topics = contact_assignment::Column::Topic.is_null();
        self.holders(Condition::all().add(of_group).add(of_all_topics)).await
    }

    async fn holders(&self, places: Condition) -> Vec<contact::Model> {
        let db = self.server.database().connection();
        let rows = contact_assignment::Entity::find().filter(places).all(db).await.unwrap();
        let mut found = Vec::new();
        for row in rows {
            found.push(contact::Entity::find_by_id(row.contact_id).one(db).await.unwrap().unwrap());
        }
        found.sort_by_key(|row| (row.email.starts_with("vertretung"), row.email.clone()));
        found
    }
}

/// The input that saves a contact as it is.
pub fn as_it_is(row: &contact::Model) -> Value {
    json!({
        "contact": global("Contact", row.id), "version": row.version, "function": row.function, "email": row.email,
        "phone": row.phone, "confirmedAt": row.confirmed_at, "validUntil": row.valid_until,
    })
}
