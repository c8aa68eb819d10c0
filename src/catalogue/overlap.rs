//! Which products of different providers are probably the same, told from what is written about them.
//!
//! Not every pair is compared: only those that share a category, a word of their name, or a LeiKa key with few enough others
//! to tell something. The weights are ours; [`Likeness`] says what a score is made of.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    mem,
};

use ::entity::product::Lifecycle;
use rapidfuzz::distance::indel::{Args, BatchComparator};

use super::{At, Product, Snapshot};
use crate::text::fold;

/// Pairs with a lower score are not told, from 0 to 100.
pub const LEAST_SCORE: u8 = 50;
/// Names that are less alike are compared no further, unless a LeiKa key is the same.
const LEAST_LIKE_NAME: f64 = 0.6;
/// What more products than these have in common tells nothing, and comparing all of them would take too long.
const MOST_IN_COMMON: usize = 500;
/// Of what is written only the beginning is compared, in bytes: that is the summary, and the whole would take three times as long.
const COMPARED_PROSE: usize = 200;
/// Shorter words tell nothing.
const SHORTEST_WORD: usize = 3;
/// What each part counts; only parts that both products have.
const OF_NAME: f64 = 55.0;
const OF_DESCRIPTION: f64 = 15.0;
const OF_CATEGORY: f64 = 10.0;
const OF_LEIKA_KEY: f64 = 20.0;

/// What is compared of a product. Numbers stand for whatever they number: equal ones are the same.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'s> {
    /// Its provider.
    pub provider: u32,
    /// The standard product it implements.
    pub standard_product: Option<u32>,
    /// Its category.
    pub category: u32,
    /// Its LeiKa keys.
    pub leika_keys: &'s [String],
    /// Its name, folded.
    pub name: &'s str,
    /// Summary and description, folded.
    pub prose: &'s str,
}

/// How much two products are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Likeness {
    /// All parts together, from 0 to 100.
    pub score: u8,
    /// Names, from 0 to 100; the order of words does not matter.
    pub name: u8,
    /// Summary and description, from 0 to 100; none when one has neither.
    pub description: Option<u8>,
    /// Whether the category is the same.
    pub is_in_same_category: bool,
    /// Whether a LeiKa key is the same; none when one has no key.
    pub has_same_leika_key: Option<bool>,
}

/// Two published products of different providers that are probably the same.
#[derive(Clone, Copy, Debug)]
pub struct Overlap {
    /// The first by name,
    pub one: At<Product>,
    /// and the other.
    pub other: At<Product>,
    /// Why.
    pub likeness: Likeness,
}

impl Snapshot {
    /// Pairs of products that are probably the same and implement no standard product together; the most alike first, then by
    /// name. Worked out when it is first asked for, which can take a second: ask where others don't wait.
    pub fn overlaps(&self) -> &[Overlap] {
        self.overlaps.get_or_init(|| {
            let living = || self.products.iter().filter(|(_, product)| product.row.lifecycle != Lifecycle::Retired);
            let proses: Vec<String> = living().map(|(_, product)| prose(product)).collect();
            let offers: Vec<Offer<'_>> =
                living().zip(&proses).map(|((_, product), prose)| offer(product, prose)).collect();
            let places: Vec<_> = living().map(|(at, _)| at).collect();
            let pairs = compare(&offers).into_iter();
            pairs.map(|(one, other, likeness)| Overlap { one: places[one], other: places[other], likeness }).collect()
        })
    }
}

fn prose(product: &Product) -> String {
    fold(&format!("{} {}", product.row.summary, product.row.description.as_deref().unwrap_or_default()))
}

fn offer<'s>(product: &'s Product, prose: &'s str) -> Offer<'s> {
    Offer {
        provider: product.provider.place(),
        standard_product: product.standard_product.map(At::place),
        category: product.category.place(),
        leika_keys: &product.leika_keys,
        name: &product.name_key,
        prose,
    }
}

