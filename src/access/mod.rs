//! Who may do what, in which phase. Facts come in as values, an answer comes out: no database, no GraphQL.

/// A role that a token can name (nobody needs one to read the public catalogue).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A municipality.
    Municipality,
    /// A municipal IT provider.
    Provider,
    /// Central contact of customer groups.
    AccountManager,
    /// Keeps the catalogue in order.
    Steward,
    /// Phases, joining, mergers.
    TransformationOffice,
    /// Scripts of the Land.
    Land,
    /// Reads who changed what.
    Auditor,
}

/// A transformation phase. Names and split are ours; S1 ("Transformationsroadmap") gives number and order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Before the independent unit exists.
    Preparation,
    /// The unit offers the initial portfolio.
    Foundation,
    /// More municipalities and providers join.
    Integration,
    /// One full-service provider.
    SteadyState,
}

/// What kind of product a rule means: the first that fits, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProductKind {
    /// Its provider has not joined.
    NotJoined,
    /// Belongs to the initial portfolio.
    Initial,
    /// Implements a standard product.
    Standard,
    /// Any other.
    Other,
}

/// What a municipality could do about a product that it does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Opening {
    /// Request it, with or without approval.
    Request,
    /// Declare interest, nothing more.
    Interest,
    /// Nothing.
    Closed,
}

/// What the rules of a phase open to a municipality.
///
/// Single products can be had without joining in every phase of the transformation (S1,
/// "Transformationsroadmap"); that this begins with the founding, that a provider must have joined, and that
/// interest ends with the steady state is ours.
pub fn opening(phase: Phase, kind: ProductKind) -> Opening {
    match (phase, kind) {
        (Phase::Preparation, _) | (Phase::Foundation | Phase::Integration, ProductKind::NotJoined) => Opening::Interest,
        (Phase::SteadyState, ProductKind::NotJoined) => Opening::Closed,
        (Phase::Foundation | Phase::Integration | Phase::SteadyState, _) => Opening::Request,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [ProductKind; 4] =
        [ProductKind::NotJoined, ProductKind::Initial, ProductKind::Standard, ProductKind::Other];

    #[test]
    fn before_the_founding_interest_is_the_only_way_in() {
        assert!(KINDS.iter().all(|kind| opening(Phase::Preparation, *kind) == Opening::Interest));
    }

    #[test]
    fn from_the_founding_on_products_of_joined_providers_can_be_requested() {
        for phase in [Phase::Foundation, Phase::Integration, Phase::SteadyState] {
            assert!(KINDS[1..].iter().all(|kind| opening(phase, *kind) == Opening::Request), "{phase:?}");
            assert_ne!(opening(phase, ProductKind::NotJoined), Opening::Request, "{phase:?}");
        }
    }

    #[test]
    fn in_the_steady_state_there_is_no_interest_any_more() {
        assert_eq!(opening(Phase::SteadyState, ProductKind::NotJoined), Opening::Closed);
    }
}
