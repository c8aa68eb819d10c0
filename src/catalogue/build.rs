//! Joins the tables into a snapshot: places instead of ids, folded texts, indexes.
//!
//! A row that refers to something that is not published is left out together with the reference.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, OnceLock},
};

use ::entity::{customer_group, municipality, product_relation};
use sea_orm::prelude::Uuid;

use super::{
    Assignment, At, Category, CustomerGroup, Lists, Merger, Municipality, Phase, Product, Provider, Responsibility,
    Served, Snapshot, StandardProduct, Table, load::Rows,
};
use crate::text::fold;

impl Snapshot {
    /// Joins tables into a snapshot.
    pub fn build(rows: Rows) -> Self {
        Self::build_after(rows, None)
    }

    /// The same, with what an earlier snapshot has: products that are the same, and the search index where nothing that is searched
    /// is another.
    pub(super) fn build_after(mut rows: Rows, earlier: Option<&Self>) -> Self {
        let landschaftsverbaende = Table::new(std::mem::take(&mut rows.landschaftsverbaende), |row| row.id);
        let municipalities = municipalities(&mut rows, &landschaftsverbaende);
        let providers = providers(&mut rows, &municipalities);
        let categories = categories(&mut rows);
        let customer_groups = customer_groups(&mut rows, &municipalities);
        let standard_products = standard_products(&mut rows, &categories);
        let contacts = Table::new(std::mem::take(&mut rows.contacts), |contact| contact.id);
        let mut snapshot = Self {
            version: rows.version,
            municipalities_by_ags: index(&municipalities, |municipality| municipality.row.ags.clone()),
            municipalities_by_ars: index(&municipalities, |municipality| municipality.row.ars.clone()),
            providers_by_key: index(&providers, |provider| provider.row.key.clone()),
            mergers: mergers(&mut rows),
            phases: phases(&mut rows),
            assumptions: std::mem::take(&mut rows.assumptions),
            freezes: std::mem::take(&mut rows.freezes),
            phase_exceptions: std::mem::take(&mut rows.phase_exceptions),
            products: Table::new(Vec::new(), |product: &Product| product.row.id),
            responsibilities: HashMap::new(),
            overlaps: OnceLock::new(),
            lists: Lists::default(),
            search: Arc::default(),
            landschaftsverbaende,
            municipalities,
            providers,
            categories,
            standard_products,
            customer_groups,
            contacts,
        };
        snapshot.products = snapshot.join_products(&mut rows, earlier);
        if let Some(earlier) = earlier {
            snapshot.search_after(earlier);
        }
        snapshot.link_products();
        snapshot.link_relations(&rows.product_relations);
        snapshot.link_aliases(&mut rows);
        snapshot.link_mergers();
        snapshot.link_groups();
        snapshot.link_coverage();
        snapshot.responsibilities = snapshot.join_responsibilities(&mut rows);
        snapshot
    }

    fn link_products(&mut self) {
        for (at, product) in self.products.iter() {
            self.providers.at_mut(product.provider).products.push(at);
            if let Some(standard_product) = product.standard_product {
                self.standard_products.at_mut(standard_product).implementations.push(at);
            }
        }
    }

    fn link_relations(&mut self, relations: &[product_relation::Model]) {
        let found = relations
            .iter()
            .filter_map(|row| Some((self.products.find(row.product_id)?, row.kind, self.products.find(row.other_id)?)));
        let mut found: Vec<_> = found.collect();
        // Places are in the order of names.
        found.sort_unstable_by_key(|(product, _, other)| (*product, *other));
        for (at, kind, other) in found {
            let product = self.products.at_mut(at);
            match kind {
                product_relation::Kind::Requires => product.requires.push(other),
                product_relation::Kind::Replaces => product.replaces.push(other),
                product_relation::Kind::Excludes => product.excludes.push(other),
            }
            if kind == product_relation::Kind::Replaces {
                self.products.at_mut(other).replaced_by.push(at);
            }
        }
    }

    fn link_aliases(&mut self, rows: &mut Rows) {
        for row in rows.product_aliases.drain(..) {
            if let Some((provider, product)) =
                self.providers.find(row.provider_id).zip(self.products.find(row.product_id))
            {
                self.providers.at_mut(provider).former_products.insert(row.external_id, product);
            }
        }
    }

    fn link_mergers(&mut self) {
        use ::entity::provider_merger::Kind;
        for (_, merger) in self.mergers.iter() {
            if !matches!(merger.row.kind, Kind::Merger | Kind::Accession | Kind::AccessionWithTransfer) {
                continue;
            }
            let successor = merger.row.successor_id.and_then(|id| self.providers.find(id));
            let Some((on, successor)) = merger.row.on_date.zip(successor) else { continue };
            let predecessors = merger.predecessors.iter().filter_map(|predecessor| predecessor.provider_id);
            for predecessor in predecessors.filter_map(|id| self.providers.find(id)).collect::<Vec<_>>() {
                // One of them may go on under its name.
                if predecessor != successor {
                    self.providers.at_mut(predecessor).went_into.push((on, successor));
                }
            }
        }
    }

