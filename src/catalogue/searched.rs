//! Searching the products of a snapshot.

use std::cmp::Reverse;

use super::{At, Product, Snapshot, search};

/// A product that answers a question.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Which one.
    pub product: At<Product>,
    /// How well, higher is better; none when nothing was asked.
    pub rank: Option<i32>,
}

/// What the name that was asked for is worth.
const WHOLE_NAME: i32 = 200;

impl Snapshot {
    /// The products that answer a question, of those that are wanted: best match first, then by name. By name when there is none.
    pub fn search(&self, question: Option<&search::Question>, is_wanted: impl Fn(&Product) -> bool) -> Vec<Found> {
        let is_wanted = |product: At<Product>| is_wanted(&self.products[product]);
        let Some(question) = question else {
            let wanted = self.products.places().filter(|product| is_wanted(*product));
            return wanted.map(|product| Found { product, rank: None }).collect();
        };
        let answers = self.index().find(question).into_iter().map(|(place, rank)| (At::new(place), rank));
        let found = answers.filter(|(product, _)| is_wanted(*product)).map(|(product, rank)| {
            let whole = if question.is(&self.products[product].name_key) { WHOLE_NAME } else { 0 };
            Found { product, rank: Some(rank + whole) }
        });
        let mut found: Vec<Found> = found.collect();
        found.sort_unstable_by_key(|found| (Reverse(found.rank), found.product));
        found
    }

    /// Goes on with the index of an earlier snapshot where nothing that is searched is another. Otherwise makes it now, if it was ever
    /// needed: then somebody will search soon.
    pub(super) fn search_after(&mut self, earlier: &Self) {
        if self.is_searched_as(earlier) {
            self.search = earlier.search.clone();
        } else if earlier.search.get().is_some() {
            self.index();
        }
    }

    /// The search index: made for the first who searches, so that nobody else waits for it at the start.
    fn index(&self) -> &search::Index {
        self.search.get_or_init(|| self.search_index())
    }

    /// Whether search finds the same as in another snapshot: all products, and what surrounds them, are the same.
    fn is_searched_as(&self, other: &Self) -> bool {
        let known = |(_, product): (At<Product>, &Product)| {
            let row = &product.row;
            (row.id, row.version, row.updated_at, product.provider, product.category, product.standard_product)
        };
        self.products.iter().map(known).eq(other.products.iter().map(known))
            && self.names_around().eq(other.names_around())
    }

    /// The names that are searched besides those of products.
    fn names_around(&self) -> impl Iterator<Item = &str> {
        let providers = self.providers.iter().flat_map(|(_, provider)| {
            [provider.row.name.as_str(), provider.row.short_name.as_deref().unwrap_or_default()]
        });
        let categories = self.categories.iter().map(|(_, category)| category.row.name.as_str());
        let standards = self.standard_products.iter().map(|(_, standard)| standard.row.name.as_str());
        providers.chain(categories).chain(standards)
    }

    /// What is written in and about the products, ready to be searched.
    fn search_index(&self) -> search::Index {
        let mut collector = search::Collector::default();
        for (_, product) in self.products.iter() {
            let provider = &self.providers[product.provider].row;
            let standard_product = product.standard_product.map(|at| self.standard_products[at].row.name.as_str());
            let short_name = provider.short_name.as_deref();
            let plain = [&self.categories[product.category].row.name, &provider.name, &product.row.external_id];
            let keys = product.leika_keys.iter().chain(&product.ozg_ids);
            let context = plain.into_iter().chain(keys).map(String::as_str).chain(standard_product).chain(short_name);
            let prose = std::iter::once(product.row.summary.as_str()).chain(product.row.description.as_deref());
            collector.add(&product.name_key, context, prose);
        }
        collector.finish()
    }
}
