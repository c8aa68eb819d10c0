//! Languages of answers, and the folding that makes German text comparable.

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// A language that the service answers in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// German, the default.
    #[default]
    De,
    /// English.
    En,
}

impl Language {
    /// Picks from an `Accept-Language` header: the first of the highest weight that is German or English.
    pub fn from_accept_language(header: &str) -> Self {
        let weighted = header.split(',').filter_map(|range| {
            let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
            let weight = weight.trim().strip_prefix("q=")?;
            let language = match tag.trim().get(..2)?.to_ascii_lowercase().as_str() {
                "de" => Self::De,
                "en" => Self::En,
                _ => return None,
            };
            Some((language, weight.parse::<f32>().ok().filter(|weight| *weight > 0.0)?))
        });
        let best = weighted.fold(None, |best: Option<(Self, f32)>, next| match best {
            Some(best) if best.1 >= next.1 => Some(best),
            _ => Some(next),
        });
        best.map(|(language, _)| language).unwrap_or_default()
    }
}

/// The same sentence in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// German.
    pub de: String,
    /// English.
    pub en: String,
}

impl Text {
    /// A sentence in both languages.
    pub fn new(de: impl Into<String>, en: impl Into<String>) -> Self {
        Self { de: de.into(), en: en.into() }
    }

    /// The sentence in one language.
    pub fn in_language(self, language: Language) -> String {
        match language {
            Language::De => self.de,
            Language::En => self.en,
        }
    }
}

/// Folds text for comparing and searching: lower case, `ä` as `ae`, `ß` as `ss`, other accents dropped,
/// everything that is neither letter nor digit a single space.
pub fn fold(text: &str) -> String {
    let mut folded = Folded { text: String::with_capacity(text.len() + 8), is_after_gap: false };
    // Nearly every text is composed already.
    if is_nfc(text) {
        folded.extend(text.chars())
    } else {
        folded.extend(text.nfc())
    }
    folded.text
}

/// Text that is being folded, without a space at its end.
struct Folded {
    text: String,
    is_after_gap: bool,
}

impl Folded {
    fn extend(&mut self, characters: impl Iterator<Item = char>) {
        for character in characters {
            if character.is_ascii() {
                self.push(character.to_ascii_lowercase());
            } else {
                character.to_lowercase().for_each(|lower| self.push_foreign(lower));
            }
        }
    }

    fn push_foreign(&mut self, character: char) {
        let letters = match character {
            'ä' => ['a', 'e'],
            'ö' => ['o', 'e'],
            'ü' => ['u', 'e'],
            'ß' => ['s', 's'],
            other => return std::iter::once(other).nfd().for_each(|part| self.push(part)),
        };
        letters.into_iter().for_each(|letter| self.push(letter));
    }

    fn push(&mut self, character: char) {
        if character.is_alphanumeric() {
            if self.is_after_gap && !self.text.is_empty() {
                self.text.push(' ');
            }
            self.is_after_gap = false;
            self.text.push(character);
        } else if character.is_ascii() || !is_mark(character) {
            self.is_after_gap = true;
        }
    }
}

fn is_mark(character: char) -> bool {
    unicode_normalization::char::is_combining_mark(character)
}

/// Groups an integer's digits by threes as the language does: `1.234.567` or `1,234,567`.
pub fn grouped(number: i64, language: Language) -> String {
    let separator = if language == Language::De { '.' } else { ',' };
    let digits = number.unsigned_abs().to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3 + 1);
    if number < 0 {
        grouped.push('-');
    }
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(separator);
        }
        grouped.push(digit);
    }
    grouped
}

/// A number of hundredths with its two places: cents as euros, hundredths of a percent as percent.
pub fn hundredths(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", number.unsigned_abs() / 100, number.unsigned_abs() % 100)
}

/// A day as German writes it: `31.12.2024`.
pub fn german_day(day: chrono::NaiveDate) -> String {
    day.format("%d.%m.%Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn umlauts_and_their_spellings_fold_alike() {
        assert_eq!(fold("Bürger-Büro"), "buerger buero");
        assert_eq!(fold("BUERGER  buero"), fold("Bürger/Büro"));
        assert_eq!(fold("Straßen"), fold("STRASSEN"));
        assert_eq!(fold("u\u{308}ber"), "ueber");
        assert_eq!(fold("Café"), "cafe");
        assert_eq!(fold(" -- "), "");
    }

    #[test]
    fn the_language_with_the_highest_weight_wins() {
        assert_eq!(Language::from_accept_language("fr, en;q=0.5, de;q=0.8"), Language::De);
        assert_eq!(Language::from_accept_language("en-GB,de;q=0.9"), Language::En);
        assert_eq!(Language::from_accept_language("*"), Language::De);
        assert_eq!(Language::from_accept_language("en; q=0.5, de; q=0.4"), Language::En);
        assert_eq!(Language::from_accept_language("en;q=0"), Language::De);
    }

    #[test]
    fn numbers_are_grouped_by_threes() {
        assert_eq!(grouped(262_670, Language::De), "262.670");
        assert_eq!(grouped(-1_000, Language::En), "-1,000");
        assert_eq!(grouped(7, Language::De), "7");
    }
}
