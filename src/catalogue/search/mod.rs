//! Search over folded text: every word of the question must be found, the better the place the higher the rank.
//!
//! A question is compared with the distinct words of all products, not with the products: there are far fewer of them, and
//! they grow slower. What it costs depends on the question and the answer, hardly on the catalogue (decision 24).

mod fits;
mod forms;
mod fragments;
mod german;
#[cfg(test)]
mod judged;
mod ranks;
mod spelling;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;

use fits::{Meaning, Spelling};
use forms::Forms;
use fragments::Fragments;
use spelling::Spellings;
use words::{Place, Words};

use crate::text::fold;

/// Words that are looked for as one too: `Kfz-Zulassung`, `OZG as a Service`.
const MOST_JOINED: usize = 3;
/// In questions of more words no mistakes are looked for: that is no search any more, and would take long.
const MOST_MISTYPED: usize = 8;
/// Looking through one product costs about as much as so many products of a word.
const WORDS_OF_PRODUCT: usize = 40;

/// Takes the texts of products, one after the other.
#[derive(Default)]
pub struct Collector {
    words: words::Collector,
    joined: words::Collector,
}

/// All words of all products, ready to be found.
#[derive(Debug, Default)]
pub struct Index {
    words: Words,
    /// Neighbours in names and contexts as one word: "eAkte" finds "E-Akte".
    joined: Words,
    fragments: Fragments,
    forms: Forms,
    spellings: Spellings,
}

/// A question, folded into words.
#[derive(Debug)]
pub struct Question {
    folded: String,
}

impl Question {
    /// Folds a question; none for a blank one. A question of signs alone finds nothing.
    pub fn new(text: &str) -> Option<Self> {
        (!text.trim().is_empty()).then(|| Self { folded: fold(text) })
    }

    /// The folded question: equal questions have equal answers.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// Whether a folded name is what is asked for, spaces left out.
    pub fn is(&self, name: &str) -> bool {
        let is_letter = |letter: &char| *letter != ' ';
        name.chars().filter(is_letter).eq(self.folded.chars().filter(is_letter))
    }

    /// The words to be found: all but the little ones, unless there are no others.
    fn words(&self) -> BTreeSet<&str> {
        let all = || self.folded.split(' ').filter(|word| !word.is_empty());
        let telling: BTreeSet<&str> = all().filter(|word| !german::is_little(word)).collect();
        if telling.is_empty() { all().collect() } else { telling }
    }
}

impl Index {
    /// The products that answer a question, in no order, each with its rank: higher is better. Mistakes in writing are looked for
    /// only when nothing has the words as they are.
    pub fn find(&self, question: &Question) -> Vec<(u32, i32)> {
        let words = question.words();
        let mistyped =
            [Spelling::UnknownMistyped, Spelling::Mistyped].into_iter().filter(|_| words.len() <= MOST_MISTYPED);
        let answers = std::iter::once(Spelling::AsGiven).chain(mistyped).map(|spelling| self.answer(&words, spelling));
        answers.into_iter().find(|answer| !answer.is_empty()).unwrap_or_default()
    }

    fn answer(&self, words: &BTreeSet<&str>, spelling: Spelling) -> Vec<(u32, i32)> {
        let mut meanings: Vec<(usize, Meaning)> = Vec::new();
        for word in words {
            let meaning = self.meaning(word, spelling);
            if meaning.is_nothing() {
                return Vec::new();
            }
            meanings.push((self.uses(&meaning), meaning));
        }
        // The rarest first: the others are looked for in what it has found.
        meanings.sort_by_key(|(uses, _)| *uses);
        let mut meanings = meanings.iter();
        let mut answer: Vec<(u32, i32)> =
            meanings.next().map_or_else(Vec::new, |(_, meaning)| self.ranks(meaning, None).into_iter().collect());
        for (uses, meaning) in meanings {
            let found: Vec<u32> = answer.iter().map(|(product, _)| *product).collect();
            let is_few = found.len() * WORDS_OF_PRODUCT < *uses;
            let ranks = self.ranks(meaning, is_few.then_some(&*found));
            answer.retain_mut(|(product, sum)| {
                let rank = ranks.of(*product);
                *sum += i32::from(rank);
                rank > 0
            });
        }
        answer
    }
}

impl Collector {
    /// A product: its folded name; what surrounds it, as standard product, category, provider, keys; what is written about it.
    /// The first is product 0.
    pub fn add<'t>(
        &mut self,
        name: &str,
        context: impl IntoIterator<Item = &'t str>,
        prose: impl IntoIterator<Item = &'t str>,
    ) {
        self.add_with_neighbours(name, Place::Name);
        context.into_iter().for_each(|text| self.add_with_neighbours(&fold(text), Place::Context));
        prose.into_iter().for_each(|text| self.words.add_all(&fold(text), Place::Prose));
        self.words.end_product();
        self.joined.end_product();
    }

    fn add_with_neighbours(&mut self, folded: &str, place: Place) {
        self.words.add_all(folded, place);
        let words: Vec<&str> = folded.split(' ').collect();
        for first in 0..words.len().saturating_sub(1) {
            self.joined.add(&words[first..words.len().min(first + MOST_JOINED)].concat(), place);
        }
    }

    /// The index of all that were added.
    pub fn finish(self) -> Index {
        let (words, joined) = (self.words.finish(), self.joined.finish());
        let (fragments, forms, spellings) = (Fragments::new(&words), Forms::new(&words), Spellings::new(&words));
        Index { words, joined, fragments, forms, spellings }
    }
}
