//! Answers as bytes: what the log's results and the exactly-once window keep, and what travels to the client.

use super::record::{
    put_attr, put_node, put_pin, put_refusal, put_root, take_attr, take_node, take_pin, take_refusal,
    take_root,
};
use super::{Take, put_varint};
use crate::{Answer, Outcome, Reply, ReservationId, SessionId, UploadId, Version};

/// Appends an encoded answer.
pub fn put_answer(out: &mut Vec<u8>, answer: &Answer) {
    match answer {
        Err(refusal) => {
            out.push(0);
            put_refusal(out, refusal);
        }
        Ok(reply) => put_reply(out, reply),
    }
}

/// Appends what a command did.
pub fn put_reply(out: &mut Vec<u8>, reply: &Reply) {
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

/// The answer in these bytes, all of them; `None` when malformed.
pub fn answer_from(bytes: &[u8]) -> Option<Answer> {
    let mut take = Take::new(bytes);
    let answer = match take.rest().first()? {
        0 => {
            take.u8()?;
            Err(take_refusal(&mut take)?)
        }
        _ => Ok(take_reply(&mut take)?),
    };
    take.finish().map(|()| answer)
}

/// Takes what a command did; `None` when malformed.
pub fn take_reply(take: &mut Take<'_>) -> Option<Reply> {
    let tag = take.u8()?;
    let version = Version(take.varint()?);
    let outcome = match tag {
        1 => Outcome::Done,
        2 => Outcome::Inode(take_node(take)?, take_attr(take)?),
        3 => Outcome::Removed(take_node(take)?),
        4 => Outcome::Pin(take_pin(take)?),
        5 => Outcome::Root(take_root(take)?),
        6 => Outcome::Upload(UploadId(take.varint()?)),
        7 => Outcome::Reserved(ReservationId(take.varint()?)),
        8 => Outcome::Session(SessionId(take.varint()?)),
        9 => Outcome::Opened {
            handle: take.varint()?,
            node: take_node(take)?,
            attr: take_attr(take)?,
        },
        10 => Outcome::Worked {
            done: take.varint()?,
            more: take.u8()? == 1,
        },
        _ => return None,
    };
    Some(Reply { version, outcome })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Attr, Code, FileKind, Ino, Node, PinInfo, QuotaId, ReadPoint, Refusal, RootInfo, RootKind, TimelineId,
    };

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
        put_answer(&mut out, &answer);
        assert_eq!(out, bytes);
        assert_eq!(answer_from(bytes), Some(answer));
        for len in 0..bytes.len() {
            assert_eq!(answer_from(&bytes[..len]), None, "cut to {len}");
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
        assert_eq!(answer_from(&[11, 1]), None);
        assert_eq!(answer_from(&[1, 1, 0]), None, "bytes are left over");
        assert_eq!(answer_from(&[0, 0xff, 0x7f, 0, 0]), None, "no such code");
    }
}
