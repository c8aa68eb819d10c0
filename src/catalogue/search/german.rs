//! What search knows about German: inflection, umlauts written without their dots, words that say nothing.

use frostem::{Algorithm, Stemmer};

/// Words that a question need not find, folded and in order: a product is not about them.
const LITTLE_WORDS: [&str; 41] = [
    "als", "am", "an", "auf", "aus", "bei", "beim", "das", "dem", "den", "der", "des", "die", "durch", "ein", "eine",
    "einem", "einen", "einer", "eines", "for", "fuer", "gegen", "im", "in", "ins", "mit", "nach", "oder", "of", "ohne",
    "the", "ueber", "um", "und", "vom", "von", "vor", "zu", "zum", "zur",
];

/// Whether a folded word says nothing about a product.
pub(super) fn is_little(word: &str) -> bool {
    LITTLE_WORDS.binary_search(&word).is_ok()
}

/// What is the same in all forms of a folded word: `akte` and `akten`, `vertrag` and `vertraege`. No word by itself.
pub(super) fn stem(word: &str) -> String {
    let plain = without_umlauts(word);
    Stemmer::new(Algorithm::German).stem(&plain).into_owned()
}

/// A folded word with umlauts as somebody without a German keyboard writes them: `buero` as `buro`. Not every `ue` is an
/// umlaut; after a vowel or a `q` it is none (`steuer`, `quelle`), as in Lucene's normalization of German.
pub(super) fn without_umlauts(word: &str) -> String {
    let mut plain = String::with_capacity(word.len());
    let mut before = ' ';
    for letter in word.chars() {
        let before_last = plain.chars().rev().nth(1).unwrap_or(' ');
        let is_dots = letter == 'e'
            && match before {
                'a' | 'o' => true,
                'u' => !matches!(before_last, 'a' | 'e' | 'i' | 'o' | 'u' | 'q'),
                _ => false,
            };
        if !is_dots {
            plain.push(letter);
        }
        before = if is_dots { ' ' } else { letter };
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_words_are_in_order() {
        assert!(LITTLE_WORDS.is_sorted());
        assert!(is_little("von") && is_little("und") && !is_little("akte"));
    }

    #[test]
    fn forms_of_a_word_have_the_same_stem() {
        for forms in [
            ["akte", "akten"],
            ["rechnung", "rechnungen"],
            ["vertrag", "vertraege"],
            ["antrag", "antraege"],
            ["verfahren", "verfahrens"],
            ["wahl", "wahlen"],
            ["kommunales", "kommunaler"],
        ] {
            assert_eq!(stem(forms[0]), stem(forms[1]), "{forms:?}");
        }
        assert_ne!(stem("akte"), stem("aktiv"));
    }

    #[test]
    fn umlauts_lose_their_dots_and_other_letters_stay() {
        assert_eq!(without_umlauts("buergerbuero"), "burgerburo");
        assert_eq!(without_umlauts("steuer"), "steuer");
        assert_eq!(without_umlauts("quelle"), "quelle");
        assert_eq!(without_umlauts("neueinstellung"), "neueinstellung");
        assert_eq!(without_umlauts(""), "");
    }
}
