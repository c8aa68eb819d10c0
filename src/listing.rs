//! Lists in a total order, cut into pages by cursors.
//!
//! A cursor holds the sort key of its row, so it stays right while rows come and go between two pages.

use std::{cmp::Reverse, sync::Arc};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sea_orm::prelude::Uuid;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Most rows of a page.
pub const MOST_ROWS: usize = 100;
/// Longest cursor that is looked at, in bytes.
const LONGEST_CURSOR: usize = 4096;

/// One part of a sort key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Key {
    /// Smaller values first.
    #[serde(rename = "u")]
    Up(Value),
    /// Larger values first.
    #[serde(rename = "d")]
    Down(Reverse<Value>),
}

/// What a sort key compares; nothing sorts before something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Unknown.
    Nothing,
    /// A number, or a day as days since the common era.
    Int(i64),
    /// Folded text.
    Text(String),
}

impl Key {
    /// A part that compares upwards or downwards.
    pub fn new(value: impl Into<Value>, is_descending: bool) -> Self {
        if is_descending { Self::Down(Reverse(value.into())) } else { Self::Up(value.into()) }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::Nothing, Self::Int)
    }
}

/// Where a row stands: its sort key, and its id so that no two rows stand at one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position(pub Vec<Key>, pub Uuid);

/// Which page a caller asks for.
#[derive(Clone, Debug)]
pub struct Window {
    rows: Rows,
    after: Option<Cursor>,
    before: Option<Cursor>,
}

#[derive(Clone, Copy, Debug)]
enum Rows {
    First(usize),
    Last(usize),
}

/// The list that a cursor belongs to, and the position in it.
#[derive(Clone, Debug, Deserialize)]
struct Cursor(String, Position);

impl Window {
    /// Checks the four paging arguments: one of `first` and `last`, 1 to 100; cursors of this service.
    pub fn new(first: Option<i32>, after: Option<&str>, last: Option<i32>, before: Option<&str>) -> Result<Self> {
        let rows = match (first, last) {
            (Some(first), None) => Rows::First(count("first", first)?),
            (None, Some(last)) => Rows::Last(count("last", last)?),
            (None, None) => {
                return Err(Error::bad_input(
                    "first",
                    "Bitte entweder first oder last angeben (1 bis 100).",
                    "Please give either first or last (1 to 100).",
                ));
            }
            (Some(_), Some(_)) => {
                return Err(Error::bad_input(
                    "last",
                    "first und last gehen nicht zusammen. Bitte eines weglassen.",
                    "first and last don't go together. Please leave one out.",
                ));
            }
        };
        let after = after.map(|cursor| Cursor::decode("after", cursor)).transpose()?;
        let before = before.map(|cursor| Cursor::decode("before", cursor)).transpose()?;
        Ok(Self { rows, after, before })
    }
}

/// A window over a list that the database holds: how many rows, in which direction, between which positions.
#[derive(Clone, Copy, Debug)]
pub struct Keyset<'w> {
    /// Rows at most.
    pub rows: usize,
    /// The last rows of the window, not the first.
    pub is_backwards: bool,
    /// Only rows after this position.
    pub after: Option<&'w Position>,
    /// Only rows before this position.
    pub before: Option<&'w Position>,
}

impl Window {
    /// The window over a list of this name; a cursor of another list is refused.
    pub fn keyset(&self, name: &str) -> Result<Keyset<'_>> {
        let (rows, is_backwards) = match self.rows {
            Rows::First(rows) => (rows, false),
            Rows::Last(rows) => (rows, true),
        };
        let after = self.after.as_ref().map(|cursor| place(name, "after", cursor)).transpose()?;
        let before = self.before.as_ref().map(|cursor| place(name, "before", cursor)).transpose()?;
        Ok(Keyset { rows, is_backwards, after, before })
    }
}

/// Where a row of a page stands. Its cursor is written only when somebody asks for it.
#[derive(Clone, Debug)]
pub enum Place {
    /// At a cursor that is written already.
    At(String),
    /// At a position in the list of this name.
    In(Arc<str>, Position),
}

impl Place {
    /// The cursor.
    pub fn cursor(&self) -> String {
        match self {
            Self::At(cursor) => cursor.clone(),
            Self::In(list, position) => Cursor::encode(list, position),
        }
    }
}

