//! Lists of one snapshot that were worked out before: another page of the same list is cut out of it, however long it is.

use std::{any::Any, fmt, sync::Arc};

use quick_cache::{Weighter, sync::Cache};

/// Bytes of lists that a snapshot keeps.
const MOST_BYTES: u64 = 8 * 1024 * 1024;
/// Lists that are expected.
const USUAL_LISTS: usize = 100;
/// Longest name of a list that is kept, in bytes.
const LONGEST_NAME: usize = 2_000;

/// Lists by their names. They go with their snapshot, so they are never out of date.
pub struct Lists(Cache<String, Kept, ByBytes>);

#[derive(Clone)]
struct Kept {
    bytes: u64,
    /// An `Arc<[T]>`.
    rows: Arc<dyn Any + Send + Sync>,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<String, Kept> for ByBytes {
    fn weight(&self, name: &String, kept: &Kept) -> u64 {
        name.len() as u64 + kept.bytes
    }
}

impl Default for Lists {
    fn default() -> Self {
        Self(Cache::with_weighter(USUAL_LISTS, MOST_BYTES, ByBytes))
    }
}

impl Lists {
    /// The list of this name. INVARIANT: the name says everything that the list depends on, but for the snapshot.
    pub fn get<T: Send + Sync + 'static>(&self, name: &str, make: impl FnOnce() -> Vec<T>) -> Arc<[T]> {
        let known = self.0.get(name).and_then(|kept| kept.rows.downcast_ref::<Arc<[T]>>().cloned());
        known.unwrap_or_else(|| {
            let rows: Arc<[T]> = make().into();
            if name.len() <= LONGEST_NAME {
                let kept = Kept { bytes: size_of_val(&*rows) as u64, rows: Arc::new(rows.clone()) };
                self.0.insert(name.to_owned(), kept);
            }
            rows
        })
    }
}

impl fmt::Debug for Lists {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} lists", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_worked_out_once_for_its_name() {
        let lists = Lists::default();
        let first = lists.get("numbers", || vec![1_u32, 2, 3]);
        let again = lists.get("numbers", || panic!("worked out again"));
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!(*lists.get::<u32>("other numbers", || vec![4]), [4]);
        assert_eq!(*lists.get::<u8>("numbers", || vec![5]), [5], "of another kind");
    }

    #[test]
    fn what_a_snapshot_keeps_is_bounded() {
        let lists = Lists::default();
        for list in 0..100 {
            lists.get(&list.to_string(), || vec![0_u8; 1024 * 1024]);
        }
        assert!(lists.0.weight() <= MOST_BYTES, "{}", lists.0.weight());
    }
}
