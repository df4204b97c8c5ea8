//! Names, paths, nodes, attributes, entries, pins, roots.

use super::{Element, Field, Input, field_enums, field_structs};
use nokv_types::codec as kept;
use nokv_types::codec::{put_bytes, put_signed, put_varint};
use nokv_types::{
    At, Attr, AttrChange, DirEntry, DirPage, FileKind, Found, Name, NewInode, NewKind, Node, NsPath, Origin,
    PinInfo, QuotaLimits, QuotaUsage, ReadPoint, Refusal, RenameMode, RootInfo, View, XattrMode, XattrName,
};

impl Field for Name {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.as_bytes());
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Self::new(input.bytes()?).ok()
    }
}

impl Field for XattrName {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.as_bytes());
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Self::new(input.bytes()?).ok()
    }
}

impl Element for XattrName {}

/// Each name behind a slash; the root itself is empty.
impl Field for NsPath {
    fn put(&self, out: &mut Vec<u8>) {
        let len: usize = self.names().iter().map(|name| 1 + name.as_bytes().len()).sum();
        put_varint(out, len as u64);
        for name in self.names() {
            out.push(b'/');
            out.extend_from_slice(name.as_bytes());
        }
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        let bytes = input.bytes()?;
        let names = bytes.split(|byte| *byte == b'/').skip(1).count();
        input.budget.elements = input.budget.elements.checked_sub(names)?;
        let path = Self::parse(bytes).ok()?;
        let len: usize = path.names().iter().map(|name| 1 + name.as_bytes().len()).sum();
        // Nothing was dropped, and so there was one slash before each name.
        (len == bytes.len() && (len == 0 || bytes[0] == b'/')).then_some(path)
    }
}

macro_rules! kept_elsewhere {
    ($($name:ident: $put:ident, $take:ident;)*) => {$(
        impl Field for $name {
            fn put(&self, out: &mut Vec<u8>) {
                kept::$put(out, kept_elsewhere!(@by $name self));
            }

            fn take(input: &mut Input<'_>) -> Option<Self> {
                kept::$take(input)
            }
        }
    )*};
    (@by Node $value:ident) => { *$value };
    (@by ReadPoint $value:ident) => { *$value };
    (@by $name:ident $value:ident) => { $value };
}

kept_elsewhere! {
    Node: put_node, take_node;
    ReadPoint: put_point, take_point;
    Attr: put_attr, take_attr;
    RootInfo: put_root, take_root;
    Refusal: put_refusal, take_refusal;
}

/// Its holders count as elements.
impl Field for PinInfo {
    fn put(&self, out: &mut Vec<u8>) {
        kept::put_pin(out, self);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        let pin = kept::take_pin(input)?;
        input.budget.elements = input.budget.elements.checked_sub(pin.holders.len())?;
        Some(pin)
    }
}

impl Element for PinInfo {}
impl Element for RootInfo {}

impl Field for FileKind {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Self::from_number(input.u8()?)
    }
}

/// A bit for each field that changes, then those fields.
impl Field for AttrChange {
    fn put(&self, out: &mut Vec<u8>) {
        let numbers = [self.mode, self.uid, self.gid];
        let times = [self.atime, self.mtime];
        let there = numbers
            .iter()
            .map(Option::is_some)
            .chain(times.iter().map(Option::is_some));
        let bits = there
            .enumerate()
            .fold(0, |bits, (at, set)| bits | u8::from(set) << at);
        out.push(bits);
        for number in numbers.into_iter().flatten() {
            put_varint(out, u64::from(number));
        }
        for time in times.into_iter().flatten() {
            put_signed(out, time);
        }
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        let bits = input.u8()?;
        if bits >= 1 << 5 {
            return None;
        }
        let set = |at: u32| bits & 1 << at != 0;
        Some(Self {
            mode: if set(0) { Some(input.field()?) } else { None },
            uid: if set(1) { Some(input.field()?) } else { None },
            gid: if set(2) { Some(input.field()?) } else { None },
            atime: if set(3) { Some(input.field()?) } else { None },
            mtime: if set(4) { Some(input.field()?) } else { None },
        })
    }
}

impl Element for DirEntry {}
impl Element for Found {}

field_structs! {
    NewInode { mode, uid, gid }
    DirEntry { name, node, kind, attr }
    DirPage { entries, more }
    Found { node, attr }
    View { point, node }
    QuotaLimits { bytes, inodes }
    QuotaUsage { quota, limits, bytes, inodes, counting }
}

field_enums! {
    NewKind {
        1 = File {},
        2 = Directory {},
        3 = Symlink { 0: target },
        4 = Special { 0: kind, 1: rdev },
    }
    RenameMode { 1 = Replace {}, 2 = NoReplace {}, 3 = Exchange {}, }
    XattrMode { 1 = Any {}, 2 = Create {}, 3 = Replace {}, }
    Origin {
        1 = Snapshot { 0: key },
        2 = Root { name: name, version: version },
    }
    At {
        1 = Head {},
        2 = Snapshot { 0: key },
        3 = Version { 0: version },
        4 = Time { 0: wall_ns },
    }
}
