//! Forms of a word, and the parts that a compound is made of, as far as the words of the products tell.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use super::{
    german::{is_little, stem},
    words::Words,
};

/// Shorter parts make compounds of words that are none.
const SHORTEST_PART: usize = 4;
/// Longer words are not taken apart.
const LONGEST_COMPOUND: usize = 60;
/// More parts than these are not looked for.
const MOST_PARTS: usize = 3;

/// The words by their stems: a number for each stem, and the word.
#[derive(Debug, Default)]
pub(super) struct Forms(Vec<(u32, u32)>);

impl Forms {
    pub(super) fn new(words: &Words) -> Self {
        let mut by_stem: Vec<_> = words.numbers().map(|word| (number_of(&stem(words.get(word))), word)).collect();
        by_stem.sort_unstable();
        Self(by_stem)
    }

    /// The words that are forms of a word, with itself.
    pub(super) fn of<'w>(&'w self, words: &'w Words, word: &str) -> impl Iterator<Item = u32> + 'w {
        let stem_of_word = stem(word);
        let number = number_of(&stem_of_word);
        let first = self.0.partition_point(|(other, _)| *other < number);
        let same = self.0[first..].iter().take_while(move |(other, _)| *other == number).map(|(_, word)| *word);
        // Different stems can have the same number.
        same.filter(move |other| stem(words.get(*other)) == stem_of_word)
    }

    /// The parts of a compound, each a form of a known word, as few as possible; none when there are not at least two.
    pub(super) fn parts<'t>(&self, words: &Words, compound: &'t str) -> Vec<&'t str> {
        if compound.len() > LONGEST_COMPOUND {
            return Vec::new();
        }
        let found = (2..=MOST_PARTS).find_map(|count| self.split(words, compound, count));
        found.unwrap_or_default()
    }

    fn split<'t>(&self, words: &Words, text: &'t str, count: usize) -> Option<Vec<&'t str>> {
        if count == 1 {
            return self.is_known(words, text).then(|| vec![text]);
        }
        let cuts = (SHORTEST_PART..=text.len().checked_sub(SHORTEST_PART)?).rev();
        let mut heads = cuts.filter_map(|cut| text.split_at_checked(cut));
        heads.find_map(|(head, rest)| {
            if !self.is_known(words, head) {
                return None;
            }
            let rest = self.split(words, rest, count - 1)?;
            Some(std::iter::once(head).chain(rest).collect())
        })
    }

    /// Whether a text is a form of a word; an `s` that joins it to the next part is one too.
    fn is_known(&self, words: &Words, text: &str) -> bool {
        text.len() >= SHORTEST_PART && !is_little(text) && self.of(words, text).next().is_some()
    }
}

fn number_of(stem: &str) -> u32 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(stem) as u32
}
