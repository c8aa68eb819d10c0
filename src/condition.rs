//! Conditions of lists: plain ones of a noun, joined by and, or, not.

/// A condition over rows that plain conditions `C` are asked about.
#[derive(Clone, Debug)]
pub enum Condition<C> {
    /// All hold; true when there is none.
    All(Vec<Condition<C>>),
    /// One holds at least; false when there is none.
    Any(Vec<Condition<C>>),
    /// It does not hold.
    Not(Box<Condition<C>>),
    /// A plain condition.
    Is(C),
}

impl<C> Default for Condition<C> {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

impl<C> Condition<C> {
    /// How much there is to ask: every part counts one, a plain condition what `plain` says.
    pub fn size(&self, plain: &impl Fn(&C) -> usize) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().map(|part| part.size(plain)).sum::<usize>() + 1,
            Self::Not(part) => part.size(plain) + 1,
            Self::Is(condition) => plain(condition),
        }
    }

    /// Whether it holds, when `plain` answers for the plain conditions.
    pub fn holds(&self, plain: &impl Fn(&C) -> bool) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(plain)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(plain)),
            Self::Not(part) => !part.holds(plain),
            Self::Is(condition) => plain(condition),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_join_like_in_logic() {
        let is = |number| Condition::Is(number);
        let holds = |condition: &Condition<i32>, value: i32| condition.holds(&|number| *number == value);
        let odd_ones = Condition::Any(vec![is(1), is(3)]);
        assert!(holds(&odd_ones, 3) && !holds(&odd_ones, 2));
        assert!(holds(&Condition::Not(Box::new(odd_ones)), 2));
        assert!(holds(&Condition::default(), 7));
        assert!(!holds(&Condition::Any(vec![]), 7));
    }
}
