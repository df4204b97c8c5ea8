//! Leases: the right to keep an answer until it is revoked or the session's lease term ends.
//!
//! A grant stands beside an answer and says which kinds were granted, on the objects that the operation speaks of.
//! Grants of a session are numbered; a revocation names the objects and the last grant that it takes back. So a
//! client that receives an answer after the revocation that passed it on another connection knows that the
//! grant in it is void.

use crate::fields::{Element, Field, Input, field_enums, field_structs};
use nokv_types::{Name, Node};

/// What may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum LeaseKind {
    /// Which inode a name of a directory stands for.
    Entry = 1,
    /// The attributes of an inode, its link target and extended attributes.
    Attribute = 2,
    /// That names of a directory do not exist.
    Negative = 3,
    /// The body of a file, alone. Spoken by mounts.
    Data = 4,
    /// A directory subtree, answered locally. Taken and not spoken yet.
    Delegation = 5,
}

impl LeaseKind {
    /// Every kind.
    pub const ALL: [LeaseKind; 5] = [
        Self::Entry,
        Self::Attribute,
        Self::Negative,
        Self::Data,
        Self::Delegation,
    ];
}

/// A set of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct LeaseKinds(u8);

impl LeaseKinds {
    /// No kind.
    pub const NONE: LeaseKinds = LeaseKinds(0);

    /// The same and this one.
    #[must_use]
    pub fn with(self, kind: LeaseKind) -> Self {
        Self(self.0 | Self::bit(kind))
    }

    /// Whether it is among them.
    pub fn has(self, kind: LeaseKind) -> bool {
        self.0 & Self::bit(kind) != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    fn bit(kind: LeaseKind) -> u8 {
        1 << (kind as u8 - 1)
    }
}

/// What an answer may be kept by. An answer without one must not be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Number of the grant in its session, ascending.
    pub number: u64,
    /// What was granted; at least one kind.
    pub kinds: LeaseKinds,
}

/// What a lease is on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LeaseObject {
    /// What was granted.
    pub kind: LeaseKind,
    /// The inode; for entries and negative ones the directory.
    pub node: Node,
    /// For entries and negative ones: this name only; `None` = every name of the directory.
    pub name: Option<Name>,
}

impl Element for LeaseObject {}

impl Field for LeaseKinds {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(self.0);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        let all = (1 << LeaseKind::ALL.len()) - 1;
        let bits = input.u8()?;
        (bits != 0 && bits <= all).then_some(Self(bits))
    }
}

field_enums! {
    LeaseKind { 1 = Entry {}, 2 = Attribute {}, 3 = Negative {}, 4 = Data {}, 5 = Delegation {}, }
}

field_structs! {
    Grant { number, kinds }
    LeaseObject { kind, node, name }
}
