//! What of the next entries can be sent now. Order is kept per thing: the next change of one waits for the one before.

use std::collections::{HashMap, HashSet};

use ::entity::webhook_entry;
use sea_orm::prelude::DateTimeUtc;

use crate::changes::Entry;

/// Entries beyond the position that are looked at: how far others may go ahead of one that fails.
pub const ENTRIES: usize = 100;
/// Messages that are under way to one webhook at once.
pub const AT_ONCE: usize = 8;
/// So many entries one after the other that failed at first: then no others are tried until one gets through.
pub const FAILED_IN_A_ROW: i32 = 5;

/// The next entries, and what is known of those that were tried.
#[derive(Debug)]
pub struct Window {
    entries: Vec<Entry>,
    known: HashMap<i64, webhook_entry::Model>,
    /// Up to here there are no others.
    end: i64,
    /// Whether there are more after them.
    pub has_next: bool,
}

impl Window {
    /// Of a page of the feed.
    pub fn new(page: crate::changes::Page, known: Vec<webhook_entry::Model>) -> Self {
        let known = known.into_iter().map(|entry| (entry.sequence, entry)).collect();
        Self { entries: page.entries, known, end: page.end, has_next: page.has_next }
    }

    /// What is known of an entry that was tried.
    pub fn known(&self, sequence: i64) -> Option<&webhook_entry::Model> {
        self.known.get(&sequence)
    }

    /// Notes what became of an entry.
    pub fn note(&mut self, entry: webhook_entry::Model) {
        self.known.insert(entry.sequence, entry);
    }

    /// Entries that can be sent now, each about another thing. `tries_new`: also such that were not tried yet.
    pub fn ready(&self, tries_new: bool, now: DateTimeUtc) -> Vec<Entry> {
        let waiting = self.waiting().filter(|entry| match self.known(entry.row.sequence) {
            Some(known) => known.next_attempt_at.is_none_or(|at| at <= now),
            None => tries_new,
        });
        waiting.take(AT_ONCE).cloned().collect()
    }

    /// When the next entry is due that waits for its time.
    pub fn retry_at(&self) -> Option<DateTimeUtc> {
        self.waiting().filter_map(|entry| self.known(entry.row.sequence)?.next_attempt_at).min()
    }

    /// Up to where everything was delivered, from a position on.
    pub fn position(&self, from: i64) -> i64 {
        let delivered = self.entries.iter().take_while(|entry| self.is_delivered(entry)).count();
        match delivered {
            all if all == self.entries.len() => self.end.max(from),
            0 => from,
            some => self.entries[some - 1].row.sequence,
        }
    }

    /// Whether everything in it was delivered.
    pub fn is_done(&self) -> bool {
        self.entries.iter().all(|entry| self.is_delivered(entry))
    }

    /// The first entry of each thing that was not delivered yet.
    fn waiting(&self) -> impl Iterator<Item = &Entry> {
        let mut things = HashSet::new();
        let open = self.entries.iter().filter(|entry| !self.is_delivered(entry));
        open.filter(move |entry| things.insert((entry.row.kind, entry.row.entity_id)))
    }

    fn is_delivered(&self, entry: &Entry) -> bool {
        self.known(entry.row.sequence).is_some_and(|known| known.delivered)
    }
}

#[cfg(test)]
mod tests {
    use ::entity::change::{self, Type};
    use sea_orm::prelude::Uuid;

    use super::*;
    use crate::changes::Page;

    fn now() -> DateTimeUtc {
        "2026-11-23T09:00:00Z".parse().unwrap()
    }

    /// Entries with these sequences, each about the thing of that number.
    fn window(entries: &[(i64, u128)], end: i64) -> Window {
        let entry = |(sequence, thing): &(i64, u128)| Entry {
            row: change::Model {
                sequence: *sequence,
                at: now(),
                kind: Type::Product,
                entity_id: Uuid::from_u128(*thing),
                entity_version: None,
                published: true,
            },
            previous: None,
        };
        Window::new(Page { entries: entries.iter().map(entry).collect(), end, has_next: false }, Vec::new())
    }

    fn noted(sequence: i64, delivered: bool, next: Option<i64>) -> webhook_entry::Model {
        let next_attempt_at = next.map(|seconds| now() + chrono::TimeDelta::seconds(seconds));
        let webhook_id = Uuid::nil();
        webhook_entry::Model { webhook_id, sequence, delivered, attempts: 1, first_failed_at: None, next_attempt_at }
    }

    fn ready(window: &Window, tries_new: bool) -> Vec<i64> {
        window.ready(tries_new, now()).iter().map(|entry| entry.row.sequence).collect()
    }

    #[test]
    fn the_next_change_of_a_thing_waits_for_the_one_before_and_others_do_not() {
        let mut window = window(&[(3, 1), (5, 1), (6, 2), (9, 1), (10, 2)], 12);
        assert_eq!(ready(&window, true), [3, 6]);
        window.note(noted(3, false, Some(10)));
        assert_eq!(ready(&window, true), [6]);
        window.note(noted(6, true, None));
        assert_eq!((ready(&window, true), window.position(1)), (vec![10], 1));
        assert_eq!(window.retry_at(), Some(now() + chrono::TimeDelta::seconds(10)));
        window.note(noted(3, false, Some(0)));
        assert_eq!(ready(&window, false), [3], "what was tried is due; what was not waits");
        window.note(noted(3, true, None));
        assert_eq!((ready(&window, true), window.position(1)), (vec![5, 10], 3));
        window.note(noted(5, true, None));
        assert_eq!(window.position(1), 6, "with what was delivered ahead of it");
        window.note(noted(9, true, None));
        window.note(noted(10, true, None));
        assert_eq!((window.position(1), window.is_done()), (12, true), "up to where the feed was looked at");
    }

    #[test]
    fn an_empty_window_moves_the_position_forwards_only() {
        let window = window(&[], 12);
        assert_eq!((window.position(4), window.position(20), window.is_done()), (12, 20, true));
    }
}
