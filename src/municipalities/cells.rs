//! The cells of a line: texts, numbers, days, words; each is right, or what is wrong with it is noted.

use std::ops::RangeInclusive;

use sea_orm::prelude::Date;

use super::file::Line;
use crate::{
    catalogue::Snapshot,
    error::{Error, check_text},
    text::german_day,
};

/// First year of a count.
const FIRST_YEAR: i32 = 1990;

/// A line that is being checked.
pub(super) struct Checked<'c> {
    pub(super) snapshot: &'c Snapshot,
    pub(super) today: Date,
    pub(super) line: &'c Line,
    pub(super) errors: Vec<Error>,
}

impl Checked<'_> {
    pub(super) fn has(&self, column: &str) -> bool {
        self.line.cell(column).is_some()
    }

    pub(super) fn cell(&self, column: &str) -> &str {
        self.line.cell(column).unwrap_or_default().trim()
    }

    /// The start of a cell as it can be shown.
    pub(super) fn shown(&self, column: &str) -> String {
        self.cell(column).chars().filter(|letter| !letter.is_control()).take(60).collect()
    }

    pub(super) fn wrong(&mut self, column: &str, de: impl Into<String>, en: impl Into<String>) {
        self.errors.push(Error::bad_input(column, de, en));
    }

    pub(super) fn missing(&mut self, column: &str) {
        self.wrong(column, format!("{column} fehlt. Bitte angeben."), format!("{column} is missing. Please give it."));
    }

    pub(super) fn text(&mut self, column: &str, most: usize) -> Option<String> {
        match check_text(column, self.cell(column), most) {
            Ok(()) => Some(self.cell(column).to_owned()).filter(|text| !text.is_empty()),
            Err(error) => {
                self.errors.push(error);
                None
            }
        }
    }

    pub(super) fn needed(&mut self, column: &str, most: usize) -> Option<String> {
        let found = self.text(column, most);
        if self.cell(column).is_empty() {
            self.missing(column);
        }
        found
    }

    pub(super) fn digits(&mut self, column: &str, length: usize) -> Option<String> {
        let cell = self.cell(column);
        if cell.len() == length && cell.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(cell.to_owned());
        }
        let shown = self.shown(column);
        self.wrong(
            column,
            format!("{column} ist „{shown}“; erwartet werden {length} Ziffern."),
            format!("{column} is “{shown}”; {length} digits are expected."),
        );
        None
    }

    pub(super) fn number(&mut self, column: &str, range: RangeInclusive<i64>) -> Option<i64> {
        let found = self.cell(column).parse::<i64>().ok().filter(|number| range.contains(number));
        if found.is_none() {
            let (shown, first, last) = (self.shown(column), range.start(), range.end());
            self.wrong(
                column,
                format!("{column} ist „{shown}“; möglich ist eine ganze Zahl von {first} bis {last}."),
                format!("{column} is “{shown}”; possible is a whole number from {first} to {last}."),
            );
        }
        found
    }

    /// A decimal number with at most two places, in hundredths.
    pub(super) fn hundredths(&mut self, column: &str, range: RangeInclusive<i64>) -> Option<i64> {
        let found = hundredths(self.cell(column)).filter(|number| range.contains(number));
        if found.is_none() {
            let (shown, most) = (self.shown(column), range.end() / 100);
            self.wrong(
                column,
                format!(
                    "{column} ist „{shown}“; möglich ist eine Zahl von 0.01 bis {most} mit höchstens zwei Stellen."
                ),
                format!("{column} is “{shown}”; possible is a number from 0.01 to {most} with at most two places."),
            );
        }
        found
    }

    pub(super) fn degrees(&mut self, column: &str, range: RangeInclusive<f64>) -> Option<f64> {
        if self.cell(column).is_empty() {
            return None;
        }
        let found = self.cell(column).replace(',', ".").parse::<f64>().ok().filter(|degrees| range.contains(degrees));
        if found.is_none() {
            let (shown, first, last) = (self.shown(column), range.start(), range.end());
            self.wrong(
                column,
                format!("{column} ist „{shown}“; Nordrhein-Westfalen liegt zwischen {first} und {last} Grad."),
                format!("{column} is “{shown}”; North Rhine-Westphalia lies between {first} and {last} degrees."),
            );
        }
        found
    }

    /// A day that is not in the future.
    pub(super) fn day(&mut self, column: &str) -> Option<Date> {
        let cell = self.cell(column);
        let day = cell.parse::<Date>().or_else(|_| Date::parse_from_str(cell, "%d.%m.%Y")).ok();
        let found = day.filter(|day| *day <= self.today && chrono::Datelike::year(day) >= FIRST_YEAR);
        if found.is_none() {
            let (shown, today) = (self.shown(column), self.today);
            self.wrong(
                column,
                format!(
                    "{column} ist „{shown}“; möglich ist ein Tag wie 2024-12-31, von {FIRST_YEAR} bis heute, {}.",
                    german_day(today)
                ),
                format!(
                    "{column} is “{shown}”; possible is a day such as 2024-12-31, from {FIRST_YEAR} to today, {today}."
                ),
            );
        }
        found
    }

    /// One of some words, or nothing.
    pub(super) fn word(&mut self, column: &str, words: &[&str]) -> Option<String> {
        let cell = self.cell(column);
        if cell.is_empty() || words.contains(&cell) {
            return Some(cell.to_owned()).filter(|cell| !cell.is_empty());
        }
        let (shown, possible) = (self.shown(column), words.join(", "));
        self.wrong(
            column,
            format!("{column} ist „{shown}“; möglich ist {possible}."),
            format!("{column} is “{shown}”; possible is {possible}."),
        );
        None
    }

    /// What follows from the AGS, where the file tells it.
    pub(super) fn same(&mut self, column: &str, expected: &str) {
        if !self.has(column) || self.cell(column) == expected {
            return;
        }
        let shown = self.shown(column);
        self.wrong(
            column,
            format!("{column} ist „{shown}“; nach ags ist es {expected}."),
            format!("{column} is “{shown}”; by ags it is {expected}."),
        );
    }
}

fn hundredths(text: &str) -> Option<i64> {
    let text = text.replace(',', ".");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    let is_plain = |digits: &str| (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain(whole) || !is_plain(fraction) || fraction.len() > 2 {
        return None;
    }
    Some(whole.parse::<i64>().ok()? * 100 + format!("{fraction:0<2}").parse::<i64>().ok()?)
}