    fn link_groups(&mut self) {
        let mut groups: Vec<_> = self.customer_groups.places().collect();
        groups.sort_by_key(|at| self.customer_groups[*at].members.len());
        for group in groups {
            for member in &self.customer_groups[group].members {
                self.municipalities.at_mut(*member).groups.push(group);
            }
        }
    }

    fn link_coverage(&mut self) {
        for (provider, row) in self.providers.iter() {
            for served in &row.serves {
                let by = Served { at: provider, from: served.from, to: served.to };
                self.municipalities.at_mut(served.at).served_by.push(by);
            }
        }
    }

    fn join_responsibilities(&self, rows: &mut Rows) -> HashMap<Responsibility, Vec<Assignment>> {
        let mut assignments = std::mem::take(&mut rows.assignments);
        assignments.sort_by_key(|row| row.id);
        let joined = assignments.into_iter().filter_map(|row| {
            let responsibility = if row.central_desk {
                Responsibility::CentralDesk
            } else {
                row.product_id
                    .and_then(|id| self.products.find(id).map(Responsibility::Product))
                    .or_else(|| self.providers.find(row.provider_id?).map(Responsibility::Provider))
                    .or_else(|| self.customer_groups.find(row.customer_group_id?).map(Responsibility::Group))
                    .or_else(|| self.municipalities.find(row.municipality_id?).map(Responsibility::District))?
            };
            Some((responsibility, Assignment { contact: self.contacts.find(row.contact_id)?, row }))
        });
        let mut responsibilities: HashMap<_, Vec<_>> = HashMap::new();
        for (responsibility, assignment) in joined {
            responsibilities.entry(responsibility).or_default().push(assignment);
        }
        responsibilities
    }
}

fn municipalities(
    rows: &mut Rows,
    landschaftsverbaende: &Table<::entity::landschaftsverband::Model>,
) -> Table<Municipality> {
    let joinings = rows.joinings.iter().filter_map(|row| Some((row.municipality_id?, row.clone())));
    let mut joinings = group(joinings);
    let joined = rows.municipalities.drain(..).filter_map(|row| {
        Some(Municipality {
            name_key: fold(&row.name),
            district: None,
            members: Vec::new(),
            landschaftsverband: landschaftsverbaende[landschaftsverbaende.find(row.landschaftsverband_id)?].code,
            groups: Vec::new(),
            served_by: Vec::new(),
            joinings: joinings.remove(&row.id).unwrap_or_default(),
            merged_into: None,
            predecessors: Vec::new(),
            row,
        })
    });
    let mut table = sorted_by_name(joined.collect(), |municipality| (&municipality.name_key, municipality.row.id));
    let places: Vec<_> = table.places().collect();
    for at in places {
        let district = table[at].row.district_id.and_then(|id| table.find(id));
        table.at_mut(at).district = district;
        if let Some(district) = district {
            table.at_mut(district).members.push(at);
        }
        let successor = table[at].row.merged_into_id.and_then(|id| table.find(id));
        table.at_mut(at).merged_into = successor;
        if let Some(successor) = successor {
            table.at_mut(successor).predecessors.push(at);
        }
    }
    table
}

fn providers(rows: &mut Rows, municipalities: &Table<Municipality>) -> Table<Provider> {
    let mut coverage = by(rows.coverage.drain(..), |row| row.provider_id);
    let joinings = rows.joinings.drain(..).filter_map(|row| Some((row.provider_id?, row)));
    let mut joinings = group(joinings);
    let joined = rows.providers.drain(..).map(|row| {
        let serves = coverage.remove(&row.id).unwrap_or_default().into_iter().filter_map(|served| {
            let at = municipalities.find(served.municipality_id)?;
            Some(Served { at, from: served.valid_from, to: served.valid_to })
        });
        let mut serves: Vec<_> = serves.collect();
        serves.sort_by_key(|served| served.at);
        let joinings = joinings.remove(&row.id).unwrap_or_default();
        let short_name_key = row.short_name.as_deref().map(fold).unwrap_or_default();
        let (products, former_products) = (Vec::new(), HashMap::new());
        Provider {
            name_key: fold(&row.name),
            short_name_key,
            serves,
            products,
            former_products,
            joinings,
            went_into: Vec::new(),
            row,
        }
    });
    sorted_by_name(joined.collect(), |provider| (&provider.name_key, provider.row.id))
}

