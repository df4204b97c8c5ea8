//! What a token may do, and which of it each operation needs. The table itself is in [`crate::OpKind`].

use crate::fields::field_enums;

/// The mode of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Reads.
    Ro,
    /// Reads, and changes everything within its subtree.
    Rw,
    /// Reads and adds: creates, uploads, publishes and appends; removes, renames and rewrites nothing.
    Publish,
    /// Everything, the operation of the service included.
    Admin,
    /// Renews the leases of one session and does nothing else: what a supervisor holds for the session's owner.
    Renewal,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Mode; 5] = [Self::Ro, Self::Rw, Self::Publish, Self::Admin, Self::Renewal];

    /// Whether a token of this mode may do what needs `need`.
    pub fn grants(self, need: Need) -> bool {
        match need {
            Need::Renewal => true,
            Need::Read => matches!(self, Self::Ro | Self::Rw | Self::Publish | Self::Admin),
            Need::Add => matches!(self, Self::Rw | Self::Publish | Self::Admin),
            Need::Write => matches!(self, Self::Rw | Self::Admin),
            Need::Admin => matches!(self, Self::Admin),
        }
    }
}

/// What an operation needs of the token; a later one implies those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// Any accepted credential.
    Renewal,
    /// Sees the namespace, or changes only what the session itself holds.
    Read,
    /// Adds to the namespace.
    Add,
    /// Changes or removes what is there.
    Write,
    /// Concerns the workspace as a whole.
    Admin,
}

impl Need {
    /// Every need.
    pub const ALL: [Need; 5] = [Self::Renewal, Self::Read, Self::Add, Self::Write, Self::Admin];
}

field_enums! {
    Mode { 1 = Ro {}, 2 = Rw {}, 3 = Publish {}, 4 = Admin {}, 5 = Renewal {}, }
}
