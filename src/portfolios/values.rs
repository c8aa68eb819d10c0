//! Values of a row: texts, words of enumerations, numbers, days, lists, addresses; each is right, or what is wrong with it is
//! noted.

use std::str::FromStr;

use sea_orm::prelude::Date;
use serde::de::DeserializeOwned;

use super::{
    Surroundings,
    check::{Checked, LONGEST_URL},
    entry::name_of,
};
use crate::error::{Code, Error, check_text};

/// Days lie within these years.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2100;

impl Checked<'_> {
    /// Notes an error at a place of the row.
    pub(super) fn wrong(&mut self, field: &str, de: impl Into<String>, en: impl Into<String>) {
        self.errors.push(Error::bad_input(field, de, en));
    }

    pub(super) fn unknown(&mut self, field: &str, value: &str, de: &str, en: &str) {
        let de = format!("{field}: „{value}“ gibt es nicht. {de}");
        let en = format!("{field}: there is no “{value}”. {en}");
        self.errors.push(Error::new(Code::NotFound, de, en).with("field", field));
    }

    pub(super) fn text(&mut self, field: &str, text: &str, most: usize) -> Option<String> {
        match check_text(field, text, most) {
            Ok(()) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Err(error) => {
                self.errors.push(error);
                None
            }
        }
    }

    pub(super) fn needed(&mut self, field: &str, text: &str, most: usize) -> Option<String> {
        let errors = self.errors.len();
        let found = self.text(field, text, most);
        if found.is_none() && self.errors.len() == errors {
            self.wrong(field, format!("{field} fehlt. Bitte angeben."), format!("{field} is missing. Please give it."));
        }
        found
    }

    pub(super) fn prose(&mut self, field: &str, text: Option<&str>, most: usize) -> Option<String> {
        self.text(field, text?, most)
    }

    /// A word of an enumeration, in capitals or not.
    pub(super) fn word<T: DeserializeOwned + sea_orm::Iterable + serde::Serialize>(
        &mut self,
        field: &str,
        word: &str,
    ) -> Option<T> {
        let wanted = word.trim().to_uppercase().replace([' ', '-'], "_");
        let found = serde_json::from_value(serde_json::Value::from(wanted.as_str())).ok();
        if found.is_none() {
            let possible: Vec<String> = T::iter().map(name_of).collect();
            let (possible, shown) = (possible.join(", "), shown(word));
            self.wrong(
                field,
                format!("{field} ist „{shown}“; möglich ist {possible}."),
                format!("{field} is “{shown}”; possible is {possible}."),
            );
        }
        found
    }

    pub(super) fn word_or<T: DeserializeOwned + sea_orm::Iterable + serde::Serialize>(
        &mut self,
        field: &str,
        word: Option<&str>,
        usual: T,
    ) -> T {
        match word.filter(|word| !word.trim().is_empty()) {
            None => usual,
            Some(word) => self.word(field, word).unwrap_or(usual),
        }
    }

    pub(super) fn yes_or_no(&mut self, field: &str, word: Option<&str>) -> bool {
        match word.map(|word| word.trim().to_lowercase()).as_deref() {
            None | Some("" | "false" | "no" | "nein" | "0") => false,
            Some("true" | "yes" | "ja" | "1") => true,
            Some(other) => {
                let other = shown(other);
                self.wrong(
                    field,
                    format!("{field} ist „{other}“; möglich ist true oder false (ja, nein)."),
                    format!("{field} is “{other}”; possible is true or false."),
                );
                false
            }
        }
    }

    pub(super) fn number(&mut self, field: &str, text: Option<&str>, most: i32) -> Option<i32> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        let found = i32::from_str(text).ok().filter(|number| (0..=most).contains(number));
        if found.is_none() {
            let text = shown(text);
            self.wrong(
                field,
                format!("{field} ist „{text}“; möglich ist eine ganze Zahl von 0 bis {most}."),
                format!("{field} is “{text}”; possible is a whole number from 0 to {most}."),
            );
        }
        found
    }

    /// A day, as 2027-01-31 or 31.01.2027.
    pub(super) fn day(&mut self, field: &str, text: Option<&str>) -> Option<Date> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        let found = Date::from_str(text).or_else(|_| Date::parse_from_str(text, "%d.%m.%Y")).ok();
        let found = found.filter(|day| YEARS.contains(&chrono::Datelike::year(day)));
        if found.is_none() {
            let text = shown(text);
            self.wrong(
                field,
                format!(
                    "{field} ist „{text}“; ein Tag wird als 2027-01-31 oder 31.01.2027 geschrieben, von 2000 bis 2100."
                ),
                format!("{field} is “{text}”; a day is written as 2027-01-31, from 2000 to 2100."),
            );
        }
        found
    }

    pub(super) fn list(
        &mut self,
        field: &str,
        given: &[String],
        most: usize,
        is_known: impl Fn(&Surroundings<'_>, &str) -> bool,
        de: &str,
        en: &str,
    ) -> Vec<String> {
        if given.len() > most {
            let length = given.len();
            self.wrong(
                field,
                format!("{field} hat {length} Einträge; möglich sind {most}."),
                format!("{field} has {length} entries; possible are {most}."),
            );
            return Vec::new();
        }
        for (place, value) in given.iter().enumerate() {
            if !is_known(&self.around, value.trim()) {
                self.unknown(&format!("{field}.{place}"), &shown(value), de, en);
            }
        }
        let mut values: Vec<String> = given.iter().map(|value| value.trim().to_owned()).collect();
        values.sort_unstable();
        values.dedup();
        values
    }

    pub(super) fn url(&mut self, field: &str, text: Option<&str>) -> Option<String> {
        let text = self.text(field, text?, LONGEST_URL)?;
        let is_web = url::Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !is_web {
            let text = shown(&text);
            self.wrong(
                field,
                format!("{field} ist „{text}“; eine Adresse beginnt mit https://."),
                format!("{field} is “{text}”; an address begins with https://."),
            );
        }
        Some(text)
    }
}

/// A value as it can be shown: not endless, and nothing that is no text.
pub(super) fn shown(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(60).collect()
}
