//! Who may say what when, which version is spoken, and that secrets are not printed.

use crate::draw::Draw;
use crate::samples::{self, with_frame};
use nokv_protocol::limits::{
    ACTOR_BYTES_MAX, FRAME_BYTES_MIN, LABEL_BYTES_MAX, PROTOCOL_VERSIONS, TOKEN_BYTES_MAX,
};
use nokv_protocol::{
    Ask, Credential, Done, ErrorKind, Frame, FrameKind, Gate, Hello, Push, Secret, Welcome, client_takes,
    negotiate,
};
use nokv_types::Code;

fn hello() -> Hello {
    samples::hellos(&mut Draw::Ascending(0)).remove(0)
}

#[test]
fn the_newest_version_that_both_speak_is_spoken() {
    let spoken = |oldest, newest, ours: std::ops::RangeInclusive<u16>| {
        let hello = Hello {
            oldest,
            newest,
            ..hello()
        };
        negotiate(&hello, &ours).map_err(|refusal| refusal.code)
    };
    assert_eq!(spoken(1, 1, PROTOCOL_VERSIONS), Ok(1));
    assert_eq!(spoken(1, 9, 2..=4), Ok(4));
    assert_eq!(spoken(3, 9, 2..=4), Ok(4));
    assert_eq!(spoken(1, 2, 2..=4), Ok(2));
    assert_eq!(spoken(5, 9, 2..=4), Err(Code::NoCommonVersion));
    assert_eq!(spoken(1, 1, 2..=4), Err(Code::NoCommonVersion));
    assert_eq!(spoken(4, 3, 2..=4), Err(Code::NoCommonVersion), "an empty range");
}

#[test]
fn a_hello_of_a_later_version_is_read_by_its_first_fields() {
    let mut out = Vec::new();
    hello().encode(1, &mut out).unwrap();
    with_frame(&out, |frame| {
        let mut body = frame.body.to_vec();
        body.extend_from_slice(b"fields to come");
        let with = |version| Frame {
            version,
            body: &body,
            ..*frame
        };
        assert_eq!(Hello::decode(&with(2)), Ok(hello()));
        assert_eq!(
            Hello::decode(&with(1)).unwrap_err().kind,
            ErrorKind::Malformed,
            "in this version nothing follows"
        );
    });
}

#[test]
fn before_the_handshake_a_server_takes_hello_and_pings_only() {
    for kind in FrameKind::ALL {
        assert_eq!(
            Gate::Closed.takes(kind).is_ok(),
            kind.is_open_to_all(),
            "{kind:?}"
        );
    }
    let code = |gate: Gate, kind| gate.takes(kind).map_err(|refusal| refusal.code);
    assert_eq!(code(Gate::Closed, FrameKind::Call), Err(Code::Unauthenticated));
    assert_eq!(code(Gate::Open, FrameKind::Call), Ok(()));
    assert_eq!(
        code(Gate::Open, FrameKind::Hello),
        Err(Code::Malformed),
        "once only"
    );
}

#[test]
fn each_side_takes_only_what_the_other_may_say() {
    for kind in FrameKind::ALL {
        let server = Gate::Open.takes(kind).is_ok();
        let client = client_takes(kind, true).is_ok();
        let both = matches!(kind, FrameKind::Ping | FrameKind::Pong | FrameKind::Refused);
        let handshake = matches!(kind, FrameKind::Hello | FrameKind::Welcome);
        assert_eq!(server && client, both, "{kind:?}");
        assert_eq!(!server && !client, handshake, "{kind:?}");
    }
    assert!(client_takes(FrameKind::Welcome, false).is_ok());
    assert!(client_takes(FrameKind::Push, false).is_err());
}

#[test]
fn fields_of_a_hello_beyond_their_limits_are_neither_sent_nor_taken() {
    let text = |len| "x".repeat(len);
    let cases = [
        Hello {
            software: text(LABEL_BYTES_MAX + 1),
            ..hello()
        },
        Hello {
            node: text(LABEL_BYTES_MAX + 1),
            ..hello()
        },
        Hello {
            actor: vec![b'x'; ACTOR_BYTES_MAX + 1],
            ..hello()
        },
        Hello {
            credential: Credential::Bearer(Secret::new(text(TOKEN_BYTES_MAX + 1))),
            ..hello()
        },
        Hello {
            frame_max: FRAME_BYTES_MIN - 1,
            ..hello()
        },
    ];
    for hello in cases {
        let mut out = Vec::new();
        assert_eq!(hello.encode(1, &mut out).unwrap_err().kind, ErrorKind::TooLarge);
        assert!(out.is_empty());
    }
    // The last field, as a peer would that does not check.
    let mut out = Vec::new();
    hello().encode(1, &mut out).unwrap();
    with_frame(&out, |frame| {
        let (_, front) = frame
            .body
            .split_last_chunk::<3>()
            .map(|(front, last)| (last, front))
            .unwrap();
        let body = [front, &[1]].concat();
        let error = Hello::decode(&Frame {
            body: &body,
            ..*frame
        })
        .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Malformed);
    });
}

#[test]
fn secrets_are_never_printed() {
    let secret = || Secret::new("top-secret");
    let hello = Hello {
        credential: Credential::Bearer(secret()),
        ..hello()
    };
    let mut welcome: Welcome = samples::welcomes(&mut Draw::Ascending(0)).remove(0);
    welcome.session.as_mut().unwrap().renewal_key = Some(secret());
    let authenticate = Ask::Authenticate {
        credential: Credential::Bearer(secret()),
    };
    let mut signed = Vec::new();
    for (_, done) in samples::dones(&mut Draw::Ascending(0)) {
        if let Done::Signed(mut requests) = done {
            requests[0].url = "http://host/?X-Signature=top-secret".into();
            requests[0].headers = vec![("authorization".into(), "top-secret".into())];
            signed.push(requests);
        }
    }
    assert_eq!(signed.len(), 1);
    let printed = format!("{hello:?} {welcome:?} {authenticate:?} {signed:?}");
    assert!(!printed.contains("top-secret"), "{printed}");
    assert!(printed.contains("Secret(10 bytes)"));
}

#[test]
fn unknown_pushes_are_passed_over() {
    let decode = |body: &[u8]| {
        let frame = Frame {
            number: FrameKind::Push as u8,
            version: 1,
            id: 0,
            body,
        };
        Push::decode(&frame).map_err(|error| (error.kind, error.is_fatal()))
    };
    assert_eq!(decode(&[99, 0, 1]), Err((ErrorKind::Unknown, false)));
    for number in nokv_protocol::RESERVED_PUSHES {
        assert_eq!(decode(&[number as u8, 0, 1]), Err((ErrorKind::Unknown, false)));
    }
    assert_eq!(decode(&[4, 0, 2, 5]), Err((ErrorKind::TooNew, false)));
    assert_eq!(decode(&[4, 0, 0, 5]), Err((ErrorKind::Malformed, false)));
    assert_eq!(decode(&[4, 0, 1, 5]), Ok(Push::Draining { within_ms: 5 }));
    assert_eq!(decode(&[4]), Err((ErrorKind::Malformed, false)));
}
