//! When what failed is tried again: 10 s later, then three times as long each time up to 6 hours, each by chance up to twice
//! that, for three days.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use chrono::{SubsecRound, TimeDelta};
use sea_orm::prelude::DateTimeUtc;

/// How long a message is tried.
pub const PATIENCE: TimeDelta = TimeDelta::days(3);
/// Longest rest that a receiver can ask for.
const LONGEST_REST: TimeDelta = TimeDelta::days(1);

const DELAYS: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_secs(10))
    .with_factor(3.0)
    .with_max_delay(Duration::from_secs(6 * 3600))
    .without_max_times()
    .with_jitter();

/// When a message is tried again that has failed so many times, for the first time at `first`; none when that was long enough.
/// The last attempt is at the end of the three days.
pub fn next(attempts: i32, first: DateTimeUtc, now: DateTimeUtc) -> Option<DateTimeUtc> {
    let end = first + PATIENCE;
    if now >= end {
        return None;
    }
    let failed = usize::try_from(attempts.saturating_sub(1)).unwrap_or_default();
    let delay = DELAYS.build().nth(failed).and_then(|delay| TimeDelta::from_std(delay).ok());
    // Moments are kept to microseconds.
    Some(delay.map_or(end, |delay| (now + delay).trunc_subsecs(6).min(end)))
}

/// Until when a receiver rests that asks for so long: a day at most.
pub fn rest(wanted: TimeDelta, now: DateTimeUtc) -> DateTimeUtc {
    now + wanted.clamp(TimeDelta::zero(), LONGEST_REST)
}

/// What the header `Retry-After` asks for: seconds, or a moment.
pub fn retry_after(text: &str, now: DateTimeUtc) -> Option<TimeDelta> {
    let text = text.trim();
    match text.parse::<u32>() {
        Ok(seconds) => Some(TimeDelta::seconds(i64::from(seconds))),
        Err(_) => chrono::DateTime::parse_from_rfc2822(text).ok().map(|moment| moment.to_utc() - now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> DateTimeUtc {
        text.parse().unwrap()
    }

    #[test]
    fn attempts_grow_apart_and_end_after_three_days_exactly() {
        let first = moment("2026-11-23T09:00:00Z");
        for _ in 0..100 {
            let (mut now, mut attempts, mut longest) = (first, 1, TimeDelta::zero());
            while let Some(next) = next(attempts, first, now) {
                let waited = next - now;
                let least = TimeDelta::seconds(10 * 3_i64.pow(attempts.min(8) as u32 - 1)).min(TimeDelta::hours(6));
                assert!(waited >= least || next == first + PATIENCE, "{attempts}: {waited}");
                assert!(waited <= least * 2, "{attempts}: {waited}");
                longest = longest.max(waited);
                (now, attempts) = (next, attempts + 1);
            }
            assert_eq!(now, first + PATIENCE);
            assert!((12..=22).contains(&attempts) && longest <= TimeDelta::hours(12), "{attempts} {longest}");
        }
    }

    #[test]
    fn a_receiver_may_ask_for_a_rest_of_a_day_at_most() {
        let now = moment("2026-11-23T09:00:00Z");
        assert_eq!(retry_after("120", now), Some(TimeDelta::minutes(2)));
        assert_eq!(retry_after("Mon, 23 Nov 2026 10:00:00 GMT", now), Some(TimeDelta::hours(1)));
        for strange in ["", "-1", "soon", "1.5", "99999999999999"] {
            assert_eq!(retry_after(strange, now), None, "{strange}");
        }
        assert_eq!(rest(TimeDelta::days(30), now), now + TimeDelta::days(1));
        assert_eq!(rest(TimeDelta::days(-1), now), now);
    }
}
