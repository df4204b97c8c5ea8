//! Verified small ranges that were read lately: what lies packed with others tends to be read with them.

use nokv_types::{ObjectId, PACKED_BYTES_MAX};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// A stored range: object, offset, length.
pub(super) type RangeKey = (ObjectId, u64, u32);

/// Least recently used ranges go first; immutable content never needs to be dropped for being old.
#[derive(Debug)]
pub(crate) struct RangeCache {
    state: Mutex<State>,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct State {
    ranges: HashMap<RangeKey, (u64, Arc<Vec<u8>>)>,
    order: BTreeMap<u64, RangeKey>,
    clock: u64,
    bytes: usize,
}

impl RangeCache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            state: Mutex::default(),
            bytes_max,
        }
    }

    pub(super) fn get(&self, key: RangeKey) -> Option<Arc<Vec<u8>>> {
        let mut guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *guard;
        let (used, bytes) = state.ranges.get_mut(&key)?;
        state.clock += 1;
        state.order.remove(used);
        *used = state.clock;
        state.order.insert(state.clock, key);
        Some(Arc::clone(bytes))
    }

    /// Keeps a verified range, if it is small enough to be worth it.
    pub(super) fn put(&self, key: RangeKey, bytes: &Arc<Vec<u8>>) {
        if bytes.len() as u64 > PACKED_BYTES_MAX || bytes.len() > self.bytes_max {
            return;
        }
        let mut guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *guard;
        if state.ranges.contains_key(&key) {
            return;
        }
        state.clock += 1;
        state.bytes += bytes.len();
        state.ranges.insert(key, (state.clock, Arc::clone(bytes)));
        state.order.insert(state.clock, key);
        while state.bytes > self.bytes_max
            && let Some((_, oldest)) = state.order.pop_first()
        {
            if let Some((_, dropped)) = state.ranges.remove(&oldest) {
                state.bytes -= dropped.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u128) -> RangeKey {
        (ObjectId(n), 0, 10)
    }

    #[test]
    fn what_was_read_last_stays_and_the_bytes_are_bounded() {
        let cache = RangeCache::new(30);
        let range = Arc::new(vec![1; 10]);
        for n in 0..3 {
            cache.put(key(n), &range);
        }
        assert!(cache.get(key(0)).is_some());
        cache.put(key(3), &range);
        assert!(cache.get(key(1)).is_none(), "the least recently used one goes");
        assert!(cache.get(key(0)).is_some());
        assert_eq!(cache.state.lock().unwrap().bytes, 30);
    }
}
