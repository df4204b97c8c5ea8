//! Values for messages: small ascending ones for the golden bytes, or drawn from a seed.

use nokv_protocol::{LeaseKind, LeaseKinds, LeaseObject, Secret};
use nokv_types::{
    AttrChange, Digest, Extent, FileKind, Ino, Name, NewInode, Node, NsPath, ObjectId, QuotaId, QuotaLimits,
    ReadPoint, Slice, Source, TimelineId, Version, View, XattrName,
};

/// Where values come from.
pub(crate) enum Draw {
    /// 1, 2, 3 and so on.
    Ascending(u64),
    /// Nothing but 0.
    Zero,
    /// SplitMix64.
    Random(u64),
}

impl Draw {
    /// Ascending values begin anew, so that a sample which is added does not change those of other groups.
    pub(crate) fn restart(&mut self) {
        if let Self::Ascending(last) = self {
            *last = 0;
        }
    }

    pub(crate) fn num(&mut self) -> u64 {
        match self {
            Self::Ascending(last) => {
                *last += 1;
                *last
            }
            Self::Zero => 0,
            Self::Random(state) => {
                *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
                let mut z = *state;
                z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                z ^= z >> 31;
                // Of every magnitude.
                z >> (z % 64)
            }
        }
    }

    /// Below `bound`; the first one when values ascend.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        match self {
            Self::Ascending(_) | Self::Zero => 0,
            Self::Random(_) => self.num().wrapping_mul(0x9E37_79B9_7F4A_7C15) % bound,
        }
    }

    pub(crate) fn u32(&mut self) -> u32 {
        self.num() as u32
    }

    /// Negative ones too.
    pub(crate) fn time(&mut self) -> i64 {
        let time = self.num() as i64;
        if self.flag() { time.wrapping_neg() } else { time }
    }

    pub(crate) fn flag(&mut self) -> bool {
        match self {
            Self::Ascending(_) | Self::Zero => true,
            Self::Random(_) => self.num() % 2 == 1,
        }
    }

    pub(crate) fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.flag() { Some(make(self)) } else { None }
    }

    pub(crate) fn list<T>(&mut self, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = match self {
            Self::Ascending(_) | Self::Zero => 1,
            Self::Random(_) => self.below(5),
        };
        (0..count).map(|_| make(self)).collect()
    }

    pub(crate) fn bytes(&mut self) -> Vec<u8> {
        match self {
            Self::Ascending(_) | Self::Zero => format!("b{}", self.num()).into_bytes(),
            Self::Random(_) => (0..self.below(300)).map(|_| self.num() as u8).collect(),
        }
    }

    pub(crate) fn text(&mut self) -> String {
        match self {
            Self::Ascending(_) | Self::Zero => format!("t{}", self.num()),
            Self::Random(_) => (0..self.below(60))
                .map(|_| char::from_u32(self.u32() % 0x3000).unwrap_or('x'))
                .collect(),
        }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.num() as u8)
    }

    pub(crate) fn secret(&mut self) -> Secret {
        Secret::new(self.bytes())
    }

    pub(crate) fn name(&mut self) -> Name {
        let mut bytes = self.bytes();
        bytes.retain(|byte| *byte != b'/' && *byte != 0);
        bytes.truncate(255);
        Name::new(&bytes).unwrap_or_else(|_| Name::new(b"n").unwrap())
    }

    pub(crate) fn xattr(&mut self) -> XattrName {
        XattrName::new(self.name().as_bytes()).unwrap()
    }

    pub(crate) fn path(&mut self) -> NsPath {
        let names = self.list(Self::name);
        names
            .into_iter()
            .fold(NsPath::default(), |path, name| path.join(name))
    }

    pub(crate) fn version(&mut self) -> Version {
        Version(self.num())
    }

    pub(crate) fn ino(&mut self) -> Ino {
        Ino(self.num())
    }

    pub(crate) fn node(&mut self) -> Node {
        Node::new(TimelineId(self.num()), self.ino())
    }

    pub(crate) fn point(&mut self) -> ReadPoint {
        ReadPoint {
            timeline: TimelineId(self.num()),
            version: self.version(),
        }
    }

    pub(crate) fn view(&mut self) -> View {
        View {
            point: self.point(),
            node: self.node(),
        }
    }

    pub(crate) fn object(&mut self) -> ObjectId {
        ObjectId(u128::from(self.num()) << 64 | u128::from(self.num()))
    }

    pub(crate) fn kind(&mut self) -> FileKind {
        FileKind::from_number(1 + self.below(7) as u8).unwrap()
    }

    pub(crate) fn attr(&mut self) -> nokv_types::Attr {
        nokv_types::Attr {
            kind: self.kind(),
            mode: self.u32(),
            uid: self.u32(),
            gid: self.u32(),
            rdev: self.num(),
            nlink: self.u32(),
            size: self.num(),
            allocated: self.num(),
            entries: self.num(),
            atime: self.time(),
            mtime: self.time(),
            ctime: self.time(),
            btime: self.time(),
            generation: self.version(),
            base: self.version(),
            quota: QuotaId(self.num()),
        }
    }

    pub(crate) fn inode(&mut self) -> NewInode {
        NewInode {
            mode: self.u32(),
            uid: self.u32(),
            gid: self.u32(),
        }
    }

    pub(crate) fn change(&mut self) -> AttrChange {
        AttrChange {
            mode: self.maybe(Self::u32),
            uid: self.maybe(Self::u32),
            gid: self.maybe(Self::u32),
            atime: self.maybe(Self::time),
            mtime: self.maybe(Self::time),
        }
    }

    pub(crate) fn limits(&mut self) -> QuotaLimits {
        QuotaLimits {
            bytes: self.maybe(Self::num),
            inodes: self.maybe(Self::num),
        }
    }

    /// Ascending and not overlapping: one inline, one in an object with each digest.
    pub(crate) fn extents(&mut self) -> Vec<Extent> {
        let digests = [Digest::Crc32c(self.u32()), Digest::Blake3(self.array())];
        let mut at = self.num() >> 3;
        let mut extents = vec![Extent {
            at,
            len: 3,
            source: Source::Inline(b"abc".to_vec()),
        }];
        for digest in digests {
            at = at + 3 + self.below(100);
            let slice = Slice {
                object: self.object(),
                stored_offset: self.num(),
                stored_len: self.u32(),
                digest,
                window_offset: self.u32(),
            };
            extents.push(Extent {
                at,
                len: 3,
                source: Source::Slice(slice),
            });
        }
        extents
    }

    pub(crate) fn lease(&mut self) -> LeaseObject {
        LeaseObject {
            kind: LeaseKind::ALL[self.below(5) as usize],
            node: self.node(),
            name: self.maybe(Self::name),
        }
    }

    pub(crate) fn kinds(&mut self) -> LeaseKinds {
        let first = LeaseKinds::NONE.with(LeaseKind::ALL[self.below(5) as usize]);
        if self.flag() {
            first.with(LeaseKind::Attribute)
        } else {
            first
        }
    }
}
