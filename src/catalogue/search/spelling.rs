//! Finds the words that a mistyped one may have been meant as: one letter wrong, missing or too many, or two exchanged.
//!
//! One mistake leaves the beginning or the end of a word as it is, so only words that share one of both are compared.

use super::{
    german::without_umlauts,
    words::{Words, partition_point},
};

/// In shorter words a mistake makes another word: `akte`, `karte`.
const SHORTEST: usize = 5;

/// A word that is like more than these others is no word that tells something.
const MOST_MEANT: usize = 50;

/// The words without umlauts, in two orders.
#[derive(Debug, Default)]
pub(super) struct Spellings {
    /// By their letters,
    by_start: Vec<u32>,
    /// and by their letters from the end.
    by_end: Vec<u32>,
}

/// A word that may have been meant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meant {
    /// Which one.
    pub word: u32,
    /// How many letters of it are left, when it was only begun.
    pub rest: usize,
}

impl Spellings {
    pub(super) fn new(words: &Words) -> Self {
        let (mut by_start, mut by_end): (Vec<u32>, Vec<u32>) = (words.numbers().collect(), words.numbers().collect());
        by_start.sort_by_cached_key(|word| without_umlauts(words.get(*word)));
        by_end.sort_by_cached_key(|word| reversed(&without_umlauts(words.get(*word))));
        Self { by_start, by_end }
    }

    /// The words that a word may have been meant as, those that are least longer first.
    pub(super) fn meant(&self, words: &Words, word: &str) -> Vec<Meant> {
        let plain = without_umlauts(word);
        let letters: Vec<char> = plain.chars().collect();
        if letters.len() < SHORTEST {
            return Vec::new();
        }
        // The letter in the middle belongs to neither: exchanged with a neighbour, it spoils one of both only.
        let middle = letters.len() / 2;
        let start: String = letters[..middle].iter().collect();
        let end: String = letters[middle + 1..].iter().rev().collect();
        let alike_at_start = in_order(&self.by_start, &start, |word| without_umlauts(words.get(word)));
        let alike_at_end = in_order(&self.by_end, &end, |word| reversed(&without_umlauts(words.get(word))));
        let judged = |other: u32| {
            let other_letters: Vec<char> = without_umlauts(words.get(other)).chars().collect();
            Some(Meant { word: other, rest: rest_after_one_mistake(&letters, &other_letters)? })
        };
        let starts = alike_at_start.iter().filter_map(|other| judged(*other));
        let ends = alike_at_end.iter().filter_map(|other| judged(*other));
        let mut meant: Vec<Meant> = starts.chain(ends.filter(|meant| meant.rest == 0)).collect();
        meant.sort_unstable_by_key(|meant| (meant.rest, meant.word));
        meant.dedup_by_key(|meant| meant.word);
        meant.truncate(MOST_MEANT);
        meant
    }
}

fn reversed(text: &str) -> String {
    text.chars().rev().collect()
}

/// The part of a list in order whose texts begin with a text.
fn in_order<'l>(list: &'l [u32], start: &str, text: impl Fn(u32) -> String) -> &'l [u32] {
    let length = list.len() as u32;
    let first = partition_point(0..length, |at| *text(list[at as usize]) < *start);
    let end = partition_point(first..length, |at| text(list[at as usize]).starts_with(start));
    &list[first as usize..end as usize]
}

/// How many letters of another word are left behind a word with at most one mistake; none when there are more mistakes.
fn rest_after_one_mistake(word: &[char], other: &[char]) -> Option<usize> {
    let same = word.iter().zip(other).take_while(|(one, other)| one == other).count();
    let (word, other) = (&word[same..], &other[same..]);
    let after = |word: &[char], other: Option<&[char]>| Some(other?.strip_prefix(word)?.len());
    let is_exchanged = word.len() >= 2 && other.len() >= 2 && word[0] == other[1] && word[1] == other[0];
    let ways = [
        after(word, Some(other)),
        word.get(1..).and_then(|word| after(word, other.get(1..))),
        word.get(1..).and_then(|word| after(word, Some(other))),
        after(word, other.get(1..)),
        is_exchanged.then(|| after(&word[2..], other.get(2..))).flatten(),
    ];
    ways.into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(word: &str, other: &str) -> Option<usize> {
        let letters = |word: &str| word.chars().collect::<Vec<_>>();
        rest_after_one_mistake(&letters(word), &letters(other))
    }

    #[test]
    fn one_mistake_of_every_kind_is_forgiven() {
        assert_eq!(rest("akten", "akten"), Some(0));
        assert_eq!(rest("aktem", "akten"), Some(0), "another letter");
        assert_eq!(rest("aken", "akten"), Some(0), "a letter missing");
        assert_eq!(rest("aktten", "akten"), Some(0), "a letter too many");
        assert_eq!(rest("atken", "akten"), Some(0), "two letters exchanged");
        assert_eq!(rest("aktne", "akten"), Some(0), "the last two exchanged");
        assert_eq!(rest("xakten", "akten"), Some(0), "a letter before");
        assert_eq!(rest("kten", "akten"), Some(0), "the first missing");
    }

    #[test]
    fn a_second_mistake_is_not() {
        for word in ["xkxen", "aktxx", "katne", "xxakten", "en"] {
            assert_eq!(rest(word, "akten"), None, "{word}");
        }
    }

    #[test]
    fn what_is_left_of_the_other_word_is_told() {
        assert_eq!(rest("aktem", "aktenplan"), Some(4));
        assert_eq!(rest("aktn", "aktenplan"), Some(4));
    }
}
