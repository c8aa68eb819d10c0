//! What finding overlaps costs in 10,000 products of 30 providers. `cargo bench --bench overlaps`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use itkatalog::catalogue::overlap::{Offer, compare};
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

const PROVIDERS: u32 = 30;
const PRODUCTS: u32 = 10_000;
const CATEGORIES: u32 = 25;
/// Words that names are made of, for each category.
const WORDS: u32 = 40;

fn main() {
    divan::main();
}

/// Names of two to four words; descriptions of 30 words; every tenth product has one of 100 LeiKa keys.
fn texts() -> Vec<(u32, Vec<String>, String, String)> {
    let mut chance = ChaCha8Rng::seed_from_u64(10_000);
    let syllables = [
        "amt", "akte", "buch", "dienst", "fach", "geld", "haus", "konto", "melde", "plan", "recht", "steuer", "werk",
        "wesen",
    ];
    let mut word =
        || (0..chance.random_range(2..=4)).map(|_| *syllables.choose(&mut chance).unwrap()).collect::<String>();
    let words: Vec<String> = (0..CATEGORIES * WORDS).map(|_| word()).collect();
    let mut chance = ChaCha8Rng::seed_from_u64(10_001);
    let product = |_| {
        let category = chance.random_range(0..CATEGORIES);
        let of_category = &words[(category * WORDS) as usize..((category + 1) * WORDS) as usize];
        let mut text = |count: usize| {
            let chosen: Vec<&str> = (0..count).map(|_| of_category.choose(&mut chance).unwrap().as_str()).collect();
            chosen.join(" ")
        };
        let (name, prose) = (text(3), text(30));
        let keys = (chance.random_range(0..10) == 0).then(|| format!("99107{:09}", chance.random_range(0..100)));
        (category, keys.into_iter().collect(), name, prose)
    };
    (0..PRODUCTS).map(product).collect()
}

#[divan::bench(sample_count = 5)]
fn ten_thousand_products_are_compared(bencher: divan::Bencher) {
    let texts = texts();
    let offers: Vec<Offer<'_>> = texts
        .iter()
        .zip(0..)
        .map(|((category, keys, name, prose), number): (_, u32)| Offer {
            provider: number % PROVIDERS,
            standard_product: None,
            category: *category,
            leika_keys: keys,
            name,
            prose,
        })
        .collect();
    println!("{} pairs", compare(&offers).len());
    bencher.bench_local(|| compare(&offers).len());
}
