//! Rows of the snapshot in a fixed order, and typed places in them.

use std::{collections::HashMap, fmt, hash, marker::PhantomData, ops::Index};

use sea_orm::prelude::Uuid;

/// The place of a row in one snapshot's table. Means nothing in another snapshot.
pub struct At<T>(u32, PhantomData<fn() -> T>);

/// Rows in a fixed order, found by place and by id.
#[derive(Debug)]
pub struct Table<T> {
    rows: Vec<T>,
    places: HashMap<Uuid, At<T>>,
}

impl<T> Table<T> {
    /// Takes rows in their final order; `id` tells each row's id.
    pub fn new(rows: Vec<T>, id: impl Fn(&T) -> Uuid) -> Self {
        let places = rows.iter().zip(0..).map(|(row, place)| (id(row), At::new(place))).collect();
        Self { rows, places }
    }

    /// The place of the row with this id.
    pub fn find(&self, id: Uuid) -> Option<At<T>> {
        self.places.get(&id).copied()
    }

    /// All places in order.
    pub fn places(&self) -> impl DoubleEndedIterator<Item = At<T>> + ExactSizeIterator + use<T> {
        (0..self.rows.len() as u32).map(At::new)
    }

    /// All rows in order, with their places.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (At<T>, &T)> {
        self.places().zip(&self.rows)
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The row at a place, to complete it while the snapshot is built.
    pub(super) fn at_mut(&mut self, at: At<T>) -> &mut T {
        &mut self.rows[at.0 as usize]
    }
}

impl<T> Index<At<T>> for Table<T> {
    type Output = T;

    fn index(&self, at: At<T>) -> &T {
        &self.rows[at.0 as usize]
    }
}

impl<T> At<T> {
    /// The place of a number.
    pub(super) const fn new(place: u32) -> Self {
        Self(place, PhantomData)
    }

    /// The place as a number: the same number in the same snapshot is the same row.
    pub(super) const fn place(self) -> u32 {
        self.0
    }
}

impl<T> Clone for At<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for At<T> {}

impl<T> PartialEq for At<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> Eq for At<T> {}

impl<T> PartialOrd for At<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for At<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

impl<T> hash::Hash for At<T> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<T> fmt::Debug for At<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "@{}", self.0)
    }
}
