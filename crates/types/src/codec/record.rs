//! Nodes, attributes, pins, roots and refusals as bytes. Every `take` answers `None` when malformed.

use super::{Take, put_bytes, put_signed, put_varint};
use crate::{
    Attr, Code, FileKind, Ino, Node, PIN_HOLDERS_MAX, PinInfo, QuotaId, ReadPoint, Refusal, RootInfo,
    RootKind, TimelineId, Version,
};

/// Appends a refusal.
pub fn put_refusal(out: &mut Vec<u8>, refusal: &Refusal) {
    put_varint(out, refusal.code as u64);
    put_bytes(out, refusal.subject.as_bytes());
    put_bytes(out, refusal.detail.as_bytes());
}

/// Takes a refusal.
pub fn take_refusal(take: &mut Take<'_>) -> Option<Refusal> {
    let code = Code::from_number(u16::try_from(take.varint()?).ok()?)?;
    let mut text = || String::from_utf8(take.bytes()?.to_vec()).ok();
    Some(Refusal {
        code,
        subject: text()?,
        detail: text()?,
    })
}

/// Appends a node.
pub fn put_node(out: &mut Vec<u8>, node: Node) {
    put_varint(out, node.timeline.0);
    put_varint(out, node.ino.0);
}

/// Takes a node.
pub fn take_node(take: &mut Take<'_>) -> Option<Node> {
    Some(Node::new(TimelineId(take.varint()?), Ino(take.varint()?)))
}

/// Appends attributes.
pub fn put_attr(out: &mut Vec<u8>, attr: &Attr) {
    out.push(attr.kind as u8);
    for number in [attr.mode, attr.uid, attr.gid, attr.nlink] {
        put_varint(out, u64::from(number));
    }
    for number in [attr.rdev, attr.size, attr.allocated, attr.entries] {
        put_varint(out, number);
    }
    for time in [attr.atime, attr.mtime, attr.ctime, attr.btime] {
        put_signed(out, time);
    }
    for number in [attr.generation.0, attr.base.0, attr.quota.0] {
        put_varint(out, number);
    }
}

/// Takes attributes.
pub fn take_attr(take: &mut Take<'_>) -> Option<Attr> {
    Some(Attr {
        kind: FileKind::from_number(take.u8()?)?,
        mode: take.varint_u32()?,
        uid: take.varint_u32()?,
        gid: take.varint_u32()?,
        nlink: take.varint_u32()?,
        rdev: take.varint()?,
        size: take.varint()?,
        allocated: take.varint()?,
        entries: take.varint()?,
        atime: take.signed()?,
        mtime: take.signed()?,
        ctime: take.signed()?,
        btime: take.signed()?,
        generation: Version(take.varint()?),
        base: Version(take.varint()?),
        quota: QuotaId(take.varint()?),
    })
}

/// Appends a state to read.
pub fn put_point(out: &mut Vec<u8>, point: ReadPoint) {
    put_varint(out, point.timeline.0);
    put_varint(out, point.version.0);
}

/// Takes a state to read.
pub fn take_point(take: &mut Take<'_>) -> Option<ReadPoint> {
    Some(ReadPoint {
        timeline: TimelineId(take.varint()?),
        version: Version(take.varint()?),
    })
}

/// Appends a snapshot pin.
pub fn put_pin(out: &mut Vec<u8>, pin: &PinInfo) {
    put_bytes(out, &pin.key);
    put_point(out, pin.at);
    put_node(out, pin.node);
    put_varint(out, pin.holders.len() as u64);
    for holder in &pin.holders {
        put_bytes(out, holder);
    }
    put_varint(out, pin.expires_ns.map_or(0, |at| at.saturating_add(1)));
    put_signed(out, pin.created_wall_ns);
}

/// Takes a snapshot pin.
pub fn take_pin(take: &mut Take<'_>) -> Option<PinInfo> {
    let key = take.bytes()?.to_vec();
    let (at, node) = (take_point(take)?, take_node(take)?);
    let count = take.varint()?;
    if count > PIN_HOLDERS_MAX as u64 {
        return None;
    }
    let mut holders = Vec::new();
    for _ in 0..count {
        holders.push(take.bytes()?.to_vec());
    }
    let expires_ns = take.varint()?.checked_sub(1);
    Some(PinInfo {
        key,
        at,
        node,
        holders,
        expires_ns,
        created_wall_ns: take.signed()?,
    })
}

/// Appends a named root.
pub fn put_root(out: &mut Vec<u8>, root: &RootInfo) {
    put_bytes(out, &root.name);
    out.push(root.kind as u8);
    put_node(out, root.node);
    match root.parent {
        None => out.push(0),
        Some(point) => {
            out.push(1);
            put_point(out, point);
        }
    }
    put_varint(out, root.since.0);
}

/// Takes a named root.
pub fn take_root(take: &mut Take<'_>) -> Option<RootInfo> {
    let name = take.bytes()?.to_vec();
    let kind = match take.u8()? {
        1 => RootKind::Workspace,
        2 => RootKind::Volume,
        3 => RootKind::Fork,
        _ => return None,
    };
    let node = take_node(take)?;
    let parent = match take.u8()? {
        0 => None,
        1 => Some(take_point(take)?),
        _ => return None,
    };
    Some(RootInfo {
        name,
        kind,
        node,
        parent,
        since: Version(take.varint()?),
    })
}
