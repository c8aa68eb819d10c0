//! The only place that reads the wall clock. Everything else is told the time, so that a test can choose it.

use chrono::{DateTime, NaiveDate, Utc};

/// Where the time comes from.
#[derive(Clone, Copy, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// Always this moment, for tests and rehearsals.
    Fixed(DateTime<Utc>),
}

impl Clock {
    /// This moment in UTC, cut to microseconds: PostgreSQL keeps no more.
    #[allow(clippy::disallowed_methods)]
    pub fn now(&self) -> DateTime<Utc> {
        let now = match self {
            Self::System => Utc::now(),
            Self::Fixed(moment) => *moment,
        };
        DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }

    /// Today's calendar day in Europe/Berlin: the day that contracts and prices mean.
    pub fn today(&self) -> NaiveDate {
        day_of(self.now())
    }
}

/// The first moment of a calendar day in Europe/Berlin.
pub fn beginning_of(day: NaiveDate) -> Option<DateTime<Utc>> {
    let midnight = day.and_hms_opt(0, 0, 0)?;
    midnight.and_local_timezone(chrono_tz::Europe::Berlin).earliest().map(|moment| moment.to_utc())
}

/// The calendar day of a moment in Europe/Berlin.
pub fn day_of(moment: DateTime<Utc>) -> NaiveDate {
    moment.with_timezone(&chrono_tz::Europe::Berlin).date_naive()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_business_day_is_the_one_in_berlin() {
        let before_midnight_in_london = "2026-06-30T22:30:00Z".parse().unwrap();
        let clock = Clock::Fixed(before_midnight_in_london);
        assert_eq!(clock.today().to_string(), "2026-07-01");
    }
}
