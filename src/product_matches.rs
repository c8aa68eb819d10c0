//! Which standard product a product implements: what offers are compared by, and a kind of product that the rules see.

use std::sync::Arc;

use ::entity::{change::Type, product};
use sea_orm::{ActiveValue::Set, ConnectionTrait, prelude::Uuid};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    access::Duty,
    catalogue,
    desk::Desk,
    error::{Error, Result},
    feed::Changed,
    orders::{Act, Order, check_version},
    portfolios::versions::{self, Done},
    products, standard_products,
};

/// A product that is to implement a standard product, or none.
#[derive(Clone, Debug, Serialize)]
pub struct Matching {
    /// Which one.
    pub product: Uuid,
    /// The version that the change starts from.
    pub version: i64,
    /// Key of the standard product.
    pub standard_product: Option<String>,
}

/// Matches a product to a standard product, or to none; gives its id.
pub async fn match_product(desk: Arc<Desk>, order: Order<Matching>) -> Result<Uuid> {
    let deed = &order.deed;
    let is_own = products::is_own(&desk, &order.caller, deed.product).await;
    let permit = order.check(&desk, Duty::MatchProduct, is_own).await?;
    let key = order.key(permit.duty())?;
    let now = desk.clock.now();
    let db = desk.database.begin_write().await?;
    catalogue::raise_version(&*db, now).await?;
    if let Some(known) = key.find(&*db, now).await? {
        return Ok(known.entity_id);
    }
    let row = products::load(&*db, "product", deed.product).await?;
    check_version("version", row.version, deed.version)?;
    let standard_product = match &deed.standard_product {
        Some(key) => Some(standard_products::load(&*db, "standardProduct", key).await?.id),
        None => None,
    };
    if row.standard_product_id == standard_product {
        return Err(matched_already());
    }
    let done = Done { action: permit.duty().into(), now, waits: !order.is_of_steward() };
    let matched = write(&*db, &row, standard_product, deed.standard_product.as_deref(), done).await?;
    let (before, after) = (Some(shown(&row)), Some(shown(&matched)));
    let act = Act { permit: &permit, entity: ("Product", row.id), before, after };
    order.finish(&desk, db, &key, act, &[changed(&matched)], now).await?;
    Ok(row.id)
}

/// Writes which standard product a product implements, by id and key, with its next version.
pub async fn write(
    db: &impl ConnectionTrait,
    row: &product::Model,
    standard_product: Option<Uuid>,
    key: Option<&str>,
    done: Done,
) -> Result<product::Model> {
    let set = product::ActiveModel { standard_product_id: Set(standard_product), ..Default::default() };
    let matched = products::write(db, row, set, done.now).await?;
    versions::keep_next(db, &matched, done, |content| content.entry.standard_product = key.map(str::to_owned)).await?;
    Ok(matched)
}

/// What the audit trail tells of a product that is matched.
pub fn shown(row: &product::Model) -> Value {
    json!({ "id": row.id, "standardProductId": row.standard_product_id, "version": row.version })
}

/// What the change feed tells of it.
pub fn changed(row: &product::Model) -> Changed {
    Changed { kind: Type::Product, id: row.id, version: Some(row.version) }
}

fn matched_already() -> Error {
    Error::bad_input(
        "standardProduct",
        "So ist die Leistung schon zugeordnet. Bitte ein anderes Standardprodukt angeben.",
        "The product is matched like this already. Please give another standard product.",
    )
    .next(
        "Nichts mehr zu tun, oder ein anderes Standardprodukt angeben.",
        "Nothing is left to do, or give another one.",
    )
}
