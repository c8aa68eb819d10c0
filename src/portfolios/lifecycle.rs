//! Where a product stands, and where it can go from there: DRAFT → IN_REVIEW → PLANNED or AVAILABLE → PHASE_OUT → RETIRED.

use ::entity::product::Lifecycle;
use sea_orm::prelude::Date;

use super::Entry;

/// What is known of a product that is there already.
#[derive(Clone, Debug)]
pub struct Known {
    /// What it is.
    pub entry: Entry,
    /// Where it stands.
    pub lifecycle: Lifecycle,
}

impl Known {
    /// Whether the public sees it.
    pub fn is_published(&self) -> bool {
        is_published(self.lifecycle)
    }
}

/// Whether the public sees a product that stands here.
pub fn is_published(lifecycle: Lifecycle) -> bool {
    !matches!(lifecycle, Lifecycle::Draft | Lifecycle::InReview)
}

/// Where a provider can ask its product to stand, from where it stands today.
pub fn requestable(known: Option<&Known>, today: Date) -> &'static [Lifecycle] {
    use Lifecycle::{Available, Draft, InReview, PhaseOut, Planned, Retired};
    let is_phased_out = known.is_some_and(|known| known.entry.phase_out_from.is_some_and(|from| from <= today));
    match known.map(|known| known.lifecycle) {
        // Its day has come, though nobody has written it down.
        Some(Available) if is_phased_out => &[Available, PhaseOut, Retired],
        None | Some(Draft | InReview) => &[Draft, Planned, Available],
        Some(Planned) => &[Planned, Available, PhaseOut, Retired],
        Some(Available) => &[Available, PhaseOut],
        Some(PhaseOut) => &[PhaseOut, Retired],
        Some(Retired) => &[Retired],
    }
}

/// Where it then stands: what is published moves at once, everything else waits for the steward.
pub fn entered(known: Option<&Known>, requested: Lifecycle, is_changed: bool) -> Lifecycle {
    match known {
        Some(known) if known.is_published() => requested,
        _ if requested == Lifecycle::Draft => Lifecycle::Draft,
        // What the steward returned goes back to it once it is another.
        Some(known) if !is_changed => known.lifecycle,
        _ => Lifecycle::InReview,
    }
}
