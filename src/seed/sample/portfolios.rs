//! A portfolio for every provider, drawn from the taxonomy.

use ::entity::{price, product, product_customer_group, product_key, provider, standard_product};
use rand::{RngExt, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use sea_orm::{DbErr, prelude::Uuid};
use serde::Deserialize;

use super::{
    super::{Typical, category_id, groups::group_id, read, taxonomy},
    CENTRAL, Writer, broken, id_of,
    products::{Conditions, Draft},
};
use crate::products::has_format;

/// All sample portfolios, ready to be written.
#[derive(Debug, Default)]
pub(super) struct Portfolios {
    pub standard_products: Vec<standard_product::Model>,
    pub products: Vec<product::Model>,
    pub prices: Vec<price::Model>,
    keys: Vec<product_key::Model>,
    eligibility: Vec<product_customer_group::Model>,
}

#[derive(Debug, Deserialize)]
struct Standard {
    key: String,
    name: String,
    taxonomy_ids: String,
    initial_taxonomy_id: String,
}

/// What only Kreise and kreisfreie Städte run.
const UPPER_LEVEL_ONLY: [&str; 5] = ["VER-01", "VER-02", "SOZ-07", "SOZ-08", "BAU-04"];

/// Draws all portfolios. The same providers and the same state of chance give the same portfolios.
pub(super) fn draw(providers: &[provider::Model], chance: &mut ChaCha8Rng) -> Result<Portfolios, DbErr> {
    let typical = taxonomy()?;
    let standards: Vec<Standard> =
        read("sample_standard_products.csv", include_str!("../../../data/sample_standard_products.csv"))?;
    let conditions: Vec<Conditions> =
        read("sample_conditions.csv", include_str!("../../../data/sample_conditions.csv"))?;
    let mut portfolios = Portfolios::default();
    for standard in &standards {
        portfolios.standard_products.push(standard_product(standard, &typical)?);
    }
    for provider in providers {
        let size = match provider.kind {
            provider::Kind::AreaWide | provider::Kind::Central => chance.random_range(60..=100),
            _ => chance.random_range(30..=50),
        };
        for row in portfolio(provider, &typical, &standards, size, chance) {
            let standard = standards.iter().find(|standard| names(&standard.taxonomy_ids, &row.product_id));
            let conditions = conditions.iter().find(|conditions| conditions.category_id == row.category_id);
            let is_initial = provider.key == CENTRAL
                && standard.is_some_and(|standard| standard.initial_taxonomy_id == row.product_id);
            let draft = Draft {
                provider,
                typical: row,
                standard: standard.map(|standard| (standard_product_id(&standard.key), standard.name.as_str())),
                conditions: conditions.ok_or_else(|| broken("sample_conditions.csv", &row.category_id))?,
                is_initial,
            };
            portfolios.add(&draft, chance)?;
        }
    }
    Ok(portfolios)
}

/// The typical products of one portfolio; the central provider's begins with the initial portfolio.
fn portfolio<'a>(
    provider: &provider::Model,
    typical: &'a [Typical],
    standards: &[Standard],
    size: usize,
    chance: &mut ChaCha8Rng,
) -> Vec<&'a Typical> {
    let is_initial = |row: &&Typical| standards.iter().any(|standard| standard.initial_taxonomy_id == row.product_id);
    let (mut first, mut rest): (Vec<_>, Vec<_>) =
        typical.iter().partition(|row| provider.key == CENTRAL && is_initial(row));
    rest.shuffle(chance);
    first.extend(rest);
    first.truncate(size);
    first
}

fn names(list: &str, id: &str) -> bool {
    list.split(' ').any(|listed| listed == id)
}

fn standard_product_id(key: &str) -> Uuid {
    id_of("standard_product", key)
}

fn standard_product(row: &Standard, typical: &[Typical]) -> Result<standard_product::Model, DbErr> {
    let of_taxonomy = typical.iter().find(|typical| names(&row.taxonomy_ids, &typical.product_id));
    let category =
        of_taxonomy.ok_or_else(|| broken("sample_standard_products.csv", &row.key))?.category_id.to_lowercase();
    Ok(standard_product::Model {
        id: standard_product_id(&row.key),
        key: row.key.clone(),
        name: row.name.clone(),
        summary: format!("{} als einheitliche Leistung für alle Kommunen (Beispiel)", row.name),
        category_id: category_id(&category),
        sample: true,
        version: 1,
    })
}

impl Portfolios {
    /// Writes everything, each table in one go.
    pub(super) async fn write(self, writer: &mut Writer<'_>) -> Result<(), DbErr> {
        writer.insert::<standard_product::Entity>("standard_products", self.standard_products).await?;
        writer.insert::<product::Entity>("products", self.products).await?;
        writer.insert::<product_key::Entity>("product_keys", self.keys).await?;
        writer.insert::<product_customer_group::Entity>("product_customer_groups", self.eligibility).await?;
        writer.insert::<price::Entity>("prices", self.prices).await
    }

    /// Whether a product is for some customer groups only.
    pub(super) fn is_restricted(&self, product: Uuid) -> bool {
        self.eligibility.iter().any(|row| row.product_id == product)
    }

    fn add(&mut self, draft: &Draft<'_>, chance: &mut ChaCha8Rng) -> Result<(), DbErr> {
        let product = draft.product(chance)?;
        let typical = draft.typical;
        let schemes = [(product_key::Scheme::Leika, &typical.leika_ids), (product_key::Scheme::Ozg, &typical.ozg_ids)];
        for (scheme, values) in schemes {
            if let Some(wrong) = values.split_whitespace().find(|value| !has_format(scheme, value)) {
                return Err(broken("product_taxonomy.csv", wrong));
            }
            let keys = values.split_whitespace().map(|value| product_key::Model {
                product_id: product.id,
                scheme,
                value: value.to_owned(),
            });
            self.keys.extend(keys);
        }
        if UPPER_LEVEL_ONLY.contains(&typical.product_id.as_str()) {
            let groups = ["kreise", "kreisfreie-staedte"].map(group_id);
            let rows = groups.map(|group_id| product_customer_group::Model { product_id: product.id, group_id });
            self.eligibility.extend(rows);
        }
        self.prices.extend(draft.prices(&product, chance)?);
        self.products.push(product);
        Ok(())
    }
}
