//! Mergers as the transformation office sends them.

use serde_json::{Value, json};

use super::{TestApp, acts::reason, transformation_office};

const MERGE: &str = "mutation($input: MergeProvidersInput!) { mergeProviders(input: $input) {
    merger { key kind on source predecessors { name provider { key } } successor { key } }
    plan { hash on into { key } providers { key }
        counts { products renamedProducts subscriptions runningSubscriptions takenSubscriptions openRequests contactAssignments newDeputies municipalities freezes phaseExceptions sameStandardProducts }
        products(first: 100) { totalCount edges { node { product { id } name from { key } externalId externalIdAfter subscriptions runningSubscriptions } } }
        sameStandardProducts { standardProduct { key } products { id provider { key } } }
        openRequests(first: 100) { totalCount edges { node { expiresAt subscription { id state version } } } }
        priceEffects(first: 100) { totalCount edges { node { municipality { ags } product { id } alternative { id } before { amount } after { amount } difference { amount } } } } }
    errors { code rule path message nextStep } } }";

/// The input of a merger of today, with a key of its own.
pub fn merging(into: &str, providers: &[&str], more: Value) -> Value {
    let providers: Vec<Value> = providers.iter().map(|key| json!({ "key": key })).collect();
    let key = sea_orm::prelude::Uuid::new_v4().to_string();
    let mut input = json!({ "into": { "key": into }, "providers": providers, "on": "2026-11-23", "resolution": "VV 3/2026", "reason": reason("MERGER"), "idempotencyKey": key });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

impl TestApp {
    /// The payload of a merger, whatever it says.
    pub async fn merge_as(&self, token: &str, input: Value) -> Value {
        self.data_as(token, MERGE, json!({ "input": input })).await["mergeProviders"].clone()
    }

    /// The same, with faults that stand outside of payloads.
    pub async fn ask_merge(&self, token: Option<&str>, input: Value) -> Value {
        match token {
            Some(token) => self.ask_as(token, MERGE, json!({ "input": input })).await.body,
            None => self.ask(MERGE, json!({ "input": input })).await.body,
        }
    }

    /// The plan of a merger.
    pub async fn merger_plan(&self, into: &str, providers: &[&str]) -> Value {
        let payload =
            self.merge_as(&transformation_office(), merging(into, providers, json!({ "dryRun": true }))).await;
        assert_eq!((&payload["errors"], &payload["merger"]), (&json!([]), &Value::Null), "{payload}");
        payload["plan"].clone()
    }

    /// Plans a merger and carries it out.
    pub async fn merge(&self, into: &str, providers: &[&str]) -> Value {
        let hash = self.merger_plan(into, providers).await["hash"].clone();
        let payload =
            self.merge_as(&transformation_office(), merging(into, providers, json!({ "planHash": hash }))).await;
        assert_eq!(payload["errors"], json!([]), "{payload}");
        payload
    }
}
