//! How well products answer one word of a question.

use super::{
    Index,
    fits::{Fit, Meaning},
    words::Use,
};

/// The best rank of each product.
pub(super) struct Ranks {
    /// By product; zero for what is not found.
    best: Vec<u8>,
    /// The products that are found, in no order.
    found: Vec<u32>,
}

impl Ranks {
    fn none(products: usize) -> Self {
        Self { best: vec![0; products], found: Vec::new() }
    }

    /// The rank of a product; zero when it is not found.
    pub(super) fn of(&self, product: u32) -> u8 {
        self.best[product as usize]
    }

    /// The products that are found, each with its rank, in no order.
    pub(super) fn into_iter(self) -> impl Iterator<Item = (u32, i32)> {
        let Self { best, found } = self;
        found.into_iter().map(move |product| (product, i32::from(best[product as usize])))
    }

    fn raise(&mut self, product: u32, rank: u8) {
        let best = &mut self.best[product as usize];
        if *best == 0 && rank > 0 {
            self.found.push(product);
        }
        *best = rank.max(*best);
    }
}

impl Index {
    /// How many products have the words that are meant, each counted with every one of them.
    pub(super) fn uses(&self, meaning: &Meaning) -> usize {
        let of_words: usize = meaning.fits.iter().map(|(word, _)| self.words.products_of(*word).len()).sum();
        let of_joined = self.joined.uses(meaning.joined.clone());
        of_words + of_joined + meaning.parts.iter().map(|part| self.uses(part)).sum::<usize>()
    }

    /// The ranks of all products, or of some only.
    pub(super) fn ranks(&self, meaning: &Meaning, among: Option<&[u32]>) -> Ranks {
        let mut ranks = match among {
            Some(products) => self.ranks_among(meaning, products),
            None => self.ranks_of_all(meaning),
        };
        if let Some((first, others)) = meaning.parts.split_first() {
            let first = self.ranks(first, among);
            let others: Vec<Ranks> = others.iter().map(|part| self.ranks(part, among)).collect();
            // A compound counts where the worst of its parts stands.
            for product in &first.found {
                let worst = others.iter().fold(first.of(*product), |worst, part| worst.min(part.of(*product)));
                ranks.raise(*product, worst);
            }
        }
        ranks
    }

    fn ranks_of_all(&self, meaning: &Meaning) -> Ranks {
        let mut ranks = Ranks::none(self.words.products());
        let mut raise = |fit: Fit, product: Use| ranks.raise(product.number(), fit.rank(product.place()));
        for (word, fit) in &meaning.fits {
            self.words.products_of(*word).for_each(|product| raise(*fit, product));
        }
        for word in meaning.joined.clone() {
            self.joined.products_of(word).for_each(|product| raise(Fit::Joined, product));
        }
        ranks
    }

    fn ranks_among(&self, meaning: &Meaning, products: &[u32]) -> Ranks {
        let mut ranks = Ranks::none(self.words.products());
        let mut best: Vec<Option<Fit>> = vec![None; self.words.len() as usize];
        for (word, fit) in &meaning.fits {
            let best = &mut best[*word as usize];
            *best = Some(best.map_or(*fit, |other| other.min(*fit)));
        }
        for product in products {
            for word in self.words.words_of(*product) {
                if let Some(fit) = best[word.number() as usize] {
                    ranks.raise(*product, fit.rank(word.place()));
                }
            }
            let joined = self.joined.words_of(*product).filter(|word| meaning.joined.contains(&word.number()));
            joined.for_each(|word| ranks.raise(*product, Fit::Joined.rank(word.place())));
        }
        ranks
    }
}
