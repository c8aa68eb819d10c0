//! Opaque global ids, and the way back from an id to its object.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, Interface, Object};
use sea_orm::prelude::Uuid;
use tokio::sync::OnceCell;

use super::{
    category::Category,
    context::{Reading, reading},
    customer_group::CustomerGroup,
    municipality::Municipality,
    phase::TransformationPhase,
    product::Product,
    provider::Provider,
    standard_product::StandardProduct,
    subscription::ProductSubscription,
};
use crate::{
    catalogue::Snapshot,
    error::{Error, Result},
    ids,
    subscriptions::scope::Scope,
};

/// Most ids that are looked up at once.
const MOST_IDS: usize = 100;

/// Anything with a global id.
#[derive(Clone, Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Opaque global id, the same for ever."))]
pub enum Node {
    /// A product.
    Product(Product),
    /// A standard product.
    StandardProduct(StandardProduct),
    /// A provider.
    Provider(Provider),
    /// A municipality or Kreis.
    Municipality(Municipality),
    /// A category.
    Category(Category),
    /// A customer group.
    CustomerGroup(CustomerGroup),
    /// A phase.
    TransformationPhase(TransformationPhase),
    /// A subscription.
    ProductSubscription(ProductSubscription),
}

/// The global id of a row of a type.
pub fn global_id(type_name: &str, id: Uuid) -> ID {
    ID(ids::global_id(type_name, id))
}

/// The row's id in a global id of one type.
pub fn row_id(field: &str, type_name: &str, id: &ID) -> Result<Uuid> {
    match ids::parse(id) {
        Some((of_type, row)) if of_type == type_name => Ok(row),
        Some((of_type, _)) => Err(Error::bad_input(
            field,
            format!("{field} ist die Kennung eines Objekts vom Typ {of_type}; erwartet wird {type_name}."),
            format!("{field} is the id of an object of type {of_type}; expected is {type_name}."),
        )),
        None => Err(malformed(field)),
    }
}

/// The row's id in a global id of any type.
pub fn any_row_id(field: &str, id: &ID) -> Result<Uuid> {
    ids::parse(id).map(|(_, row)| row).ok_or_else(|| malformed(field))
}

/// Finds objects of all types by ids that this service made.
async fn find_all(reading: &Reading, ids: &[ID]) -> Result<Vec<Option<Node>>> {
    let ids: Vec<_> = ids.iter().map(|id| ("id".to_owned(), id)).collect();
    resolve_all(reading, &ids).await
}

/// Objects of several rows of a page: what is read for one of them is read for all.
#[derive(Clone)]
pub struct Together(Arc<Several>);

struct Several {
    ids: Vec<ID>,
    found: OnceCell<HashMap<ID, Node>>,
}

impl Together {
    /// Objects with these ids.
    pub fn new(ids: Vec<ID>) -> Self {
        Self(Arc::new(Several { ids, found: OnceCell::new() }))
    }

    /// One of them; none when it is gone or not visible.
    pub async fn find(&self, reading: &Reading, id: &ID) -> Result<Option<Node>> {
        let Several { ids, found } = &*self.0;
        let found = found.get_or_try_init(|| async {
            let nodes = find_all(reading, ids).await?;
            let known = ids.iter().cloned().zip(nodes).filter_map(|(id, node)| Some((id, node?)));
            Ok::<_, Error>(known.collect())
        });
        Ok(found.await?.get(id).cloned())
    }
}

fn malformed(field: &str) -> Error {
    Error::bad_input(
        field,
        format!("{field} ist keine Kennung dieses Dienstes. Bitte das Feld id eines Objekts verwenden."),
        format!("{field} is no id of this service. Please use the field id of an object."),
    )
}

fn resolve(snapshot: &Snapshot, field: &str, id: &ID) -> Result<Option<Node>> {
    let (type_name, row) = ids::parse(id).ok_or_else(|| malformed(field))?;
    Ok(match type_name.as_str() {
        "Product" => snapshot.products.find(row).map(|at| Product::at(at).into()),
        "StandardProduct" => snapshot.standard_products.find(row).map(|at| StandardProduct(at).into()),
        "Provider" => snapshot.providers.find(row).map(|at| Provider(at).into()),
        "Municipality" => snapshot.municipalities.find(row).map(|at| Municipality(at).into()),
        "Category" => snapshot.categories.find(row).map(|at| Category(at).into()),
        "CustomerGroup" => snapshot.customer_groups.find(row).map(|at| CustomerGroup::Published(at).into()),
        "TransformationPhase" => snapshot.phases.find(row).map(|at| TransformationPhase::at(at).into()),
        _ => None,
    })
}

/// Finds objects of all types: what is published in memory, what belongs to somebody in one statement.
async fn resolve_all(reading: &Reading, ids: &[(String, &ID)]) -> Result<Vec<Option<Node>>> {
    let subscription = |id: &ID| ids::parse(id).filter(|(kind, _)| kind == "ProductSubscription").map(|(_, row)| row);
    let wanted: Vec<Uuid> = ids.iter().filter_map(|(_, id)| subscription(id)).collect();
    let mut rows = HashMap::new();
    if !wanted.is_empty() {
        let scope = Scope::of(reading.caller.as_ref(), &reading.snapshot);
        rows = scope.find_all(reading.db(), &wanted).await?.into_iter().map(|row| (row.id, row)).collect();
    }
    let found = ids.iter().map(|(field, id)| match subscription(id) {
        Some(row) => Ok(rows.get(&row).cloned().map(|row| ProductSubscription::one(row).into())),
        None => resolve(&reading.snapshot, field, id),
    });
    let mut found = found.collect::<Result<Vec<Option<Node>>>>()?;
    let subscriptions = found.iter_mut().flatten().filter_map(|node| match node {
        Node::ProductSubscription(subscription) => Some(subscription),
        _ => None,
    });
    ProductSubscription::join(subscriptions);
    Ok(found)
}

/// Root fields for global ids.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// The object with a global id; null and NOT_FOUND when there is none.
    async fn node(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Global id of an object.")] id: ID,
    ) -> Result<Option<Node>> {
        let found = resolve_all(reading(context), &[("id".to_owned(), &id)]).await?.pop().flatten();
        found.map_or_else(|| Err(Error::not_found(&id)), |node| Ok(Some(node)))
    }

    /// The objects with these global ids in the same order; null in the place of one that does not exist.
    async fn nodes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Global ids of objects, at most 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() > MOST_IDS {
            return Err(Error::limit("ids", MOST_IDS as u64, ids.len() as u64));
        }
        let ids: Vec<_> = ids.iter().enumerate().map(|(place, id)| (format!("ids[{place}]"), id)).collect();
        resolve_all(reading(context), &ids).await
    }
}
