//! What writers do, one step after the other, until nobody writes any more.

use chrono::{Days, NaiveDate};
use rand::seq::IndexedRandom;
use serde_json::{Value, json};

use super::{
    acts::AACHEN,
    writers::{Mutation, Writer},
};

const SUBSCRIPTION: &str = "subscription { id version state pendingChange { action } }";

const SAVE: Mutation = Mutation { name: "saveProduct", answer: "product { id version }", thing: "/product" };
const REVIEW: Mutation = Mutation {
    name: "reviewProducts",
    answer: "rows { product { id version lifecycle } errors { code path } }",
    thing: "/rows/0/product",
};
const PHASE_OUT: Mutation = Mutation { name: "phaseOutProduct", answer: "product { id version }", thing: "/product" };
const RETIRE: Mutation = Mutation { name: "retireProduct", answer: "product { id version }", thing: "/product" };

/// A product that all who keep the portfolio save.
const COMMON: &str = "LOAD-COMMON";

fn subscription(name: &'static str) -> Mutation {
    Mutation { name, answer: SUBSCRIPTION, thing: "/subscription" }
}

fn row(key: &str) -> Value {
    json!({ "externalId": key, "name": format!("Leistung {}", rand::random::<u32>()), "summary": "Ein Satz", "category": "fin",
        "lifecycle": "AVAILABLE", "deliveryMode": "REGIONAL", "prices": [{ "unit": "INHABITANT", "period": "YEAR", "amount": "0.35" }] })
}

impl Writer {
    /// Takes the same product again and again: asked for, decided, begun, changed, ended.
    pub async fn take_products(self, product: Value) {
        while !self.journal.is_over() {
            self.take_product(&product).await;
        }
    }

    async fn take_product(&self, product: &Value) {
        let tokens = &self.service.tokens;
        let from = self.service.today + Days::new(60);
        let asked = json!({ "subscriber": { "municipality": { "ags": AACHEN } }, "product": product, "quantity": 3, "from": from });
        let mut row = self.write(&tokens.town, &subscription("requestSubscription"), asked).await;
        if rand::random_range(0..5) == 0 {
            self.step(&tokens.steward, "rejectSubscription", &mut row, json!({})).await;
            return;
        }
        self.step(&tokens.steward, "approveSubscription", &mut row, json!({})).await;
        self.step(&tokens.supplier, "activateSubscription", &mut row, json!({ "on": self.service.today })).await;
        for quantity in 0..rand::random_range(1..4) {
            if self.journal.is_over() {
                return;
            }
            self.step(&tokens.town, "changeSubscription", &mut row, json!({ "quantity": 10 + quantity })).await;
            self.decide(&mut row).await;
        }
        let last = NaiveDate::from_ymd_opt(2035, 12, 31);
        self.step(&tokens.town, "terminateSubscription", &mut row, json!({ "on": last })).await;
    }

    /// What waits for a decision gets one.
    async fn decide(&self, row: &mut Value) {
        if row["pendingChange"].is_null() {
            return;
        }
        let tokens = &self.service.tokens;
        let decisions = [
            (&tokens.steward, "approveSubscription"),
            (&tokens.steward, "rejectSubscription"),
            (&tokens.town, "withdrawSubscription"),
        ];
        let (token, mutation) = decisions.choose(&mut rand::rng()).unwrap();
        self.step(token, mutation, row, json!({})).await;
    }

    async fn step(&self, token: &str, mutation: &'static str, row: &mut Value, more: Value) {
        let mut input = json!({ "subscription": row["id"], "version": row["version"] });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        *row = self.write(token, &subscription(mutation), input).await;
    }

    /// Makes the product that all save; to be called once, before others write.
    pub async fn make_common_product(&self) {
        let made = self.save(COMMON).await;
        self.accept(made).await;
    }

    /// Keeps a portfolio: new products, published, changed, phased out and retired, and one that others save too.
    pub async fn keep_products(self, writer: usize) {
        for number in 0.. {
            if self.journal.is_over() {
                return;
            }
            let key = format!("LOAD-{writer}-{number}");
            let made = self.save(&key).await;
            let mut product = self.accept(made).await;
            for _ in 0..rand::random_range(0..3) {
                product = self.save(&key).await;
            }
            self.save(COMMON).await;
            if rand::random() {
                continue;
            }
            for mutation in [PHASE_OUT, RETIRE] {
                let input = json!({ "product": product["id"], "version": product["version"] });
                product = self.write(&self.service.tokens.provider, &mutation, input).await;
            }
        }
    }

    async fn save(&self, key: &str) -> Value {
        let input = json!({ "provider": { "key": "itkr" }, "product": row(key) });
        self.write(&self.service.tokens.provider, &SAVE, input).await
    }

    async fn accept(&self, product: Value) -> Value {
        let rows = json!({ "rows": [{ "product": product["id"], "version": product["version"] }] });
        let accepted = self.write(&self.service.tokens.steward, &REVIEW, rows).await;
        assert_eq!(accepted["lifecycle"], "AVAILABLE", "{accepted}");
        accepted
    }
}
