//! Which words of the products a word of a question means, and what that is worth.

use std::ops::Range;

use super::{Index, german::stem, spelling::Meant, words::Place};

/// Shorter forms of a word are inside of too many others; of stems, also those of this length.
const SHORTEST_FORM: usize = 4;
/// Letters that make no other word behind a mistyped one.
const LONGEST_ENDING: usize = 3;

/// How a word fits, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// It is the same.
    Whole,
    /// It is another form of the same word.
    Form,
    /// It begins with it.
    Start,
    /// It has it inside.
    Inside,
    /// It begins with another form of it, or has that inside.
    FormInside,
    /// It begins there, spaces left out.
    Joined,
    /// The product has all parts of the compound.
    Part,
    /// It is the same but for a mistake.
    Typo,
    /// It begins with it, or has it inside, but for a mistake.
    TypoInside,
}

impl Fit {
    /// What a fit is worth in a place. Any fit in the name is worth more than one elsewhere, but for mistakes: those are worth less
    /// than anything else.
    pub(super) fn rank(self, place: Place) -> u8 {
        let [name, context, prose] = match self {
            Self::Whole => [100, 26, 14],
            Self::Form => [90, 25, 13],
            Self::Start => [80, 24, 12],
            Self::Inside => [60, 22, 11],
            Self::FormInside => [55, 21, 10],
            Self::Joined => [50, 18, 9],
            Self::Part => [40, 17, 8],
            Self::Typo => [7, 4, 2],
            Self::TypoInside => [6, 3, 1],
        };
        match place {
            Place::Name => name,
            Place::Context => context,
            Place::Prose => prose,
        }
    }
}

/// How a question may be spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As it is.
    AsGiven,
    /// Words that no product has may have a mistake.
    UnknownMistyped,
    /// Every word may have a mistake.
    Mistyped,
}

/// What a word of a question means.
#[derive(Debug, Default)]
pub(super) struct Meaning {
    /// Words with their fits; some more than once.
    pub fits: Vec<(u32, Fit)>,
    /// Joined words.
    pub joined: Range<u32>,
    /// The parts of the compound that it is.
    pub parts: Vec<Meaning>,
}

impl Meaning {
    /// Whether no product has it.
    pub(super) fn is_nothing(&self) -> bool {
        self.fits.is_empty() && self.joined.is_empty() && self.parts.is_empty()
    }
}

impl Index {
    /// What a folded word of a question means.
    pub(super) fn meaning(&self, word: &str, spelling: Spelling) -> Meaning {
        let mut meaning = Meaning {
            fits: self.fits(word),
            joined: self.joined(word),
            parts: self.forms.parts(&self.words, word).into_iter().map(|part| self.meaning_of_part(part)).collect(),
        };
        let is_guessed = match spelling {
            Spelling::AsGiven => false,
            Spelling::UnknownMistyped => meaning.is_nothing(),
            Spelling::Mistyped => true,
        };
        if is_guessed {
            let meant = self.spellings.meant(&self.words, word);
            meant.into_iter().for_each(|meant| self.add_meant(meant, &mut meaning.fits));
        }
        meaning
    }

    /// The joined words that begin with a word. Those of a single letter have a first word that does.
    fn joined(&self, word: &str) -> Range<u32> {
        if word.len() == 1 { 0..0 } else { self.joined.beginning_with(word) }
    }

    fn add_meant(&self, meant: Meant, fits: &mut Vec<(u32, Fit)>) {
        fits.push((meant.word, if meant.rest == 0 { Fit::Typo } else { Fit::TypoInside }));
        if meant.rest <= LONGEST_ENDING {
            let all = self.fits(self.words.get(meant.word)).into_iter();
            fits.extend(all.map(|(word, _)| (word, Fit::TypoInside)));
        }
    }

    fn fits(&self, word: &str) -> Vec<(u32, Fit)> {
        let whole = self.words.find(word).map(|word| (word, Fit::Whole));
        let mut fits: Vec<(u32, Fit)> = whole.into_iter().collect();
        fits.extend(self.words.beginning_with(word).map(|word| (word, Fit::Start)));
        fits.extend(self.fragments.words_with(&self.words, word).map(|word| (word, Fit::Inside)));
        self.add_forms(word, &mut fits);
        fits
    }

    /// Adds the other forms of a word, and the words that are made of them.
    fn add_forms(&self, word: &str, fits: &mut Vec<(u32, Fit)>) {
        let known = fits.len();
        fits.extend(self.forms.of(&self.words, word).map(|form| (form, Fit::Form)));
        let forms: Vec<&str> = fits[known..].iter().map(|(form, _)| self.words.get(*form)).collect();
        let stem = stem(word);
        let long_forms = forms.into_iter().filter(|form| form.len() >= SHORTEST_FORM);
        // What has a longer form has the word itself too.
        for form in long_forms.chain(Some(&*stem)).filter(|form| !form.starts_with(word)) {
            if form.len() >= SHORTEST_FORM {
                fits.extend(self.words.beginning_with(form).map(|word| (word, Fit::FormInside)));
            }
            if form.len() > SHORTEST_FORM || form != stem {
                fits.extend(self.fragments.words_with(&self.words, form).map(|word| (word, Fit::FormInside)));
            }
        }
        // `bueros`, and `akten` when `akte` is only found at the end of others.
        if let Some(singular) = word.strip_suffix(['n', 's']).filter(|singular| singular.len() >= SHORTEST_FORM) {
            fits.extend(self.words.find(singular).map(|word| (word, Fit::Form)));
            let inside = self.fragments.words_with(&self.words, singular);
            let ends = inside.filter(|word| self.words.get(*word).ends_with(singular));
            fits.extend(ends.map(|word| (word, Fit::FormInside)));
        }
    }

    fn meaning_of_part(&self, part: &str) -> Meaning {
        let fits = self.fits(part).into_iter().map(|(word, _)| (word, Fit::Part));
        Meaning { fits: fits.collect(), ..Meaning::default() }
    }
}
