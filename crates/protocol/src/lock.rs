//! Locks of programs on files (flock and fcntl), which hold across clients and end with the session.

use crate::fields::{field_enums, field_structs};
use nokv_types::{Node, SessionId};

/// What is asked of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LockKind {
    /// Others may share it.
    Shared,
    /// Nobody else.
    Exclusive,
    /// Give it back.
    Unlock,
}

/// Which of the two independent families of locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LockSpace {
    /// flock(2): whole files, owned by an open file description.
    Flock,
    /// fcntl(2): ranges, owned by a process.
    Posix,
}

/// A lock to take, to give back, or to ask about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LockRequest {
    /// The file.
    pub node: Node,
    /// What is asked.
    pub kind: LockKind,
    /// Of which family.
    pub space: LockSpace,
    /// Who owns it within the session: the kernel's lock owner.
    pub owner: u64,
    /// The process, for whoever asks who is in the way.
    pub pid: u32,
    /// First byte.
    pub from: u64,
    /// Last byte, included; `u64::MAX` = to the end.
    pub to: u64,
    /// Wait until it is free.
    pub wait: bool,
    /// It was held before the server started anew; granted before any new one.
    pub reclaim: bool,
}

/// A lock that is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LockHolder {
    /// How it is held.
    pub kind: LockKind,
    /// The session.
    pub session: SessionId,
    /// The process.
    pub pid: u32,
    /// First byte.
    pub from: u64,
    /// Last byte, included.
    pub to: u64,
}

field_enums! {
    LockKind { 1 = Shared {}, 2 = Exclusive {}, 3 = Unlock {}, }
    LockSpace { 1 = Flock {}, 2 = Posix {}, }
}

field_structs! {
    LockRequest { node, kind, space, owner, pid, from, to, wait, reclaim }
    LockHolder { kind, session, pid, from, to }
}
