//! Buffers that are used again, and by their number bound the memory of uploads.
//!
//! Fresh memory costs a page fault per 4 KiB, which for bodies is dearer than hashing them: buffers go round.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// A fixed number of buffers of one capacity.
#[derive(Debug)]
pub(crate) struct Buffers {
    state: Mutex<State>,
    returned: Condvar,
    capacity: usize,
}

#[derive(Debug)]
struct State {
    free: Vec<Vec<u8>>,
    /// Buffers that may still be allocated.
    unborn: usize,
}

impl Buffers {
    /// `count` buffers of `capacity` bytes, allocated when first needed.
    pub(crate) fn new(count: usize, capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                free: Vec::new(),
                unborn: count.max(1),
            }),
            returned: Condvar::new(),
            capacity,
        })
    }

    /// Takes an empty buffer; waits while all are in use.
    pub(crate) fn take(self: &Arc<Self>) -> Buffer {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = loop {
            if let Some(bytes) = state.free.pop() {
                break bytes;
            }
            if state.unborn > 0 {
                state.unborn -= 1;
                break Vec::with_capacity(self.capacity);
            }
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        Buffer {
            bytes,
            home: Arc::clone(self),
        }
    }
}

/// A buffer on loan; it goes back when dropped.
#[derive(Debug)]
pub(crate) struct Buffer {
    /// The content.
    pub(crate) bytes: Vec<u8>,
    home: Arc<Buffers>,
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        let mut state = self.home.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.free.push(bytes);
        self.home.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_comes_back_is_empty_and_keeps_its_memory() {
        let buffers = Buffers::new(1, 100);
        let mut first = buffers.take();
        first.bytes.extend_from_slice(&[7; 90]);
        let address = first.bytes.as_ptr();
        drop(first);
        let second = buffers.take();
        assert!(second.bytes.is_empty());
        assert_eq!(second.bytes.as_ptr(), address);
    }
}