fn mergers(rows: &mut Rows) -> Table<Merger> {
    let mut predecessors = by(rows.predecessors.drain(..), |row| row.merger_id);
    let joined = rows.mergers.drain(..).map(|row| {
        let mut predecessors = predecessors.remove(&row.id).unwrap_or_default();
        predecessors.sort_by(|one, other| one.name.cmp(&other.name));
        Merger { predecessors, row }
    });
    let mut joined: Vec<_> = joined.collect();
    joined.sort_by(|one, other| one.row.key.cmp(&other.row.key));
    Table::new(joined, |merger| merger.row.id)
}

fn categories(rows: &mut Rows) -> Table<Category> {
    let plain = rows.categories.drain(..).map(|row| Category { row, parent: None, children: Vec::new() });
    let mut table = Table::new(plain.collect(), |category| category.row.id);
    let places: Vec<_> = table.places().collect();
    for at in places {
        let parent = table[at].row.parent_id.and_then(|id| table.find(id));
        table.at_mut(at).parent = parent;
        if let Some(parent) = parent {
            table.at_mut(parent).children.push(at);
        }
    }
    table
}

fn standard_products(rows: &mut Rows, categories: &Table<Category>) -> Table<StandardProduct> {
    let joined = rows.standard_products.drain(..).filter_map(|row| {
        let category = categories.find(row.category_id)?;
        Some(StandardProduct { name_key: fold(&row.name), category, implementations: Vec::new(), row })
    });
    sorted_by_name(joined.collect(), |standard_product| (&standard_product.name_key, standard_product.row.id))
}

fn customer_groups(rows: &mut Rows, municipalities: &Table<Municipality>) -> Table<CustomerGroup> {
    let mut by_hand = by(rows.group_members.drain(..), |row| row.group_id);
    let joined = rows.groups.drain(..).map(|row| {
        let by_hand: Vec<Uuid> =
            by_hand.remove(&row.id).unwrap_or_default().iter().map(|member| member.municipality_id).collect();
        let belongs = |municipality: &Municipality| {
            by_hand.contains(&municipality.row.id)
                || row.rule.as_ref().is_some_and(|rule| fits(rule, municipality, municipalities))
        };
        let members =
            municipalities.iter().filter(|(_, municipality)| belongs(municipality)).map(|(at, _)| at).collect();
        CustomerGroup { members, row }
    });
    let mut joined: Vec<_> = joined.collect();
    joined.sort_by(|one, other| one.row.key.cmp(&other.row.key));
    Table::new(joined, |group| group.row.id)
}

/// Whether every part of a group's rule holds for a municipality.
pub fn fits(rule: &customer_group::Rule, municipality: &Municipality, all: &Table<Municipality>) -> bool {
    let row = &municipality.row;
    let district_ags = match municipality.district {
        Some(district) => Some(&all[district].row.ags),
        None => (row.kind == municipality::Type::Kreis).then_some(&row.ags),
    };
    (rule.types.is_empty() || rule.types.contains(&row.kind))
        && rule.min_population.is_none_or(|fewest| fewest <= row.population)
        && rule.max_population.is_none_or(|most| row.population <= most)
        && (rule.districts.is_empty() || district_ags.is_some_and(|ags| rule.districts.contains(ags)))
        && (rule.government_districts.is_empty() || rule.government_districts.contains(&row.government_district))
}

fn phases(rows: &mut Rows) -> Table<Phase> {
    let mut criteria = by(rows.exit_criteria.drain(..), |row| row.phase_id);
    let joined =
        rows.phases.drain(..).map(|row| Phase { exit_criteria: criteria.remove(&row.id).unwrap_or_default(), row });
    Table::new(joined.collect(), |phase| phase.row.id)
}

pub(super) fn sorted_by_name<T>(mut rows: Vec<T>, key: impl Fn(&T) -> (&String, Uuid)) -> Table<T> {
    rows.sort_by(|one, other| key(one).cmp(&key(other)));
    Table::new(rows, |row| key(row).1)
}

pub(super) fn by<T>(rows: impl Iterator<Item = T>, key: impl Fn(&T) -> Uuid) -> HashMap<Uuid, Vec<T>> {
    group(rows.map(|row| (key(&row), row)))
}

fn group<T>(rows: impl Iterator<Item = (Uuid, T)>) -> HashMap<Uuid, Vec<T>> {
    let mut groups: HashMap<Uuid, Vec<T>> = HashMap::new();
    for (key, row) in rows {
        groups.entry(key).or_default().push(row);
    }
    groups
}

fn index<T, K: Eq + Hash>(table: &Table<T>, key: impl Fn(&T) -> K) -> HashMap<K, At<T>> {
    table.iter().map(|(at, row)| (key(row), at)).collect()
}
