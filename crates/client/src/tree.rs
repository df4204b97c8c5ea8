//! Paths and trees: following links, walking down, making a whole tree.
//!
//! Owns: what takes more than one question. Must not know: archives, local files, screens.

mod build;
mod resolve;
mod walk;

pub use build::{EntryMeta, Placed, TreeBuilder};
pub use walk::{Walk, WalkEntry};