/// Compares offers, and gives pairs of their places with how much they are alike: the most alike first, then in their order.
pub fn compare(offers: &[Offer<'_>]) -> Vec<(usize, usize, Likeness)> {
    let common = Common::of(offers);
    let names: Vec<String> = offers.iter().map(|offer| in_order(offer.name)).collect();
    let mut last_met_by = vec![usize::MAX; offers.len()];
    let mut found = Vec::new();
    for (one, offer) in offers.iter().enumerate() {
        let (name, mut prose) = (BatchComparator::new(names[one].bytes()), None);
        for other in common.later_than(one) {
            let is_known = mem::replace(&mut last_met_by[other], one) == one;
            if is_known || !may_be_same(offer, &offers[other]) {
                continue;
            }
            let has_same_leika_key = has_same_leika_key(offer, &offers[other]);
            let least = if has_same_leika_key == Some(true) { 0.0 } else { LEAST_LIKE_NAME };
            let args = Args::default().score_cutoff(least);
            let Some(name) = name.normalized_similarity_with_args(names[other].bytes(), &args) else { continue };
            let prose = prose.get_or_insert_with(|| BatchComparator::new(beginning(offer.prose)));
            let is_described = !offer.prose.is_empty() && !offers[other].prose.is_empty();
            let description = is_described.then(|| prose.normalized_similarity(beginning(offers[other].prose)));
            let likeness = likeness(name, description, offer.category == offers[other].category, has_same_leika_key);
            if likeness.score >= LEAST_SCORE {
                found.push((one, other, likeness));
            }
        }
    }
    found.sort_unstable_by_key(|(one, other, likeness)| (Reverse(likeness.score), *one, *other));
    found
}

fn may_be_same(one: &Offer<'_>, other: &Offer<'_>) -> bool {
    let implements_same = one.standard_product.is_some() && one.standard_product == other.standard_product;
    one.provider != other.provider && !implements_same
}

fn has_same_leika_key(one: &Offer<'_>, other: &Offer<'_>) -> Option<bool> {
    let has_both = !one.leika_keys.is_empty() && !other.leika_keys.is_empty();
    has_both.then(|| one.leika_keys.iter().any(|key| other.leika_keys.contains(key)))
}

fn likeness(name: f64, description: Option<f64>, is_in_same_category: bool, same_leika_key: Option<bool>) -> Likeness {
    let yes = |is: bool| f64::from(u8::from(is));
    let parts = [
        Some((OF_NAME, name)),
        description.map(|alike| (OF_DESCRIPTION, alike)),
        Some((OF_CATEGORY, yes(is_in_same_category))),
        same_leika_key.map(|is| (OF_LEIKA_KEY, yes(is))),
    ];
    let sum = |part: fn(&(f64, f64)) -> f64| parts.iter().flatten().map(part).sum::<f64>();
    Likeness {
        score: percent(sum(|(weight, alike)| weight * alike) / sum(|(weight, _)| *weight)),
        name: percent(name),
        description: description.map(percent),
        is_in_same_category,
        has_same_leika_key: same_leika_key,
    }
}

fn percent(part: f64) -> u8 {
    (part * 100.0).round() as u8
}

fn beginning(prose: &str) -> impl DoubleEndedIterator<Item = u8> + Clone {
    prose.as_bytes()[..prose.len().min(COMPARED_PROSE)].iter().copied()
}

/// The words of a folded name in alphabetical order, so that theirs does not matter.
fn in_order(name: &str) -> String {
    let mut words: Vec<&str> = name.split(' ').collect();
    words.sort_unstable();
    words.join(" ")
}

/// What offers have in common with few enough others.
struct Common {
    /// Places of offers that have the same, in order.
    groups: Vec<Vec<usize>>,
    /// The groups of each offer.
    of_offer: Vec<Vec<usize>>,
}

/// Something that offers can have in common.
#[derive(PartialEq, Eq, Hash)]
enum Mark<'s> {
    Category(u32),
    Word(&'s str),
    WordInCategory(u32, &'s str),
    LeikaKey(&'s str),
}

impl Common {
    fn of(offers: &[Offer<'_>]) -> Self {
        let mut by_mark: HashMap<Mark<'_>, Vec<usize>> = HashMap::new();
        for (place, offer) in offers.iter().enumerate() {
            let words: BTreeSet<&str> = offer.name.split(' ').filter(|word| word.len() >= SHORTEST_WORD).collect();
            let keys: BTreeSet<&String> = offer.leika_keys.iter().collect();
            let marks = std::iter::once(Mark::Category(offer.category))
                .chain(words.iter().map(|word| Mark::Word(word)))
                .chain(words.iter().map(|word| Mark::WordInCategory(offer.category, word)))
                .chain(keys.iter().map(|key| Mark::LeikaKey(key)));
            marks.for_each(|mark| by_mark.entry(mark).or_default().push(place));
        }
        let groups: Vec<_> =
            by_mark.into_values().filter(|group| (2..=MOST_IN_COMMON).contains(&group.len())).collect();
        let mut of_offer = vec![Vec::new(); offers.len()];
        for (number, group) in groups.iter().enumerate() {
            group.iter().for_each(|place| of_offer[*place].push(number));
        }
        Self { groups, of_offer }
    }

    /// Places after this one of offers that have something in common with it; some more than once.
    fn later_than(&self, one: usize) -> impl Iterator<Item = usize> {
        self.of_offer[one].iter().flat_map(move |number| {
            let group = &self.groups[*number];
            group[group.partition_point(|place| *place <= one)..].iter().copied()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(provider: u32, name: &'static str, prose: &'static str) -> Offer<'static> {
        Offer { provider, standard_product: None, category: 1, leika_keys: &[], name, prose }
    }

    fn scores(offers: &[Offer<'_>]) -> Vec<(usize, usize, u8)> {
        compare(offers).into_iter().map(|(one, other, likeness)| (one, other, likeness.score)).collect()
    }

    #[test]
    fn equal_products_have_the_highest_score_and_less_alike_ones_come_after() {
        let offers = [
            offer(1, "e akte enaio", "fuehrt akten"),
            offer(2, "enaio e akte", "fuehrt akten"),
            offer(3, "e akte enaio", "verwaltet vorgaenge der verwaltung"),
            offer(4, "e akte", "fuehrt akten"),
            offer(5, "gewerberegister", "fuehrt gewerbe"),
        ];
        let found = scores(&offers);
        assert_eq!(found[0], (0, 1, 100), "the order of words does not matter");
        let pairs: Vec<_> = found.iter().map(|(one, other, _)| (*one, *other)).collect();
        assert_eq!(pairs[..5], [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3)], "{found:?}");
        assert!(found.is_sorted_by_key(|(one, other, score)| (Reverse(*score), *one, *other)));
        assert!(pairs.iter().all(|(_, other)| *other != 4), "{found:?}");
    }

    #[test]
    fn a_part_that_one_of_them_lacks_does_not_count() {
        let (keys, others) = (["99107023037000".to_owned()], ["99107023037001".to_owned()]);
        let plain = offer(1, "wohngeld", "");
        let told = |leika_keys, other_keys| {
            compare(&[Offer { leika_keys, ..plain }, Offer { provider: 2, leika_keys: other_keys, ..plain }])[0].2
        };
        let none: &[String] = &[];
        assert_eq!((told(none, none).score, told(&keys, none).score, told(&keys, &keys).score), (100, 100, 100));
        let different = told(&keys, &others);
        assert_eq!((different.score, different.has_same_leika_key), (76, Some(false)));
        assert_eq!((different.name, different.description, different.is_in_same_category), (100, None, true));
    }

    #[test]
    fn the_same_leika_key_makes_unlike_names_a_pair() {
        let keys = ["99107023037000".to_owned()];
        let one = Offer { leika_keys: &keys, ..offer(1, "wohngeld", "antrag auf wohngeld") };
        let other = Offer { leika_keys: &keys, ..offer(2, "mietzuschuss wg plus", "antrag auf wohngeld") };
        assert_eq!(scores(&[one, other]).len(), 1);
        assert!(scores(&[Offer { leika_keys: &[], ..one }, Offer { leika_keys: &[], ..other }]).is_empty());
    }

    #[test]
    fn own_products_and_those_of_the_same_standard_product_are_no_pairs() {
        let one = offer(1, "e akte", "");
        let standard = Offer { standard_product: Some(7), ..one };
        assert!(scores(&[one, one]).is_empty());
        assert!(scores(&[standard, Offer { provider: 2, ..standard }]).is_empty());
        let another = Offer { provider: 2, standard_product: Some(8), ..one };
        assert_eq!(scores(&[standard, another]), [(0, 1, 100)]);
        assert_eq!(scores(&[standard, offer(2, "e akte", "")]), [(0, 1, 100)]);
    }

    #[test]
    fn a_category_of_too_many_is_looked_through_by_words() {
        let mut offers: Vec<_> = (0..=MOST_IN_COMMON as u32).map(|provider| offer(provider, "x", "")).collect();
        offers.push(offer(9_001, "einwohnermeldewesen", ""));
        offers.push(offer(9_002, "einwohnermeldewesen", ""));
        offers.push(offer(9_003, "einwohnermeldewesens", ""));
        let (first, second) = (offers.len() - 3, offers.len() - 2);
        assert_eq!(scores(&offers), [(first, second, 100)]);
    }
}
