//! Attributes inside dentries and inodes: times as differences from the birth time, so that a new file takes few bytes.

use nokv_types::codec::{Take, put_signed, put_varint};
use nokv_types::{Attr, FileKind, QuotaId, Version};

pub(super) fn put(attr: &Attr, out: &mut Vec<u8>) {
    out.push(attr.kind as u8);
    put_varint(out, u64::from(attr.mode));
    put_varint(out, u64::from(attr.uid));
    put_varint(out, u64::from(attr.gid));
    put_varint(out, attr.rdev);
    put_varint(out, u64::from(attr.nlink));
    put_varint(out, attr.size);
    put_varint(out, attr.allocated);
    put_varint(out, attr.entries);
    put_signed(out, attr.btime);
    for time in [attr.mtime, attr.ctime, attr.atime] {
        put_signed(out, time.wrapping_sub(attr.btime));
    }
    put_varint(out, attr.generation.0);
    put_varint(out, attr.base.0);
    put_varint(out, attr.quota.0);
}

pub(super) fn take(take: &mut Take<'_>) -> Option<Attr> {
    let kind = FileKind::from_number(take.u8()?)?;
    let (mode, uid, gid) = (take.varint_u32()?, take.varint_u32()?, take.varint_u32()?);
    let rdev = take.varint()?;
    let nlink = take.varint_u32()?;
    let (size, allocated, entries) = (take.varint()?, take.varint()?, take.varint()?);
    let btime = take.signed()?;
    let mut time = || Some(btime.wrapping_add(take.signed()?));
    let (mtime, ctime, atime) = (time()?, time()?, time()?);
    let (generation, base) = (Version(take.varint()?), Version(take.varint()?));
    let quota = QuotaId(take.varint()?);
    Some(Attr {
        kind,
        mode,
        uid,
        gid,
        rdev,
        nlink,
        size,
        allocated,
        entries,
        atime,
        mtime,
        ctime,
        btime,
        generation,
        base,
        quota,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An attribute set in which every field has another value.
    pub(in crate::rows) fn sample() -> Attr {
        Attr {
            kind: FileKind::File,
            mode: 0o644,
            uid: 1,
            gid: 2,
            rdev: 3,
            nlink: 4,
            size: 5,
            allocated: 6,
            entries: 7,
            atime: 1003,
            mtime: 1001,
            ctime: 999,
            btime: 1000,
            generation: Version(8),
            base: Version(9),
            quota: QuotaId(10),
        }
    }

    /// How [`sample`] is written: the times after the birth time are differences from it.
    pub(in crate::rows) const SAMPLE: [u8; 18] =
        [1, 0xa4, 3, 1, 2, 3, 4, 5, 6, 7, 0xd0, 15, 2, 1, 6, 8, 9, 10];

    #[test]
    fn bytes_of_attributes_are_fixed() {
        let mut out = Vec::new();
        put(&sample(), &mut out);
        assert_eq!(out, SAMPLE);
        let mut reader = Take::new(&out);
        assert_eq!(take(&mut reader), Some(sample()));
        assert!(reader.is_empty());
        for len in 0..out.len() {
            assert_eq!(take(&mut Take::new(&out[..len])), None);
        }
    }

    #[test]
    fn times_of_any_distance_come_back() {
        let mut attr = sample();
        attr.btime = i64::MIN;
        attr.mtime = i64::MAX;
        attr.ctime = -1;
        let mut out = Vec::new();
        put(&attr, &mut out);
        assert_eq!(take(&mut Take::new(&out)), Some(attr));
    }
}
