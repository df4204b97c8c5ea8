//! Which state is read, and how firmly a change has to stand before it is answered.

use crate::{Attr, Node, ReadPoint, Version};

/// When a change is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ack {
    /// When the death of the process cannot undo it.
    Applied,
    /// When it survives what the workspace's durability mode promises.
    Durable,
}

/// Which state of a root to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// The newest one.
    Head,
    /// The one that the snapshot of this key holds.
    Snapshot(Vec<u8>),
    /// The one of this version, while it is kept.
    Version(Version),
    /// The one of this moment, wall time in ns since 1970, while it is kept.
    Time(i64),
}

/// A state of a subtree: the point to read at and the node to start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct View {
    /// Timeline and version; [`Version::HEAD`] follows what happens.
    pub point: ReadPoint,
    /// The directory (or file) that is the root of what is seen.
    pub node: Node,
}

impl View {
    /// The newest state of what lies below `node`.
    pub fn head_of(node: Node) -> Self {
        let point = ReadPoint {
            timeline: node.timeline,
            version: Version::HEAD,
        };
        Self { point, node }
    }

    /// Whether changes can be made here: only the newest state takes them.
    pub fn is_head(&self) -> bool {
        self.point.version == Version::HEAD
    }
}

/// An inode that was found, with its attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The inode, on the timeline that was read.
    pub node: Node,
    /// Its attributes.
    pub attr: Attr,
}
