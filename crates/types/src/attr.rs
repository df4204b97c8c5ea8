//! Attributes of inodes.

use crate::{QuotaId, Version};

/// What an inode is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum FileKind {
    /// A regular file.
    File = 1,
    /// A directory.
    Directory = 2,
    /// A symbolic link.
    Symlink = 3,
    /// A named pipe.
    Fifo = 4,
    /// A socket.
    Socket = 5,
    /// A character device.
    CharDevice = 6,
    /// A block device.
    BlockDevice = 7,
}

impl FileKind {
    /// The kind with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::File,
            2 => Self::Directory,
            3 => Self::Symlink,
            4 => Self::Fifo,
            5 => Self::Socket,
            6 => Self::CharDevice,
            7 => Self::BlockDevice,
            _ => return None,
        })
    }
}

/// The attributes of an inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attr {
    /// What it is.
    pub kind: FileKind,
    /// Permission bits with setuid, setgid and sticky: 0..=0o7777.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device number of a device, else 0.
    pub rdev: u64,
    /// Number of names; for directories 2 + subdirectories.
    pub nlink: u32,
    /// Length of the body (or of the symlink's target) in bytes; 0 for directories.
    pub size: u64,
    /// Bytes of the body that are data and not holes; what quotas count.
    pub allocated: u64,
    /// Entries of a directory, else 0.
    pub entries: u64,
    /// Last access, ns since 1970 (relatime).
    pub atime: i64,
    /// Last change of the body or the entries, ns since 1970.
    pub mtime: i64,
    /// Last change of the attributes, ns since 1970.
    pub ctime: i64,
    /// Creation, ns since 1970.
    pub btime: i64,
    /// Version of the last published body; 0 when there was none.
    pub generation: Version,
    /// Version of the last whole publish: body rows older than this do not count.
    pub base: Version,
    /// The quota root that the inode is charged to.
    pub quota: QuotaId,
}

/// Who and how, for a new inode; its times are those of the commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewInode {
    /// Permission bits: 0..=0o7777.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// Attribute changes; `None` leaves the field alone. A changed size is a command of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttrChange {
    /// New permission bits.
    pub mode: Option<u32>,
    /// New owner.
    pub uid: Option<u32>,
    /// New group.
    pub gid: Option<u32>,
    /// New access time.
    pub atime: Option<i64>,
    /// New modification time.
    pub mtime: Option<i64>,
}
