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
