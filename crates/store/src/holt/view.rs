//! Reading the published state beside the live one.

use super::blobs::{PublishedBlobs, engine_error};
use super::overlay::Overlay;
use super::{HoltStore, read};
use crate::frames::Held;
use crate::{Result, Rows, Scan, Visit};
use holt::Tree;
use std::sync::Arc;

/// The rows of one published state. While it lives the slots of that state are not used again, so keep it
/// no longer than it takes to stream it.
pub struct PublishedView {
    /// `None` when the state has no frames.
    tree: Option<Tree>,
    nothing: Overlay,
    state: Arc<Held>,
}

impl std::fmt::Debug for PublishedView {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("PublishedView")
            .field("epoch", &self.epoch())
            .finish_non_exhaustive()
    }
}

impl HoltStore {
    /// The last published state, through a small pool of its own: neither the live tree nor its memory is touched.
    ///
    /// # Errors
    /// `Corrupt` and `Io` when the root frame cannot be read.
    pub fn published_view(&self) -> Result<PublishedView> {
        let state = self.frames.published();
        let tree = if state.ids().is_empty() {
            None
        } else {
            let blobs = PublishedBlobs {
                frames: Arc::clone(&self.frames),
                state: Arc::clone(&state),
            };
            let opened = Tree::open_with_blob_store(self.settings.view_config(), Arc::new(blobs));
            Some(opened.map_err(|error| engine_error("open", "published view", error))?)
        };
        Ok(PublishedView {
            tree,
            nothing: Overlay::default(),
            state,
        })
    }
}

impl PublishedView {
    /// Number of the state.
    pub fn epoch(&self) -> u64 {
        self.state.epoch()
    }

    /// What the state covers.
    pub fn covered(&self) -> &[u8] {
        self.state.covered()
    }
}

impl Rows for PublishedView {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.tree
            .as_ref()
            .map_or(Ok(None), |tree| read::get(tree, &self.nothing, key))
    }

    fn scan(&self, range: Scan<'_>, visit: &mut dyn FnMut(&[u8], &[u8]) -> Visit) -> Result<()> {
        self.tree.as_ref().map_or(Ok(()), |tree| {
            read::scan(tree, &self.nothing, range, visit).map(drop)
        })
    }
}
