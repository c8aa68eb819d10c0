//! Joins products with everything that belongs to them, or takes them over from an earlier snapshot.

use std::sync::Arc;

use ::entity::{price, product, product_customer_group, product_key, product_municipality};

use super::{
    At, CustomerGroup, Municipality, Price, Product, Snapshot, Table,
    build::{by, sorted_by_name},
    load::Rows,
};
use crate::text::fold;

impl Snapshot {
    /// All products, those of an earlier snapshot as it has them.
    pub(super) fn join_products(&self, rows: &mut Rows, earlier: Option<&Self>) -> Table<Product> {
        let same = earlier.into_iter().flat_map(|earlier| rows.same_products.iter().map(move |at| (earlier, at)));
        let same: Vec<Product> = same.filter_map(|(earlier, at)| self.join_again(earlier, *at)).collect();
        let mut keys = by(rows.product_keys.drain(..), |key| key.product_id);
        let mut listed = by(rows.product_municipalities.drain(..), |row| row.product_id);
        let mut groups = by(rows.product_groups.drain(..), |row| row.product_id);
        let mut prices = by(rows.prices.drain(..), |price| price.product_id);
        let joined = rows.products.drain(..).filter_map(|row| {
            let id = row.id;
            self.join_whole(
                row,
                &keys.remove(&id).unwrap_or_default(),
                &listed.remove(&id).unwrap_or_default(),
                &groups.remove(&id).unwrap_or_default(),
                prices.remove(&id).unwrap_or_default(),
            )
        });
        sorted_by_name(same.into_iter().chain(joined).collect(), |product| (&product.name_key, product.row.id))
    }

    /// A product as an earlier snapshot has it, with the places of this one.
    fn join_again(&self, earlier: &Self, at: At<Product>) -> Option<Product> {
        let product = &earlier.products[at];
        let row = &product.row;
        let municipality = |at: &At<Municipality>| self.municipalities.find(earlier.municipalities[*at].row.id);
        let group = |at: &At<CustomerGroup>| self.customer_groups.find(earlier.customer_groups[*at].row.id);
        let mut again = Product {
            listed: product.listed.iter().filter_map(municipality).collect(),
            eligible_groups: product.eligible_groups.iter().filter_map(group).collect(),
            prices: product.prices.iter().map(|price| self.join_price(price.row.clone())).collect(),
            leika_keys: product.leika_keys.clone(),
            ozg_ids: product.ozg_ids.clone(),
            ..self.join_product(row.clone(), product.name_key.clone())?
        };
        again.listed.sort_unstable();
        again.eligible_groups.sort_unstable();
        Some(again)
    }

    fn join_price(&self, row: price::Model) -> Price {
        Price { group: row.customer_group_id.and_then(|id| self.customer_groups.find(id)), row }
    }

    /// A product with everything that belongs to it, also one that is not published and so in no snapshot. None when it
    /// refers to what this catalogue does not hold.
    pub fn join_whole(
        &self,
        row: product::Model,
        keys: &[product_key::Model],
        listed: &[product_municipality::Model],
        groups: &[product_customer_group::Model],
        mut prices: Vec<price::Model>,
    ) -> Option<Product> {
        let name_key = fold(&row.name);
        let mut product = self.join_product(Arc::new(row), name_key)?;
        let of_scheme =
            |scheme| keys.iter().filter(move |key| key.scheme == scheme).map(|key| key.value.clone()).collect();
        product.leika_keys = of_scheme(product_key::Scheme::Leika);
        product.ozg_ids = of_scheme(product_key::Scheme::Ozg);
        product.listed = listed.iter().filter_map(|row| self.municipalities.find(row.municipality_id)).collect();
        product.listed.sort_unstable();
        product.eligible_groups = groups.iter().filter_map(|row| self.customer_groups.find(row.group_id)).collect();
        product.eligible_groups.sort_unstable();
        prices.sort_by_key(|price| (price.valid_from, price.unit, price.period, price.id));
        product.prices = prices.into_iter().map(|row| self.join_price(row)).collect();
        Some(product)
    }

    /// A product with nothing that other tables have of it.
    fn join_product(&self, row: Arc<product::Model>, name_key: String) -> Option<Product> {
        Some(Product {
            provider: self.providers.find(row.provider_id)?,
            category: self.categories.find(row.category_id)?,
            standard_product: row.standard_product_id.and_then(|id| self.standard_products.find(id)),
            name_key,
            leika_keys: Vec::new(),
            ozg_ids: Vec::new(),
            listed: Vec::new(),
            eligible_groups: Vec::new(),
            prices: Vec::new(),
            requires: Vec::new(),
            replaces: Vec::new(),
            replaced_by: Vec::new(),
            excludes: Vec::new(),
            row,
        })
    }
}
