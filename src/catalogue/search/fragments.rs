//! Finds the words that have a text inside: a suffix array over the distinct words.

use super::words::{Words, partition_point};

/// Shorter texts are looked for at the beginning of words only: inside, nearly every word has them.
pub(super) const SHORTEST: usize = 3;

/// All endings of all words, but for the words themselves, in alphabetical order.
#[derive(Debug, Default)]
pub(super) struct Fragments(Vec<Ending>);

/// The rest of a word from a place on.
#[derive(Clone, Copy, Debug)]
struct Ending {
    word: u32,
    from: u32,
}

impl Ending {
    fn text(self, words: &Words) -> &str {
        &words.get(self.word)[self.from as usize..]
    }
}

impl Fragments {
    pub(super) fn new(words: &Words) -> Self {
        let mut endings: Vec<(u64, Ending)> = Vec::new();
        for word in words.numbers() {
            let text = words.get(word);
            let inner = text.char_indices().skip(1).map(|(from, _)| from).filter(|from| text.len() - from >= SHORTEST);
            endings.extend(inner.map(|from| (first_bytes(&text[from..]), Ending { word, from: from as u32 })));
        }
        // The first bytes decide nearly always, without looking into the text.
        endings.sort_unstable_by(|(one_first, one), (other_first, other)| {
            one_first.cmp(other_first).then_with(|| one.text(words).cmp(other.text(words)))
        });
        Self(endings.into_iter().map(|(_, ending)| ending).collect())
    }

    /// The words that have a text inside, not at their beginning; a word that has it twice comes twice.
    pub(super) fn words_with<'w>(&'w self, words: &'w Words, text: &'w str) -> impl Iterator<Item = u32> + 'w {
        let long_enough = text.len() >= SHORTEST;
        let text_of = |at: u32| self.0[at as usize].text(words);
        let all = 0..if long_enough { self.0.len() as u32 } else { 0 };
        let first = partition_point(all.clone(), |at| text_of(at) < text);
        let end = partition_point(first..all.end, |at| text_of(at).starts_with(text));
        self.0[first as usize..end as usize].iter().map(|ending| ending.word)
    }
}

fn first_bytes(text: &str) -> u64 {
    let mut bytes = [0; 8];
    let length = text.len().min(8);
    bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
    u64::from_be_bytes(bytes)
}