/// A page of a list that the database holds.
#[derive(Debug)]
pub struct Cut<T> {
    /// The rows with their places.
    pub rows: Vec<(Place, T)>,
    /// Whether there are rows before the page.
    pub has_previous: bool,
    /// Whether there are rows after the page.
    pub has_next: bool,
}

impl Keyset<'_> {
    /// Rows to ask the database for: one more than the page has, to know whether there is more.
    pub fn limit(&self) -> u64 {
        self.rows as u64 + 1
    }

    /// The page of the rows that the database gave, in the order of the direction, in the list of this name.
    pub fn cut<T>(&self, name: &str, mut rows: Vec<T>, position: impl Fn(&T) -> Position) -> Cut<T> {
        let has_more = rows.len() > self.rows;
        rows.truncate(self.rows);
        let (has_previous, has_next) = match self.is_backwards {
            false => (self.after.is_some(), has_more),
            true => {
                rows.reverse();
                (has_more, self.before.is_some())
            }
        };
        let list: Arc<str> = name.into();
        let place = |row: T| (Place::In(list.clone(), position(&row)), row);
        Cut { rows: rows.into_iter().map(place).collect(), has_previous, has_next }
    }
}

/// Checks the number of rows of a page: 1 to 100.
pub fn count(field: &str, rows: i32) -> Result<usize> {
    match usize::try_from(rows) {
        Ok(rows) if (1..=MOST_ROWS).contains(&rows) => Ok(rows),
        _ => Err(Error::bad_input(
            field,
            format!("{field} ist {rows}; erlaubt ist 1 bis {MOST_ROWS}."),
            format!("{field} is {rows}; allowed is 1 to {MOST_ROWS}."),
        )),
    }
}

impl Cursor {
    fn decode(field: &str, text: &str) -> Result<Self> {
        let bytes = (text.len() <= LONGEST_CURSOR).then(|| BASE64_URL_SAFE_NO_PAD.decode(text).ok()).flatten();
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(|| {
            Error::bad_input(
                field,
                format!(
                    "{field} ist kein Cursor dieses Dienstes. Bitte startCursor oder endCursor einer Seite verwenden."
                ),
                format!("{field} is no cursor of this service. Please use startCursor or endCursor of a page."),
            )
        })
    }

    /// What [`Cursor::decode`] reads.
    fn encode(list: &str, position: &Position) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&(list, position)).unwrap_or_default())
    }
}

/// A part of an order: a field and a direction.
#[derive(Clone, Copy, Debug)]
pub struct Order<F> {
    /// What is compared.
    pub field: F,
    /// Larger values first.
    pub is_descending: bool,
}

/// Names an order for cursors: `Name+ Population-`.
pub fn signature<F: std::fmt::Debug>(order: &[Order<F>]) -> String {
    let parts = order.iter().map(|order| format!("{:?}{}", order.field, if order.is_descending { '-' } else { '+' }));
    parts.collect::<Vec<_>>().join(" ")
}

/// All rows of a list in order. `T` is what a row is known by.
pub struct Listing<'a, T> {
    name: String,
    rows: Arc<[T]>,
    position: Box<dyn Fn(&T) -> Position + Send + Sync + 'a>,
}

/// A page of a list.
#[derive(Debug)]
pub struct Page<T> {
    /// The rows with their places.
    pub rows: Vec<(Place, T)>,
    /// Rows of the whole list.
    pub total: usize,
    /// Whether there are rows before the page.
    pub has_previous: bool,
    /// Whether there are rows after the page.
    pub has_next: bool,
}

impl<'a, T> Listing<'a, T> {
    /// A list whose rows are in order already. `name` tells lists and orders apart: a cursor of another is refused.
    pub fn ordered(name: String, rows: Vec<T>, position: impl Fn(&T) -> Position + Send + Sync + 'a) -> Self {
        Self::shared(name, rows.into(), position)
    }

    /// The same of rows that are kept elsewhere: only a page is copied out.
    pub fn shared(name: String, rows: Arc<[T]>, position: impl Fn(&T) -> Position + Send + Sync + 'a) -> Self {
        Self { name, rows, position: Box::new(position) }
    }

    /// A list whose rows have yet to be put in order.
    pub fn sorted(name: String, mut rows: Vec<T>, position: impl Fn(&T) -> Position + Send + Sync + 'a) -> Self {
        rows.sort_by_cached_key(&position);
        Self::ordered(name, rows, position)
    }

