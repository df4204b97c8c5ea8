//! Answers as bytes: what the log's results and the exactly-once window keep.

use nokv_types::codec::{Take, put_bytes, put_signed, put_varint};
use nokv_types::{
    Answer, Attr, Code, FileKind, Ino, Node, Outcome, PinInfo, QuotaId, ReadPoint, Refusal, Reply,
    ReservationId, RootInfo, RootKind, SessionId, TimelineId, UploadId, Version,
};

/// Appends an encoded answer.
pub(crate) fn encode_into(out: &mut Vec<u8>, answer: &Answer) {
    match answer {
        Err(refusal) => {
            out.push(0);
            put_varint(out, refusal.code as u64);
            put_bytes(out, refusal.subject.as_bytes());
            put_bytes(out, refusal.detail.as_bytes());
        }
        Ok(reply) => put_reply(out, reply),
    }
}

fn put_reply(out: &mut Vec<u8>, reply: &Reply) {
    out.push(tag_of(&reply.outcome));
    put_varint(out, reply.version.0);
    match &reply.outcome {
        Outcome::Done => (),
        Outcome::Inode(node, attr) => {
            put_node(out, *node);
            put_attr(out, attr);
        }
        Outcome::Removed(node) => put_node(out, *node),
        Outcome::Pin(pin) => put_pin(out, pin),
        Outcome::Root(root) => put_root(out, root),
        Outcome::Upload(upload) => put_varint(out, upload.0),
        Outcome::Reserved(reservation) => put_varint(out, reservation.0),
        Outcome::Session(session) => put_varint(out, session.0),
        Outcome::Opened { handle, node, attr } => {
            put_varint(out, *handle);
            put_node(out, *node);
            put_attr(out, attr);
        }
        Outcome::Worked { done, more } => {
            put_varint(out, *done);
            out.push(u8::from(*more));
        }
    }
}

fn tag_of(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Done => 1,
        Outcome::Inode(..) => 2,
        Outcome::Removed(_) => 3,
        Outcome::Pin(_) => 4,
        Outcome::Root(_) => 5,
        Outcome::Upload(_) => 6,
        Outcome::Reserved(_) => 7,
        Outcome::Session(_) => 8,
        Outcome::Opened { .. } => 9,
        Outcome::Worked { .. } => 10,
    }
}

/// Decodes an answer; `None` when malformed.
pub(crate) fn decode(bytes: &[u8]) -> Option<Answer> {
    let mut take = Take::new(bytes);
    let tag = take.u8()?;
    if tag == 0 {
        let code = Code::from_number(u16::try_from(take.varint()?).ok()?)?;
        let mut text = || String::from_utf8(take.bytes()?.to_vec()).ok();
        let refusal = Refusal {
            code,
            subject: text()?,
            detail: text()?,
        };
        return take.finish().map(|()| Err(refusal));
    }
    let version = Version(take.varint()?);
    let outcome = match tag {
        1 => Outcome::Done,
        2 => Outcome::Inode(take_node(&mut take)?, take_attr(&mut take)?),
        3 => Outcome::Removed(take_node(&mut take)?),
        4 => Outcome::Pin(take_pin(&mut take)?),
        5 => Outcome::Root(take_root(&mut take)?),
        6 => Outcome::Upload(UploadId(take.varint()?)),
        7 => Outcome::Reserved(ReservationId(take.varint()?)),
        8 => Outcome::Session(SessionId(take.varint()?)),
        9 => Outcome::Opened {
            handle: take.varint()?,
            node: take_node(&mut take)?,
            attr: take_attr(&mut take)?,
        },
        10 => Outcome::Worked {
            done: take.varint()?,
            more: take.u8()? == 1,
        },
        _ => return None,
    };
    take.finish().map(|()| Ok(Reply { version, outcome }))
}

fn put_node(out: &mut Vec<u8>, node: Node) {
    put_varint(out, node.timeline.0);
    put_varint(out, node.ino.0);
}

fn take_node(take: &mut Take<'_>) -> Option<Node> {
    Some(Node::new(TimelineId(take.varint()?), Ino(take.varint()?)))
}

