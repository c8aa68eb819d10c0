//! Search over folded text: every word of the question must be found, the better the place the higher the rank.

use crate::text::fold;

/// What search looks at in a product, folded.
#[derive(Debug, Default)]
pub struct Terms {
    name: String,
    /// Standard product, category, provider, keys.
    context: String,
    /// Summary and description.
    prose: String,
    /// Name without spaces: "eAkte" finds "E-Akte".
    compact_name: String,
    /// Context without spaces.
    compact_context: String,
}

/// A question, folded into words.
#[derive(Debug)]
pub struct Question {
    folded: String,
}

impl Terms {
    /// Folds the texts of a product: its name, what surrounds it, what is written about it.
    pub fn new(name: &str, context: &[&str], prose: &[&str]) -> Self {
        let (name, context) = (fold(name), fold(&context.join(" ")));
        let (compact_name, compact_context) = (name.replace(' ', ""), context.replace(' ', ""));
        Self { name, context, prose: fold(&prose.join(" ")), compact_name, compact_context }
    }

    /// The folded name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is written about it, folded.
    pub fn prose(&self) -> &str {
        &self.prose
    }
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

    /// How well a product answers, higher is better; none when a word is not found at all.
    pub fn rank(&self, terms: &Terms) -> Option<i64> {
        if self.folded.is_empty() {
            return None;
        }
        let whole = if terms.name == self.folded { 200 } else { 0 };
        self.folded.split(' ').try_fold(whole, |sum, word| Some(sum + rank_of_word(word, terms)?))
    }
}

fn rank_of_word(word: &str, terms: &Terms) -> Option<i64> {
    let in_name = |found: &dyn Fn(&str) -> bool| terms.name.split(' ').any(found);
    if in_name(&|part| part == word) {
        Some(100)
    } else if in_name(&|part| part.starts_with(word)) {
        Some(80)
    } else if terms.name.contains(word) {
        Some(60)
    } else if terms.compact_name.contains(word) {
        Some(50)
    } else if terms.context.contains(word) {
        Some(20)
    } else if terms.compact_context.contains(word) {
        Some(15)
    } else if terms.prose.contains(word) {
        Some(10)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(question: &str, name: &str, context: &str, prose: &str) -> Option<i64> {
        Question::new(question).unwrap().rank(&Terms::new(name, &[context], &[prose]))
    }

    #[test]
    fn umlauts_case_and_sharp_s_do_not_matter() {
        assert!(rank("BUERGERBUERO", "Bürgerbüro", "", "").is_some());
        assert!(rank("Straße", "Strassenverkehr", "", "").is_some());
    }

    #[test]
    fn better_places_rank_higher() {
        let places = [
            rank("akte", "Akte", "", ""),
            rank("akte", "E-Akte enaio", "", ""),
            rank("akte", "Aktenplan", "", ""),
            rank("akte", "Personalakte", "", ""),
            rank("eakte", "E-Akte", "", ""),
            rank("akte", "DMS", "E-Akte", ""),
            rank("akte", "DMS", "", "führt Akten"),
        ];
        assert!(places.windows(2).all(|pair| pair[0] > pair[1]), "{places:?}");
    }

    #[test]
    fn every_word_must_be_found() {
        assert!(rank("akte enaio", "E-Akte enaio", "", "").is_some());
        assert_eq!(rank("akte d3", "E-Akte enaio", "", ""), None);
    }
}