    /// All rows, in order.
    pub fn whole(&self) -> Arc<[T]> {
        self.rows.clone()
    }

    /// Cuts out a page.
    pub fn page(self, window: &Window) -> Result<Page<T>>
    where
        T: Clone,
    {
        let rows = &self.rows;
        let total = rows.len();
        let mut start = 0;
        let mut end = total;
        if let Some(after) = &window.after {
            let after = place(&self.name, "after", after)?;
            start = rows.partition_point(|row| (self.position)(row) <= *after);
        }
        if let Some(before) = &window.before {
            let before = place(&self.name, "before", before)?;
            end = rows.partition_point(|row| (self.position)(row) < *before).max(start);
        }
        // Relay: in the direction of reading, more is what is left between the cursors; on the other side, what is there at all.
        let (has_previous, has_next);
        match window.rows {
            Rows::First(count) => {
                let limit = end;
                end = end.min(start.saturating_add(count));
                (has_previous, has_next) = (start > 0, end < limit);
            }
            Rows::Last(count) => {
                let limit = start;
                start = start.max(end.saturating_sub(count));
                (has_previous, has_next) = (start > limit, end < total);
            }
        }
        let list: Arc<str> = self.name.into();
        let place = |row: &T| (Place::In(list.clone(), (self.position)(row)), row.clone());
        let rows = rows.get(start..end).unwrap_or_default().iter().map(place).collect();
        Ok(Page { rows, total, has_previous, has_next })
    }
}

fn place<'c>(name: &str, field: &str, cursor: &'c Cursor) -> Result<&'c Position> {
    if cursor.0 == name {
        return Ok(&cursor.1);
    }
    Err(Error::bad_input(
        field,
        format!("{field} gehört zu einer anderen Liste, Sortierung oder Suche. Bitte von vorn beginnen."),
        format!("{field} belongs to another list, order or search. Please start from the beginning."),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: i64) -> Listing<'static, i64> {
        let position = |number: &i64| Position(vec![Key::new(*number / 3, true)], Uuid::from_u128(*number as u128));
        Listing::sorted("numbers".into(), (0..count).collect(), position)
    }

    fn walk(count: i64, rows: i32, forwards: bool) -> Vec<i64> {
        let mut seen = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let window = match forwards {
                true => Window::new(Some(rows), cursor.as_deref(), None, None),
                false => Window::new(None, None, Some(rows), cursor.as_deref()),
            };
            let page = numbers(count).page(&window.unwrap()).unwrap();
            assert_eq!(page.total as i64, count);
            let numbers: Vec<i64> = page.rows.iter().map(|(_, number)| *number).collect();
            let more = if forwards {
                seen.extend(numbers);
                cursor = page.rows.last().map(|(place, _)| place.cursor());
                page.has_next
            } else {
                seen.splice(0..0, numbers);
                cursor = page.rows.first().map(|(place, _)| place.cursor());
                page.has_previous
            };
            if !more {
                return seen;
            }
        }
    }

    #[test]
    fn walking_forwards_and_backwards_sees_every_row_once_in_the_same_order() {
        for count in [0, 1, 2, 7, 30] {
            for rows in [1, 2, 3, 100] {
                let forwards = walk(count, rows, true);
                assert_eq!(forwards.len() as i64, count);
                assert!(forwards.is_sorted_by_key(|number| (Reverse(number / 3), *number)));
                assert_eq!(forwards, walk(count, rows, false));
            }
        }
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let page = numbers(3).page(&Window::new(Some(1), None, None, None).unwrap()).unwrap();
        let window = Window::new(Some(1), Some(&page.rows[0].0.cursor()), None, None).unwrap();
        let other = Listing::ordered("others".into(), vec![1_i64], |_| Position(vec![], Uuid::nil()));
        assert_eq!(other.page(&window).unwrap_err().code, crate::error::Code::BadUserInput);
    }

    #[test]
    fn wrong_paging_arguments_are_refused() {
        for (first, last) in [(None, None), (Some(1), Some(1)), (Some(0), None), (Some(-1), None), (None, Some(101))] {
            assert!(Window::new(first, None, last, None).is_err(), "{first:?} {last:?}");
        }
        let long = "A".repeat(10_000);
        for cursor in ["", "x", "////", "bnVsbA", long.as_str()] {
            assert!(Window::new(Some(1), Some(cursor), None, None).is_err(), "{cursor:.20}");
        }
    }
}