fn put_attr(out: &mut Vec<u8>, attr: &Attr) {
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

fn take_attr(take: &mut Take<'_>) -> Option<Attr> {
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

fn put_point(out: &mut Vec<u8>, point: ReadPoint) {
    put_varint(out, point.timeline.0);
    put_varint(out, point.version.0);
}

fn take_point(take: &mut Take<'_>) -> Option<ReadPoint> {
    Some(ReadPoint {
        timeline: TimelineId(take.varint()?),
        version: Version(take.varint()?),
    })
}

fn put_pin(out: &mut Vec<u8>, pin: &PinInfo) {
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

fn take_pin(take: &mut Take<'_>) -> Option<PinInfo> {
    let key = take.bytes()?.to_vec();
    let (at, node) = (take_point(take)?, take_node(take)?);
    let count = take.varint()?;
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

fn put_root(out: &mut Vec<u8>, root: &RootInfo) {
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

fn take_root(take: &mut Take<'_>) -> Option<RootInfo> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use nokv_types::{RootKind, Version};

    fn attr() -> Attr {
        Attr {
            kind: FileKind::Fifo,
            mode: 1,
            uid: 2,
            gid: 3,
            rdev: 4,
            nlink: 5,
            size: 6,
            allocated: 7,
            entries: 8,
            atime: 1,
            mtime: -1,
            ctime: 2,
            btime: -2,
            generation: Version(9),
            base: Version(10),
            quota: QuotaId(11),
        }
    }

    /// How [`attr`] is written.
    const ATTR: [u8; 16] = [4, 1, 2, 3, 5, 4, 6, 7, 8, 2, 1, 4, 3, 9, 10, 11];

    fn check(answer: impl Into<Kept>, bytes: &[u8]) {
        let Kept(answer) = answer.into();
        let mut out = Vec::new();
        encode_into(&mut out, &answer);
        assert_eq!(out, bytes);
        assert_eq!(decode(bytes), Some(answer));
        for len in 0..bytes.len() {
            assert_eq!(decode(&bytes[..len]), None, "cut to {len}");
        }
    }

    /// An answer to check.
    struct Kept(Answer);

    impl From<Reply> for Kept {
        fn from(reply: Reply) -> Self {
            Self(Ok(reply))
        }
    }

    impl From<Refusal> for Kept {
        fn from(refusal: Refusal) -> Self {
            Self(Err(refusal))
        }
    }

    fn reply(outcome: Outcome) -> Reply {
        let version = Version(300);
        Reply { version, outcome }
    }

    #[test]
    fn bytes_of_answers_are_fixed() {
        let node = Node::new(TimelineId(1), Ino(2));
        check(reply(Outcome::Done), &[1, 0xac, 2]);
        check(
            reply(Outcome::Inode(node, attr())),
            &[&[2, 0xac, 2, 1, 2][..], &ATTR].concat(),
        );
        check(reply(Outcome::Removed(node)), &[3, 0xac, 2, 1, 2]);
        check(reply(Outcome::Upload(UploadId(7))), &[6, 0xac, 2, 7]);
        check(reply(Outcome::Reserved(ReservationId(7))), &[7, 0xac, 2, 7]);
        check(reply(Outcome::Session(SessionId(7))), &[8, 0xac, 2, 7]);
        let opened = Outcome::Opened {
            handle: 7,
            node,
            attr: attr(),
        };
        check(reply(opened), &[&[9, 0xac, 2, 7, 1, 2][..], &ATTR].concat());
        check(
            reply(Outcome::Worked { done: 7, more: true }),
            &[10, 0xac, 2, 7, 1],
        );
        let refusal = Refusal::new(Code::NotFound, "a").detail("bc");
        check(refusal, &[0, 2, 1, b'a', 2, b'b', b'c']);
    }

    #[test]
    fn bytes_of_answers_about_pins_and_roots_are_fixed() {
        let node = Node::new(TimelineId(1), Ino(2));
        let at = ReadPoint {
            timeline: TimelineId(1),
            version: Version(5),
        };
        let pin = PinInfo {
            key: b"k".to_vec(),
            at,
            node,
            holders: vec![b"h".to_vec()],
            expires_ns: Some(6),
            created_wall_ns: -1,
        };
        check(
            reply(Outcome::Pin(pin)),
            &[4, 0xac, 2, 1, b'k', 1, 5, 1, 2, 1, 1, b'h', 7, 1],
        );
        let root = RootInfo {
            name: b"r".to_vec(),
            kind: RootKind::Fork,
            node,
            parent: Some(at),
            since: Version(9),
        };
        check(
            reply(Outcome::Root(root)),
            &[5, 0xac, 2, 1, b'r', 3, 1, 2, 1, 1, 5, 9],
        );
    }

    #[test]
    fn unknown_answers_are_not_guessed() {
        assert_eq!(decode(&[11, 1]), None);
        assert_eq!(decode(&[1, 1, 0]), None, "bytes are left over");
        assert_eq!(decode(&[0, 0xff, 0x7f, 0, 0]), None, "no such code");
    }
}
