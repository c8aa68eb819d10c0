//! What a search costs, and making the index, in 5,000 and 50,000 products. `cargo bench --bench search`.
//!
//! 1,400 products are those of the sample; the others are made of syllables, so that every question has as many answers in
//! 50,000 products as in 5,000.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use itkatalog::{
    catalogue::search::{Collector, Index, Question},
    text::fold,
};
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

const SIZES: [usize; 2] = [5_000, 50_000];
const SAMPLE: &str = include_str!("../data/product_taxonomy.csv");
/// Providers that have the whole sample.
const SAMPLE_PROVIDERS: usize = 13;
/// Each a way of searching. All products but those of the sample have an X.
const QUESTIONS: [&str; 13] = [
    "Wohngeld",
    "Akten",
    "Rechnung",
    "Wohngeldverfahren",
    "Kfzzul",
    "Bürgerd",
    "E-Akte",
    "Wohngeld Fachverfahren",
    "Wohngeld X",
    "e",
    "Wohngled",
    "Personalabrechnumg",
    "gibtesnicht",
];

struct Product {
    name: String,
    context: [String; 4],
    prose: String,
}

fn main() {
    divan::main();
}

fn sample() -> Vec<Product> {
    let mut rows = csv::Reader::from_reader(SAMPLE.as_bytes());
    let rows: Vec<BTreeMap<String, String>> = rows.deserialize().map(Result::unwrap).collect();
    let of_provider = |provider: usize| {
        rows.iter().map(move |row| Product {
            name: row["product_name"].clone(),
            context: [
                row["category"].clone(),
                format!("Rechenzentrum {provider}"),
                row["product_id"].clone(),
                row["leika_ids"].clone(),
            ],
            prose: format!(
                "{}: Einführung, Betrieb und Unterstützung. Übliche Verfahren: {}.",
                row["product_name"], row["example_software"]
            ),
        })
    };
    (0..SAMPLE_PROVIDERS).flat_map(of_provider).collect()
}

/// Names of one to three words, descriptions of 40, of 30,000 words that are used as seldom as in German; keys of their own.
fn made(count: usize) -> Vec<Product> {
    let mut chance = ChaCha8Rng::seed_from_u64(24);
    let syllables = [
        "bru", "dal", "fim", "gos", "hep", "jul", "kix", "lom", "mup", "nif", "pov", "quz", "sym", "tyx", "vub", "woj",
    ];
    let mut word =
        || (0..chance.random_range(2..6)).map(|_| *syllables.choose(&mut chance).unwrap()).collect::<String>();
    let words: Vec<String> = (0..30_000).map(|_| word()).collect();
    let mut chance = ChaCha8Rng::seed_from_u64(25);
    // Zipf's law: the word of rank n comes with a frequency of 1/n.
    let mut text = |count: usize| {
        let mut rank = || ((words.len() as f64).powf(chance.random()) as usize).min(words.len() - 1);
        (0..count).map(|_| words[rank()].as_str()).collect::<Vec<_>>().join(" ")
    };
    let product = |number| Product {
        name: text(1 + number % 3),
        context: [text(2), format!("Zentrum {}", number % 30), format!("X-{number}"), String::new()],
        prose: text(40),
    };
    (0..count).map(product).collect()
}

fn products(size: usize) -> Vec<Product> {
    let mut products = sample();
    products.extend(made(size - products.len()));
    products
}

fn index(products: &[Product]) -> Index {
    let mut collector = Collector::default();
    for product in products {
        collector.add(&fold(&product.name), product.context.iter().map(String::as_str), [product.prose.as_str()]);
    }
    collector.finish()
}

/// The index of a size, made once.
fn with_index<T>(size: usize, then: impl FnOnce(&Index) -> T) -> T {
    static INDEXES: Mutex<BTreeMap<usize, Index>> = Mutex::new(BTreeMap::new());
    let mut indexes = INDEXES.lock().unwrap_or_else(PoisonError::into_inner);
    then(indexes.entry(size).or_insert_with(|| index(&products(size))))
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn index_is_made(bencher: divan::Bencher, size: usize) {
    let products = products(size);
    bencher.bench_local(|| index(&products));
}

#[divan::bench(args = QUESTIONS, consts = SIZES)]
fn question_is_answered<const SIZE: usize>(bencher: divan::Bencher, question: &str) {
    let question = Question::new(question).unwrap();
    with_index(SIZE, |index| bencher.bench_local(|| index.find(&question).len()));
}
