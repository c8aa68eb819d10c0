//! The distinct words of all products, and which products have them.

use std::{collections::HashMap, ops::Range};

/// Bits of a use that tell the place; the others tell the product, or the word.
const PLACE_BITS: u32 = 2;

/// Where in a product a word stands, the best place first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// In its name.
    Name,
    /// In what surrounds it: standard product, category, provider, keys.
    Context,
    /// In what is written about it.
    Prose,
}

/// Words in alphabetical order. A word is known by its number in that order.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// All words, one after the other.
    text: String,
    /// Where each word begins in the text, and where the last one ends.
    starts: Vec<u32>,
    /// Products of each word, in order, with the best place.
    products: Lists,
    /// Words of each product, in order, with the best place.
    of_product: Lists,
}

/// Lists of uses, one after the other.
#[derive(Debug, Default)]
struct Lists {
    uses: Vec<u32>,
    starts: Vec<u32>,
}

/// A product that has a word, or a word of a product, and the place.
#[derive(Clone, Copy)]
pub(super) struct Use(u32);

/// Takes the words of one product after the other.
#[derive(Default)]
pub(super) struct Collector {
    numbers: HashMap<Box<str>, u32>,
    of_product: Lists,
    of_current: Vec<(u32, Place)>,
}

impl Use {
    fn new(number: u32, place: Place) -> Self {
        Self(number << PLACE_BITS | place as u32)
    }

    /// Which product or word.
    pub(super) fn number(self) -> u32 {
        self.0 >> PLACE_BITS
    }

    /// Where the word stands in the product.
    pub(super) fn place(self) -> Place {
        match self.0 & ((1 << PLACE_BITS) - 1) {
            0 => Place::Name,
            1 => Place::Context,
            _ => Place::Prose,
        }
    }
}

impl Lists {
    fn push(&mut self, uses: impl Iterator<Item = Use>) {
        self.uses.extend(uses.map(|one| one.0));
        self.starts.push(self.uses.len() as u32);
    }

    fn get(&self, number: u32) -> impl ExactSizeIterator<Item = Use> + '_ {
        let range = self.range(number..number + 1);
        self.uses[range].iter().map(|one| Use(*one))
    }

    fn range(&self, numbers: Range<u32>) -> Range<usize> {
        let start = |number: u32| number.checked_sub(1).map_or(0, |before| self.starts[before as usize] as usize);
        start(numbers.start)..start(numbers.end)
    }
}

impl Collector {
    /// A word of the current product.
    pub(super) fn add(&mut self, word: &str, place: Place) {
        let next = self.numbers.len() as u32;
        let number = match self.numbers.get(word) {
            Some(number) => *number,
            None => *self.numbers.entry(word.into()).or_insert(next),
        };
        self.of_current.push((number, place));
    }

    /// The words of a folded text of the current product.
    pub(super) fn add_all(&mut self, folded: &str, place: Place) {
        folded.split(' ').filter(|word| !word.is_empty()).for_each(|word| self.add(word, place));
    }

    /// The current product has no more words; the next one begins.
    pub(super) fn end_product(&mut self) {
        self.of_current.sort_unstable();
        self.of_current.dedup_by_key(|(number, _)| *number);
        self.of_product.push(self.of_current.drain(..).map(|(number, place)| Use::new(number, place)));
    }

    /// Puts the words in order.
    pub(super) fn finish(mut self) -> Words {
        let mut in_order: Vec<(Box<str>, u32)> = self.numbers.drain().collect();
        in_order.sort_unstable();
        let mut words = Words { text: in_order.iter().map(|(word, _)| &**word).collect(), ..Words::default() };
        let mut end = 0;
        words.starts.push(0);
        words.starts.extend(in_order.iter().map(|(word, _)| {
            end += word.len() as u32;
            end
        }));
        let mut renumbered = vec![0; in_order.len()];
        in_order.iter().zip(0..).for_each(|((_, number), place)| renumbered[*number as usize] = place);
        for start in 0..self.of_product.starts.len() as u32 {
            let range = self.of_product.range(start..start + 1);
            let uses = &mut self.of_product.uses[range];
            uses.iter_mut()
                .for_each(|one| *one = Use::new(renumbered[Use(*one).number() as usize], Use(*one).place()).0);
            uses.sort_unstable();
        }
        self.of_product.uses.shrink_to_fit();
        words.products = turned(&self.of_product, in_order.len());
        words.of_product = self.of_product;
        words
    }
}

/// The products of each word, from the words of each product.
fn turned(of_product: &Lists, words: usize) -> Lists {
    let mut starts = vec![0; words + 1];
    of_product.uses.iter().for_each(|one| starts[Use(*one).number() as usize + 1] += 1);
    for word in 1..=words {
        starts[word] += starts[word - 1];
    }
    let mut uses = vec![0; of_product.uses.len()];
    for product in 0..of_product.starts.len() as u32 {
        for one in of_product.get(product) {
            let next = &mut starts[one.number() as usize];
            uses[*next as usize] = Use::new(product, one.place()).0;
            *next += 1;
        }
    }
    // Each start has moved on to where the next list begins.
    starts.truncate(words);
    Lists { uses, starts }
}

impl Words {
    /// How many words.
    pub(super) fn len(&self) -> u32 {
        self.starts.len().saturating_sub(1) as u32
    }

    /// All words in order.
    pub(super) fn numbers(&self) -> Range<u32> {
        0..self.len()
    }

    /// How many products.
    pub(super) fn products(&self) -> usize {
        self.of_product.starts.len()
    }

    /// The word of a number.
    pub(super) fn get(&self, number: u32) -> &str {
        &self.text[self.starts[number as usize] as usize..self.starts[number as usize + 1] as usize]
    }

    /// The number of a word.
    pub(super) fn find(&self, word: &str) -> Option<u32> {
        let at = partition_point(self.numbers(), |number| self.get(number) < word);
        (at < self.len() && self.get(at) == word).then_some(at)
    }

    /// The words that begin with a text.
    pub(super) fn beginning_with(&self, start: &str) -> Range<u32> {
        let first = partition_point(self.numbers(), |number| self.get(number) < start);
        let end = partition_point(first..self.len(), |number| self.get(number).starts_with(start));
        first..end
    }

    /// The products that have a word, in order.
    pub(super) fn products_of(&self, word: u32) -> impl ExactSizeIterator<Item = Use> + '_ {
        self.products.get(word)
    }

    /// How many products have the words of a range, each counted with every one of them.
    pub(super) fn uses(&self, words: Range<u32>) -> usize {
        if words.is_empty() { 0 } else { self.products.range(words).len() }
    }

    /// The words that a product has, in order.
    pub(super) fn words_of(&self, product: u32) -> impl ExactSizeIterator<Item = Use> + '_ {
        self.of_product.get(product)
    }
}

/// The first number of a range that does not fulfil a condition which the ones before it do.
pub(super) fn partition_point(range: Range<u32>, holds: impl Fn(u32) -> bool) -> u32 {
    let (mut low, mut high) = (range.start, range.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { low = middle + 1 } else { high = middle }
    }
    low
}
