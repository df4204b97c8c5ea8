//! Sizes and cadences of a store, with the reasons of the defaults.

use holt::TreeConfig;
use std::time::Duration;

/// How a store is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Frames of 512 KiB that the engine keeps in memory at most. Dirty frames stay beyond that until drained.
    pub pool_frames: usize,
    /// The same for one [`crate::PublishedView`].
    pub view_pool_frames: usize,
    /// How often dirty frames are written to shadow slots in the background.
    pub drain_interval: Duration,
    /// Read and check every published frame when the store is opened.
    pub verify_on_open: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // 1 GiB: two million files, warm.
            pool_frames: 2048,
            // 16 MiB: a view is streamed in key order, frame by frame.
            view_pool_frames: 32,
            drain_interval: Duration::from_millis(100),
            verify_on_open: true,
        }
    }
}

impl Settings {
    /// The engine's configuration for the live tree.
    pub(super) fn tree_config(&self) -> TreeConfig {
        let mut config = TreeConfig::memory();
        config.buffer_pool_size = self.pool_frames.max(1);
        config.memory_flush_on_write = false;
        config.checkpoint.enabled = true;
        config.checkpoint.idle_interval = self.drain_interval;
        // Drain by time only: beyond the threshold the engine drains without a pause, which costs a core
        // under random updates and clones the whole dirty set each time.
        config.checkpoint.dirty_blob_threshold = usize::MAX;
        // One epoch in flight: each holds a copy of every frame that it writes.
        config.checkpoint.io_queue_capacity = 1;
        config.checkpoint.auto_merge = false;
        config.checkpoint.auto_vacuum = false;
        config
    }

    /// The engine's configuration for a published view.
    pub(super) fn view_config(&self) -> TreeConfig {
        let mut config = TreeConfig::memory().read_only();
        config.buffer_pool_size = self.view_pool_frames.max(1);
        config
    }
}
