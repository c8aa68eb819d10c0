//! JSON and JSON Lines to rows. Numbers and booleans are taken as the texts that they are written with.

use std::collections::BTreeMap;

use serde_json::{Map, Value, value::RawValue};

use super::{FIELDS, File, LISTS, OF_PRICES, PRICE_FIELDS, Place, known, row, wrong};
use crate::error::{Error, Result};

/// Where lines begin, to tell the place of a value.
struct Source<'t> {
    text: &'t str,
    lines: Vec<usize>,
}

pub(super) fn read_list(text: &str) -> Result<File> {
    let mut file = File::default();
    if text.trim().is_empty() {
        return Ok(file);
    }
    let source = Source::new(text);
    let rows: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| broken(&error, error.line()))?;
    for raw in rows {
        source.add(raw, &mut file)?;
    }
    Ok(file)
}

pub(super) fn read_lines(text: &str) -> Result<File> {
    let (source, mut file) = (Source::new(text), File::default());
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let raw: &RawValue = serde_json::from_str(line).map_err(|error| broken(&error, number + 1))?;
        source.add(raw, &mut file)?;
    }
    Ok(file)
}

fn broken(error: &serde_json::Error, line: usize) -> Error {
    wrong(
        line,
        error.column(),
        &format!("kein gültiges JSON, oder keine Liste von Leistungen ({error})."),
        &format!("no valid JSON, or no list of products ({error})."),
    )
}

impl<'t> Source<'t> {
    fn new(text: &'t str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, lines }
    }

    /// Line and column of a part of the text, from 1.
    fn place(&self, part: &str) -> (usize, usize) {
        let offset = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let line = self.lines.partition_point(|begin| *begin <= offset);
        let begin = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        (line, self.text.get(begin..offset).map_or(0, |before| before.chars().count()) + 1)
    }

    fn wrong(&self, raw: &RawValue, de: &str, en: &str) -> Error {
        let (line, column) = self.place(raw.get());
        wrong(line, column, de, en)
    }

    fn add(&self, raw: &'t RawValue, file: &mut File) -> Result<()> {
        let mut place = Place { line: self.place(raw.get()).0, prices: Vec::new() };
        let names = FIELDS.into_iter().chain([OF_PRICES]);
        let mut fields = Map::new();
        for (name, raw) in self.object(raw, names)? {
            let value = match name {
                OF_PRICES => {
                    let prices = self.list(raw)?;
                    place.prices = prices.iter().map(|price| self.place(price.get()).0).collect();
                    prices.into_iter().map(|price| self.price(price)).collect::<Result<Vec<Value>>>()?.into()
                }
                _ if LISTS.contains(&name) => {
                    self.list(raw)?.into_iter().map(|raw| self.text(raw)).collect::<Result<Vec<Value>>>()?.into()
                }
                _ => self.text(raw)?,
            };
            fields.insert(name.to_owned(), value);
        }
        file.push(row(fields)?, place);
        Ok(())
    }

    fn price(&self, raw: &'t RawValue) -> Result<Value> {
        let fields = self.object(raw, PRICE_FIELDS.into_iter())?.into_iter();
        fields
            .map(|(name, raw)| Ok((name.to_owned(), self.text(raw)?)))
            .collect::<Result<Map<_, _>>>()
            .map(Value::Object)
    }

    /// The fields of an object by their names in the schema, without those that are null.
    fn object(
        &self,
        raw: &'t RawValue,
        names: impl Iterator<Item = &'static str> + Clone,
    ) -> Result<BTreeMap<&'static str, &'t RawValue>> {
        let given: Vec<(String, &RawValue)> = serde_json::from_str::<Fields<'t>>(raw.get())
            .map_err(|_| {
                self.wrong(raw, "Erwartet wird ein Objekt mit Feldern.", "an object with fields is expected.")
            })?
            .0;
        let mut fields = BTreeMap::new();
        for (name, value) in given {
            let (line, column) = self.place(value.get());
            let name = known(names.clone(), &name, line, column)?;
            if fields.insert(name, value).is_some() {
                let (de, en) = (format!("{name} steht zweimal in dieser Zeile."), format!("{name} is given twice."));
                return Err(wrong(line, column, &de, &en));
            }
        }
        fields.retain(|_, value| value.get() != "null");
        Ok(fields)
    }

    /// The values of a list; a single one stands for a list of one.
    fn list(&self, raw: &'t RawValue) -> Result<Vec<&'t RawValue>> {
        if !raw.get().starts_with('[') {
            return Ok(vec![raw]);
        }
        serde_json::from_str(raw.get()).map_err(Error::internal)
    }

    fn text(&self, raw: &RawValue) -> Result<Value> {
        match raw.get().chars().next() {
            Some('"') => serde_json::from_str(raw.get())
                .map_err(|_| self.wrong(raw, "Dieser Text ist nicht lesbar.", "this text can't be read.")),
            Some('{' | '[') | None => {
                Err(self.wrong(raw, "Erwartet wird ein Text oder eine Zahl.", "a text or a number is expected."))
            }
            Some(_) => Ok(raw.get().into()),
        }
    }
}

/// The fields of an object as they are written, also those that are there twice.
struct Fields<'t>(Vec<(String, &'t RawValue)>);

impl<'de: 't, 't> serde::Deserialize<'de> for Fields<'t> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Visitor).map(Self)
    }
}
