//! Newtypes of every number that names something. None implements `Display`: a raw print in a key would be a bug.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $raw:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
        pub struct $name(pub $raw);

        impl $name {
            /// The plain number.
            pub fn get(self) -> $raw {
                self.0
            }
        }
    };
}

id!(
    /// The number of an inode; never reused, the root of every timeline is [`Ino::ROOT`].
    Ino,
    u64
);
id!(
    /// A point in the order of commits: strictly increasing, with gaps. The only clock of the metadata.
    Version,
    u64
);
id!(
    /// A line of history: timeline 0 is the first, every fork and rollback makes another.
    TimelineId,
    u64
);
id!(
    /// The number under which bytes and inodes are counted together; 0 is the workspace itself.
    QuotaId,
    u64
);
id!(
    /// A client's session.
    SessionId,
    u64
);
id!(
    /// A staged publish that is not visible yet.
    UploadId,
    u64
);
id!(
    /// A block of object ids that was reserved in one commit.
    ReservationId,
    u64
);

impl Ino {
    /// The root directory of the first timeline.
    pub const ROOT: Ino = Ino(1);
}

impl Version {
    /// Before anything happened.
    pub const ZERO: Version = Version(0);
    /// Later than every version: reads the newest state.
    pub const HEAD: Version = Version(u64::MAX);
}

impl TimelineId {
    /// The timeline that every workspace starts with.
    pub const FIRST: TimelineId = TimelineId(0);
}

impl QuotaId {
    /// Counts everything in the workspace.
    pub const WORKSPACE: QuotaId = QuotaId(0);
}

/// An inode on a timeline: what a handle, a directory argument or an open file refers to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Node {
    /// The timeline that the reference was resolved on.
    pub timeline: TimelineId,
    /// The inode there.
    pub ino: Ino,
}

impl Node {
    /// The node `ino` on `timeline`.
    pub fn new(timeline: TimelineId, ino: Ino) -> Self {
        Self { timeline, ino }
    }
}

/// The 128-bit id of an immutable object: 64 bits that cannot be guessed, the reservation, the index in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub u128);

/// How many object ids one reservation holds.
pub const RESERVATION_OBJECTS: u16 = 1024;

impl ObjectId {
    /// The id at `index` of a reservation with this secret `seed`.
    pub fn derive(seed: &[u8; 16], reservation: ReservationId, index: u16) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(seed);
        hasher.update(&reservation.0.to_le_bytes());
        hasher.update(&index.to_le_bytes());
        let mut mac = [0; 8];
        mac.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        let secret = u128::from(u64::from_le_bytes(mac));
        Self(secret << 64 | u128::from(reservation.0 & 0xffff_ffff_ffff) << 16 | u128::from(index))
    }

    /// The reservation that the id came from.
    pub fn reservation(self) -> ReservationId {
        ReservationId((self.0 >> 16) as u64 & 0xffff_ffff_ffff)
    }

    /// The place in the reservation.
    pub fn index(self) -> u16 {
        self.0 as u16
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({:032x})", self.0)
    }
}
